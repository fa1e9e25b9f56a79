//! Numbers, sizes, spans and dates as the three languages write them. Pure.

use flashnode_core::types::Timestamp;

use super::Lang;

/// Groups by thousands. Spanish leaves four digits together, as its academy asks.
pub fn number(lang: Lang, n: u64) -> String {
    let digits = n.to_string();
    if lang == Lang::Es && digits.len() <= 4 {
        return digits;
    }
    let mark = if lang == Lang::En { ',' } else { '.' };
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(mark);
        }
        out.push(digit);
    }
    out
}

fn point(lang: Lang) -> char {
    if lang == Lang::En { '.' } else { ',' }
}

/// `97.3 %` from hundredths of a percent, rounded down so that 100 % is only said when it is true.
pub fn percent(lang: Lang, basis_points: u16) -> String {
    let tenths = basis_points.min(10_000) / 10;
    match (tenths / 10, tenths % 10) {
        (whole, 0) => format!("{whole}\u{a0}%"),
        (whole, tenth) => format!("{whole}{}{tenth}\u{a0}%", point(lang)),
    }
}

/// `212 MB`, `1.5 GB`: powers of 1024, one decimal below ten.
pub fn bytes(lang: Lang, n: u64) -> String {
    let (mut unit, mut size) = ("B", n.saturating_mul(10));
    for next in ["kB", "MB", "GB", "TB"] {
        if size < 10_240 {
            break;
        }
        (unit, size) = (next, size / 1024);
    }
    match (size / 10, size % 10) {
        (whole, tenth) if whole < 10 && tenth > 0 => format!("{whole}{}{tenth}\u{a0}{unit}", point(lang)),
        (whole, _) => format!("{}\u{a0}{unit}", number(lang, whole)),
    }
}

/// A span in its largest fitting unit, rounded up: what is left is never promised too short.
pub fn span(lang: Lang, seconds: u64) -> String {
    let (key, n) = match seconds {
        0..=89 => ("span-seconds", seconds),
        90..=5399 => ("span-minutes", seconds.div_ceil(60)),
        5400..=129_599 => ("span-hours", seconds.div_ceil(3600)),
        _ => ("span-days", seconds.div_ceil(86_400)),
    };
    lang.with(key, &[("n", &n)])
}

/// How long ago, rounded down: a credential of 29 hours is one day old.
pub fn ago(lang: Lang, now: Timestamp, then: Timestamp) -> String {
    let seconds = now.since(then).as_secs();
    let (key, n) = match seconds {
        0..=4 => return lang.get("ago-now"),
        5..=89 => ("span-seconds", seconds),
        90..=5399 => ("span-minutes", seconds / 60),
        5400..=129_599 => ("span-hours", seconds / 3600),
        _ => ("span-days", seconds / 86_400),
    };
    lang.with("ago", &[("span", &lang.with(key, &[("n", &n)]))])
}

/// `22 Nov 2026, 12:43 UTC`; a script of ours turns it into the reader's own time zone.
pub fn moment(lang: Lang, at: Timestamp) -> String {
    let Ok(time) = jiff::Timestamp::from_millisecond(at.0) else { return String::new() };
    let zoned = time.to_zoned(jiff::tz::TimeZone::UTC);
    let month = lang.get(&format!("month-{}", zoned.month()));
    lang.with(
        "moment",
        &[
            ("day", &zoned.day().to_string()),
            ("month", &month),
            ("year", &zoned.year().to_string()),
            ("time", &format!("{:02}:{:02}", zoned.hour(), zoned.minute())),
        ],
    )
}

/// `12:04:10`, for a log line.
pub fn clock(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).map(|t| t.strftime("%H:%M:%S").to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_as_the_language_does() {
        assert_eq!(number(Lang::En, 918_204), "918,204");
        assert_eq!(number(Lang::Es, 2418), "2418");
        assert_eq!(number(Lang::PtBr, 2_418_350), "2.418.350");
    }

    #[test]
    fn a_percent_is_never_rounded_up() {
        assert_eq!(percent(Lang::En, 9_999), "99.9\u{a0}%");
        assert_eq!(percent(Lang::Es, 9_730), "97,3\u{a0}%");
        assert_eq!(percent(Lang::Es, 10_000), "100\u{a0}%");
    }

    #[test]
    fn sizes_and_spans() {
        assert_eq!(bytes(Lang::En, 222_298_112), "212\u{a0}MB");
        assert_eq!(bytes(Lang::PtBr, 1_610_612_736), "1,5\u{a0}GB");
        assert_eq!(span(Lang::En, 10_000), "3 hours");
        assert_eq!(ago(Lang::En, Timestamp(100_000_000), Timestamp(0)), "27 hours ago");
        assert_eq!(moment(Lang::En, Timestamp(1_795_351_380_000)), "22 Nov 2026, 12:43 UTC");
    }
}
