//! Printing: aligned text for people, one JSON document for programs. Never both.

use std::io::Write;

use flashnode_core::{node::health::Health, types::Timestamp};
use serde::Serialize;

use super::exit::Failure;

/// How answers are printed.
#[derive(Clone, Copy, Debug)]
pub struct Out {
    /// JSON instead of text.
    pub json: bool,
}

impl Out {
    /// The view as JSON, or as the text that `text` makes of it.
    pub fn show<T: Serialize>(&self, view: &T, text: impl FnOnce(&T) -> String) -> Result<(), Failure> {
        let printed = if self.json { serde_json::to_string_pretty(view)? } else { text(view) };
        self.raw(printed.trim_end())
    }

    /// A sentence, or `{"done": true}`.
    pub fn done(&self, sentence: &str) -> Result<(), Failure> {
        self.show(&serde_json::json!({ "done": true }), |_| sentence.to_owned())
    }

    /// One line, or several, as they are.
    pub fn raw(&self, text: &str) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{text}")?;
        out.flush()?;
        Ok(())
    }

    /// A remark that is no part of the answer: to stderr, and not at all with `--json`.
    pub fn remark(&self, sentence: &str) {
        if !self.json {
            eprintln!("{sentence}");
        }
    }
}

/// Rows as columns, two spaces apart, no trailing spaces.
pub fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A state as a shape and words: never colour alone.
pub fn health(health: &Health, wanted: bool) -> String {
    match health {
        _ if !wanted => "■ off".to_owned(),
        Health::Waiting => "○ waiting".to_owned(),
        Health::Starting => "◌ starting".to_owned(),
        Health::Loading { basis_points } => {
            format!("◐ loading {}.{:02} %", basis_points / 100, basis_points % 100)
        }
        Health::Good => "● good".to_owned(),
        Health::Bad { .. } => "▲ bad".to_owned(),
    }
}

/// Seconds in words: `40 s`, `12 min`, `3 h 5 min`, `2 days`.
pub fn span(seconds: u64) -> String {
    match seconds {
        0..=99 => format!("{seconds} s"),
        100..=5_999 => format!("{} min", seconds / 60),
        6_000..=172_799 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A moment, or `-`.
pub fn moment(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "-".to_owned(), Timestamp::rfc3339)
}

/// Names in a row, or `nothing`.
pub fn list<T: ToString>(names: &[T]) -> String {
    if names.is_empty() {
        return "nothing".to_owned();
    }
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_by_characters_and_not_bytes() {
        let rows = [["●".to_owned(), "a".to_owned()], ["ab".to_owned(), "b".to_owned()]];
        assert_eq!(columns(&rows), "●   a\nab  b");
    }

    #[test]
    fn spans_read_well() {
        assert_eq!(
            [span(7), span(600), span(11_100), span(400_000)],
            ["7 s", "10 min", "3 h 5 min", "4 days"]
        );
    }

    #[test]
    fn loading_has_its_percent() {
        assert_eq!(health(&Health::Loading { basis_points: 4305 }, true), "◐ loading 43.05 %");
    }
}
