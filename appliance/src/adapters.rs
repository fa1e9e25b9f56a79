//! Adapters: each implements one port of core for one foreign program, and turns that program's errors into the port's.
//! They never call each other; what two of them share stands beside them.

pub(crate) mod logline;

pub mod bitcoind;
pub mod doors;
pub mod electrum;
pub mod http;
pub mod lnd;
pub mod postgres;
pub mod tor;
pub mod unlocker;

pub mod docker;
pub mod process;
