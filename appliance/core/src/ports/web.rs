//! A service's own HTTP health endpoint (NBXplorer, BTCPay Server, our own app).

use async_trait::async_trait;
use serde_json::Value;

use super::PortResult;

/// An HTTP service on this machine.
#[async_trait]
pub trait WebService: Send + Sync {
    /// GETs a path and parses the JSON that comes back.
    async fn get(&self, path: &str) -> PortResult<Value>;

    /// POSTs JSON and parses the JSON that comes back.
    async fn post(&self, path: &str, body: Value) -> PortResult<Value>;
}
