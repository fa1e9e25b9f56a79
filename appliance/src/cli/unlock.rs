//! `flashnode unlock`

use std::path::PathBuf;

use flashnode_core::control::Request;

use super::{Shell, answer, exit::Failure, prompt};

/// Arguments of `unlock`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A file with the recovery passphrase; without it the passphrase is asked for.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

pub(super) async fn run(shell: &Shell, args: &Args) -> Result<(), Failure> {
    let passphrase =
        prompt::secret(args.passphrase_file.as_deref(), "recovery passphrase", false, "--passphrase-file")?;
    answer!(shell, Request::Unlock { passphrase } => Done)?;
    shell.out.done("The box is unlocked.")
}
