//! How long a loading service still takes, from how fast it went so far. Pure.

use std::collections::VecDeque;

use crate::types::Timestamp;

/// The last few looks at a loading service.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    looks: VecDeque<(Timestamp, u16)>,
}

/// How many looks are kept: with one every few seconds, some minutes.
const LOOKS: usize = 120;

impl Progress {
    /// Adds a look. Going backwards means a new start, so earlier looks are dropped.
    pub fn look(&mut self, at: Timestamp, basis_points: u16) {
        if self.looks.back().is_some_and(|(_, last)| *last > basis_points) {
            self.looks.clear();
        }
        if self.looks.len() == LOOKS {
            self.looks.pop_front();
        }
        self.looks.push_back((at, basis_points));
    }

    /// Seconds until 100 %, once it has moved.
    pub fn seconds_left(&self) -> Option<u64> {
        let (first_at, first) = *self.looks.front()?;
        let (last_at, last) = *self.looks.back()?;
        let moved = u64::from(last.checked_sub(first)?);
        let took = u64::try_from(last_at.since(first_at).as_millis()).ok()?;
        if moved == 0 || took < 2_000 {
            return None;
        }
        Some(u64::from(10_000 - last.min(10_000)) * took / moved / 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_done_in_a_minute_leaves_a_minute() {
        let mut progress = Progress::default();
        progress.look(Timestamp(0), 0);
        progress.look(Timestamp(60_000), 5_000);
        assert_eq!(progress.seconds_left(), Some(60));
    }

    #[test]
    fn nothing_is_promised_before_it_moves() {
        let mut progress = Progress::default();
        assert_eq!(progress.seconds_left(), None);
        progress.look(Timestamp(0), 10);
        progress.look(Timestamp(60_000), 10);
        assert_eq!(progress.seconds_left(), None);
    }

    #[test]
    fn a_restart_forgets_the_old_rate() {
        let mut progress = Progress::default();
        progress.look(Timestamp(0), 9_000);
        progress.look(Timestamp(10_000), 100);
        assert_eq!(progress.seconds_left(), None);
    }
}
