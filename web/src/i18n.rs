//! Three languages through Fluent: which one to speak, and how to say a message in it.
//! It must not know pages, sessions or HTTP.

pub mod format;

use std::sync::LazyLock;

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use unic_langid::LanguageIdentifier;

#[derive(rust_embed::RustEmbed)]
#[folder = "locales"]
struct Locales;

/// A language of the pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Portuguese as spoken in Brazil.
    PtBr,
    /// Spanish.
    Es,
}

impl Lang {
    /// Every language, in the order offered.
    pub const ALL: [Lang; 3] = [Lang::En, Lang::PtBr, Lang::Es];

    /// Its BCP 47 tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Lang::En => "en",
            Lang::PtBr => "pt-BR",
            Lang::Es => "es",
        }
    }

    /// What its speakers call it.
    pub const fn own_name(self) -> &'static str {
        match self {
            Lang::En => "English",
            Lang::PtBr => "Português (Brasil)",
            Lang::Es => "Español",
        }
    }

    /// The language with this tag, or one of the same first part (`pt`, `es-MX`).
    pub fn from_tag(tag: &str) -> Option<Self> {
        match tag.split(['-', '_']).next()?.to_ascii_lowercase().as_str() {
            "en" => Some(Lang::En),
            "pt" => Some(Lang::PtBr),
            "es" => Some(Lang::Es),
            _ => None,
        }
    }

    /// The best for an `Accept-Language` header; English when nothing fits.
    pub fn negotiate(accept: &str) -> Self {
        let mut best = (0.0_f32, Lang::En);
        for part in accept.split(',').take(20) {
            let mut pieces = part.trim().split(';');
            let Some(lang) = pieces.next().and_then(Lang::from_tag) else { continue };
            let weight = pieces
                .find_map(|p| p.trim().strip_prefix("q="))
                .map_or(1.0, |q| q.parse::<f32>().unwrap_or(0.0));
            if weight > best.0 {
                best = (weight, lang);
            }
        }
        best.1
    }

    fn id(self) -> LanguageIdentifier {
        self.tag().parse().unwrap_or_default()
    }

    fn bundle(self) -> &'static FluentBundle<FluentResource> {
        match self {
            Lang::En => &BUNDLES[0],
            Lang::PtBr => &BUNDLES[1],
            Lang::Es => &BUNDLES[2],
        }
    }

    /// Whether there is such a message.
    pub fn has(self, key: &str) -> bool {
        self.bundle().has_message(key)
    }

    /// The message without arguments.
    pub fn get(self, key: &str) -> String {
        self.say(key, None)
    }

    /// The message with its arguments.
    pub fn with(self, key: &str, args: &[(&str, &dyn Arg)]) -> String {
        let args: FluentArgs<'_> = args.iter().map(|(name, value)| (*name, value.arg())).collect();
        self.say(key, Some(&args))
    }

    /// A missing message shows its key: ugly, harmless, and found by the tests that look for every key.
    fn say(self, key: &str, args: Option<&FluentArgs<'_>>) -> String {
        let bundle = self.bundle();
        let Some(pattern) = bundle.get_message(key).and_then(|m| m.value()) else {
            tracing::warn!(key, lang = self.tag(), "no such message");
            return key.to_owned();
        };
        let mut errors = Vec::new();
        let text = bundle.format_pattern(pattern, args, &mut errors).into_owned();
        if !errors.is_empty() {
            tracing::warn!(key, lang = self.tag(), ?errors, "a message cannot be filled in");
        }
        text
    }
}

/// A value that goes into a message.
pub trait Arg {
    /// As Fluent holds it.
    fn arg(&self) -> FluentValue<'_>;
}

impl Arg for str {
    fn arg(&self) -> FluentValue<'_> {
        FluentValue::from(self)
    }
}

impl Arg for String {
    fn arg(&self) -> FluentValue<'_> {
        FluentValue::from(self.as_str())
    }
}

impl<T: Arg + ?Sized> Arg for &T {
    fn arg(&self) -> FluentValue<'_> {
        (**self).arg()
    }
}

macro_rules! number_args {
    ($($kind:ty),*) => {$(
        impl Arg for $kind {
            fn arg(&self) -> FluentValue<'_> {
                FluentValue::from(*self)
            }
        }
    )*};
}
number_args!(u8, u16, u32, u64, usize, i32, i64);

static BUNDLES: LazyLock<[FluentBundle<FluentResource>; 3]> = LazyLock::new(|| Lang::ALL.map(load));

fn load(lang: Lang) -> FluentBundle<FluentResource> {
    let mut bundle = FluentBundle::new_concurrent(vec![lang.id()]);
    // No right-to-left language here, and the marks would end up in copied text.
    bundle.set_use_isolating(false);
    bundle.set_formatter(Some(match lang {
        Lang::En => |value, _| grouped(value, Lang::En),
        Lang::PtBr => |value, _| grouped(value, Lang::PtBr),
        Lang::Es => |value, _| grouped(value, Lang::Es),
    }));
    let folder = format!("{}/", lang.tag());
    for name in Locales::iter().filter(|name| name.starts_with(&folder)) {
        let Some(file) = Locales::get(&name) else { continue };
        let text = String::from_utf8_lossy(&file.data).into_owned();
        let resource = FluentResource::try_new(text).unwrap_or_else(|(resource, errors)| {
            tracing::error!(file = %name, ?errors, "a message file has mistakes");
            resource
        });
        if let Err(errors) = bundle.add_resource(resource) {
            tracing::error!(file = %name, ?errors, "a message stands twice");
        }
    }
    bundle
}

fn grouped(value: &FluentValue<'_>, lang: Lang) -> Option<String> {
    match value {
        FluentValue::Number(n) if n.value.fract() == 0.0 && n.value >= 0.0 && n.value < 1e15 => {
            // Exact: whole and below 2^53.
            Some(format::number(lang, n.value as u64))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_is_heard() {
        assert_eq!(Lang::negotiate("fr, es-MX;q=0.8, en;q=0.7"), Lang::Es);
        assert_eq!(Lang::negotiate("pt;q=0.9, en"), Lang::En);
        assert_eq!(Lang::negotiate("de"), Lang::En);
        assert_eq!(Lang::negotiate("pt"), Lang::PtBr);
    }

    #[test]
    fn plurals_and_numbers_follow_the_language() {
        assert_eq!(Lang::En.with("span-hours", &[("n", &1_u64)]), "1 hour");
        assert_eq!(Lang::Es.with("span-hours", &[("n", &3_u64)]), "3 horas");
        assert_eq!(Lang::PtBr.with("nav-block", &[("n", &918_204_u64)]), "bloco 918.204");
    }
}
