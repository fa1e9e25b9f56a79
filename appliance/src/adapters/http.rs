//! HTTP to services on this machine: one client with short time-outs, and the port of plain health endpoints.
//! Knows no service, and dials only addresses that it is given.

use std::{net::SocketAddr, time::Duration};

use async_trait::async_trait;
use flashnode_core::{
    ports::{PortError, PortResult, web::WebService},
    types::Secret,
};
use reqwest::{Certificate, Client, RequestBuilder};
use serde_json::Value;

/// How long a service may take for an answer. Mining and wallet calls on a slow disk need a while.
const ANSWER: Duration = Duration::from_secs(30);

/// A client that trusts `ca` (PEM) alone, when there is one.
pub fn client(ca: Option<&str>) -> Client {
    let mut builder = Client::builder()
        .no_proxy()
        .connect_timeout(Duration::from_secs(2))
        .timeout(ANSWER)
        .pool_max_idle_per_host(2);
    builder = match ca.map(|pem| Certificate::from_pem(pem.as_bytes())) {
        Some(Ok(certificate)) => builder.tls_certs_only([certificate]),
        _ => builder.tls_certs_only([]),
    };
    builder.build().unwrap_or_else(|error| unreachable!("a client from our own settings: {error}"))
}

/// A client for our own pages' health under a certificate of the owner's, which names no loopback address.
/// Nothing secret is ever sent with it.
pub fn careless_client() -> Client {
    let builder = Client::builder().no_proxy().connect_timeout(Duration::from_secs(2)).timeout(ANSWER);
    let built = builder.tls_danger_accept_invalid_certs(true).build();
    built.unwrap_or_else(|error| unreachable!("a client from our own settings: {error}"))
}

/// Sends and reads the whole answer: status and text.
pub async fn send(request: RequestBuilder) -> PortResult<(u16, String)> {
    let answer = request.send().await.map_err(|error| PortError::Unreachable(chain(&error)))?;
    let status = answer.status().as_u16();
    let text = answer.text().await.map_err(|error| PortError::Unreachable(chain(&error)))?;
    Ok((status, text))
}

fn chain(error: &reqwest::Error) -> String {
    flashnode_core::error::chain(error)
}

/// An HTTP service of this machine.
pub struct LocalWeb {
    client: Client,
    base: String,
    basic: Option<(String, Secret<String>)>,
}

impl LocalWeb {
    /// At `scheme://at`.
    pub fn new(client: Client, https: bool, at: SocketAddr, basic: Option<(&str, &Secret<String>)>) -> Self {
        let scheme = if https { "https" } else { "http" };
        let basic = basic.map(|(user, password)| (user.to_owned(), password.clone()));
        Self { client, base: format!("{scheme}://{at}"), basic }
    }

    async fn json(&self, request: RequestBuilder) -> PortResult<Value> {
        let request = match &self.basic {
            Some((user, password)) => request.basic_auth(user, Some(password.expose())),
            None => request,
        };
        match send(request).await? {
            (200..=299, text) => serde_json::from_str(&text)
                .map_err(|_| PortError::Failed("its answer is not JSON".to_owned())),
            (401 | 403, _) => Err(PortError::Refused("it refuses our credential".to_owned())),
            (503, _) => Err(PortError::Starting("it is starting".to_owned())),
            (status, _) => Err(PortError::Failed(format!("it answers with HTTP status {status}"))),
        }
    }
}

#[async_trait]
impl WebService for LocalWeb {
    async fn get(&self, path: &str) -> PortResult<Value> {
        self.json(self.client.get(format!("{}{path}", self.base))).await
    }

    async fn post(&self, path: &str, body: Value) -> PortResult<Value> {
        self.json(self.client.post(format!("{}{path}", self.base)).json(&body)).await
    }
}
