//! A container's log, read from the engine.
//!
//! The engine finds lines by time only, and to the second. So a cursor is `NANOSECONDS:COUNT`: the time of the last
//! line that was handed out, and how many lines of just that time were.

use std::{collections::VecDeque, time::Duration};

use bollard::{
    container::LogOutput,
    errors::Error,
    query_parameters::{InspectContainerOptions, LogsOptions},
};
use flashnode_core::{
    ports::{
        PortResult,
        runtime::{LOG_PAGE_MAX, LogFrom, LogLine, LogPage},
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

/// At most `limit` lines of the container's log and about [`LOG_PAGE_MAX`] of text.
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
    reader.newest = matches!(from, LogFrom::Tail);
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
    /// A page that is too long loses its oldest lines instead of ending.
    newest: bool,
    lines: VecDeque<LogLine>,
    /// Bytes of text in `lines`.
    size: usize,
    /// For standard output and standard error.
    cutters: [LineCutter; 2],
    /// The time of a line whose end has not come yet.
    unfinished: [Option<jiff::Timestamp>; 2],
}

impl Reader {
    fn new(start: Cursor, limit: usize) -> Self {
        let (cutters, unfinished) = Default::default();
        let lines = VecDeque::new();
        Self { start, seen: 0, next: start, limit, newest: false, lines, size: 0, cutters, unfinished }
    }

    fn is_full(&self) -> bool {
        self.lines.len() >= self.limit || (!self.newest && self.size >= LOG_PAGE_MAX)
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
            self.size += text.len();
            self.lines.push_back(LogLine { at: Timestamp(at.as_millisecond()), text });
        }
        while self.newest && self.size > LOG_PAGE_MAX {
            let Some(oldest) = self.lines.pop_front() else { break };
            (self.size, self.limit) = (self.size - oldest.text.len(), self.limit - 1);
        }
    }

    fn page(self) -> LogPage {
        LogPage { lines: self.lines.into(), next: format!("{}:{}", self.next.at, self.next.count) }
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
    fn a_page_ends_at_two_mebibytes_and_the_next_goes_on() {
        let long = "x".repeat(15_000);
        let pieces: Vec<LogOutput> =
            (0..300).map(|i| piece(&format!("2026-11-22T12:00:00.{i:09}Z {i:03}{long}\n"))).collect();
        let read_all = |cursor: Cursor, newest: bool| {
            let mut reader = Reader::new(cursor, 5_000);
            reader.newest = newest;
            pieces.iter().for_each(|piece| reader.take(piece));
            reader.page()
        };
        let first = read_all(Cursor::default(), false);
        let size: usize = first.lines.iter().map(|line| line.text.len()).sum();
        assert!((LOG_PAGE_MAX..LOG_PAGE_MAX + 16_000).contains(&size), "{size}");
        let second = read_all(Cursor::parse(&first.next), false);
        assert_eq!(second.lines[0].text[..3], format!("{:03}", first.lines.len()), "nothing is lost between");
        let tail = read_all(Cursor::default(), true);
        assert!(tail.lines.iter().map(|line| line.text.len()).sum::<usize>() <= LOG_PAGE_MAX);
        assert!(tail.lines.last().expect("lines").text.starts_with("299"), "the newest are kept");
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
