//! `flashnode status [--wait good --timeout S]`

use std::time::Duration;

use flashnode_core::{
    config::Config,
    control::{Request, ServiceLine, StatusView},
    node::health::Health,
    types::{Generation, Timestamp},
};
use serde::Serialize;
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    Shell, answer,
    exit::{AWAY_CODE, FAILED, Failure, NOT_GOOD},
    out,
};
use crate::tls::names::primary_address;

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Look every second until the box is good.
    #[arg(long, value_name = "STATE")]
    wait: Option<Wait>,
    /// How many seconds to wait.
    #[arg(long, value_name = "S", default_value_t = 300, requires = "wait")]
    timeout: u64,
}

/// How long the first pass of a supervisor may take.
const FIRST_PASS: Duration = Duration::from_secs(60);

/// What can be waited for.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Wait {
    /// Set up, and every wanted service that can be had is good.
    Good,
}

/// The status as it is printed: the supervisor's, and where the pages are.
#[derive(Debug, Serialize)]
struct View {
    url: String,
    #[serde(flatten)]
    status: StatusView,
}

pub(super) async fn run(shell: &Shell, args: &Args) -> Result<(), Failure> {
    let looked = match args.wait {
        None => look(shell).await?,
        Some(Wait::Good) => return wait(shell, Duration::from_secs(args.timeout)).await,
    };
    print(shell, looked)
}

/// A supervisor that is not up yet is part of the waiting.
async fn wait(shell: &Shell, patience: Duration) -> Result<(), Failure> {
    let until = Instant::now() + patience;
    let mut last = Err(Failure::new(AWAY_CODE, "The supervisor is not answering yet."));
    loop {
        match timeout_at(until, look(shell)).await {
            Ok(Ok(status)) if status.is_good() => return print(shell, status),
            Ok(looked) => last = looked,
            Err(_) => {}
        }
        if Instant::now() + Duration::from_secs(1) > until {
            break;
        }
        sleep(Duration::from_secs(1)).await;
    }
    let status = last?;
    let sentence = format!("Not everything is good after {} s: {}", patience.as_secs(), why(&status));
    print(shell, status)?;
    Err(Failure::new(NOT_GOOD, sentence))
}

/// The first pass of a supervisor that has just begun is awaited: before it, a box that is set up looks like a new one.
pub(super) async fn look(shell: &Shell) -> Result<StatusView, Failure> {
    let until = Instant::now() + FIRST_PASS;
    loop {
        let status = answer!(shell, Request::Status => Status)?;
        if status.at > Timestamp(0) {
            return Ok(status);
        }
        if Instant::now() > until {
            return Err(Failure::new(
                FAILED,
                "The supervisor has begun and has not looked at its services yet.",
            ));
        }
        sleep(Duration::from_millis(100)).await;
    }
}

fn print(shell: &Shell, status: StatusView) -> Result<(), Failure> {
    shell.out.show(&View { url: url(&shell.config), status }, text)
}

/// What keeps the box from being good, in a sentence.
fn why(status: &StatusView) -> String {
    if status.locked {
        return "the box is locked. Unlock it: `flashnode unlock`.".to_owned();
    }
    if status.generation == Generation(0) {
        return "the box is not set up. Open its page, or run `flashnode setup`.".to_owned();
    }
    let late =
        status.services.iter().filter(|s| s.wanted && s.unavailable.is_none() && s.health != Health::Good);
    let named: Vec<_> = late.map(|s| format!("{} is {}", s.name, s.health.word())).collect();
    format!("{}. `flashnode logs NAME` tells more.", named.join(", "))
}

/// Where the pages are: a name or address that a browser can be given.
pub(super) fn url(config: &Config) -> String {
    let ip = config.listen.ip();
    let host = match config.hosts.first() {
        Some(host) => host.trim_matches(['[', ']']).to_owned(),
        None if ip.is_unspecified() => {
            primary_address().map_or_else(|| "localhost".to_owned(), |address| address.to_string())
        }
        None => ip.to_string(),
    };
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    match config.listen.port() {
        443 => format!("https://{host}/"),
        port => format!("https://{host}:{port}/"),
    }
}

fn text(view: &View) -> String {
    let status = &view.status;
    let mut lines = vec![headline(status), view.url.clone(), String::new()];
    let rows: Vec<[String; 4]> = status.services.iter().map(row).collect();
    if !rows.is_empty() {
        lines.extend([out::columns(&rows), String::new()]);
    }
    lines.extend(status.rescue.iter().cloned());
    lines.extend(status.alarms.iter().map(|alarm| format!("▲ {}", alarm.sentence)));
    if let Some(height) = status.block_height {
        lines.push(format!("Block {height}."));
    }
    let gib = |bytes: u64| bytes >> 30;
    lines.push(format!(
        "{} GiB of {} GiB free. {}.",
        gib(status.disk.free),
        gib(status.disk.total),
        status.runtime
    ));
    lines.join("\n")
}

fn headline(status: &StatusView) -> String {
    let network = status.network.map(|network| format!(" on {network}")).unwrap_or_default();
    let how = match status {
        s if s.locked => "locked. Unlock it: `flashnode unlock`.",
        s if s.generation == Generation(0) => "not set up yet. Open its page, or run `flashnode setup`.",
        s if s.is_good() => "everything is good.",
        _ => "not everything is good yet.",
    };
    format!("{}{network}: {how}", status.name)
}

pub(super) fn row(line: &ServiceLine) -> [String; 4] {
    let left = line.seconds_left.map(|seconds| format!("about {} left", out::span(seconds)));
    let bad = match &line.health {
        Health::Bad { sentence } => Some(sentence.clone()),
        _ => None,
    };
    let note = line.unavailable.clone().or(bad).or(left).or_else(|| line.note.clone()).unwrap_or_default();
    let flavour = line.flavour.as_ref().map(|flavour| format!("{flavour} ")).unwrap_or_default();
    [
        format!("  {}", line.name),
        out::health(&line.health, line.wanted),
        format!("{flavour}{}", line.version),
        note,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(toml: &str) -> Config {
        let dir = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(dir.path().join("flashnode.toml"), toml).expect("written");
        Config::read(dir.path()).expect("valid")
    }

    fn status() -> StatusView {
        serde_json::from_value(serde_json::json!({
            "name": "bar", "network": "regtest", "generation": 1, "locked": false, "rescue": null,
            "runtime": "process (bubblewrap 0.8.0)", "block_height": 101,
            "services": [{"name": "bitcoind", "flavour": "Knots", "version": "29.4.3", "wanted": true,
                "optional": false, "health": "loading", "basis_points": 4320, "unavailable": null,
                "seconds_left": 600, "note": null}],
            "alarms": [], "disk": {"free": 1, "total": 2}, "at": 0,
        }))
        .expect("a status")
    }

    #[test]
    fn the_url_is_one_that_a_browser_can_use() {
        assert_eq!(url(&config("listen = \"127.0.0.1:8443\"")), "https://127.0.0.1:8443/");
        assert_eq!(url(&config("listen = \"[::1]:443\"")), "https://[::1]/");
        assert_eq!(
            url(&config("listen = \"0.0.0.0:443\"\nhosts = [\"bar.example\"]")),
            "https://bar.example/"
        );
        assert!(!url(&config("listen = \"0.0.0.0:8443\"")).contains("0.0.0.0"));
    }

    #[test]
    fn json_has_the_url_beside_the_services() {
        let view = View { url: "https://x/".to_owned(), status: status() };
        let json = serde_json::to_value(&view).expect("JSON");
        assert_eq!(json["url"], "https://x/");
        assert_eq!(json["network"], "regtest");
        assert_eq!(json["services"][0]["name"], "bitcoind");
        assert_eq!(json["services"][0]["health"], "loading");
        assert_eq!(json["services"][0]["version"], "29.4.3");
    }

    #[test]
    fn text_says_what_is_left() {
        let text = text(&View { url: "https://x/".to_owned(), status: status() });
        assert!(text.contains("◐ loading 43.20 %  Knots 29.4.3  about 10 min left"), "{text}");
        assert!(why(&status()).starts_with("bitcoind is loading."), "{}", why(&status()));
    }
}
