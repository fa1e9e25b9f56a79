//! `flashnode logs NAME [-f] [--search S] [-n LINES]`

use std::time::Duration;

use flashnode_core::{
    control::Request,
    ports::runtime::{LogFrom, LogLine, LogPage},
    types::ServiceName,
};

use super::{Shell, answer, exit::Failure};

/// Arguments of `logs`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The service.
    name: ServiceName,
    /// Go on as lines come, until interrupted.
    #[arg(short, long)]
    follow: bool,
    /// Only lines that contain this, whatever their case.
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// How many lines to begin with.
    #[arg(short = 'n', long, value_name = "LINES", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    lines: u16,
}

/// How many lines are asked for at once while following.
const PAGE: usize = 1000;

pub(super) async fn run(shell: &Shell, args: &Args) -> Result<(), Failure> {
    let mut page = read(shell, args, LogFrom::Tail, args.lines.into()).await?;
    if !args.follow {
        return shell.out.show(&page, |page| page.lines.iter().map(line).collect::<Vec<_>>().join("\n"));
    }
    loop {
        for entry in &page.lines {
            // A document for each line, so that a reader need not wait for an end that does not come.
            let printed = if shell.out.json { serde_json::to_string(entry)? } else { line(entry) };
            shell.out.raw(&printed)?;
        }
        if page.lines.len() < PAGE {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        page = read(shell, args, LogFrom::Cursor(page.next), PAGE).await?;
    }
}

async fn read(shell: &Shell, args: &Args, from: LogFrom, limit: usize) -> Result<LogPage, Failure> {
    answer!(shell, Request::Log { name: args.name.clone(), from, limit, search: args.search.clone() } => Log)
}

fn line(line: &LogLine) -> String {
    format!("{} {}", line.at.rfc3339(), line.text)
}
