//! How long a guesser waits, and why the owner is never shut out.
//!
//! Three counters: this account from this address, this address (IPv6 by its /64), and this account from anywhere.
//! Waits double and end at a cap, which is low where the account has signed in before; so no count ever closes a door for good. The third has a low cap and does not apply
//! where the account has signed in before: a crowd of addresses can slow down strangers, not the owner at home.
//! A try is counted before its password is looked at, so that a hundred at once are a hundred tries.

use std::{
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

use super::{Access, Client, store};
use crate::{
    error::{Error, Kind, Result},
    types::Timestamp,
};

/// When waiting begins, and how long it can become.
#[derive(Clone, Copy, Debug)]
struct Limit {
    free: i64,
    cap: Duration,
}

const PAIR: Limit = Limit { free: 5, cap: Duration::from_secs(15 * 60) };
const ADDRESS: Limit = Limit { free: 20, cap: Duration::from_secs(15 * 60) };
const ACCOUNT: Limit = Limit { free: 50, cap: Duration::from_secs(60) };

/// After this long without a failure a counter begins anew.
const FORGET: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest wait where the account has signed in before: others may share that address.
const KNOWN_CAP: Duration = Duration::from_secs(60);
/// For this long an address counts as one where the account has signed in before.
const KNOWN: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// A counter as it stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counter {
    pub(super) failures: i64,
    pub(super) last_failure: Timestamp,
    pub(super) good_at: Option<Timestamp>,
}

impl Counter {
    /// Failures that still count.
    fn current(&self, now: Timestamp) -> i64 {
        if now.since(self.last_failure) >= FORGET { 0 } else { self.failures }
    }

    /// How long this counter makes the next try wait. Pure.
    fn wait(&self, limit: Limit, now: Timestamp) -> Duration {
        // A moment in the future is a clock that was wrong: it must not shut anybody out.
        if self.last_failure > now || self.current(now) < limit.free {
            return Duration::ZERO;
        }
        let doublings = u32::try_from(self.failures - limit.free).unwrap_or(u32::MAX).min(20);
        let delay = Duration::from_secs(1 << doublings).min(limit.cap);
        delay.saturating_sub(now.since(self.last_failure))
    }

    fn known(&self, now: Timestamp) -> bool {
        self.good_at.is_some_and(|at| now.since(at) < KNOWN)
    }
}

/// A try that has been counted as failed, until it is known better.
pub(super) struct Try {
    keys: [String; 3],
}

impl Access {
    /// Counts a try for this account from this client, or says how long to wait.
    pub(super) async fn begin_try(&self, account: &str, client: &Client) -> Result<Try> {
        let now = self.clock.now();
        let address = bucket(client.address);
        let keys =
            [format!("pair:{account}|{address}"), format!("address:{address}"), format!("account:{account}")];
        let mut tx = self.store.begin().await?;
        let mut known = false;
        for (key, limit) in keys.iter().zip([PAIR, ADDRESS, ACCOUNT]) {
            let counter = store::lock_counter(&mut tx, key).await?;
            known |= counter.known(now);
            let cap = if known { limit.cap.min(KNOWN_CAP) } else { limit.cap };
            let wait = counter.wait(Limit { cap, ..limit }, now);
            let at_home = known && key == &keys[2];
            if !wait.is_zero() && !at_home {
                return Err(too_many(wait)); // the transaction is dropped: a refused try counts nothing
            }
            store::set_counter(&mut tx, key, counter.current(now) + 1, now).await?;
        }
        tx.commit().await?;
        Ok(Try { keys })
    }

    /// The try was right: the account is at home here. The address keeps its other failures.
    pub(super) async fn try_succeeded(&self, tried: &Try) -> Result<()> {
        let now = self.clock.now();
        let [pair, address, account] = &tried.keys;
        store::clear_counter(&self.store, pair, Some(now)).await?;
        store::clear_counter(&self.store, account, None).await?;
        store::uncount(&self.store, address).await?;
        let old = Timestamp(now.0.saturating_sub(i64::try_from(KNOWN.as_millis()).unwrap_or(i64::MAX)));
        Ok(store::forget_counters(&self.store, old).await?)
    }

    /// The try was right so far, and more is asked for: it does not count, and clears nothing,
    /// so that asking for the code again and again does not buy guesses at it.
    pub(super) async fn try_undecided(&self, tried: &Try) -> Result<()> {
        for key in &tried.keys {
            store::uncount(&self.store, key).await?;
        }
        Ok(())
    }
}

/// Who counts as one address: an IPv4 address, or an IPv6 network of 64 bits, which is what one customer gets.
fn bucket(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

fn too_many(wait: Duration) -> Error {
    let seconds = wait.as_secs().max(1);
    let span =
        if seconds < 90 { format!("{seconds} seconds") } else { format!("{} minutes", seconds.div_ceil(60)) };
    Error::new(
        Kind::Throttled,
        format!(
            "Too many tries. Wait {span} and try again; `flashnode reset-password` on the box ends the wait."
        ),
    )
    .keyed("error-throttled")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn waits_double_up_to_the_cap() {
        let wait = |failures| {
            let counter = Counter { failures, last_failure: Timestamp(0), good_at: None };
            counter.wait(PAIR, Timestamp(0)).as_secs()
        };
        assert_eq!([0, 4, 5, 6, 7, 8, 14, 15, 1000].map(wait), [0, 0, 1, 2, 4, 8, 512, 900, 900]);
    }

    #[test]
    fn ipv6_counts_by_network_and_mapped_ipv4_as_ipv4() {
        let of = |text: &str| bucket(text.parse().expect("an address"));
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), "192.0.2.1");
    }

    proptest! {
        #[test]
        fn no_counter_shuts_a_door_for_longer_than_the_cap(failures in 0_i64..=i64::MAX, last in any::<i64>(), now in 0_i64..4_000_000_000_000) {
            let counter = Counter { failures, last_failure: Timestamp(last), good_at: None };
            for limit in [PAIR, ADDRESS, ACCOUNT] {
                prop_assert!(counter.wait(limit, Timestamp(now)) <= limit.cap);
                let later = Timestamp(now).plus(limit.cap);
                prop_assert!(counter.last_failure > Timestamp(now) || counter.wait(limit, later).is_zero());
            }
        }
    }
}
