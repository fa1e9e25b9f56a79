//! Databases and a clock for tests: a fresh SQLite file in a temporary folder, or, when `FLASHNODE_TEST_POSTGRES` is a URL,
//! a fresh schema on a real PostgreSQL server. Never fakes of either.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use rand::RngCore;
use sqlx::{AssertSqlSafe, Executor};

use super::{DbKey, Schema, Store, StoreError};
use crate::{
    ports::clock::Clock,
    types::{Secret, Timestamp},
};

/// The variable that names the PostgreSQL server of the tests.
pub const POSTGRES: &str = "FLASHNODE_TEST_POSTGRES";

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// A SQLite file.
    Sqlite,
    /// A PostgreSQL schema.
    Postgres,
}

/// A folder that goes when the last holder does.
#[derive(Debug)]
pub struct TempDir(PathBuf);

impl TempDir {
    /// Makes one under the system's folder for temporary files.
    pub fn new() -> std::io::Result<Self> {
        let path = std::env::temp_dir().join(format!("flashnode-test-{}", random_word()));
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // Nothing depends on it: what stays behind lies in a folder for temporary files.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// A clock that a test moves by hand.
#[derive(Debug)]
pub struct TestClock(AtomicI64);

impl TestClock {
    /// It stands at 2026-11-22 12:00:00 UTC.
    pub fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(1_795_348_800_000)))
    }

    /// Time passes.
    pub fn pass(&self, span: Duration) {
        self.0.store(self.now().plus(span).0, Ordering::SeqCst);
    }

    /// Somebody sets it.
    pub fn set(&self, at: Timestamp) {
        self.0.store(at.0, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// A key for tests.
pub fn test_key() -> DbKey {
    Secret::new([7; 32])
}

/// A migrated store of this schema in this folder; `None` when the test asks for PostgreSQL and there is none.
pub async fn store(on: On, schema: Schema, dir: &Path) -> Result<Option<Store>, StoreError> {
    let store = match on {
        On::Sqlite => Store::open_sqlite(&dir.join("test.db"), &test_key()).await?,
        On::Postgres => match std::env::var(POSTGRES) {
            Ok(url) => postgres_schema(&url).await?,
            Err(_) => return Ok(None),
        },
    };
    store.migrate(schema, None).await?;
    Ok(Some(store))
}

/// A store over a schema of its own.
async fn postgres_schema(url: &str) -> Result<Store, StoreError> {
    let name = format!("t_{}", random_word());
    let server = Store::open_postgres(&Secret::new(url.to_owned())).await?;
    server.pool().execute(AssertSqlSafe(format!("CREATE SCHEMA {name}"))).await?;
    server.close().await;
    let join = if url.contains('?') { '&' } else { '?' };
    Store::open_postgres(&Secret::new(format!("{url}{join}options[search_path]={name}"))).await
}

fn random_word() -> String {
    let mut bytes = [0; 8];
    rand::rng().fill_bytes(&mut bytes);
    hex::encode(bytes)
}

/// Runs the same asynchronous test on both databases: `on_both!(schema, async fn name(store) { … })`.
/// The PostgreSQL half passes unseen when no server is named; `tests/run.sh` names one.
#[cfg(test)]
macro_rules! on_both {
    ($schema:expr, $(async fn $name:ident($store:ident) $body:block)+) => {
        $(mod $name {
            use super::*;

            async fn list($store: $crate::store::Store) $body

            async fn run(on: $crate::store::testing::On) {
                let dir = $crate::store::testing::TempDir::new().expect("a temporary folder");
                let store = $crate::store::testing::store(on, $schema, dir.path()).await.expect("a fresh database");
                if let Some(store) = store {
                    list(store.clone()).await;
                    store.close().await;
                }
            }

            #[tokio::test]
            async fn on_sqlite() {
                run($crate::store::testing::On::Sqlite).await;
            }

            #[tokio::test]
            async fn on_postgres() {
                run($crate::store::testing::On::Postgres).await;
            }
        })+
    };
}

#[cfg(test)]
pub(crate) use on_both;
