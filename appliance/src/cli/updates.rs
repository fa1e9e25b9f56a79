//! `flashnode updates`

use flashnode_core::control::{Request, UpdateView};

use super::{Shell, answer, exit::Failure, out};

pub(super) async fn run(shell: &Shell) -> Result<(), Failure> {
    let updates = answer!(shell, Request::Updates => Updates)?;
    shell.out.show(&updates, |updates| {
        let rows: Vec<[String; 4]> = updates
            .iter()
            .map(|update| {
                let note = update.revoked.clone().or_else(|| update.unavailable.clone()).unwrap_or_default();
                [update.name.to_string(), update.pinned.clone(), state(update), note]
            })
            .collect();
        let how = if updates.iter().any(|u| u.update && u.unavailable.is_none()) {
            "\n\nUpdate one: `flashnode apply --update NAME`."
        } else {
            ""
        };
        format!("{}{how}", out::columns(&rows))
    })
}

/// What can be had; what cannot is not called up to date.
fn state(update: &UpdateView) -> String {
    match (update.update, &update.unavailable) {
        (_, Some(_)) => "cannot be had here".to_owned(),
        (true, None) => format!("→ {}", update.offered),
        (false, None) => "up to date".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_had_is_not_up_to_date() {
        let update = UpdateView {
            name: flashnode_core::types::ServiceName::new("tor"),
            pinned: String::new(),
            offered: String::new(),
            source: "built".to_owned(),
            update: false,
            revoked: None,
            unavailable: Some("Its image has not been built here.".to_owned()),
        };
        assert_eq!(state(&update), "cannot be had here");
        assert_eq!(state(&UpdateView { unavailable: None, ..update }), "up to date");
    }
}
