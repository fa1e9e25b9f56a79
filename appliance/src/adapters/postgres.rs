//! PostgreSQL, as its superuser: makes and drops the login roles of consumers.
//!
//! Each database has an owner that cannot log in; login roles act as that owner, so that what a role made
//! stays usable when the role is rotated away.

use std::time::Duration;

use async_trait::async_trait;
use flashnode_core::{
    ports::{PortError, PortResult, database::Database},
    types::Secret,
};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, Row,
    postgres::{PgConnectOptions, PgConnection, PgSslMode},
};

/// One server at a loopback port.
pub struct Postgres {
    port: u16,
    password: Secret<String>,
}

impl Postgres {
    /// With the superuser's password.
    pub fn new(port: u16, password: &Secret<String>) -> Self {
        Self { port, password: password.clone() }
    }

    async fn connect(
        &self,
        role: &str,
        password: &Secret<String>,
        database: &str,
    ) -> PortResult<PgConnection> {
        let options = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.port)
            .username(role)
            .password(password.expose())
            .database(database)
            .ssl_mode(PgSslMode::Disable)
            .disable_statement_logging();
        let connecting = tokio::time::timeout(Duration::from_secs(3), options.connect());
        connecting.await.map_err(|_| PortError::Unreachable("it does not answer".to_owned()))?.map_err(told)
    }

    async fn superuser(&self, database: &str) -> PortResult<PgConnection> {
        self.connect("postgres", &self.password, database).await
    }
}

/// 28P01 and 28000: wrong password, unknown role. 57P03: still starting.
fn told(error: sqlx::Error) -> PortError {
    match &error {
        sqlx::Error::Database(db) => match db.code().as_deref() {
            Some("28P01" | "28000") => PortError::Refused(db.message().to_owned()),
            Some("57P03") => PortError::Starting(db.message().to_owned()),
            _ => PortError::Failed(db.message().to_owned()),
        },
        _ => PortError::Unreachable(error.to_string()),
    }
}

/// Names and passwords are our own (letters, digits, `_`); anything else is refused rather than quoted.
fn plain(text: &str) -> PortResult<&str> {
    let fine = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if fine { Ok(text) } else { Err(PortError::Failed("a name or password with odd characters".to_owned())) }
}

async fn run(connection: &mut PgConnection, sql: String) -> PortResult<()> {
    connection.execute(AssertSqlSafe(sql)).await.map(drop).map_err(told)
}

async fn exists(connection: &mut PgConnection, sql: &'static str, name: &str) -> PortResult<bool> {
    let row = sqlx::query(sql).bind(name).fetch_optional(&mut *connection).await.map_err(told)?;
    Ok(row.is_some())
}

const ROLE: &str = "SELECT 1 FROM pg_roles WHERE rolname = $1";
const DATABASE: &str = "SELECT 1 FROM pg_database WHERE datname = $1";

#[async_trait]
impl Database for Postgres {
    async fn answers(&self) -> PortResult<String> {
        let mut connection = self.superuser("postgres").await?;
        let row = sqlx::query("SHOW server_version").fetch_one(&mut connection).await.map_err(told)?;
        let version = row.try_get(0).map_err(told)?;
        // A connection that is dropped instead leaves a complaint in the server's log at each look.
        let _ = connection.close().await;
        Ok(version)
    }

    async fn ensure_role(&self, role: &str, password: &Secret<String>, database: &str) -> PortResult<()> {
        let (role, password, database) = (plain(role)?, plain(password.expose())?, plain(database)?);
        let owner = format!("{database}_owner");
        let mut connection = self.superuser("postgres").await?;
        if !exists(&mut connection, ROLE, &owner).await? {
            run(&mut connection, format!("CREATE ROLE {owner} NOLOGIN")).await?;
        }
        if !exists(&mut connection, ROLE, role).await? {
            run(&mut connection, format!("CREATE ROLE {role} NOLOGIN")).await?;
        }
        run(&mut connection, format!("ALTER ROLE {role} LOGIN PASSWORD '{password}'")).await?;
        run(&mut connection, format!("GRANT {owner} TO {role}")).await?;
        run(&mut connection, format!("ALTER ROLE {role} SET role = {owner}")).await?;
        if !exists(&mut connection, DATABASE, database).await? {
            run(&mut connection, format!("CREATE DATABASE {database} OWNER {owner} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'")).await?;
        }
        run(&mut connection, format!("REVOKE ALL ON DATABASE {database} FROM PUBLIC")).await?;
        let _ = connection.close().await;
        Ok(())
    }

    async fn drop_role(&self, role: &str, database: &str) -> PortResult<()> {
        let (role, database) = (plain(role)?, plain(database)?);
        let mut connection = self.superuser(database).await?;
        if exists(&mut connection, ROLE, role).await? {
            run(&mut connection, format!("REASSIGN OWNED BY {role} TO {database}_owner")).await?;
            run(&mut connection, format!("DROP OWNED BY {role}")).await?;
            run(&mut connection, format!("DROP ROLE {role}")).await?;
        }
        let _ = connection.close().await;
        Ok(())
    }

    async fn lets_in(&self, role: &str, password: &Secret<String>, database: &str) -> PortResult<bool> {
        match self.connect(role, password, database).await {
            Ok(connection) => {
                let _ = connection.close().await;
                Ok(true)
            }
            Err(PortError::Refused(_)) => Ok(false),
            Err(other) => Err(other),
        }
    }
}
