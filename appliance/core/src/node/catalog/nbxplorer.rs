//! NBXplorer, the block explorer that BTCPay Server stands on.

use async_trait::async_trait;
use serde_json::Value;

use super::{
    BITCOIND, Context, Look, NBXPLORER, NotYet, POSTGRES, Port, Presence, Rendered, Service, context,
};
use crate::{
    node::{edges::Right, health::Health},
    ports::runtime::Limits,
    types::{Network, Secret, ServiceName},
};

pub(super) struct Nbxplorer;

#[async_trait]
impl Service for Nbxplorer {
    fn name(&self) -> ServiceName {
        NBXPLORER
    }

    fn number(&self) -> u32 {
        7
    }

    fn presence(&self) -> Presence {
        Presence::Optional
    }

    fn needs(&self) -> &'static [ServiceName] {
        const NEEDS: &[ServiceName] = &[BITCOIND, POSTGRES];
        NEEDS
    }

    fn ports(&self) -> &'static [Port] {
        const PORTS: &[Port] = &[Port::local("http", 50)];
        PORTS
    }

    fn limits(&self, _network: Network) -> Limits {
        Limits { memory_mib: 1024, pids: 256, files: 8192 }
    }

    fn render(&self, context: &Context) -> Result<Rendered, NotYet> {
        let rpc = context.credential(&NBXPLORER, &BITCOIND)?;
        // A settings file, because its connection string and RPC password would show as flags or environment.
        let settings = format!(
            "network={network}\nchains=btc\nbind={bind}\nport={port}\nbtc.rpc.url=http://{rpc_at}/\nbtc.rpc.user={user}\nbtc.rpc.password={password}\n\
             btc.node.endpoint={p2p}\npostgres={postgres}\ntrimevents=10000\n",
            network = network_word(context.network),
            bind = context.bind(),
            port = context.ports.of(&NBXPLORER, "http"),
            rpc_at = context.address(&BITCOIND, "rpc"),
            user = rpc.user(Right::Rpc(&[])),
            password = rpc.secret.expose(),
            p2p = context.address(&BITCOIND, "internal-p2p"),
            postgres = connection_string(context, &NBXPLORER, "nbxplorer")?,
        );
        Ok(Rendered {
            command: ["dotnet", "NBXplorer.dll", "--conf=/config/settings.config", "--datadir=/data"]
                .map(String::from)
                .to_vec(),
            files: vec![("settings.config".to_owned(), settings)],
            ..Rendered::default()
        })
    }

    async fn probe(&self, look: &Look) -> Health {
        let port = look.context.ports.of(&NBXPLORER, "http");
        let folder = if look.context.network == Network::Mainnet { "Main" } else { "RegTest" };
        let cookie = look.doors.small_file(&look.data.join(folder).join(".cookie"), look.user);
        let Some(cookie) = cookie.and_then(|bytes| String::from_utf8(bytes).ok()) else {
            return Health::Starting;
        };
        let Some((user, password)) = cookie.trim().split_once(':') else { return Health::Starting };
        let web =
            look.doors.web(context::local(port), false, Some((user, &Secret::new(password.to_owned()))));
        match web.get("/v1/cryptos/BTC/status").await {
            Ok(status) => judge(&status),
            Err(_) => Health::Starting,
        }
    }
}

/// Reads `/v1/cryptos/BTC/status` (NBXplorer's own API description).
fn judge(status: &Value) -> Health {
    if status["isFullySynched"] == Value::Bool(true) {
        return Health::Good;
    }
    match (status["syncHeight"].as_u64(), status["chainHeight"].as_u64()) {
        (Some(at), Some(of)) if of > 0 => Health::loading(at, of),
        _ => Health::Starting,
    }
}

/// What NBXplorer and BTCPay call the network; neither knows testnet4 under a name of its own.
pub(super) const fn network_word(network: Network) -> &'static str {
    match network {
        Network::Mainnet => "mainnet",
        Network::Testnet4 => "testnet",
        Network::Signet => "signet",
        Network::Regtest => "regtest",
    }
}

/// The .NET connection string of this consumer's own role.
pub(super) fn connection_string(
    context: &Context,
    consumer: &ServiceName,
    database: &'static str,
) -> Result<String, NotYet> {
    let role = context.credential(consumer, &POSTGRES)?;
    Ok(format!(
        "User ID={};Password={};Host={};Port={};Application Name={consumer};MaxPoolSize=20;Database={database}",
        role.user(Right::Role(database)),
        role.secret.expose(),
        context.host(&POSTGRES),
        context.ports.of(&POSTGRES, "sql"),
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_status_is_judged_by_its_heights() {
        assert_eq!(judge(&json!({"isFullySynched": true})), Health::Good);
        assert_eq!(
            judge(&json!({"isFullySynched": false, "syncHeight": 5, "chainHeight": 10})),
            Health::Loading { basis_points: 5_000 }
        );
        assert_eq!(judge(&json!({"isFullySynched": false})), Health::Starting);
    }
}
