//! `flashnode reset-password NAME`: whoever has the machine may; the person's data stays.

use std::path::PathBuf;

use flashnode_core::types::Secret;
use serde::Serialize;

use super::{Shell, console, exit::Failure, prompt};

/// Arguments of `reset-password`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Whose.
    name: String,
    /// A file with the new password; without it the password is asked for.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

#[derive(Serialize)]
struct Ask<'a> {
    name: &'a str,
    password: Secret<String>,
}

pub(super) async fn run(shell: &Shell, args: &Args) -> Result<(), Failure> {
    let password = prompt::secret(args.password_file.as_deref(), "new password", true, "--password-file")?;
    let ask = Ask { name: &args.name, password };
    let _: serde_json::Value = console::post(&shell.box_dir, "/api/v1/reset-password", &ask).await?;
    shell.out.done(&format!(
        "{} has a new password. Two-factor is off, and open sessions have ended; everything else stays.",
        args.name
    ))
}
