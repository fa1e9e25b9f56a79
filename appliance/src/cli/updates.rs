//! `flashnode updates`

use flashnode_core::control::Request;

use super::{Shell, answer, exit::Failure, out};

pub(super) async fn run(shell: &Shell) -> Result<(), Failure> {
    let updates = answer!(shell, Request::Updates => Updates)?;
    shell.out.show(&updates, |updates| {
        let rows: Vec<[String; 4]> = updates
            .iter()
            .map(|update| {
                let state =
                    if update.update { format!("→ {}", update.offered) } else { "up to date".to_owned() };
                let note = update.revoked.clone().or_else(|| update.unavailable.clone()).unwrap_or_default();
                [update.name.to_string(), update.pinned.clone(), state, note]
            })
            .collect();
        let how = if updates.iter().any(|u| u.update) {
            "\n\nUpdate one: `flashnode apply --update NAME`."
        } else {
            ""
        };
        format!("{}{how}", out::columns(&rows))
    })
}
