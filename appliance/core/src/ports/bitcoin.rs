//! Bitcoin's node, as the supervisor needs it.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::PortResult;

/// The part of `getblockchaininfo` that health is judged by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChainInfo {
    /// `main`, `test`, `testnet4`, `signet` or `regtest`.
    pub chain: String,
    /// Height of the validated tip.
    pub blocks: u64,
    /// Height of the best header.
    pub headers: u64,
    /// Whether it is still in initial block download.
    pub initial_block_download: bool,
    /// Its own estimate of what is verified, 0 to 1.
    pub verification_progress: f64,
    /// Time of the tip, seconds since 1970.
    pub tip_time: i64,
}

/// One JSON-RPC user's view of the node: each adapter instance carries one credential.
#[async_trait]
pub trait Bitcoin: Send + Sync {
    /// `getblockchaininfo`. `PortError::Starting` while it answers -28.
    async fn chain_info(&self) -> PortResult<ChainInfo>;

    /// Any method; for the playground and for proving what a credential may do.
    async fn call(&self, wallet: Option<&str>, method: &str, params: Value) -> PortResult<Value>;
}
