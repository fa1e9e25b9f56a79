//! The Lightning node, as the supervisor needs it: its life cycle, its credentials, and the playground's channel.
//! Payments have a port of their own.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::PortResult;
use crate::types::Secret;

/// LND's `WalletState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WalletState {
    /// No wallet yet.
    NonExisting,
    /// The wallet waits for its password.
    Locked,
    /// Unlocked, servers starting.
    Unlocked,
    /// RPC answers; the wallet syncs.
    RpcActive,
    /// Everything answers.
    ServerActive,
    /// Not the leader, or not yet begun.
    WaitingToStart,
}

/// The part of `getinfo` that health is judged by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeInfo {
    /// The node's public key, hex.
    pub pubkey: String,
    /// Its version.
    pub version: String,
    /// Height it has followed to.
    pub block_height: u64,
    /// Whether it follows the chain's tip.
    pub synced_to_chain: bool,
    /// Time of the best header, seconds since 1970.
    pub best_header_time: i64,
}

/// What a wallet is made from.
#[derive(Clone, Debug)]
pub struct NewWallet {
    /// Unlocks it.
    pub password: Secret<String>,
    /// BIP32 root, `xprv…` or `tprv…`.
    pub extended_master_key: Secret<String>,
    /// Seconds since 1970; spares a rescan from genesis.
    pub birthday: i64,
    /// The macaroon root key of id 0, 32 bytes in hex. Chosen by us before the wallet exists, so that no answer
    /// of LND can get lost in a crash and lock us out.
    pub macaroon_root_key: Secret<String>,
}

/// The unlocker of a node without a wallet. Whoever reaches it first owns the node, so it listens on nothing but a
/// socket in the node's own closed folder until the wallet is made.
#[async_trait]
pub trait WalletMaker: Send + Sync {
    /// Makes the wallet, stateless: LND writes no macaroon to its disk. Done, too, when there is one already.
    async fn make(&self, wallet: &NewWallet) -> PortResult<()>;
}

/// One Lightning node; each adapter instance carries at most one macaroon.
#[async_trait]
pub trait Lightning: Send + Sync {
    /// `GET /v1/state`: needs no macaroon.
    async fn state(&self) -> PortResult<WalletState>;

    /// `getinfo`.
    async fn info(&self) -> PortResult<NodeInfo>;

    /// Bakes a macaroon of `uri:` permissions under its own root key id; hex.
    async fn bake(&self, uris: &[&str], root_key_id: u64) -> PortResult<Secret<String>>;

    /// Makes every macaroon of this root key id worthless.
    async fn revoke(&self, root_key_id: u64) -> PortResult<()>;

    /// Any REST call; for the playground and for proving what a credential may do.
    async fn call(&self, method: &str, path: &str, body: serde_json::Value) -> PortResult<serde_json::Value>;
}
