//! `flashnode setup`: the wizard's steps from flags and files, through the app's console socket.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use flashnode_core::{
    control::{Flavour, ServiceChoice},
    setup::{Unattended, UnattendedDone},
    types::{Network, Secret, ServiceName},
};
use serde::Serialize;

use super::{
    Shell, console,
    exit::{FAILED, Failure, REFUSED},
    prompt, status,
};

/// Arguments of `setup`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The owner's name.
    #[arg(long, value_name = "NAME")]
    owner: String,
    /// A file with the owner's password; without it the password is asked for.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// mainnet, testnet4, signet or regtest; without it the boot file's.
    #[arg(long, value_name = "NETWORK")]
    network: Option<Network>,
    /// Which bitcoind.
    #[arg(long, value_enum, default_value_t = FlavourArg::Knots)]
    flavour: FlavourArg,
    /// Keep only the newest blocks, this many MiB; electrs cannot run then.
    #[arg(long, value_name = "MIB")]
    prune: Option<u64>,
    /// An optional service that is wanted; may be repeated.
    #[arg(long = "with", value_name = "SERVICE")]
    with: Vec<ServiceName>,
    /// A file with the recovery passphrase; without it a code is made.
    #[arg(long, value_name = "FILE")]
    recovery_passphrase_file: Option<PathBuf>,
    /// Write the words and the recovery code to this new file, which only you can read, and not to the screen.
    #[arg(long, value_name = "FILE")]
    recovery_out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum FlavourArg {
    Core,
    Knots,
}

/// What is printed: the words only when they go nowhere else.
#[derive(Serialize)]
struct View<'a> {
    url: String,
    owner: &'a str,
    network: Network,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_file: Option<&'a Path>,
    #[serde(skip_serializing_if = "Option::is_none", flatten)]
    secrets: Option<&'a UnattendedDone>,
}

pub(super) async fn run(shell: &Shell, args: &Args) -> Result<(), Failure> {
    let ask = Unattended {
        owner: args.owner.clone(),
        password: prompt::secret(args.password_file.as_deref(), "password", true, "--password-file")?,
        network: args.network.unwrap_or(shell.config.network),
        services: choice(args),
        recovery: args.recovery_passphrase_file.as_deref().map(prompt::from_file).transpose()?,
    };
    // Before anything is made: words that cannot be written down would be lost.
    let file = args.recovery_out.as_deref().map(create).transpose()?;
    let done: UnattendedDone = match console::post(&shell.box_dir, "/api/v1/setup", &ask).await {
        Ok(done) => done,
        Err(failure) => {
            if let Some(path) = &args.recovery_out {
                let _ = fs::remove_file(path); // empty, and ours
            }
            return Err(failure);
        }
    };
    if let (Some(mut file), Some(path)) = (file, &args.recovery_out) {
        let kept = file.write_all(paper(&done).expose().as_bytes()).and_then(|()| file.sync_all());
        kept.map_err(|error| {
            let sentence =
                format!("The box is set up, but {} could not be written: {error}.", path.display());
            Failure::new(FAILED, sentence)
        })?;
    }
    let view = View {
        url: status::url(&shell.config),
        owner: &args.owner,
        network: ask.network,
        recovery_file: args.recovery_out.as_deref(),
        secrets: args.recovery_out.is_none().then_some(&done),
    };
    shell.out.show(&view, text)
}

fn choice(args: &Args) -> ServiceChoice {
    let bitcoind_flavour = match args.flavour {
        FlavourArg::Core => Flavour::Core,
        FlavourArg::Knots => Flavour::Knots,
    };
    ServiceChoice { bitcoind_flavour, prune_mib: args.prune, optional: args.with.clone() }
}

fn create(path: &Path) -> Result<File, Failure> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(|error| {
        match error.kind() {
            std::io::ErrorKind::AlreadyExists => Failure::new(
                REFUSED,
                format!(
                    "{} is already there and stays as it is. Name a new file. Nothing was set up.",
                    path.display()
                ),
            ),
            _ => Failure::new(
                FAILED,
                format!("{} cannot be made: {error}. Nothing was set up.", path.display()),
            ),
        }
    })
}

/// What belongs on paper.
fn paper(done: &UnattendedDone) -> Secret<String> {
    let words =
        done.words.iter().zip(1..).map(|(word, n)| format!("{n:2}. {}\n", word.expose())).collect::<String>();
    Secret::new(format!("The words of this box:\n{words}\nRecovery:\n{}\n", done.recovery.expose()))
}

fn text(view: &View<'_>) -> String {
    let begun =
        format!("The box is set up on {}, and its services are starting.\n{}\n", view.network, view.url);
    match (view.secrets, view.recovery_file) {
        (Some(done), _) => {
            let keep = "Write this down now and keep it safe. It is shown this once.";
            format!("{begun}\n{keep}\n\n{}", paper(done).expose())
        }
        (None, Some(path)) => {
            format!(
                "{begun}The words and the recovery code are in {}. Move them off this machine.",
                path.display()
            )
        }
        (None, None) => begun,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_file_is_new_and_closed_to_others() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("recovery");
        create(&path).expect("made");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(create(&path).expect_err("never overwritten").code, REFUSED);
    }

    #[test]
    fn words_are_printed_only_when_they_go_nowhere_else() {
        let done =
            UnattendedDone { words: vec!["abandon".to_owned().into()], recovery: "CODE".to_owned().into() };
        let view = |secrets, recovery_file| View {
            url: String::new(),
            owner: "ana",
            network: Network::Regtest,
            recovery_file,
            secrets,
        };
        let json = serde_json::to_string(&view(None, Some(Path::new("/r")))).expect("JSON");
        assert!(!json.contains("abandon") && json.contains("\"recovery_file\":\"/r\""), "{json}");
        let json = serde_json::to_string(&view(Some(&done), None)).expect("JSON");
        assert!(json.contains("abandon") && json.contains("CODE"), "{json}");
        assert!(paper(&done).expose().contains(" 1. abandon"));
    }
}
