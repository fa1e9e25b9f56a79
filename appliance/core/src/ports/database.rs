//! The PostgreSQL server, as the supervisor needs it.

use async_trait::async_trait;

use super::PortResult;
use crate::types::Secret;

/// One PostgreSQL server, seen as its superuser.
#[async_trait]
pub trait Database: Send + Sync {
    /// The server's version, when it answers a query.
    async fn answers(&self) -> PortResult<String>;

    /// Makes the role log in with this password and act as the owner of this database; all are made when absent.
    async fn ensure_role(&self, role: &str, password: &Secret<String>, database: &str) -> PortResult<()>;

    /// Makes the role unable to log in, for good; what it made stays with the database's owner.
    async fn drop_role(&self, role: &str, database: &str) -> PortResult<()>;

    /// Whether this password lets the role in; how an old credential is proven dead.
    async fn lets_in(&self, role: &str, password: &Secret<String>, database: &str) -> PortResult<bool>;
}
