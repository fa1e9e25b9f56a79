//! What comes next for an edge's credentials. Pure: it sees the stages and what runs, and performs nothing.
//!
//! ```text
//!            provider told          consumer moved and good       provider told, old one replayed and refused
//!  (none) ──► Next ─────► Installed ─────────────────► Current ──► Old ──► gone
//! ```

use super::{Credential, Stage};

/// What is known about the two ends of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The provider answers, and with everything that is wanted of it now.
    pub provider_settled: bool,
    /// The consumer is good with everything that is wanted of it now, or does not run.
    pub consumer_settled: bool,
    /// The provider does not run yet and reads its credentials when it starts: a first one needs no telling.
    pub told_at_start: bool,
}

/// The next thing to do for an edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// Make a credential: there is none.
    Make {
        /// At which stage it begins.
        stage: Stage,
    },
    /// Make the provider honour this one (bake, create the role, or see that its file names it).
    Install {
        /// Which.
        serial: i64,
    },
    /// The consumer uses this one now: it becomes `Current`, the one before `Old`.
    Promote {
        /// Which.
        serial: i64,
    },
    /// Nobody shall use this one any more: it becomes `Old`.
    Retire {
        /// Which.
        serial: i64,
    },
    /// Make the provider forget this one, and prove it by using it.
    Kill {
        /// Which.
        serial: i64,
    },
}

/// What becomes of credentials whose consumer is no longer part of the box: each is made old, then killed.
pub fn retire(of_edge: &[Credential], provider_settled: bool) -> Option<Move> {
    let alive = of_edge.iter().find(|c| c.stage != Stage::Old);
    if let Some(credential) = alive {
        return Some(Move::Retire { serial: credential.serial });
    }
    let old = of_edge.first().filter(|_| provider_settled)?;
    Some(Move::Kill { serial: old.serial })
}

/// The next move for these credentials of one edge, when there is one.
pub fn next(of_edge: &[Credential], ends: Ends) -> Option<Move> {
    let at = |stage| of_edge.iter().find(|c| c.stage == stage);
    if of_edge.is_empty() {
        return Some(Move::Make { stage: if ends.told_at_start { Stage::Installed } else { Stage::Next } });
    }
    if let Some(credential) = at(Stage::Next) {
        return ends.provider_settled.then_some(Move::Install { serial: credential.serial });
    }
    if let Some(credential) = at(Stage::Installed) {
        return ends.consumer_settled.then_some(Move::Promote { serial: credential.serial });
    }
    if let Some(credential) = at(Stage::Old) {
        return ends.provider_settled.then_some(Move::Kill { serial: credential.serial });
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::types::{EdgeName, Secret, ServiceName, Timestamp};

    fn credential(serial: i64, stage: Stage) -> Credential {
        Credential {
            edge: EdgeName::new(ServiceName::new("electrs"), ServiceName::new("bitcoind")),
            serial,
            stage,
            secret: Secret::new("s".to_owned()),
            salt: String::new(),
            since: Timestamp(0),
        }
    }

    fn perform(of_edge: &mut Vec<Credential>, step: &Move) {
        match step {
            Move::Make { stage } => of_edge.push(credential(1, *stage)),
            Move::Install { serial } => set(of_edge, *serial, Stage::Installed),
            Move::Promote { serial } => {
                for c in of_edge.iter_mut().filter(|c| c.stage == Stage::Current) {
                    c.stage = Stage::Old;
                }
                set(of_edge, *serial, Stage::Current);
            }
            Move::Retire { serial } => set(of_edge, *serial, Stage::Old),
            Move::Kill { serial } => of_edge.retain(|c| c.serial != *serial),
        }
    }

    fn set(of_edge: &mut [Credential], serial: i64, stage: Stage) {
        for c in of_edge.iter_mut().filter(|c| c.serial == serial) {
            c.stage = stage;
        }
    }

    proptest! {
        /// However often either end is away, a rotation ends with exactly the new credential in use,
        /// and at no moment is the consumer without one that the provider honours.
        #[test]
        fn a_rotation_converges_and_never_leaves_the_consumer_without(ends in proptest::collection::vec((any::<bool>(), any::<bool>()), 0..40)) {
            let mut of_edge = vec![credential(1, Stage::Current), credential(2, Stage::Next)];
            let settled = std::iter::repeat_n((true, true), 4);
            for (provider_settled, consumer_settled) in ends.into_iter().chain(settled) {
                if let Some(step) = next(&of_edge, Ends { provider_settled, consumer_settled, told_at_start: false }) {
                    perform(&mut of_edge, &step);
                }
                prop_assert!(of_edge.iter().any(|c| matches!(c.stage, Stage::Current | Stage::Installed)));
            }
            prop_assert_eq!(of_edge.len(), 1);
            prop_assert_eq!((of_edge[0].serial, of_edge[0].stage), (2, Stage::Current));
        }
    }

    #[test]
    fn a_consumer_that_left_loses_every_credential() {
        let mut of_edge = vec![credential(1, Stage::Current), credential(2, Stage::Next)];
        assert_eq!(retire(&of_edge, true), Some(Move::Retire { serial: 1 }));
        while let Some(step) = retire(&of_edge, true) {
            perform(&mut of_edge, &step);
        }
        assert!(of_edge.is_empty());
        assert_eq!(retire(&[credential(1, Stage::Old)], false), None, "its provider is away");
    }

    #[test]
    fn an_edge_without_a_credential_gets_one() {
        let ends = |told_at_start| Ends { provider_settled: false, consumer_settled: false, told_at_start };
        assert_eq!(next(&[], ends(false)), Some(Move::Make { stage: Stage::Next }));
        assert_eq!(next(&[], ends(true)), Some(Move::Make { stage: Stage::Installed }));
    }
}
