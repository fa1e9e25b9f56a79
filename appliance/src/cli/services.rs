//! `flashnode services`, `start|stop|restart NAME`, `rebuild NAME`

use flashnode_core::{
    control::{Request, Verb},
    types::ServiceName,
};

use super::{
    Shell, answer,
    exit::{Failure, REFUSED},
    out, prompt, status,
};

/// One service by name.
#[derive(Debug, clap::Args)]
pub struct Named {
    /// The service.
    name: ServiceName,
}

/// Arguments of `rebuild`.
#[derive(Debug, clap::Args)]
pub struct Rebuild {
    /// The service.
    name: ServiceName,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

pub(super) async fn list(shell: &Shell) -> Result<(), Failure> {
    let box_ = status::look(shell).await?;
    shell.out.show(&box_.services, |lines| match lines.as_slice() {
        [] => "No services yet: the box is not set up.".to_owned(),
        lines => out::columns(&lines.iter().map(status::row).collect::<Vec<_>>()),
    })
}

pub(super) async fn act(shell: &Shell, args: &Named, verb: Verb) -> Result<(), Failure> {
    answer!(shell, Request::Act { name: args.name.clone(), verb } => Done)?;
    let doing = match verb {
        Verb::Start => "is starting",
        Verb::Stop => "is stopping, and stays stopped",
        Verb::Restart => "is restarting",
    };
    shell.out.done(&format!("{} {doing}. `flashnode status` shows it.", args.name))
}

pub(super) async fn rebuild(shell: &Shell, args: &Rebuild) -> Result<(), Failure> {
    let question = format!(
        "{} forgets its derived data and builds it again from nothing, which may take hours. Go on?",
        args.name
    );
    if !prompt::confirm(&question, args.yes)? {
        return Err(Failure::new(REFUSED, "Nothing was rebuilt."));
    }
    answer!(shell, Request::Rebuild { name: args.name.clone() } => Done)?;
    shell.out.done(&format!("{} is being rebuilt. `flashnode status` shows how far it is.", args.name))
}
