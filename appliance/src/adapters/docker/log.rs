//! A container's log, read from the engine.
//!
//! The engine finds lines by time only, and to the second. So a cursor is `NANOSECONDS:COUNT`: the time of the last
//! line that was handed out, and how many lines of just that time were.

use std::time::Duration;

use bollard::{
    container::LogOutput,
    errors::Error,
    query_parameters::{InspectContainerOptions, LogsOptions},
};
use flashnode_core::{
    ports::{
        PortResult,
        runtime::{LogFrom, LogLine, LogPage},
    },
    types::Timestamp,
};
use futures::StreamExt;
use tokio::time::timeout;

use super::engine::{Engine, is_absent};
use crate::adapters::logline::LineCutter;

/// How long the engine may take for the next piece.
const NEXT_WITHIN: Duration = Duration::from_secs(30);

/// A place in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Cursor {
    /// Time of the last line, nanoseconds since 1970.
    at: i128,
    /// How many lines of that time are behind us.
    count: usize,
}

impl Cursor {
    fn parse(text: &str) -> Self {
        let parsed =
            text.split_once(':').and_then(|(at, count)| Some((at.parse().ok()?, count.parse().ok()?)));
        parsed.map_or_else(Self::default, |(at, count)| Self { at, count })
    }

    fn step(&mut self, at: i128) {
        *self = Self { at, count: if at == self.at { self.count + 1 } else { 1 } };
    }
}

/// At most `limit` lines of the container's log.
pub(super) async fn read(
    engine: &Engine,
    container: &str,
    from: &LogFrom,
    limit: usize,
) -> PortResult<LogPage> {
    let (tail, start) = match from {
        LogFrom::Tail => (limit.to_string(), Cursor::default()),
        LogFrom::Cursor(cursor) => ("all".to_owned(), Cursor::parse(cursor)),
    };
    let since = i32::try_from(start.at / 1_000_000_000).unwrap_or(i32::MAX);
    let options =
        LogsOptions { stdout: true, stderr: true, timestamps: true, since, tail, ..Default::default() };
    let docker = engine.client().await?;
    let mut output = docker.logs(container, Some(options));
    let mut reader = Reader::new(start, limit);
    while !reader.is_full() {
        match timeout(NEXT_WITHIN, output.next()).await {
            Ok(Some(Ok(piece))) => reader.take(&piece),
            Ok(None) => {
                if reader.has_unfinished() && !is_running(engine, container).await? {
                    reader.finish();
                }
                break;
            }
            // The container went, or never was: then there is nothing to read.
            Ok(Some(Err(Error::DockerResponseServerError { status_code: 404 | 409, .. }))) => break,
            Ok(Some(Err(error))) => return Err(engine.understand(error)),
            Err(_) => return Err(engine.understand(Error::RequestTimeoutError)),
        }
    }
    Ok(reader.page())
}

/// A line without an end is finished only by the end of the container.
async fn is_running(engine: &Engine, container: &str) -> PortResult<bool> {
    let found = engine
        .call(NEXT_WITHIN, async |docker| {
            is_absent(docker.inspect_container(container, None::<InspectContainerOptions>).await)
        })
        .await?;
    Ok(found.and_then(|found| found.state?.running).unwrap_or(false))
}

/// Puts lines together: the engine hands a long one out in pieces of 16 KiB, each with the time of the first.
struct Reader {
    /// Lines up to here were handed out before.
    start: Cursor,
    /// How many lines of the start's own time have come by.
    seen: usize,
    next: Cursor,
    limit: usize,
    lines: Vec<LogLine>,
    /// For standard output and standard error.
    cutters: [LineCutter; 2],
    /// The time of a line whose end has not come yet.
    unfinished: [Option<jiff::Timestamp>; 2],
}

impl Reader {
    fn new(start: Cursor, limit: usize) -> Self {
        let (cutters, unfinished) = Default::default();
        Self { start, seen: 0, next: start, limit, lines: Vec::new(), cutters, unfinished }
    }

    fn is_full(&self) -> bool {
        self.lines.len() >= self.limit
    }

    fn take(&mut self, piece: &LogOutput) {
        let source = usize::from(matches!(piece, LogOutput::StdErr { .. }));
        let bytes = piece.as_ref();
        let (stamp, text) = bytes.split_at(bytes.iter().position(|b| *b == b' ').map_or(0, |at| at + 1));
        let at = std::str::from_utf8(stamp)
            .ok()
            .and_then(|stamp| stamp.trim_end().parse::<jiff::Timestamp>().ok());
        let Some(at) = at else { return };
        let mut whole = Vec::new();
        self.cutters[source].push(text, |line| whole.push(line));
        for text in whole {
            self.line(at, text);
        }
        self.unfinished[source] = (!text.ends_with(b"\n")).then_some(at);
    }

    fn has_unfinished(&self) -> bool {
        self.unfinished.iter().any(Option::is_some)
    }

    fn finish(&mut self) {
        for source in 0..self.cutters.len() {
            let rest = self.unfinished[source].take().zip(self.cutters[source].finish());
            if let Some((at, text)) = rest {
                self.line(at, text);
            }
        }
    }

    fn line(&mut self, at: jiff::Timestamp, text: String) {
        let nanoseconds = at.as_nanosecond();
        if nanoseconds == self.start.at {
            self.seen += 1;
        }
        let old =
            nanoseconds < self.start.at || (nanoseconds == self.start.at && self.seen <= self.start.count);
        if !old && !self.is_full() {
            self.next.step(nanoseconds);
            self.lines.push(LogLine { at: Timestamp(at.as_millisecond()), text });
        }
    }

    fn page(self) -> LogPage {
        LogPage { lines: self.lines, next: format!("{}:{}", self.next.at, self.next.count) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(text: &str) -> LogOutput {
        LogOutput::StdOut { message: text.to_owned().into() }
    }

    const PIECES: [&str; 4] = [
        "2026-11-22T12:00:00.000000001Z one\n",
        "2026-11-22T12:00:00.000000001Z two\n",
        "2026-11-22T12:00:00.000000001Z three\n",
        "2026-11-22T12:00:00.000000002Z four\n",
    ];

    fn read_from(cursor: Cursor, limit: usize) -> (Vec<String>, Cursor) {
        let mut reader = Reader::new(cursor, limit);
        for text in PIECES {
            reader.take(&piece(text));
        }
        let page = reader.page();
        (page.lines.into_iter().map(|line| line.text).collect(), Cursor::parse(&page.next))
    }

    #[test]
    fn lines_of_the_same_nanosecond_are_neither_lost_nor_repeated() {
        let (lines, cursor) = read_from(Cursor::default(), 2);
        assert_eq!(lines, ["one", "two"]);
        let (lines, cursor) = read_from(cursor, 1);
        assert_eq!(lines, ["three"]);
        let (lines, cursor) = read_from(cursor, 9);
        assert_eq!(lines, ["four"]);
        assert_eq!(read_from(cursor, 9), (vec![], cursor));
    }

    #[test]
    fn a_line_in_pieces_is_one_line() {
        let mut reader = Reader::new(Cursor::default(), 9);
        for text in ["2026-11-22T12:00:00.000000001Z ab", "2026-11-22T12:00:00.000000001Z cd\n"] {
            reader.take(&piece(text));
        }
        assert!(!reader.has_unfinished());
        reader.take(&piece("2026-11-22T12:00:00.000000003Z no end"));
        assert!(reader.has_unfinished());
        reader.finish();
        let texts: Vec<String> = reader.page().lines.into_iter().map(|line| line.text).collect();
        assert_eq!(texts, ["abcd", "no end"]);
    }
}
