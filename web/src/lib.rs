//! Pages and HTTP API of Flashnode. Depends on core alone: no page can reach an engine, a daemon or SQL.
//!
//! | module | owns |
//! | --- | --- |
//! | [`routes`] | every URL, with the role it needs and its class |
//! | [`pages`] | view structs and short handlers, one file a feature |
//! | [`api`] | JSON for the console and the command line |
//! | [`parts`] | view models that several pages share |
//! | [`view`] | the frame of a page; page or fragment |
//! | [`guard`] | host, origin, token, session, role, step-up, headers |
//! | [`sse`] | the stream that says "look" |
//! | [`state`] | what handlers share |
//! | [`error`] | errors on their way to a person |
//! | [`i18n`] | three languages |
//! | [`assets`] | stylesheet, scripts, icons |

pub mod routes;

pub mod pages;

pub mod api;

pub mod parts;

pub mod view;

pub mod guard;

pub mod sse;

pub mod state;

mod tries;

pub mod error;

pub mod i18n;

pub mod assets;

pub use routes::router;
pub use state::{Console, Options};

/// The façade that [`router`] serves.
pub type SharedApp = std::sync::Arc<flashnode_core::app::App>;
