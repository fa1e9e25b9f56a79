//! Telling systemd how a role is (`sd_notify(3)`): one datagram to `NOTIFY_SOCKET`, or nothing where there is none.

use std::{
    io,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram},
    },
};

/// The role is up.
pub fn ready() {
    notify("READY=1");
}

/// The role is ending.
pub fn stopping() {
    notify("STOPPING=1");
}

/// One line on how it is, for `systemctl status`.
pub fn status(line: &str) {
    notify(&format!("STATUS={}", line.replace('\n', " ")));
}

fn notify(state: &str) {
    let Some(socket) = std::env::var_os("NOTIFY_SOCKET") else { return };
    if let Err(error) = send(&socket.to_string_lossy(), state) {
        tracing::debug!(%error, "systemd did not take a notification: {error}");
    }
}

fn send(socket: &str, state: &str) -> io::Result<()> {
    let address = match socket.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(socket)?,
    };
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_datagram_arrives_by_path_and_by_abstract_name() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("notify");
        let name = format!("flashnode-test-{}", std::process::id());
        let abstract_address = SocketAddr::from_abstract_name(&name).expect("a name");
        let by_path = UnixDatagram::bind(&path).expect("bound");
        let by_name = UnixDatagram::bind_addr(&abstract_address).expect("bound");
        send(&path.to_string_lossy(), "READY=1").expect("sent");
        send(&format!("@{name}"), "READY=1").expect("sent");
        for socket in [by_path, by_name] {
            let mut buffer = [0; 64];
            let length = socket.recv(&mut buffer).expect("received");
            assert_eq!(&buffer[..length], b"READY=1");
        }
    }
}
