//! LND's REST API, with at most one macaroon. Wallets are made by the unlocker beside it.

use async_trait::async_trait;
use flashnode_core::{
    ports::{
        PortError, PortResult,
        lightning::{Lightning, NodeInfo, WalletState},
    },
    types::Secret,
};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::http::send;

/// One Lightning node.
pub struct Lnd {
    client: Client,
    base: String,
    macaroon: Option<Secret<String>>,
}

impl Lnd {
    /// At this loopback port; `client` trusts the CA that made its certificate.
    pub fn new(client: Client, port: u16, macaroon: Option<&Secret<String>>) -> Self {
        Self { client, base: format!("https://127.0.0.1:{port}"), macaroon: macaroon.cloned() }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> PortResult<Value> {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if let Some(macaroon) = &self.macaroon {
            request = request.header("Grpc-Metadata-macaroon", macaroon.expose());
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        read(send(request).await?)
    }
}

/// LND answers an error as `{"code": gRPC code, "message": …}`. A macaroon that it does not honour and one that it
/// honours without this right look alike by status; the message tells them apart.
fn read((status, text): (u16, String)) -> PortResult<Value> {
    let answer: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
    if (200..300).contains(&status) {
        return Ok(answer);
    }
    let message = answer["message"].as_str().unwrap_or("an error without a message").to_owned();
    let unknown = [
        "verification failed",
        "cannot get macaroon",
        "root key with id",
        "expected 1 macaroon",
        "cannot determine data format",
    ];
    if unknown.iter().any(|mark| message.contains(mark)) {
        return Err(PortError::Refused(message));
    }
    let starting = [
        "wallet locked",
        "waiting to start",
        "the RPC server is in the process of starting up",
        "wallet not created",
    ];
    if starting.iter().any(|mark| message.contains(mark)) {
        return Err(PortError::Starting(message));
    }
    Err(PortError::Failed(message))
}

#[async_trait]
impl Lightning for Lnd {
    async fn state(&self) -> PortResult<WalletState> {
        let answer = self.ask(Method::GET, "/v1/state", None).await?;
        serde_json::from_value(answer["state"].clone())
            .map_err(|_| PortError::Failed(format!("unknown state {}", answer["state"])))
    }

    async fn info(&self) -> PortResult<NodeInfo> {
        let info = self.ask(Method::GET, "/v1/getinfo", None).await?;
        let text = |name: &str| info[name].as_str().unwrap_or_default().to_owned();
        Ok(NodeInfo {
            pubkey: text("identity_pubkey"),
            version: text("version"),
            block_height: info["block_height"].as_u64().unwrap_or(0),
            synced_to_chain: info["synced_to_chain"].as_bool().unwrap_or(false),
            best_header_time: info["best_header_timestamp"]
                .as_str()
                .and_then(|t| t.parse().ok())
                .unwrap_or(0),
        })
    }

    async fn bake(&self, uris: &[&str], root_key_id: u64) -> PortResult<Secret<String>> {
        let permissions: Vec<Value> =
            uris.iter().map(|uri| json!({"entity": "uri", "action": uri})).collect();
        let body = json!({"permissions": permissions, "root_key_id": root_key_id.to_string()});
        let answer = self.ask(Method::POST, "/v1/macaroon", Some(body)).await?;
        let macaroon =
            answer["macaroon"].as_str().ok_or_else(|| PortError::Failed("it baked nothing".to_owned()))?;
        Ok(Secret::new(macaroon.to_owned()))
    }

    async fn revoke(&self, root_key_id: u64) -> PortResult<()> {
        // Answers `deleted: false` when it was gone already, which is just as well.
        self.ask(Method::DELETE, &format!("/v1/macaroon/{root_key_id}"), None).await.map(drop)
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> PortResult<Value> {
        let method = method.parse().map_err(|_| PortError::Failed(format!("no HTTP method: {method}")))?;
        self.ask(method, path, (!body.is_null()).then_some(body)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_macaroon_and_a_missing_right_differ() {
        let dead =
            r#"{"code":2,"message":"verification failed: signature mismatch after caveat verification"}"#;
        assert!(matches!(read((500, dead.into())), Err(PortError::Refused(_))));
        let weak = r#"{"code":7,"message":"permission denied"}"#;
        assert!(matches!(read((403, weak.into())), Err(PortError::Failed(_))));
        let locked = r#"{"code":2,"message":"wallet locked, unlock it to enable full RPC access"}"#;
        assert!(matches!(read((500, locked.into())), Err(PortError::Starting(_))));
        assert_eq!(read((200, r#"{"state":"LOCKED"}"#.into())), Ok(json!({"state": "LOCKED"})));
    }
}
