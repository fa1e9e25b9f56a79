//! `flashnode completions SHELL`

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use super::exit::Failure;

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell.
    shell: Shell,
}

pub(super) fn run<C: CommandFactory>(args: &Args) -> Result<(), Failure> {
    let mut script = Vec::new(); // not straight to stdout: a closed pipe would panic in there
    generate(args.shell, &mut C::command(), "flashnode", &mut script);
    std::io::Write::write_all(&mut std::io::stdout(), &script)?;
    Ok(())
}
