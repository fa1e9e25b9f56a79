//! The Electrum protocol, as far as health needs it, and electrs' own metrics while it still indexes.

use std::time::Duration;

use async_trait::async_trait;
use flashnode_core::ports::{
    PortError, PortResult,
    electrum::{Electrum, IndexState},
};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};

use super::http::send;

/// Longest line read from a server, in bytes: a header notification is a few hundred.
const LINE: u64 = 64 * 1024;

/// electrs at its two loopback ports.
pub struct ElectrumServer {
    client: Client,
    port: u16,
    metrics: u16,
}

impl ElectrumServer {
    /// Serving `port`, with Prometheus metrics at `metrics`.
    pub const fn new(client: Client, port: u16, metrics: u16) -> Self {
        Self { client, port, metrics }
    }

    async fn tip(&self) -> PortResult<u64> {
        let unreachable = |error: std::io::Error| PortError::Unreachable(error.to_string());
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.map_err(unreachable)?;
        let ask = json!({"jsonrpc": "2.0", "id": 0, "method": "blockchain.headers.subscribe", "params": []});
        stream.write_all(format!("{ask}\n").as_bytes()).await.map_err(unreachable)?;
        let mut line = String::new();
        BufReader::new(stream.take(LINE)).read_line(&mut line).await.map_err(unreachable)?;
        height(&line)
    }

    async fn indexed(&self) -> PortResult<u64> {
        let (_, text) = send(self.client.get(format!("http://127.0.0.1:{}/metrics", self.metrics))).await?;
        indexed_height(&text).ok_or_else(|| PortError::Starting("it has not begun to index".to_owned()))
    }
}

/// The height in the answer to `blockchain.headers.subscribe`.
fn height(line: &str) -> PortResult<u64> {
    let answer: Value =
        serde_json::from_str(line).map_err(|_| PortError::Failed("its answer is not JSON".to_owned()))?;
    answer["result"]["height"].as_u64().ok_or_else(|| PortError::Starting("it has no tip yet".to_owned()))
}

/// electrs' gauge `electrs_index_height{type="tip"}`.
fn indexed_height(metrics: &str) -> Option<u64> {
    let line =
        metrics.lines().find(|line| line.starts_with("electrs_index_height{") && line.contains("\"tip\""))?;
    line.rsplit(' ').next()?.split('.').next()?.parse().ok()
}

#[async_trait]
impl Electrum for ElectrumServer {
    async fn index_state(&self) -> PortResult<IndexState> {
        match timeout(Duration::from_secs(2), self.tip()).await {
            Ok(Ok(height)) => Ok(IndexState::Serving { height }),
            _ => self.indexed().await.map(|height| IndexState::Indexing { height }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tip_is_read_and_rubbish_is_not() {
        assert_eq!(height(r#"{"id":0,"result":{"height":812,"hex":"00"}}"#), Ok(812));
        for rubbish in ["", "{", "null", r#"{"result":{"height":-1}}"#, r#"{"error":"unavailable index"}"#] {
            assert!(height(rubbish).is_err(), "{rubbish}");
        }
    }

    #[test]
    fn the_gauge_is_found_among_others() {
        let text =
            "# HELP x\nelectrs_index_db_properties{name=\"a\"} 1\nelectrs_index_height{type=\"tip\"} 907\n";
        assert_eq!(indexed_height(text), Some(907));
        assert_eq!(indexed_height("nothing"), None);
    }
}
