//! `flashnode edges`, `flashnode rotate EDGE`

use flashnode_core::{control::Request, types::EdgeName};

use super::{
    Shell, answer,
    exit::{Failure, REFUSED},
    out, prompt,
};

/// Arguments of `rotate`.
#[derive(Debug, clap::Args)]
pub struct RotateArgs {
    /// The edge, `consumer:provider`, as `flashnode edges` lists it.
    edge: EdgeName,
    /// Only say what would restart.
    #[arg(long)]
    dry_run: bool,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

pub(super) async fn list(shell: &Shell) -> Result<(), Failure> {
    let edges = answer!(shell, Request::Edges => Edges)?;
    shell.out.show(&edges, |edges| {
        let rows: Vec<[String; 4]> = edges
            .iter()
            .map(|edge| {
                let state = if edge.rotating {
                    "rotating".to_owned()
                } else {
                    format!("since {}", out::moment(edge.since))
                };
                [
                    edge.edge.to_string(),
                    edge.credential.clone(),
                    state,
                    format!("{} rights", edge.allows.len()),
                ]
            })
            .collect();
        if rows.is_empty() {
            "No credentials yet: the box is not set up.".to_owned()
        } else {
            out::columns(&rows)
        }
    })
}

pub(super) async fn rotate(shell: &Shell, args: &RotateArgs) -> Result<(), Failure> {
    let ask = |dry_run| Request::Rotate { edge: args.edge.clone(), dry_run };
    let plan = answer!(shell, ask(true) => Rotation)?;
    let restarts = format!("Restarts: {}.", out::list(&plan.restarts));
    if args.dry_run {
        return shell.out.show(&plan, |_| restarts);
    }
    shell.out.remark(&restarts);
    if !prompt::confirm(&format!("Replace the credential of {}?", args.edge), args.yes)? {
        return Err(Failure::new(REFUSED, "Nothing was rotated."));
    }
    let begun = answer!(shell, ask(false) => Rotation)?;
    shell.out.show(&begun, |_| {
        format!(
            "{} is rotating. It is done once the old credential is proven dead: `flashnode edges`.",
            args.edge
        )
    })
}
