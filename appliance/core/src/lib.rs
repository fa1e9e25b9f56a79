//! Rules, types, ports and stores of Flashnode: what the box decides, in words of its own.
//!
//! Knows nothing of Docker, LND's API, HTTP or templates: those sit behind [`ports`].
//! Modules are rows in reading order; each uses only rows above its own.
//!
//! | module | owns |
//! | --- | --- |
//! | [`types`] | names, ids, time, secrets: the only types that features share |
//! | [`error`] | errors with one calm sentence for the owner |
//! | [`config`] | the boot file, read once |
//! | [`ports`] | our words for programs that are not ours |
//! | [`store`] | pools, transactions, migrations; no feature's queries |
//! | [`keys`] | the one phrase, the master key and its keyslots, derivation |
//! | [`audit`] | who did what from where, hash-chained |
//! | [`access`] | who may do what: members, sign-in, sessions |
//! | [`node`] | keeping services as wanted |
//! | [`control`] | what the supervisor answers to pages and the command line |
//! | [`setup`] | the wizard as one state machine |
//! | [`app`] | the façade that pages hold |
//! | [`supervisor`] | the façade of role `supervise` |

pub mod types;

pub mod error;

pub mod config;

pub mod ports;

pub mod store;

pub mod keys;

pub mod audit;

pub mod access;

pub mod node;

pub mod control;

pub mod setup;

pub mod app;

pub mod supervisor;
