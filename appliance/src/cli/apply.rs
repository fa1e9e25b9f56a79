//! `flashnode apply [--update NAME | --enable NAME | --disable NAME]`: stage, read, apply.

use flashnode_core::{
    control::{Change, Request, StagedView},
    types::ServiceName,
};

use super::{
    Shell, answer,
    exit::{Failure, REFUSED},
    out, prompt,
};

/// Arguments of `apply`. Without a change, what is staged already is applied.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Use the version that the catalog offers now.
    #[arg(long, value_name = "SERVICE", group = "change")]
    update: Option<ServiceName>,
    /// Switch an optional service on.
    #[arg(long, value_name = "SERVICE", group = "change")]
    enable: Option<ServiceName>,
    /// Switch an optional service off; its data stays.
    #[arg(long, value_name = "SERVICE", group = "change")]
    disable: Option<ServiceName>,
    /// Only show what would change; nothing stays staged that was not.
    #[arg(long)]
    dry_run: bool,
    /// Drop what is staged.
    #[arg(long, conflicts_with_all = ["change", "dry_run"])]
    discard: bool,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

impl Args {
    fn change(&self) -> Option<Change> {
        let update = self.update.clone().map(|name| Change::Update { name });
        let enable = self.enable.clone().map(|name| Change::Service { name, wanted: true });
        let disable = self.disable.clone().map(|name| Change::Service { name, wanted: false });
        update.or(enable).or(disable)
    }
}

pub(super) async fn run(shell: &Shell, args: &Args) -> Result<(), Failure> {
    if args.discard {
        answer!(shell, Request::Discard => Done)?;
        return shell.out.done("Nothing is staged now.");
    }
    let request = args.change().map_or(Request::Staged, |change| Request::Stage { change });
    let Some(staged) = answer!(shell, request => Staged)? else {
        return shell
            .out
            .show(&None::<StagedView>, |_| "Nothing is staged, so there is nothing to apply.".to_owned());
    };
    if args.dry_run {
        shell.out.show(&staged, text)?;
        return leave(shell, args).await;
    }
    shell.out.remark(&text(&staged));
    match prompt::confirm("Apply this?", args.yes) {
        Ok(true) => {}
        refused => {
            leave(shell, args).await?;
            return refused.and(Err(Failure::new(REFUSED, "Nothing was applied.")));
        }
    }
    answer!(shell, Request::Apply { staged: staged.id.clone() } => Done)?;
    shell.out.show(&staged, |_| {
        "It is being applied. What does not become good in its time goes back to how it was: `flashnode status`."
            .to_owned()
    })
}

/// What this command staged only to show it is dropped again.
async fn leave(shell: &Shell, args: &Args) -> Result<(), Failure> {
    if args.change().is_none() {
        return Ok(());
    }
    answer!(shell, Request::Discard => Done)
}

fn text(staged: &StagedView) -> String {
    let lines: Vec<String> = staged.lines.iter().map(|line| format!("  {line}")).collect();
    format!("Changes:\n{}\nRestarts: {}.", lines.join("\n"), out::list(&staged.restarts))
}
