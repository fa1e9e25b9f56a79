//! BTCPay Server. Off by default; its first administrator is the box's, made before anybody else can register.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{
    BTCPAY, Backup, Context, LND, Look, NBXPLORER, NotYet, POSTGRES, Port, Presence, Rendered, Service,
    context,
    nbxplorer::{connection_string, network_word},
};
use crate::{
    node::health::Health,
    ports::{PortError, runtime::Limits},
    types::{Network, ServiceName},
};

pub(super) struct Btcpay;

#[async_trait]
impl Service for Btcpay {
    fn name(&self) -> ServiceName {
        BTCPAY
    }

    fn number(&self) -> u32 {
        8
    }

    fn presence(&self) -> Presence {
        Presence::Optional
    }

    fn needs(&self) -> &'static [ServiceName] {
        const NEEDS: &[ServiceName] = &[NBXPLORER, POSTGRES, LND];
        NEEDS
    }

    fn ports(&self) -> &'static [Port] {
        const PORTS: &[Port] = &[Port::local("http", 51)];
        PORTS
    }

    fn limits(&self, _network: Network) -> Limits {
        Limits { memory_mib: 2048, pids: 512, files: 8192 }
    }

    fn backup(&self) -> Backup {
        Backup::Dump
    }

    fn render(&self, context: &Context) -> Result<Rendered, NotYet> {
        let macaroon = context.credential(&BTCPAY, &LND)?;
        let fingerprint = context.secrets.get("lnd/tls.fingerprint")?;
        let settings = format!(
            "network={network}\nchains=btc\nbind={bind}\nport={port}\nBTC.explorer.url=http://{explorer}/\n\
             BTC.lightning=type=lnd-rest;server=https://{lnd}/;macaroon={macaroon};certthumbprint={fingerprint}\n\
             postgres={postgres}\nexplorerpostgres={explorer_postgres}\ndockerdeployment=false\n",
            network = network_word(context.network),
            bind = context.bind(),
            port = context.ports.of(&BTCPAY, "http"),
            explorer = context.address(&NBXPLORER, "http"),
            lnd = context.address(&LND, "rest"),
            macaroon = macaroon.secret.expose(),
            fingerprint = fingerprint.expose(),
            postgres = connection_string(context, &BTCPAY, "btcpay")?,
            explorer_postgres = connection_string(context, &NBXPLORER, "nbxplorer")?,
        );
        Ok(Rendered {
            command: ["dotnet", "BTCPayServer.dll", "--conf=/config/settings.config", "--datadir=/data"]
                .map(String::from)
                .to_vec(),
            files: vec![("settings.config".to_owned(), settings)],
            ..Rendered::default()
        })
    }

    async fn probe(&self, look: &Look) -> Health {
        let web = look.doors.web(context::local(look.context.ports.of(&BTCPAY, "http")), false, None);
        let Ok(health) = web.get("/api/v1/health").await else { return Health::Starting };
        // Whoever registers first rules the server, so it is not good before that is us. Once there is a user,
        // this call is refused, which is the answer we want.
        let Ok(password) = look.context.secrets.get("btcpay/admin-password") else { return Health::Starting };
        let admin = json!({
            "email": "owner@flashnode.local", "password": password.expose(), "isAdministrator": true
        });
        match web.post("/api/v1/users", admin).await {
            Err(PortError::Unreachable(_) | PortError::Starting(_)) => Health::Starting,
            _ if health["synchronized"] == Value::Bool(true) => Health::Good,
            _ => Health::Loading { basis_points: 0 },
        }
    }
}
