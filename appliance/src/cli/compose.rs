//! `flashnode compose`: the files under `compose/`, rendered from the catalog. Asks no supervisor.

use std::{fs, path::PathBuf};

use flashnode_core::{
    node::catalog::{Images, compose, context::placeholders},
    types::Network,
};

use super::exit::{FAILED, Failure};

/// Arguments of `compose`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Change nothing; fail when a file differs from what the catalog says.
    #[arg(long)]
    check: bool,
    /// The folder with the files.
    #[arg(long, value_name = "DIR", default_value = "compose")]
    dir: PathBuf,
}

/// Networks that have a file.
const NETWORKS: [Network; 2] = [Network::Mainnet, Network::Regtest];

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    for network in NETWORKS {
        let path = args.dir.join(format!("{network}.yml"));
        let rendered = compose::render(&Images::built_in(), &placeholders(network, true, |_| String::new()));
        if !args.check {
            fs::create_dir_all(&args.dir)?;
            fs::write(&path, rendered)?;
            println!("{}", path.display());
        } else if fs::read_to_string(&path).unwrap_or_default() != rendered {
            let sentence = format!(
                "{} differs from the catalog. Run `flashnode compose` and commit what it writes.",
                path.display()
            );
            return Err(Failure::new(FAILED, sentence));
        }
    }
    Ok(())
}
