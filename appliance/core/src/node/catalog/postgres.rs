//! The database server for BTCPay and NBXplorer; each has a database and a login role of its own.

use std::time::Duration;

use async_trait::async_trait;

use super::{BTCPAY, Backup, Context, Look, NBXPLORER, NotYet, POSTGRES, Port, Presence, Rendered, Service};
use crate::{
    node::{
        edges::{Grant, Right},
        health::Health,
    },
    ports::runtime::Limits,
    types::{Network, ServiceName},
};

pub(super) struct Postgres;

/// Makes the cluster on the first start, then runs the server; the same in our own root and in the official image.
/// `fsync` of the finished cluster comes before the rename, so a kill in the middle starts over.
const START: &str = r#"set -eu
if [ ! -s /data/cluster/PG_VERSION ]; then
  rm -rf /data/cluster.new
  initdb -D /data/cluster.new -U postgres --pwfile=/config/superuser --auth=scram-sha-256 --encoding=UTF8 --locale=C
  mv /data/cluster.new /data/cluster
fi
exec postgres -D /data/cluster -c config_file=/config/postgresql.conf
"#;

#[async_trait]
impl Service for Postgres {
    fn name(&self) -> ServiceName {
        POSTGRES
    }

    fn number(&self) -> u32 {
        6
    }

    fn presence(&self) -> Presence {
        Presence::Optional
    }

    fn ports(&self) -> &'static [Port] {
        const PORTS: &[Port] = &[Port::local("sql", 30)];
        PORTS
    }

    fn grants(&self) -> Vec<Grant> {
        vec![
            Grant { consumer: NBXPLORER, right: Right::Role("nbxplorer") },
            Grant { consumer: BTCPAY, right: Right::Role("btcpay") },
        ]
    }

    fn limits(&self, _network: Network) -> Limits {
        Limits { memory_mib: 1024, pids: 256, files: 8192 }
    }

    fn backup(&self) -> Backup {
        Backup::Dump
    }

    fn render(&self, context: &Context) -> Result<Rendered, NotYet> {
        let listen = if context.engine { "*" } else { "127.0.0.1" };
        let conf = format!(
            "data_directory = '/data/cluster'\nhba_file = '/config/pg_hba.conf'\nident_file = '/config/pg_ident.conf'\n\
             listen_addresses = '{listen}'\nport = {}\nunix_socket_directories = '/tmp'\npassword_encryption = 'scram-sha-256'\n\
             max_connections = 120\nshared_buffers = '128MB'\ndynamic_shared_memory_type = 'mmap'\nlogging_collector = off\n",
            context.ports.of(&POSTGRES, "sql")
        );
        let everybody = if context.engine { "all" } else { "127.0.0.1/32" };
        let hba = format!("local all all reject\nhost all all {everybody} scram-sha-256\n");
        let superuser = context.secrets.get("postgres/superuser")?;
        Ok(Rendered {
            command: ["sh", "-c", START].map(String::from).to_vec(),
            files: vec![
                ("postgresql.conf".to_owned(), conf),
                ("pg_hba.conf".to_owned(), hba),
                ("pg_ident.conf".to_owned(), String::new()),
                ("superuser".to_owned(), superuser.expose().clone()),
            ],
            ..Rendered::default()
        })
    }

    fn stop_grace(&self) -> Duration {
        Duration::from_secs(120)
    }

    async fn probe(&self, look: &Look) -> Health {
        let Ok(password) = look.context.secrets.get("postgres/superuser") else { return Health::Starting };
        let port = look.context.ports.of(&POSTGRES, "sql");
        match look.doors.database(port, password).answers().await {
            Ok(_) => Health::Good,
            Err(crate::ports::PortError::Refused(why)) => {
                Health::Bad { sentence: format!("It refuses our password: {why}.") }
            }
            Err(_) => Health::Starting,
        }
    }
}
