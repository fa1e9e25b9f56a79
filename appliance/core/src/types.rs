//! The types that features share. A type that only one feature uses lives with that feature.

pub mod ids;
pub mod network;
pub mod secret;
pub mod time;

pub use ids::{EdgeName, Generation, ServiceName, SpecHash};
pub use network::Network;
pub use secret::Secret;
pub use time::{Millis, Timestamp};
