//! Tor's control port: authenticate by cookie, ask for the bootstrap phase (control-spec).

use std::time::Duration;

use async_trait::async_trait;
use flashnode_core::{
    node::catalog::context::TorControl,
    ports::{PortError, PortResult},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// A Tor at a loopback control port.
pub struct Tor {
    port: u16,
    cookie: [u8; 32],
}

impl Tor {
    /// With the cookie that it wrote to its data folder.
    pub const fn new(port: u16, cookie: [u8; 32]) -> Self {
        Self { port, cookie }
    }

    async fn ask(&self) -> std::io::Result<String> {
        let cookie = hex::encode(self.cookie);
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        let order = format!("AUTHENTICATE {cookie}\r\nGETINFO status/bootstrap-phase\r\nQUIT\r\n");
        stream.write_all(order.as_bytes()).await?;
        let mut answer = String::new();
        stream.take(64 * 1024).read_to_string(&mut answer).await?;
        Ok(answer)
    }
}

/// `250-status/bootstrap-phase=NOTICE BOOTSTRAP PROGRESS=45 TAG=…`
fn percent(answer: &str) -> Option<u8> {
    let (_, rest) = answer.split_once("PROGRESS=")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().filter(|percent| *percent <= 100)
}

#[async_trait]
impl TorControl for Tor {
    async fn bootstrap_percent(&self) -> PortResult<u8> {
        let answer = timeout(Duration::from_secs(3), self.ask()).await;
        let answer = answer.map_err(|_| PortError::Unreachable("it does not answer".to_owned()))?;
        let answer = answer.map_err(|error| PortError::Unreachable(error.to_string()))?;
        percent(&answer).ok_or_else(|| PortError::Starting("it has not said how far it is".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_phase_is_read_and_rubbish_is_not() {
        assert_eq!(
            percent("250 OK\r\n250-status/bootstrap-phase=NOTICE BOOTSTRAP PROGRESS=45 TAG=x\r\n"),
            Some(45)
        );
        assert_eq!(percent("PROGRESS=101"), None);
        assert_eq!(percent("515 Authentication failed"), None);
    }
}
