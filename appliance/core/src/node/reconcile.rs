//! Wanted state → running services: observe → plan → execute → record, on a timer and on a nudge.
//!
//! | file | does |
//! | --- | --- |
//! | [`task`] | what the loop holds, and the loop |
//! | [`world`] | reads: generation, credentials, secrets, images; makes those that are missing |
//! | [`desired`] | what is wanted now, complete to the last byte of every file |
//! | [`observed`] | what is, in this pass |
//! | [`history`] | what happened to a service so far: crashes, the last good spec, a refused one |
//! | [`plan`] | decides; pure |
//! | [`execute`] | does; makes no choices |
//! | [`record`] | writes down what happened: histories, alarms, audit |
//! | [`turn`] | moves credentials along their rotation |
//!
//! Every pass re-reads everything, so a pass may be lost, repeated or cut short by `kill -9` anywhere.

pub mod desired;
pub mod observed;

pub mod history;

pub mod plan;

pub mod execute;

pub mod task;

pub mod world;

mod look;

mod record;

pub mod turn;
