//! One line of a service's output, made safe to keep and to show: shared by both runtimes.
//!
//! A service may write anything: escape codes that repaint a terminal, a line of 10 MB, bytes that are no text.
//! What comes out is plain text of at most [`LOG_LINE_MAX`] bytes a line. Markup is left alone: pages escape it.
//! Knows nothing of where the bytes come from or where the lines go.

use flashnode_core::ports::runtime::LOG_LINE_MAX;

/// What stands at the end of a line that was cut.
pub const CUT_MARK: &str = " … [cut]";

/// Where the cutter stands inside an ANSI escape sequence (ECMA-48, section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Text,
    /// After ESC.
    Escape,
    /// Inside `ESC [ … letter`.
    Control,
    /// Inside `ESC ] … BEL`, and the other strings that end with BEL or `ESC \`.
    Command,
    /// After an ESC inside such a string.
    CommandEscape,
}

/// Cuts a stream of bytes into safe lines. It holds at most one line of [`LOG_LINE_MAX`] bytes, whatever comes.
#[derive(Debug)]
pub struct LineCutter {
    place: Place,
    line: Vec<u8>,
    cut: bool,
    begun: bool,
}

impl Default for LineCutter {
    fn default() -> Self {
        Self { place: Place::Text, line: Vec::new(), cut: false, begun: false }
    }
}

impl LineCutter {
    /// Takes bytes as they come and hands every finished line to `emit`, without its line end.
    pub fn push(&mut self, bytes: &[u8], mut emit: impl FnMut(String)) {
        for &byte in bytes {
            if byte == b'\n' {
                emit(self.take());
            } else {
                self.begun = true;
                self.take_byte(byte);
            }
        }
    }

    /// The last line, when the stream ended without a line end.
    pub fn finish(&mut self) -> Option<String> {
        self.begun.then(|| self.take())
    }

    fn take_byte(&mut self, byte: u8) {
        self.place = match (self.place, byte) {
            (Place::Text, 0x1b) => Place::Escape,
            (Place::Text, _) => {
                self.keep(byte);
                Place::Text
            }
            (Place::Escape, b'[') => Place::Control,
            (Place::Escape, b']' | b'P' | b'X' | b'^' | b'_') => Place::Command,
            // Intermediate bytes: the sequence goes on until its final byte.
            (Place::Escape, 0x20..=0x2f | 0x1b) => Place::Escape,
            (Place::Control, 0x20..=0x3f) => Place::Control,
            (Place::Command, 0x07) | (Place::CommandEscape, b'\\') => Place::Text,
            (Place::Command | Place::CommandEscape, 0x1b) => Place::CommandEscape,
            (Place::Command | Place::CommandEscape, _) => Place::Command,
            (Place::Escape | Place::Control, _) => Place::Text,
        };
    }

    fn keep(&mut self, byte: u8) {
        if byte != b'\t' && (byte < 0x20 || byte == 0x7f) {
            return;
        }
        if self.line.len() < LOG_LINE_MAX {
            self.line.push(byte);
        } else {
            self.cut = true;
        }
    }

    fn take(&mut self) -> String {
        let bytes = std::mem::take(&mut self.line);
        let cut = std::mem::take(&mut self.cut);
        self.place = Place::Text;
        self.begun = false;
        let text: String = String::from_utf8_lossy(&bytes).chars().filter(|c| is_shown(*c)).collect();
        shorten(text, cut)
    }
}

/// Control characters say how to draw, not what to read; the bidirectional ones can make a line read as another.
fn is_shown(c: char) -> bool {
    c == '\t'
        || !(c.is_control()
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}'))
}

/// Replacement characters can make a text longer than its bytes were: so the length is checked at the end.
fn shorten(mut text: String, cut: bool) -> String {
    if cut || text.len() > LOG_LINE_MAX {
        text.truncate(text.floor_char_boundary(LOG_LINE_MAX - CUT_MARK.len()));
        text.push_str(CUT_MARK);
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(chunks: &[&[u8]]) -> Vec<String> {
        let mut cutter = LineCutter::default();
        let mut out = Vec::new();
        for chunk in chunks {
            cutter.push(chunk, |line| out.push(line));
        }
        out.extend(cutter.finish());
        out
    }

    #[test]
    fn escape_codes_go_and_markup_stays() {
        let cases: [(&[u8], &str); 8] = [
            (b"\x1b[1;31mred\x1b[0m text", "red text"),
            (b"\x1b]0;title\x07after", "after"),
            (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
            (b"\x1b(Bplain", "plain"),
            (b"a\tb\r\x08\x00c", "a\tbc"),
            (b"<b onload=x>&amp;</b>", "<b onload=x>&amp;</b>"),
            ("caf\u{e9} \u{9b}31m \u{202e}x".as_bytes(), "caf\u{e9} 31m x"),
            (b"bad \xff byte", "bad \u{fffd} byte"),
        ];
        for (bytes, text) in cases {
            assert_eq!(lines(&[bytes]), [text]);
        }
    }

    #[test]
    fn a_sequence_that_never_ends_does_not_swallow_the_next_line() {
        assert_eq!(lines(&[b"\x1b]0;never\nnext\n"]), ["", "next"]);
    }

    #[test]
    fn a_line_of_ten_megabytes_is_cut_and_never_held() {
        let mut cutter = LineCutter::default();
        let mut out = Vec::new();
        for _ in 0..160 {
            cutter.push(&[b'x'; 64 * 1024], |line| out.push(line));
            assert!(cutter.line.capacity() <= 2 * LOG_LINE_MAX);
        }
        cutter.push(b"\nshort\n", |line| out.push(line));
        assert_eq!(out.len(), 2);
        assert_eq!(out[0].len(), LOG_LINE_MAX);
        assert!(out[0].ends_with(CUT_MARK));
        assert_eq!(out[1], "short");
    }

    proptest! {
        #[test]
        fn never_too_long_and_never_a_control_character(
            chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..20_000), 0..6)
        ) {
            let chunks: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
            for line in lines(&chunks) {
                prop_assert!(line.len() <= LOG_LINE_MAX);
                prop_assert!(line.chars().all(|c| c == '\t' || !c.is_control()));
            }
        }

        #[test]
        fn how_the_bytes_are_chunked_does_not_matter(
            bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(0x1b), Just(b'['), Just(b'\n')], 0..400),
            at in 0usize..400
        ) {
            let at = at.min(bytes.len());
            prop_assert_eq!(lines(&[&bytes]), lines(&[&bytes[..at], &bytes[at..]]));
        }

        #[test]
        fn plain_text_passes_unchanged(text in "[ -~\t]{0,300}") {
            let bytes = format!("{text}\n");
            prop_assert_eq!(lines(&[bytes.as_bytes()]), vec![text]);
        }
    }
}
