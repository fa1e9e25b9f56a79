//! A hundred free ports for each box, so that tests run beside each other and beside a living box.

use std::{
    net::TcpListener,
    sync::atomic::{AtomicU16, Ordering},
};

static NEXT: AtomicU16 = AtomicU16::new(0);

/// The first of a hundred ports that nobody listens on, and neither on the one before.
pub fn free_base() -> u16 {
    let seed = u16::try_from(std::process::id() % 180).expect("small");
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let base = 23_000 + (seed + step) % 90 * 102 + 1;
        let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
        if (base - 1..base + 70).all(free) {
            return base;
        }
        assert!(step < 200, "no hundred free ports in a row");
    }
}
