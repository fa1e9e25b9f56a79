//! The Electrum server, as the supervisor needs it.

use async_trait::async_trait;

use super::PortResult;

/// Where the index stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexState {
    /// It still indexes and answers no clients; the height it has reached.
    Indexing {
        /// Indexed up to this height.
        height: u64,
    },
    /// It answers clients with this tip.
    Serving {
        /// The tip.
        height: u64,
    },
}

/// An Electrum server.
#[async_trait]
pub trait Electrum: Send + Sync {
    /// Whether it serves, and up to where.
    async fn index_state(&self) -> PortResult<IndexState>;
}
