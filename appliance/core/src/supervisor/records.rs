//! How much the app may write into the audit log: a flood must neither fill the disk nor bury what matters.
//!
//! Failed tries, which anybody on the network can make, have a measure of their own, so that they cannot displace
//! what people who are signed in did. Pure but for the entry it writes.

use std::sync::Mutex;

use super::Supervisor;
use crate::{
    control::Actor,
    node::reconcile::task::{Node, the_box},
    types::Timestamp,
};

/// How many entries of a kind are kept in a minute.
const KEPT: u32 = 30;

/// How long they are counted together, in milliseconds.
const MINUTE: i64 = 60_000;

/// What the app has written lately.
#[derive(Debug, Default)]
pub(super) struct Records {
    failures: Mutex<Measure>,
    others: Mutex<Measure>,
}

/// One minute's count.
#[derive(Debug, Default)]
struct Measure {
    since: Option<Timestamp>,
    seen: u32,
}

/// What becomes of one record.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// It is written, after a line about this many that were not.
    Keep { missed: u32 },
    /// It is the first too many: one entry says so.
    Warn,
    /// It is only counted.
    Drop,
}

impl Measure {
    fn take(&mut self, now: Timestamp) -> Verdict {
        // A clock that went back begins anew, or it would silence the log until it has caught up.
        let over = self.since.is_none_or(|since| !(0..MINUTE).contains(&(now.0 - since.0)));
        let missed = if over { self.seen.saturating_sub(KEPT) } else { 0 };
        if over {
            (self.since, self.seen) = (Some(now), 0);
        }
        self.seen = self.seen.saturating_add(1);
        match self.seen {
            seen if seen <= KEPT => Verdict::Keep { missed },
            seen if seen == KEPT + 1 => Verdict::Warn,
            _ => Verdict::Drop,
        }
    }
}

impl Supervisor {
    /// Writes what the app reports, as far as its measure goes.
    pub(super) async fn record(&self, actor: &Actor, action: &str, subject: &str, detail: &str) {
        let node = &self.node;
        let measure = if action.ends_with("_failed") { &self.records.failures } else { &self.records.others };
        let verdict = node.held(measure).take(node.clock.now());
        match verdict {
            Verdict::Keep { missed } => {
                if missed > 0 {
                    let sentence =
                        format!("{missed} more such entries came within a minute and were not kept.");
                    dropped(node, action, &sentence).await;
                }
                node.note(actor, action, subject, detail).await;
            }
            Verdict::Warn => {
                let sentence =
                    format!("More than {KEPT} such entries came within a minute; the rest are only counted.");
                dropped(node, action, &sentence).await;
            }
            Verdict::Drop => {}
        }
    }
}

async fn dropped(node: &Node, action: &str, sentence: &str) {
    node.note(&the_box(), "record.dropped", action, sentence).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_and_not_kept() {
        let mut measure = Measure::default();
        for n in 0..KEPT {
            assert_eq!(measure.take(Timestamp(i64::from(n))), Verdict::Keep { missed: 0 });
        }
        assert_eq!(measure.take(Timestamp(100)), Verdict::Warn);
        for _ in 0..1000 {
            assert_eq!(measure.take(Timestamp(59_999)), Verdict::Drop);
        }
        assert_eq!(measure.take(Timestamp(MINUTE)), Verdict::Keep { missed: 1001 });
        assert_eq!(measure.take(Timestamp(MINUTE + 1)), Verdict::Keep { missed: 0 }, "told once");
    }

    #[test]
    fn a_clock_that_goes_back_does_not_silence_the_log() {
        let mut measure = Measure::default();
        for _ in 0..=KEPT {
            measure.take(Timestamp(1_000_000));
        }
        assert_eq!(measure.take(Timestamp(5)), Verdict::Keep { missed: 1 });
    }
}
