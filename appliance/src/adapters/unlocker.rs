//! LND's `WalletUnlocker/InitWallet` by gRPC over a UNIX socket: LND's REST proxy cannot reach a gRPC server that
//! listens on a socket, and on a TCP port anybody on the machine could make the wallet first.

use std::path::Path;

use async_trait::async_trait;
use flashnode_core::ports::{
    PortError, PortResult,
    lightning::{NewWallet, WalletMaker},
};
use reqwest::{Certificate, Client, Response};

/// The unlocker at one socket.
pub struct Unlocker(Option<Client>);

const METHOD: &str = "https://localhost/lnrpc.WalletUnlocker/InitWallet";

impl Unlocker {
    /// `ca` made the node's certificate, PEM.
    pub fn new(ca: &str, socket: &Path) -> Self {
        let certificate = Certificate::from_pem(ca.as_bytes()).ok();
        let builder = Client::builder().no_proxy().timeout(std::time::Duration::from_secs(20));
        let client = builder.tls_certs_only(certificate).unix_socket(socket).build();
        Self(client.ok())
    }
}

#[async_trait]
impl WalletMaker for Unlocker {
    async fn make(&self, wallet: &NewWallet) -> PortResult<()> {
        let client = self.0.as_ref().ok_or_else(|| PortError::Unreachable("no client".to_owned()))?;
        let body = frame(&message(wallet)?);
        let asked = client
            .post(METHOD)
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(body);
        let answer = asked
            .send()
            .await
            .map_err(|error| PortError::Unreachable(flashnode_core::error::chain(&error)))?;
        judge(&header(&answer, "grpc-status"), &header(&answer, "grpc-message"))?;
        // An answer that is not cut short comes only after the wallet is on the disk.
        answer.bytes().await.map(drop).map_err(|error| PortError::Unreachable(error.to_string()))
    }
}

fn header(answer: &Response, name: &str) -> String {
    answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

/// An error comes with its status in the headers; success has its status at the end, after the message.
fn judge(status: &str, message: &str) -> PortResult<()> {
    match status {
        "" | "0" => Ok(()),
        // A wallet that is there was made by us: nobody else can open this socket.
        _ if message.contains("already") => Ok(()),
        "14" => Err(PortError::Starting(message.to_owned())),
        _ => Err(PortError::Failed(message.to_owned())),
    }
}

/// `lnrpc.InitWalletRequest`: wallet_password = 1, stateless_init = 6, extended_master_key = 7,
/// extended_master_key_birthday_timestamp = 8, macaroon_root_key = 10.
fn message(wallet: &NewWallet) -> PortResult<Vec<u8>> {
    let root_key =
        hex::decode(wallet.macaroon_root_key.expose()).map_err(|e| PortError::Failed(e.to_string()))?;
    let mut out = Vec::new();
    bytes(&mut out, 1, wallet.password.expose().as_bytes());
    number(&mut out, 6, 1);
    bytes(&mut out, 7, wallet.extended_master_key.expose().as_bytes());
    number(&mut out, 8, u64::try_from(wallet.birthday).unwrap_or(0));
    bytes(&mut out, 10, &root_key);
    Ok(out)
}

fn bytes(out: &mut Vec<u8>, field: u8, value: &[u8]) {
    out.push(field << 3 | 2);
    varint(out, value.len() as u64);
    out.extend(value);
}

fn number(out: &mut Vec<u8>, field: u8, value: u64) {
    out.push(field << 3);
    varint(out, value);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).unwrap_or(0) | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap_or(0));
}

/// gRPC over HTTP/2: not compressed, length in four bytes.
fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    [&[0], &length.to_be_bytes()[..], message].concat()
}

#[cfg(test)]
mod tests {
    use flashnode_core::types::Secret;

    use super::*;

    #[test]
    fn the_message_has_the_fields_that_lnd_reads() {
        let secret = |text: &str| Secret::new(text.to_owned());
        let wallet = NewWallet {
            password: secret("pw"),
            extended_master_key: secret("tprv"),
            birthday: 300,
            macaroon_root_key: secret("0102"),
        };
        let expected =
            [&[0x0a, 2][..], b"pw", &[0x30, 1], &[0x3a, 4], b"tprv", &[0x40, 0xac, 0x02], &[0x52, 2, 1, 2]];
        assert_eq!(message(&wallet).expect("fine"), expected.concat());
        assert_eq!(frame(&[9, 9]), [0, 0, 0, 0, 2, 9, 9]);
    }

    #[test]
    fn a_wallet_that_is_there_counts_as_made() {
        assert_eq!(judge("", ""), Ok(()));
        assert_eq!(judge("2", "wallet already exists"), Ok(()));
        assert!(matches!(judge("14", "starting"), Err(PortError::Starting(_))));
        assert!(matches!(judge("2", "no"), Err(PortError::Failed(_))));
    }
}
