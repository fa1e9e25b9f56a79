//! Who holds how many connections, and who has to go when there is no place left.
//!
//! A client that comes when all places are taken gets one from the address that holds the most: of its connections
//! the one that has rested longest. So many silent connections close each other, and nobody else's.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Caps;

/// The places of one listener.
#[derive(Clone, Debug, Default)]
pub(super) struct Places(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    next: u64,
    held: HashMap<u64, Held>,
}

#[derive(Debug)]
struct Held {
    address: IpAddr,
    /// Requests that are being answered.
    busy: usize,
    /// When the last request began or ended, or the connection came.
    since: Instant,
    cut: CancellationToken,
}

impl Table {
    fn count(&self, address: IpAddr) -> usize {
        self.held.values().filter(|held| held.address == address).count()
    }

    /// The address that holds the most.
    fn greediest(&self) -> Option<(IpAddr, usize)> {
        let mut counts = HashMap::<IpAddr, usize>::new();
        for held in self.held.values() {
            *counts.entry(held.address).or_default() += 1;
        }
        counts.into_iter().max_by_key(|(_, count)| *count)
    }

    /// Cuts the connection of this address that has rested longest; with `also_busy` one at work, too.
    fn evict(&mut self, address: IpAddr, also_busy: bool) -> bool {
        let of = self.held.iter().filter(|(_, h)| h.address == address && (also_busy || h.busy == 0));
        let Some(id) = of.min_by_key(|(_, h)| (h.busy > 0, h.since)).map(|(id, _)| *id) else { return false };
        if let Some(held) = self.held.remove(&id) {
            held.cut.cancel();
        }
        true
    }

    fn make_room(&mut self, address: IpAddr, caps: Caps) -> bool {
        let own = self.count(address);
        if own >= caps.per_address {
            return self.evict(address, false);
        }
        if self.held.len() < caps.connections {
            return true;
        }
        match self.greediest() {
            Some((greedy, most)) => self.evict(greedy, most > own + 1),
            None => false,
        }
    }
}

impl Places {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection from here; `None` when there is none even after others were cut.
    pub(super) fn take(&self, address: IpAddr, caps: Caps) -> Option<Place> {
        let address = network(address);
        let mut table = self.table();
        if !table.make_room(address, caps) {
            return None;
        }
        let (id, cut) = (table.next, CancellationToken::new());
        table.next += 1;
        table.held.insert(id, Held { address, busy: 0, since: Instant::now(), cut: cut.clone() });
        Some(Place { places: self.clone(), id, cut })
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

/// A connection's place; given back when it is dropped.
pub(super) struct Place {
    places: Places,
    id: u64,
    cut: CancellationToken,
}

impl Place {
    /// Fires when somebody else got this place.
    pub(super) fn cut(&self) -> CancellationToken {
        self.cut.clone()
    }

    /// What tells this place that a request is being answered.
    pub(super) fn bell(&self) -> Bell {
        Bell { places: self.places.clone(), id: self.id }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.table().held.remove(&self.id);
    }
}

/// Marks a connection as at work.
#[derive(Clone)]
pub(super) struct Bell {
    places: Places,
    id: u64,
}

impl Bell {
    /// At work until this is dropped.
    pub(super) fn begin(&self) -> Busy {
        self.change(|busy| busy + 1);
        Busy(self.clone())
    }

    fn change(&self, step: impl FnOnce(usize) -> usize) {
        if let Some(held) = self.places.table().held.get_mut(&self.id) {
            (held.busy, held.since) = (step(held.busy), Instant::now());
        }
    }
}

/// A request that is being answered.
pub(super) struct Busy(Bell);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.change(|busy| busy.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caps(connections: usize, per_address: usize) -> Caps {
        Caps { connections, per_address, ..Caps::default() }
    }

    fn at(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    #[test]
    fn an_address_at_its_share_closes_its_own_oldest_idle_connection() {
        let (places, caps) = (Places::default(), caps(9, 2));
        let first = places.take(at(1), caps).expect("free");
        let second = places.take(at(1), caps).expect("free");
        let busy = first.bell().begin();
        let third = places.take(at(1), caps).expect("the second rested");
        assert!(!first.cut().is_cancelled() && second.cut().is_cancelled());
        let _work = third.bell().begin();
        assert!(places.take(at(1), caps).is_none(), "all of them are at work");
        drop(busy);
        assert!(places.take(at(1), caps).is_some());
    }

    #[test]
    fn when_all_is_full_the_greediest_address_gives_a_place_and_nobody_else() {
        let (places, caps) = (Places::default(), caps(5, 4));
        let quiet = places.take(at(1), caps).expect("free"); // the oldest of all, and idle
        let greedy: Vec<_> = (0..4).map(|_| places.take(at(2), caps).expect("free")).collect();
        let work: Vec<_> = greedy.iter().map(|place| place.bell().begin()).collect();
        let _newcomer = places.take(at(3), caps).expect("taken from the greedy one, though it is at work");
        assert!(!quiet.cut().is_cancelled());
        assert_eq!(greedy.iter().filter(|place| place.cut().is_cancelled()).count(), 1);
        drop((greedy, work));
        assert_eq!(places.table().held.len(), 2, "places are given back once");
    }

    #[test]
    fn ipv6_counts_by_network() {
        let (places, caps) = (Places::default(), caps(9, 1));
        let first = places.take("2001:db8::1".parse().expect("an address"), caps).expect("free");
        let _second = places.take("2001:db8::2:1".parse().expect("an address"), caps).expect("same network");
        assert!(first.cut().is_cancelled(), "both are one");
    }
}
