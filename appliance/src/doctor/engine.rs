//! Whether something on this machine can run services: an engine that answers, or bubblewrap.

use std::{path::Path, time::Duration};

use flashnode_core::{config::RuntimeChoice, control::Finding};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    time::timeout,
};

use super::finding;

/// Where engines listen.
const SOCKETS: [&str; 2] = ["/var/run/docker.sock", "/run/podman/podman.sock"];

/// How long an engine may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(3);

/// What is missing for the runtime of this box.
pub async fn examine(choice: RuntimeChoice) -> Option<Finding> {
    let sandbox = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join("bwrap").is_file()));
    let mut answers = false;
    if choice == RuntimeChoice::Docker || (choice == RuntimeChoice::Auto && !sandbox) {
        for socket in SOCKETS {
            answers = answers || pings(Path::new(socket)).await;
        }
    }
    judge(choice, answers, sandbox)
}

fn judge(choice: RuntimeChoice, answers: bool, sandbox: bool) -> Option<Finding> {
    let (problem, advice) = match choice {
        RuntimeChoice::Docker if !answers => (
            "The engine (Docker or Podman) does not answer. Containers that run go on running, but nothing new can start.",
            "Start it: `systemctl start docker`. Or set `runtime = \"process\"` in flashnode.toml.",
        ),
        RuntimeChoice::Process if !sandbox => (
            "bubblewrap is not installed, so no service can start.",
            "Install it: `apt-get install bubblewrap`.",
        ),
        RuntimeChoice::Auto if !answers && !sandbox => (
            "Neither an engine answers nor is bubblewrap installed, so no service can start.",
            "Install one of them: `apt-get install bubblewrap`, or `apt-get install docker.io`.",
        ),
        _ => return None,
    };
    Some(finding("engine", true, problem, advice))
}

/// `GET /_ping`, the one question that every version of the engine's API answers alike.
async fn pings(socket: &Path) -> bool {
    let asking = async {
        let mut stream = UnixStream::connect(socket).await?;
        stream.write_all(b"GET /_ping HTTP/1.0\r\nHost: engine\r\n\r\n").await?;
        let mut reply = Vec::new();
        stream.take(4096).read_to_end(&mut reply).await?;
        let head = String::from_utf8_lossy(&reply).into_owned();
        Ok::<_, std::io::Error>(head.lines().next().is_some_and(|line| line.contains(" 200 ")))
    };
    timeout(PATIENCE, asking).await.is_ok_and(|answer| answer.unwrap_or(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_engine_is_there_when_it_answers_and_not_when_its_socket_is_dead() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("docker.sock");
        let listener = tokio::net::UnixListener::bind(&path).expect("bound");
        let engine = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("asked");
            let mut request = [0; 256];
            let _ = stream.read(&mut request).await.expect("read");
            stream.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nOK").await.expect("answered");
        });
        assert!(pings(&path).await);
        engine.await.expect("ended");
        assert!(!pings(&path).await, "the file is still there, nobody listens");
    }

    #[test]
    fn what_is_missing_is_named() {
        assert!(judge(RuntimeChoice::Docker, false, true).is_some_and(|f| f.severe));
        assert!(judge(RuntimeChoice::Process, true, false).is_some());
        assert!(judge(RuntimeChoice::Auto, false, false).is_some());
        assert!(judge(RuntimeChoice::Auto, false, true).is_none());
    }
}
