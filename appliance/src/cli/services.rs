//! `flashnode services`, `start|stop|restart NAME`, `rebuild NAME`

use flashnode_core::{
    control::{Request, ServiceView, Verb},
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

/// Arguments of `services`.
#[derive(Debug, clap::Args)]
pub struct Look {
    /// One service in full; without it, all of them in a line each.
    name: Option<ServiceName>,
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

pub(super) async fn look(shell: &Shell, args: &Look) -> Result<(), Failure> {
    if let Some(name) = &args.name {
        let view = answer!(shell, Request::Service { name: name.clone() } => Service)?;
        return shell.out.show(&*view, one);
    }
    let box_ = status::look(shell).await?;
    shell.out.show(&box_.services, |lines| match lines.as_slice() {
        [] => "No services yet: the box is not set up.".to_owned(),
        lines => out::columns(&lines.iter().map(status::row).collect::<Vec<_>>()),
    })
}

/// One service in full, a line for each thing worth knowing.
fn one(view: &ServiceView) -> String {
    let list = |names: &[ServiceName]| names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let mut rows = vec![["plan".to_owned(), view.plan.clone()]];
    let mut row = |name: &str, value: String| {
        if !value.is_empty() {
            rows.push([name.to_owned(), value]);
        }
    };
    row("since", view.since.map(|at| at.rfc3339()).unwrap_or_default());
    row("process", view.pid.map(|pid| pid.to_string()).unwrap_or_default());
    let memory = view.usage.map(|u| format!("{} of {} MiB", u.memory >> 20, view.memory_limit_mib));
    row("memory", memory.unwrap_or_default());
    row("needs", list(&view.needs));
    row("needed by", list(&view.needed_by));
    let ports = view
        .ports
        .iter()
        .map(|(what, port, world)| format!("{what} {port}{}", if *world { " (world)" } else { "" }));
    row("ports", ports.collect::<Vec<_>>().join(", "));
    row("taken back", view.reverted.clone().unwrap_or_default());
    let last = view.last_exit.as_ref().map(|(exit, _)| format!("{} at {}", exit.cause(), exit.at.rfc3339()));
    row("last end", last.unwrap_or_default());
    format!("{}\n\n{}", out::columns(&[status::row(&view.line)]), out::columns(&rows))
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
