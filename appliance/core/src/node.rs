//! Keeping services as wanted. Used by the role `supervise`; knows no money.
//!
//! | row | owns |
//! | --- | --- |
//! | [`health`] | the five states, and how far a loading service is |
//! | [`alerts`] | typed alarms: raised, standing, acknowledged, gone |
//! | [`edges`] | one credential for each consumer and provider, and its rotation |
//! | [`catalog`] | every service: needs, files, ports, limits, credentials |
//! | [`secrets`], [`macaroon`] | secrets of single services; the macaroon that bakes the first |
//! | [`wanted`], [`offered`] | generations of the wanted state; images that can be had |
//! | [`specs`] | a service complete to the last byte, and its files on the disk |
//! | [`reconcile`] | observe → plan → execute → record |
//! | [`playground`] | the regtest world: miner, faucet, outside node |

pub mod health;

pub mod alerts;

pub mod edges;

pub mod catalog;

pub mod secrets;

pub mod macaroon;

pub mod wanted;

pub mod offered;

pub mod specs;

pub mod reconcile;

pub mod playground;
