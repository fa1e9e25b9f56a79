//! The log of a service as files in its run folder: `log.N`, a line `MILLISECONDS TEXT` each.
//!
//! At [`ROTATE_AT`] the next number begins and all but the one before are deleted. A cursor is `N:OFFSET`:
//! it stays valid over a rotation, and one whose file is gone goes on with the oldest line there is.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use flashnode_core::{
    ports::runtime::{LOG_LINE_MAX, LOG_PAGE_MAX, LogFrom, LogLine, LogPage},
    types::Timestamp,
};

/// Size in bytes at which a new file begins; two are kept.
pub(crate) const ROTATE_AT: u64 = 8 * 1024 * 1024;

/// How much is read at a time.
const CHUNK: usize = 256 * 1024;

/// The writing side; only the shim has one.
pub(crate) struct LogWriter {
    folder: PathBuf,
    number: u64,
    file: File,
    size: u64,
    rotate_at: u64,
    lost: u64,
    batch: Vec<u8>,
}

impl LogWriter {
    /// Goes on with the newest file there is.
    pub(crate) fn open(folder: &Path, rotate_at: u64) -> io::Result<Self> {
        let number = numbers(folder).last().copied().unwrap_or(0);
        let (mut file, size) = open_file(folder, number)?;
        // A power cut may have left half a line.
        if size > 0 && !ends_with_newline(&folder.join(name(number)), size) {
            file.write_all(b"\n")?;
        }
        Ok(Self { folder: folder.to_owned(), number, file, size, rotate_at, lost: 0, batch: Vec::new() })
    }

    /// Adds a line to the batch.
    pub(crate) fn add(&mut self, at: Timestamp, text: &str) {
        // Writing to a Vec cannot fail.
        let _ = writeln!(self.batch, "{} {text}", at.0);
    }

    /// Writes the batch. A full disk costs lines, never the service: it must not block on its own output.
    pub(crate) fn flush(&mut self, now: Timestamp) {
        if self.batch.is_empty() {
            return;
        }
        if self.lost > 0 {
            let note =
                format!("{} {} lines were lost here: the log could not be written\n", now.0, self.lost);
            self.batch.splice(0..0, note.into_bytes());
        }
        let batch = std::mem::take(&mut self.batch);
        match self.write(&batch) {
            Ok(()) => self.lost = 0,
            Err(_) => self.lost += batch.iter().filter(|b| **b == b'\n').count() as u64,
        }
    }

    fn write(&mut self, batch: &[u8]) -> io::Result<()> {
        if self.size >= self.rotate_at {
            self.rotate()?;
        }
        if let Err(error) = self.file.write_all(batch) {
            // Half a line must not be left behind.
            self.file.set_len(self.size)?;
            return Err(error);
        }
        self.size += batch.len() as u64;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        let (file, size) = open_file(&self.folder, self.number + 1)?;
        (self.file, self.size, self.number) = (file, size, self.number + 1);
        for old in numbers(&self.folder).into_iter().filter(|n| n + 1 < self.number) {
            fs::remove_file(self.folder.join(name(old)))?;
        }
        Ok(())
    }
}

fn open_file(folder: &Path, number: u64) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(folder.join(name(number)))?;
    let size = file.metadata()?.len();
    Ok((file, size))
}

fn ends_with_newline(path: &Path, size: u64) -> bool {
    let mut last = [0];
    let read = File::open(path).and_then(|mut file| {
        file.seek(SeekFrom::Start(size - 1))?;
        file.read_exact(&mut last)
    });
    read.is_ok() && last == [b'\n']
}

fn name(number: u64) -> String {
    format!("log.{number}")
}

/// The numbers of the files there are, oldest first.
fn numbers(folder: &Path) -> Vec<u64> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut numbers: Vec<u64> = names.filter_map(|name| name.strip_prefix("log.")?.parse().ok()).collect();
    numbers.sort_unstable();
    numbers
}

/// Deletes every file of the log.
pub(crate) fn remove(folder: &Path) -> io::Result<()> {
    numbers(folder).into_iter().try_for_each(|number| fs::remove_file(folder.join(name(number))))
}

/// At most `limit` lines and about [`LOG_PAGE_MAX`] of text.
pub(crate) fn read(folder: &Path, from: &LogFrom, limit: usize) -> io::Result<LogPage> {
    let numbers = numbers(folder);
    let Some(&newest) = numbers.last() else { return Ok(LogPage::default()) };
    match from {
        LogFrom::Tail => tail(folder, &numbers, newest, limit),
        LogFrom::Cursor(cursor) => {
            let wanted = cursor.split_once(':').and_then(|(n, o)| Some((n.parse().ok()?, o.parse().ok()?)));
            let oldest = (numbers[0], 0);
            let place: (u64, u64) = wanted.filter(|(n, _)| numbers.contains(n)).unwrap_or(oldest);
            forward(folder, &numbers, place, limit)
        }
    }
}

fn forward(folder: &Path, numbers: &[u64], start: (u64, u64), limit: usize) -> io::Result<LogPage> {
    let (mut number, mut offset) = start;
    let mut lines = Vec::new();
    let mut room = LOG_PAGE_MAX as u64;
    loop {
        let mut file = File::open(folder.join(name(number)))?;
        let taken = read_lines(&mut file, offset, limit, room, &mut lines)?;
        (offset, room) = (offset + taken, room.saturating_sub(taken));
        match numbers.iter().find(|n| **n > number) {
            Some(next) if lines.len() < limit && room > 0 => (number, offset) = (*next, 0),
            _ => break,
        }
    }
    Ok(LogPage { lines, next: format!("{number}:{offset}") })
}

/// Reads whole lines from `offset` on until `lines` has `limit` or they took `room`; returns how many bytes they took.
fn read_lines(
    file: &mut File,
    offset: u64,
    limit: usize,
    room: u64,
    lines: &mut Vec<LogLine>,
) -> io::Result<u64> {
    file.seek(SeekFrom::Start(offset))?;
    let mut taken = 0;
    let mut held = Vec::new();
    let mut chunk = vec![0; CHUNK];
    while lines.len() < limit && taken < room {
        let count = file.read(&mut chunk)?;
        if count == 0 {
            break;
        }
        held.extend_from_slice(&chunk[..count]);
        let mut used = 0;
        while let Some(length) = held[used..]
            .iter()
            .position(|b| *b == b'\n')
            .filter(|_| lines.len() < limit && taken + (used as u64) < room)
        {
            lines.push(parse(&held[used..used + length]));
            used += length + 1;
        }
        held.drain(..used);
        taken += used as u64;
    }
    Ok(taken)
}

fn parse(line: &[u8]) -> LogLine {
    let text = String::from_utf8_lossy(line);
    match text.split_once(' ').and_then(|(at, text)| Some((at.parse().ok()?, text))) {
        Some((at, text)) => LogLine { at: Timestamp(at), text: text.to_owned() },
        None => LogLine { at: Timestamp::default(), text: text.into_owned() },
    }
}

fn tail(folder: &Path, numbers: &[u64], newest: u64, limit: usize) -> io::Result<LogPage> {
    let mut lines: Vec<LogLine> = Vec::new();
    let mut next = format!("{newest}:0");
    let mut room = LOG_PAGE_MAX;
    for &number in numbers.iter().rev() {
        let (found, end) = last_lines(&folder.join(name(number)), limit - lines.len(), room)?;
        room = room.saturating_sub(found.iter().map(|line| line.text.len()).sum());
        if number == newest {
            next = format!("{number}:{end}");
        }
        lines.splice(0..0, found);
        if lines.len() >= limit || room < LOG_LINE_MAX {
            break;
        }
    }
    Ok(LogPage { lines, next })
}

/// The last whole lines of a file, and where the last of them ends. Reads backwards: a tail is asked for often.
fn last_lines(path: &Path, limit: usize, room: usize) -> io::Result<(Vec<LogLine>, u64)> {
    let mut file = File::open(path)?;
    let mut start = file.metadata()?.len();
    let mut held: Vec<u8> = Vec::new();
    // One line end more than lines wanted marks the end of the line before them.
    while start > 0 && held.len() <= room && held.iter().filter(|b| **b == b'\n').count() <= limit {
        let step = start.min(CHUNK as u64);
        start -= step;
        let mut chunk = vec![0; usize::try_from(step).unwrap_or(CHUNK)];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut chunk)?;
        chunk.extend_from_slice(&held);
        held = chunk;
    }
    let whole = held.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    // Where reading stopped for want of room, it stopped inside a line: that one is left out.
    let first = if start == 0 { 0 } else { held.iter().position(|b| *b == b'\n').map_or(whole, |at| at + 1) };
    let mut lines: Vec<&[u8]> = held[first.min(whole)..whole].split_inclusive(|b| *b == b'\n').collect();
    lines.drain(..lines.len().saturating_sub(limit));
    let parsed = lines.into_iter().map(|line| parse(&line[..line.len() - 1])).collect();
    Ok((parsed, start + whole as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(page: &LogPage) -> Vec<&str> {
        page.lines.iter().map(|line| line.text.as_str()).collect()
    }

    fn write(writer: &mut LogWriter, range: std::ops::Range<u32>) {
        for i in range {
            writer.add(Timestamp(i64::from(i)), &format!("line {i}"));
            writer.flush(Timestamp(0));
        }
    }

    #[test]
    fn a_cursor_survives_rotation_and_misses_nothing() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut writer = LogWriter::open(dir.path(), 100).expect("open");
        write(&mut writer, 0..3);
        let first = read(dir.path(), &LogFrom::Tail, 2).expect("read");
        assert_eq!(texts(&first), ["line 1", "line 2"]);
        assert_eq!(first.lines[0].at, Timestamp(1));
        write(&mut writer, 3..12);
        let second = read(dir.path(), &LogFrom::Cursor(first.next), 4).expect("read");
        assert_eq!(texts(&second), ["line 3", "line 4", "line 5", "line 6"]);
        let third = read(dir.path(), &LogFrom::Cursor(second.next), 100).expect("read");
        assert_eq!(texts(&third), ["line 7", "line 8", "line 9", "line 10", "line 11"]);
        let end = read(dir.path(), &LogFrom::Cursor(third.next.clone()), 100).expect("read");
        assert_eq!((end.lines.len(), end.next), (0, third.next));
    }

    #[test]
    fn only_two_files_are_kept_and_a_lost_cursor_goes_on_with_the_oldest_line() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut writer = LogWriter::open(dir.path(), 50).expect("open");
        write(&mut writer, 0..40);
        assert_eq!(numbers(dir.path()).len(), 2);
        let page = read(dir.path(), &LogFrom::Cursor("0:10".to_owned()), 1000).expect("read");
        assert_eq!(texts(&page).last(), Some(&"line 39"));
        assert!(page.lines[0].at > Timestamp(20));
        let tail = read(dir.path(), &LogFrom::Tail, 7).expect("read");
        assert_eq!(tail.lines.len(), 7, "a tail reaches into the older file");
    }

    #[test]
    fn a_page_ends_at_two_mebibytes_and_the_next_goes_on() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut writer = LogWriter::open(dir.path(), 3 << 20).expect("open");
        for i in 0..500 {
            writer.add(Timestamp(0), &format!("{i:05} {}", "x".repeat(16_000 - 6)));
            writer.flush(Timestamp(0));
        }
        let size = |page: &LogPage| page.lines.iter().map(|line| line.text.len()).sum::<usize>();
        let numbers = |page: &LogPage| -> Vec<u32> {
            page.lines.iter().map(|line| line.text[..5].parse().expect("a number")).collect()
        };
        let tail = read(dir.path(), &LogFrom::Tail, 5_000).expect("read");
        assert!((1 << 20..3 << 20).contains(&size(&tail)), "{}", size(&tail));
        assert_eq!(numbers(&tail).last(), Some(&499), "the newest are kept");
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = read(dir.path(), &LogFrom::Cursor(cursor.clone()), 5_000).expect("read");
            if page.next == cursor {
                break;
            }
            assert!(size(&page) <= LOG_PAGE_MAX + LOG_LINE_MAX, "{}", size(&page));
            seen.extend(numbers(&page));
            cursor = page.next;
        }
        let oldest = *seen.first().expect("some are kept");
        assert_eq!(seen, (oldest..500).collect::<Vec<_>>(), "none is lost, none comes twice");
        assert!(seen.len() > 250, "more than one page was needed");
    }

    #[test]
    fn half_a_line_is_not_shown_until_it_is_whole() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        fs::write(dir.path().join("log.0"), "1 whole\n2 ha").expect("write");
        let page = read(dir.path(), &LogFrom::Tail, 10).expect("read");
        assert_eq!(texts(&page), ["whole"]);
        fs::write(dir.path().join("log.0"), "1 whole\n2 half\n").expect("write");
        assert_eq!(texts(&read(dir.path(), &LogFrom::Cursor(page.next), 10).expect("read")), ["half"]);
    }
}
