//! Asking the person at the terminal: secrets without echo, yes or no. Secrets may come from files instead.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, IsTerminal, Write},
    path::Path,
};

use flashnode_core::types::Secret;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::exit::{FAILED, Failure, REFUSED, USAGE};

/// The longest secret that is read from a file, in bytes.
const SECRET_MAX: u64 = 4096;

/// The secret in this file, its last line end taken off.
pub fn from_file(path: &Path) -> Result<Secret<String>, Failure> {
    let cannot = |why: String| Failure::new(FAILED, format!("{} cannot be read: {why}.", path.display()));
    let size = fs::metadata(path).map_err(|e| cannot(e.to_string()))?.len();
    if size > SECRET_MAX {
        return Err(cannot(format!("it has {size} bytes, and a password is shorter than that")));
    }
    let text = fs::read_to_string(path).map_err(|e| cannot(e.to_string()))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err(cannot("it is empty".to_owned()));
    }
    Ok(Secret::new(text.to_owned()))
}

/// A secret from the file when one is named, else asked for at the terminal; `twice` when it is a new one.
pub fn secret(file: Option<&Path>, what: &str, twice: bool, flag: &str) -> Result<Secret<String>, Failure> {
    if let Some(file) = file {
        return from_file(file);
    }
    let terminal = File::options().read(true).write(true).open("/dev/tty").map_err(|_| {
        Failure::new(
            USAGE,
            format!("There is no terminal to ask for the {what}. Give it in a file: {flag} FILE."),
        )
    })?;
    let first = ask_hidden(&terminal, &format!("{what}: "))?;
    if twice && ask_hidden(&terminal, &format!("{what} again: "))? != first {
        return Err(Failure::new(REFUSED, format!("The two differ, so the {what} was not changed.")));
    }
    Ok(first)
}

fn ask_hidden(mut terminal: &File, question: &str) -> Result<Secret<String>, Failure> {
    write!(terminal, "{question}")?;
    let _echo = Hidden::begin(terminal)?;
    let mut line = String::new();
    BufReader::new(terminal).read_line(&mut line)?;
    writeln!(terminal)?;
    Ok(Secret::new(line.trim_end_matches(['\n', '\r']).to_owned()))
}

/// Echo is off while this lives.
struct Hidden<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Hidden<'a> {
    fn begin(terminal: &'a File) -> Result<Self, Failure> {
        let before = tcgetattr(terminal).map_err(std::io::Error::from)?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(terminal, OptionalActions::Flush, &quiet).map_err(std::io::Error::from)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        let _ = tcsetattr(self.terminal, OptionalActions::Flush, &self.before); // the shell resets it too
    }
}

/// Yes, by `--yes` or by the person. Without a terminal and without `--yes` nothing is done.
pub fn confirm(question: &str, yes: bool) -> Result<bool, Failure> {
    if yes {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(REFUSED, "Nothing was done: this needs a yes. Add --yes to say so."));
    }
    eprint!("{question} [y/N] ");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_loses_its_line_end_and_nothing_else() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("password");
        fs::write(&path, " pass word \r\n").expect("written");
        assert_eq!(from_file(&path).expect("read").expose(), " pass word ");
        fs::write(&path, "\n").expect("written");
        assert!(from_file(&path).expect_err("empty").sentence.contains("empty"));
        fs::write(&path, vec![b'x'; 2 << 20]).expect("written");
        assert!(from_file(&path).expect_err("2 MB").sentence.contains("shorter"));
    }
}
