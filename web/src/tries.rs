//! How often somebody who has not signed in may try a secret. In memory: a restart forgets, and the secret's own
//! limits (its length, its hash, its tries) stand behind this.

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
};

use flashnode_core::error::{Error, Kind, Result};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Addresses that are remembered before those that tried long ago are forgotten.
const REMEMBERED: usize = 1_000;

/// A limit for each address, and perhaps one for all of them together.
pub(crate) struct Tries {
    each: DefaultKeyedRateLimiter<IpAddr>,
    all: Option<DefaultDirectRateLimiter>,
}

impl Tries {
    /// So many tries a minute.
    pub(crate) fn a_minute(each: NonZeroU32, all: Option<NonZeroU32>) -> Self {
        Self {
            each: RateLimiter::keyed(Quota::per_minute(each)),
            all: all.map(|all| RateLimiter::direct(Quota::per_minute(all))),
        }
    }

    /// Counts a try from this address, or refuses it.
    pub(crate) fn count(&self, address: IpAddr) -> Result<()> {
        if self.each.len() > REMEMBERED {
            self.each.retain_recent();
        }
        let all = |()| self.all.as_ref().map_or(Ok(()), |all| all.check().map_err(drop));
        let counted = self.each.check_key(&network(address)).map(drop).map_err(drop).and_then(all);
        counted.map_err(|()| {
            Error::new(Kind::Throttled, "Too many tries. Wait a minute, then try again.")
                .keyed("error-throttled")
        })
    }
}

/// One IPv4 address, or one IPv6 network of 64 bits, which is what one customer gets.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREE: NonZeroU32 = NonZeroU32::new(3).expect("not zero");
    const FIVE: NonZeroU32 = NonZeroU32::new(5).expect("not zero");

    #[test]
    fn each_address_and_each_ipv6_network_has_its_own_tries() {
        let tries = Tries::a_minute(THREE, None);
        for last in 1..=3 {
            tries.count(IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, last])).expect("one of three");
        }
        let fourth = tries.count(IpAddr::from([0x2001, 0xdb8, 0, 0, 9, 9, 9, 9]));
        assert_eq!(fourth.expect_err("the same network").kind, Kind::Throttled);
        tries.count(IpAddr::from([192, 0, 2, 1])).expect("another one is not held back");
    }

    #[test]
    fn all_addresses_together_have_no_more_than_the_limit_of_all() {
        let tries = Tries::a_minute(THREE, Some(FIVE));
        let counted = (0..20).filter(|last| tries.count(IpAddr::from([192, 0, 2, *last])).is_ok());
        assert_eq!(counted.count(), 5);
    }

    #[test]
    fn a_crowd_is_forgotten() {
        const MANY: NonZeroU32 = NonZeroU32::new(60_000_000).expect("not zero");
        let tries = Tries::a_minute(MANY, None); // each is forgotten after a microsecond
        for n in 0..5_000_u16 {
            let [high, low] = n.to_be_bytes();
            tries.count(IpAddr::from([10, 0, high, low])).expect("its first");
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
        tries.count(IpAddr::from([10, 1, 0, 0])).expect("its first");
        assert!(tries.each.len() <= REMEMBERED + 1, "{}", tries.each.len());
    }
}
