//! The binary's parts: roles, adapters, wiring, the command line. Rules and types are in `flashnode-core`.
//!
//! | module | owns |
//! | --- | --- |
//! | [`adapters`] | one for each port of core |
//! | [`control`] | the supervisor's socket, server and client |
//! | [`tls`] | the box's authorities and certificates |
//! | [`doctor`] | the machine beneath |
//! | [`wire`] | the only place that builds adapters and façades |
//! | [`roles`] | `supervise` and `app` |
//! | [`cli`] | one file for each verb |

pub mod adapters;

pub mod users;

pub mod control;

pub mod tls;

pub mod wire;

pub mod metrics;

pub mod roles;

pub mod doctor;

pub mod sd_notify;

pub mod cli;
