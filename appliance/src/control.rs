//! The supervisor's typed API on a UNIX socket: framed JSON, peers known by the kernel's word.
//!
//! The questions and answers themselves are `flashnode_core::control`; this knows only how they travel.
//!
//! | row | owns |
//! | --- | --- |
//! | [`frame`] | lengths and caps |
//! | [`message`] | what a frame says, and who may say it; pure |
//! | [`server`] | the supervisor's side |
//! | [`client`] | the pages' and the command line's side |

pub mod frame;

pub mod message;

pub mod server;

pub mod client;

#[cfg(test)]
mod tests;

pub use self::{
    client::{ControlClient, socket_of},
    message::Allowed,
    server::{Limits, bind, serve},
};
