//! `flashnode alerts`, `flashnode ack ID`

use flashnode_core::control::Request;

use super::{Shell, answer, exit::Failure, out};

/// Arguments of `ack`.
#[derive(Debug, clap::Args)]
pub struct AckArgs {
    /// The alarm's number, as `flashnode alerts` lists it.
    id: i64,
}

pub(super) async fn list(shell: &Shell) -> Result<(), Failure> {
    let alarms = answer!(shell, Request::Alarms => Alarms)?;
    shell.out.show(&alarms, |alarms| {
        let rows: Vec<[String; 4]> = alarms
            .iter()
            .map(|alarm| {
                let state = match (alarm.gone, alarm.acknowledged) {
                    (None, None) => "▲ stands",
                    (None, Some(_)) => "△ stands, seen",
                    (Some(_), None) => "○ gone",
                    (Some(_), Some(_)) => "○ gone, seen",
                };
                [alarm.id.to_string(), state.to_owned(), alarm.since.rfc3339(), alarm.sentence.clone()]
            })
            .collect();
        if rows.is_empty() { "No alarms.".to_owned() } else { out::columns(&rows) }
    })
}

pub(super) async fn acknowledge(shell: &Shell, args: &AckArgs) -> Result<(), Failure> {
    answer!(shell, Request::Acknowledge { id: args.id } => Done)?;
    shell.out.done(&format!("Alarm {} is marked as seen.", args.id))
}
