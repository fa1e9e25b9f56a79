//! What stands inside a frame, and who a peer is.
//!
//! The kernel says which process asks (`SO_PEERCRED`); the [`Actor`] in the message says on whose behalf.
//! The rules of who may say what are in [`admit`], which is pure.

use flashnode_core::{
    control::{Actor, Reply, Request},
    error::{Error, Kind},
};
use serde::{Deserialize, Serialize};

/// One question as it stands on the wire.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// On whose behalf.
    pub actor: Actor,
    /// What.
    pub request: Request,
}

/// Which of our processes a peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Root or the supervisor's own user: a person at the machine.
    Console,
    /// The app's user.
    App,
    /// The supervisor is not root, so its user and the app's are one: the actor's name has to tell.
    Either,
}

/// The users that may connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// The supervisor's user id.
    pub supervisor: u32,
    /// The app's user id; the supervisor's own when it cannot change users.
    pub app: u32,
}

impl Allowed {
    /// Which process this user id is; `None` when it has no business here.
    pub fn peer(self, uid: u32) -> Option<Peer> {
        match uid {
            uid if uid == self.app && uid == self.supervisor => Some(Peer::Either),
            uid if uid == self.app => Some(Peer::App),
            uid if uid == 0 || uid == self.supervisor => Some(Peer::Console),
            _ => None,
        }
    }
}

/// The longest actor name or address that goes into the audit log, in bytes.
const NAME_MAX: usize = 120;

/// What the pages may write into the audit log; everything else there is the supervisor's own word.
const RECORDED: [&str; 11] = [
    "sign_in",
    "sign_in_failed",
    "sign_out",
    "step_up",
    "step_up_failed",
    "password_changed",
    "password_reset",
    "profile_changed",
    "session_revoked",
    "totp_on",
    "totp_off",
];

/// Checks that this peer may ask this, and says on whose behalf it counts.
pub fn admit(peer: Peer, user: &str, question: Question) -> Result<(Actor, Request), Error> {
    let Question { actor, request } = question;
    let console = peer == Peer::Console || (peer == Peer::Either && actor.who.starts_with("cli:"));
    if console {
        return Ok((Actor { who: format!("cli:{user}"), from: "console".to_owned() }, request));
    }
    if actor.who.starts_with("cli:") {
        return Err(forbidden("The pages may not speak as the console. Nothing was done."));
    }
    if matches!(request, Request::NewClaimCode) {
        return Err(forbidden(
            "A claim code is only made at the box's own console. Run `flashnode claim-code` there.",
        ));
    }
    let fine = |text: &str| !text.is_empty() && text.len() <= NAME_MAX && !text.chars().any(char::is_control);
    if !fine(&actor.who) || !fine(&actor.from) {
        return Err(Error::invalid(
            "The request does not say clearly on whose behalf it is. Nothing was done.",
        ));
    }
    if let Request::Record { action, .. } = &request {
        recordable(&actor, action)?;
    }
    Ok((actor, request))
}

/// A taken-over app must not be able to write entries that look like the box's, the console's or a service's.
fn recordable(actor: &Actor, action: &str) -> Result<(), Error> {
    let own = actor.who == "box" || actor.who.starts_with("box:");
    if own || ["console", "supervisor"].contains(&actor.from.as_str()) {
        return Err(forbidden(
            "The pages may not write into the audit log in another's name. Nothing was done.",
        ));
    }
    if !RECORDED.contains(&action) {
        return Err(forbidden("The pages may not write this into the audit log. Nothing was done."));
    }
    Ok(())
}

fn forbidden(sentence: &str) -> Error {
    Error::new(Kind::Forbidden, sentence)
}

/// An error as it stands on the wire.
pub fn failed(error: &Error) -> Reply {
    Reply::Failed { kind: error.kind, sentence: error.sentence.clone(), key: error.key.map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(who: &str, request: Request) -> Question {
        Question { actor: Actor { who: who.to_owned(), from: "192.168.1.7".to_owned() }, request }
    }

    #[test]
    fn users_are_told_apart() {
        let allowed = Allowed { supervisor: 0, app: 64_200 };
        assert_eq!(allowed.peer(0), Some(Peer::Console));
        assert_eq!(allowed.peer(64_200), Some(Peer::App));
        assert_eq!(allowed.peer(1000), None);
        let one_user = Allowed { supervisor: 1000, app: 1000 };
        assert_eq!(one_user.peer(1000), Some(Peer::Either));
        assert_eq!(one_user.peer(0), Some(Peer::Console));
    }

    #[test]
    fn the_console_is_named_by_the_kernel_and_not_by_itself() {
        let (actor, _) = admit(Peer::Console, "root", ask("owner:ana", Request::Status)).expect("console");
        assert_eq!(actor, Actor { who: "cli:root".to_owned(), from: "console".to_owned() });
    }

    #[test]
    fn the_app_cannot_pass_for_the_console() {
        let error = admit(Peer::App, "app", ask("cli:root", Request::Status)).expect_err("refused");
        assert_eq!(error.kind, Kind::Forbidden);
        let error = admit(Peer::App, "app", ask("owner:ana", Request::NewClaimCode)).expect_err("refused");
        assert_eq!(error.kind, Kind::Forbidden);
        let (actor, _) = admit(Peer::App, "app", ask("owner:ana", Request::Status)).expect("its own right");
        assert_eq!(actor.who, "owner:ana");
    }

    #[test]
    fn the_app_records_its_own_doings_and_no_others() {
        let record = |who: &str, from: &str, action: &str| {
            let request =
                Request::Record { action: action.to_owned(), subject: String::new(), detail: String::new() };
            let actor = Actor { who: who.to_owned(), from: from.to_owned() };
            admit(Peer::App, "app", Question { actor, request }).map_err(|error| error.kind).err()
        };
        for action in RECORDED {
            assert_eq!(record("owner:ana", "192.168.1.7", action), None, "{action}");
        }
        let forged = Some(Kind::Forbidden);
        assert_eq!(record("owner:ana", "192.168.1.7", "edge.rotated"), forged, "the supervisor's own word");
        assert_eq!(record("box", "192.168.1.7", "sign_in"), forged);
        assert_eq!(record("cli:root", "192.168.1.7", "sign_in"), forged);
        assert_eq!(record("owner:ana", "console", "sign_in"), forged);
        assert_eq!(record("owner:ana", "supervisor", "sign_in"), forged);
    }

    #[test]
    fn an_actor_that_would_spoil_the_audit_log_is_refused() {
        for who in ["", "owner:a\nroot did it", &"x".repeat(500)] {
            assert_eq!(
                admit(Peer::App, "app", ask(who, Request::Status)).expect_err("refused").kind,
                Kind::Invalid
            );
        }
    }
}
