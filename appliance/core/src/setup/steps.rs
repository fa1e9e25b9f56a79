//! Which step may be taken when. Pure.

use super::Step;
use crate::{
    control::ServiceChoice,
    error::{Error, Result},
};

impl Step {
    /// The word for it in the database.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Step::Claim => "claim",
            Step::Owner => "owner",
            Step::Network => "network",
            Step::Services => "services",
            Step::Keys => "keys",
            Step::Confirm => "confirm",
            Step::Recovery => "recovery",
            Step::Summary => "summary",
            Step::Done => "done",
        }
    }

    /// Every step, in order.
    pub const ALL: [Step; 9] = [
        Step::Claim,
        Step::Owner,
        Step::Network,
        Step::Services,
        Step::Keys,
        Step::Confirm,
        Step::Recovery,
        Step::Summary,
        Step::Done,
    ];

    /// What has to be done first: sentence and message key.
    const fn first(self) -> (&'static str, &'static str) {
        match self {
            Step::Claim => ("Enter the claim code first.", "setup-go-claim"),
            Step::Owner => ("Choose the owner's name and password first.", "setup-go-owner"),
            Step::Network => ("Choose the network first.", "setup-go-network"),
            Step::Services => ("Choose the services first.", "setup-go-services"),
            Step::Keys => ("Write down the 24 words first.", "setup-go-keys"),
            Step::Confirm => ("Confirm the words first.", "setup-go-confirm"),
            Step::Recovery => ("Set the recovery passphrase first.", "setup-go-recovery"),
            Step::Summary => ("That step is behind you. Look at the summary and finish.", "setup-go-summary"),
            Step::Done => ("This box is already set up. Sign in instead.", "setup-go-done"),
        }
    }
}

/// The error that sends somebody to the step where set-up stands.
pub(super) fn go_to(at: Step) -> Error {
    let (sentence, key) = at.first();
    Error::conflict(sentence).keyed(key)
}

/// Whether `wanted` may be taken, or taken again, when set-up stands at `at`. Choices may be changed until
/// the end; the words only come up until they are confirmed.
pub(super) fn allow(at: Step, wanted: Step) -> Result<()> {
    let open = match wanted {
        Step::Keys | Step::Confirm => matches!(at, Step::Keys | Step::Confirm),
        _ => at >= wanted,
    };
    if open && at != Step::Done { Ok(()) } else { Err(go_to(at)) }
}

/// What can be said about a choice of services without the catalog; the supervisor says the rest.
pub(super) fn check(choice: &ServiceChoice) -> Result<()> {
    let Some(prune) = choice.prune_mib else { return Ok(()) };
    if prune < 550 {
        return Err(Error::invalid("Bitcoin keeps at least 550 MiB of blocks. Choose 550 or more.")
            .keyed("error-prune-small"));
    }
    if choice.optional.iter().any(|name| name.as_str() == "electrs") {
        return Err(Error::invalid(
            "electrs needs every block, so it does not go together with pruning. Choose one of the two.",
        )
        .keyed("error-prune-electrs"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{control::Flavour, error::Kind};

    #[test]
    fn a_step_opens_when_set_up_has_reached_it_and_closes_at_the_end() {
        for (i, at) in Step::ALL.into_iter().enumerate() {
            for (j, wanted) in Step::ALL.into_iter().enumerate().take(8) {
                let words = matches!(wanted, Step::Keys | Step::Confirm);
                let expected =
                    at != Step::Done && if words { matches!(at, Step::Keys | Step::Confirm) } else { i >= j };
                let got = allow(at, wanted);
                assert_eq!(got.is_ok(), expected, "{wanted:?} at {at:?}");
                assert!(got.err().is_none_or(|e| e.kind == Kind::Conflict && e.key.is_some()));
            }
        }
    }

    #[test]
    fn pruning_and_an_index_exclude_each_other() {
        let choice = |prune_mib, optional: &[&'static str]| ServiceChoice {
            bitcoind_flavour: Flavour::Knots,
            prune_mib,
            optional: optional.iter().map(|name| crate::types::ServiceName::new(name)).collect(),
        };
        check(&choice(None, &["electrs", "lnd"])).expect("no pruning");
        check(&choice(Some(550), &["lnd"])).expect("pruning without electrs");
        assert!(check(&choice(Some(550), &["electrs"])).is_err());
        assert!(check(&choice(Some(549), &[])).is_err());
    }
}
