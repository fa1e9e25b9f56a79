//! `flashnode audit [verify]`

use flashnode_core::control::{Reply, Request, unexpected};

use super::{
    Shell, answer,
    exit::{FAILED, Failure},
    out,
};

/// Arguments of `audit`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Option<AuditVerb>,
    /// How many entries.
    #[arg(short = 'n', long, value_name = "ENTRIES", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// Only entries before this number.
    #[arg(long, value_name = "SEQ")]
    before: Option<i64>,
}

#[derive(Clone, Copy, Debug, clap::Subcommand)]
enum AuditVerb {
    /// Recompute the hash chain.
    Verify,
}

pub(super) async fn run(shell: &Shell, args: &Args) -> Result<(), Failure> {
    if let Some(AuditVerb::Verify) = args.verb {
        return verify(shell).await;
    }
    let entries = answer!(shell, Request::Audit { before: args.before, limit: args.limit.into() } => Audit)?;
    shell.out.show(&entries, |entries| {
        let rows: Vec<[String; 5]> = entries
            .iter()
            .map(|entry| {
                let what = format!("{} {}", entry.action, entry.subject);
                let who = format!("{} ({})", entry.who, entry.from);
                [
                    entry.seq.to_string(),
                    entry.at.rfc3339(),
                    who,
                    what.trim_end().to_owned(),
                    entry.detail.clone(),
                ]
            })
            .collect();
        if rows.is_empty() { "No entries yet.".to_owned() } else { out::columns(&rows) }
    })
}

async fn verify(shell: &Shell) -> Result<(), Failure> {
    let (entries, broken_at) = match shell.ask(Request::VerifyAudit).await? {
        Reply::Verified { entries, broken_at } => (entries, broken_at),
        other => return Err(unexpected(&other).into()),
    };
    let view = serde_json::json!({ "entries": entries, "broken_at": broken_at });
    match broken_at {
        None => shell.out.show(&view, |_| format!("All {entries} entries are as they were written.")),
        Some(seq) => {
            if shell.out.json {
                shell.out.show(&view, |_| String::new())?;
            }
            let sentence = format!("Entry {seq} is not as it was written, or one before it is missing.");
            Err(Failure::new(FAILED, sentence))
        }
    }
}
