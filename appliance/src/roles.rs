//! The roles of the one binary: config in, run until shutdown.

pub mod app;
pub mod supervise;
