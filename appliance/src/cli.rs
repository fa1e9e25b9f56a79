//! The command line: one file a verb, each one call to the supervisor or the app, printed calmly or with `--json`.
//!
//! It must not decide anything about the box: what is refused, is refused by the other side, in its words.

pub mod exit;

pub mod out;

pub mod prompt;

pub mod console;

mod run;

mod status;

mod setup;

mod claim_code;

mod services;

mod logs;

mod edges;

mod apply;

mod updates;

mod alerts;

mod audit;

mod doctor;

mod reset_password;

mod unlock;

mod playground;

mod shutdown;

mod compose;

mod completions;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use flashnode_core::{
    config::Config,
    control::{Actor, Control, Reply, Request},
};

use self::{exit::Failure, out::Out};
use crate::control::{ControlClient, socket_of};

const AFTER_HELP: &str = "Exit codes:
  0  it is done
  1  it failed; the sentence on stderr says why
  2  the command itself is wrong
  3  the supervisor is not answering
  4  not everything was good in time (`status --wait good`)
  5  it was refused, or clashes with the state of the box

Passwords and passphrases are never arguments: they are asked for, or read from files.";

/// One box that runs your own Flash.
#[derive(Debug, Parser)]
#[command(name = "flashnode", version, after_help = AFTER_HELP, max_term_width = 100)]
struct Cli {
    /// The box's folder.
    #[arg(
        long = "box",
        value_name = "DIR",
        env = "FLASHNODE_BOX",
        default_value = "/var/lib/flashnode",
        global = true
    )]
    box_dir: PathBuf,
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Keep the box's services as wanted, until told to end. Services outlive it.
    Supervise,
    /// Serve the pages; the supervisor starts this.
    App(run::AppArgs),
    /// Keep one process, its log and its exit; the supervisor starts this.
    #[command(hide = true)]
    Shim(run::ShimArgs),
    /// The whole box at a glance.
    Status(status::Args),
    /// Set the box up without a browser: the wizard's steps from flags and files.
    Setup(setup::Args),
    /// Make a new claim code; an earlier one dies.
    ClaimCode,
    /// Every service, or one in full.
    Services(services::Look),
    /// Run a service.
    Start(services::Named),
    /// Stop a service and keep it stopped.
    Stop(services::Named),
    /// Stop a service and run it again.
    Restart(services::Named),
    /// Rebuild a service's derived data (electrs' index) from nothing.
    Rebuild(services::Rebuild),
    /// A service's log.
    Logs(logs::Args),
    /// Every credential: who holds it, for what, since when.
    Edges,
    /// Replace one credential; says first what will restart.
    Rotate(edges::RotateArgs),
    /// Apply what is staged, or stage one change and apply it.
    Apply(apply::Args),
    /// What is pinned against what the catalog offers.
    Updates,
    /// Alarms, newest first.
    Alerts,
    /// Mark an alarm as seen.
    Ack(alerts::AckArgs),
    /// Who did what from where, newest first.
    Audit(audit::Args),
    /// Everything that could endanger the box, each with what to do.
    Doctor,
    /// Give a person a new password; their data stays.
    ResetPassword(reset_password::Args),
    /// Unlock a locked box with the recovery passphrase.
    Unlock(unlock::Args),
    /// The regtest world: mine blocks, send from the faucet.
    Playground(playground::Args),
    /// Render the compose files from the catalog, or check that the committed ones are true to it.
    Compose(compose::Args),
    /// Shell completions on standard output.
    Completions(completions::Args),
    /// End this box's processes; used by the uninstaller.
    #[command(hide = true)]
    Shutdown(shutdown::Args),
}

/// Parses the arguments, does what they say, prints, and says how it went.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let out = Out { json: cli.json };
    let done = match cli.verb {
        Verb::Supervise => run::supervise(cli.box_dir),
        Verb::App(args) => run::app(&args),
        Verb::Shim(args) => return run::shim(&args),
        Verb::Compose(args) => compose::run(&args),
        verb => run::briefly(async { Shell::new(cli.box_dir, out)?.perform(verb).await }),
    };
    exit::report(done)
}

/// What every verb holds.
struct Shell {
    box_dir: PathBuf,
    config: Config,
    control: ControlClient,
    out: Out,
}

impl Shell {
    fn new(box_dir: PathBuf, out: Out) -> Result<Self, Failure> {
        let config = Config::read(&box_dir).map_err(Failure::config)?;
        let control = ControlClient::new(socket_of(&box_dir));
        Ok(Self { box_dir, config, control, out })
    }

    /// Asks the supervisor as the console.
    async fn ask(&self, request: Request) -> flashnode_core::error::Result<Reply> {
        // The supervisor takes the name from the kernel, not from here.
        let actor = Actor { who: "cli:console".to_owned(), from: "console".to_owned() };
        self.control.ask(&actor, request).await
    }

    async fn perform(&self, verb: Verb) -> Result<(), Failure> {
        match verb {
            Verb::Supervise | Verb::App(_) | Verb::Shim(_) | Verb::Compose(_) => {
                unreachable!("roles are run by `main`")
            }
            Verb::Status(args) => status::run(self, &args).await,
            Verb::Setup(args) => setup::run(self, &args).await,
            Verb::ClaimCode => claim_code::run(self).await,
            Verb::Services(args) => services::look(self, &args).await,
            Verb::Start(args) => services::act(self, &args, flashnode_core::control::Verb::Start).await,
            Verb::Stop(args) => services::act(self, &args, flashnode_core::control::Verb::Stop).await,
            Verb::Restart(args) => services::act(self, &args, flashnode_core::control::Verb::Restart).await,
            Verb::Rebuild(args) => services::rebuild(self, &args).await,
            Verb::Logs(args) => logs::run(self, &args).await,
            Verb::Edges => edges::list(self).await,
            Verb::Rotate(args) => edges::rotate(self, &args).await,
            Verb::Apply(args) => apply::run(self, &args).await,
            Verb::Updates => updates::run(self).await,
            Verb::Alerts => alerts::list(self).await,
            Verb::Ack(args) => alerts::acknowledge(self, &args).await,
            Verb::Audit(args) => audit::run(self, &args).await,
            Verb::Doctor => doctor::run(self).await,
            Verb::ResetPassword(args) => reset_password::run(self, &args).await,
            Verb::Unlock(args) => unlock::run(self, &args).await,
            Verb::Playground(args) => playground::run(self, &args).await,
            Verb::Completions(args) => completions::run::<Cli>(&args),
            Verb::Shutdown(args) => shutdown::run(self, &args).await,
        }
    }
}

/// Asks one question and unpacks one kind of answer: `answer!(shell, Request::Status => Status)`.
macro_rules! answer {
    ($shell:expr, $request:expr => Done) => {
        match $shell.ask($request).await? {
            flashnode_core::control::Reply::Done => Ok(()),
            other => Err($crate::cli::exit::Failure::from(flashnode_core::control::unexpected(&other))),
        }
    };
    ($shell:expr, $request:expr => $kind:ident) => {
        match $shell.ask($request).await? {
            flashnode_core::control::Reply::$kind(with) => Ok(with),
            other => Err($crate::cli::exit::Failure::from(flashnode_core::control::unexpected(&other))),
        }
    };
}
use answer;

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_documents_every_exit_code() {
        let help = Cli::command().render_long_help().to_string();
        for code in 0..=5 {
            assert!(help.contains(&format!("\n  {code}  ")), "{help}");
        }
    }

    #[test]
    fn no_verb_takes_a_secret_as_an_argument() {
        for verb in Cli::command().get_subcommands() {
            for argument in verb.get_arguments() {
                let name = argument.get_id().as_str();
                let secret = name.contains("password") || name.contains("passphrase");
                assert!(!secret || name.ends_with("_file"), "{} {name}", verb.get_name());
            }
        }
    }
}
