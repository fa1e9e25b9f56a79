//! bitcoind's JSON-RPC over HTTP, as one RPC user.

use async_trait::async_trait;
use flashnode_core::{
    ports::{
        PortError, PortResult,
        bitcoin::{Bitcoin, ChainInfo},
    },
    types::Secret,
};
use reqwest::Client;
use serde_json::{Value, json};

use super::http::send;

/// bitcoind's code for "still starting" (`RPC_IN_WARMUP`).
const IN_WARMUP: i64 = -28;

/// One RPC user at one node.
pub struct Bitcoind {
    client: Client,
    base: String,
    user: String,
    password: Secret<String>,
}

impl Bitcoind {
    /// At this loopback port.
    pub fn new(client: Client, port: u16, user: &str, password: &Secret<String>) -> Self {
        Self {
            client,
            base: format!("http://127.0.0.1:{port}"),
            user: user.to_owned(),
            password: password.clone(),
        }
    }
}

#[async_trait]
impl Bitcoin for Bitcoind {
    async fn chain_info(&self) -> PortResult<ChainInfo> {
        let info = self.call(None, "getblockchaininfo", json!([])).await?;
        let number = |name: &str| info[name].as_u64().unwrap_or(0);
        Ok(ChainInfo {
            chain: info["chain"].as_str().unwrap_or_default().to_owned(),
            blocks: number("blocks"),
            headers: number("headers"),
            initial_block_download: info["initialblockdownload"].as_bool().unwrap_or(true),
            verification_progress: info["verificationprogress"].as_f64().unwrap_or(0.0),
            tip_time: info["time"].as_i64().unwrap_or(0),
        })
    }

    async fn call(&self, wallet: Option<&str>, method: &str, params: Value) -> PortResult<Value> {
        let url = match wallet {
            Some(wallet) => format!("{}/wallet/{wallet}", self.base),
            None => self.base.clone(),
        };
        let body = json!({"jsonrpc": "1.0", "id": "flashnode", "method": method, "params": params});
        let request = self.client.post(url).basic_auth(&self.user, Some(self.password.expose())).json(&body);
        read(send(request).await?, method)
    }
}

/// 401 is an unknown user or a wrong password; 403 is a known user whose whitelist does not have the method.
fn read((status, text): (u16, String), method: &str) -> PortResult<Value> {
    match status {
        401 => return Err(PortError::Refused("user or password unknown".to_owned())),
        403 => return Err(PortError::Failed(format!("the method {method} is not allowed"))),
        _ => {}
    }
    let answer: Value = serde_json::from_str(&text)
        .map_err(|_| PortError::Failed(format!("HTTP status {status} without JSON")))?;
    let error = &answer["error"];
    let message = || error["message"].as_str().unwrap_or("an error without a message").to_owned();
    match error["code"].as_i64() {
        Some(IN_WARMUP) => Err(PortError::Starting(message())),
        Some(_) => Err(PortError::Failed(message())),
        None => Ok(answer["result"].clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart() {
        let warmup = r#"{"result":null,"error":{"code":-28,"message":"Loading block index…"},"id":1}"#;
        assert!(matches!(read((500, warmup.into()), "uptime"), Err(PortError::Starting(_))));
        assert!(matches!(read((401, String::new()), "uptime"), Err(PortError::Refused(_))));
        assert!(matches!(read((403, String::new()), "stop"), Err(PortError::Failed(_))));
        assert_eq!(read((200, r#"{"result":7,"error":null,"id":1}"#.into()), "uptime"), Ok(json!(7)));
        assert!(matches!(read((200, "<html>".into()), "uptime"), Err(PortError::Failed(_))));
    }
}
