//! Pools, transactions, migrations and snapshots of a database: SQLite under SQLCipher, or PostgreSQL by URL.
//! No feature's queries, and the only place that knows the two dialects apart.
//!
//! Features write portable SQL with `$1` placeholders, and keep to `BIGINT` and `TEXT`: flags are 0 or 1, bytes are hex.
//! In a migration, `IDENTITY_KEY` stands for a primary key that numbers itself.

mod migrate;

mod rescue;

mod snapshot;

mod sqlite;

#[cfg(any(test, feature = "fakes"))]
pub mod testing;

#[cfg(test)]
mod tests;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{
    Any, AnyPool, ConnectOptions,
    any::{AnyConnectOptions, AnyPoolOptions},
};

use crate::{error::Error, types::Secret};

pub use migrate::Schema;
pub use rescue::RescueNote;

/// A transaction; it is rolled back when dropped without `commit`.
pub type Tx = sqlx::Transaction<'static, Any>;

/// The raw key of an encrypted SQLite file.
pub type DbKey = Secret<[u8; 32]>;

/// A database of the box.
#[derive(Clone, Debug)]
pub struct Store {
    pool: AnyPool,
    backend: Backend,
}

#[derive(Clone, Debug)]
enum Backend {
    Sqlite { path: PathBuf },
    Postgres,
}

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file is not a database that this key opens, or its pages do not match their checksums.
    #[error("the database {path} is damaged, or belongs to another key")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A newer Flashnode has been here.
    #[error("the database was last used by a newer Flashnode (migration {found}; this one knows {known})")]
    Newer {
        /// The newest migration in the database.
        found: i64,
        /// The newest one that this program has.
        known: i64,
    },
    /// A migration that was applied is not the one that this program has under its number.
    #[error("migration {name} is not the one that was applied to this database")]
    Changed {
        /// Its number and name.
        name: String,
    },
    /// A migration failed; the database is as it was before.
    #[error("migration {name} failed; the database is as it was before")]
    Migrate {
        /// Its number and name.
        name: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// PostgreSQL takes no snapshots through us.
    #[error("snapshots of a PostgreSQL database are the work of its own tools")]
    NoSnapshots,
    /// A file or folder does not let us.
    #[error("cannot write or read {path}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A path that SQLite cannot be told.
    #[error("the path {0} is not valid UTF-8")]
    Path(PathBuf),
    /// The database does not do what was asked.
    #[error("the database does not answer")]
    Database(#[from] sqlx::Error),
}

impl From<StoreError> for Error {
    fn from(source: StoreError) -> Self {
        match source {
            StoreError::Damaged { .. } | StoreError::Newer { .. } => Error {
                sentence: format!("{source}. Nothing in it was changed."),
                ..Error::internal("opening its database", source)
            },
            other => Error::internal("using its database", other),
        }
    }
}

/// How many connections a SQLite store keeps at most: one writes at a time, and each costs memory.
const SQLITE_CONNECTIONS: u32 = 4;

/// How many connections a PostgreSQL store keeps at most.
const POSTGRES_CONNECTIONS: u32 = 8;

impl Store {
    /// Opens the encrypted file, or makes it when there is none. A damaged one is [`StoreError::Damaged`]:
    /// every page is read and checked against its authentication code.
    pub async fn open_sqlite(path: &Path, key: &DbKey) -> Result<Self, StoreError> {
        let there = path.try_exists().map_err(|source| StoreError::File { path: path.to_owned(), source })?;
        if !there {
            sqlite::create(path, key).await?;
        }
        let pool = sqlite::open(path, key, SQLITE_CONNECTIONS).await?;
        Ok(Self { pool, backend: Backend::Sqlite { path: path.to_owned() } })
    }

    /// Opens a PostgreSQL database by its URL, password included.
    pub async fn open_postgres(url: &Secret<String>) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let options: AnyConnectOptions = url.expose().parse()?;
        let pool = AnyPoolOptions::new()
            .max_connections(POSTGRES_CONNECTIONS)
            .idle_timeout(Duration::from_secs(60))
            .connect_with(options.disable_statement_logging())
            .await?;
        Ok(Self { pool, backend: Backend::Postgres })
    }

    /// For single statements; more than one that belong together go into [`Store::begin`].
    pub fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// Begins a transaction that may write. On SQLite it takes the one writer's turn at once,
    /// so that a transaction which reads first can never fail when it comes to write.
    pub async fn begin(&self) -> sqlx::Result<Tx> {
        match self.backend {
            Backend::Sqlite { .. } => self.pool.begin_with("BEGIN IMMEDIATE").await,
            Backend::Postgres => self.pool.begin().await,
        }
    }

    /// Reads everything and compares checksums; [`StoreError::Damaged`] when something does not match.
    pub async fn check(&self) -> Result<(), StoreError> {
        match &self.backend {
            Backend::Sqlite { path } => sqlite::verify(&mut *self.pool.acquire().await?, path).await,
            Backend::Postgres => Ok(sqlx::query("SELECT 1").execute(&self.pool).await.map(drop)?),
        }
    }

    /// Closes every connection; SQLite's journal is written back.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}
