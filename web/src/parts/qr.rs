//! QR codes as SVG, quiet zone included.

use fast_qr::{
    QRBuilder,
    convert::{Builder as _, Shape, svg::SvgBuilder},
};

/// The SVG of a text; empty when the text is too long for any code, and then the text below it is what is left.
pub fn svg(text: &str) -> String {
    match QRBuilder::new(text).build() {
        Ok(code) => SvgBuilder::default().margin(4).shape(Shape::Square).to_str(&code),
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_code_has_no_style_and_no_script() {
        let svg = super::svg("otpauth://totp/x?secret=ABC");
        assert!(svg.starts_with("<svg"), "{svg}");
        assert!(!svg.contains("style=") && !svg.contains("<script"), "the CSP would refuse it");
    }
}
