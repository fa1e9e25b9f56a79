//! Secrets that belong to one service alone (LND's wallet password, a TLS key), sealed in `box.db`,
//! and the one way in which this crate seals text.

use super::catalog::context::OwnSecrets;
use crate::{
    error::{Error, Result},
    keys::Vault,
    store::Store,
    types::{Secret, Timestamp},
};

/// All of them, opened.
pub async fn all(store: &Store, vault: &Vault) -> Result<OwnSecrets> {
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT name, sealed FROM node_secrets").fetch_all(store.pool()).await?;
    let opened = rows
        .into_iter()
        .map(|(name, sealed)| Ok((name.clone(), open(vault, &format!("secret/{name}"), &sealed)?)));
    Ok(OwnSecrets(opened.collect::<Result<_>>()?))
}

/// Keeps a secret, unless one of this name is kept already: the first one wins.
pub async fn keep(
    store: &Store,
    vault: &Vault,
    name: &str,
    secret: &Secret<String>,
    at: Timestamp,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO node_secrets (name, sealed, at) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING",
    )
    .bind(name)
    .bind(seal(vault, &format!("secret/{name}"), secret)?)
    .bind(at.0)
    .execute(store.pool())
    .await?;
    Ok(())
}

/// Keeps a secret in place of the one there was.
pub async fn replace(
    store: &Store,
    vault: &Vault,
    name: &str,
    secret: &Secret<String>,
    at: Timestamp,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO node_secrets (name, sealed, at) VALUES ($1, $2, $3) \
         ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed, at = excluded.at",
    )
    .bind(name)
    .bind(seal(vault, &format!("secret/{name}"), secret)?)
    .bind(at.0)
    .execute(store.pool())
    .await?;
    Ok(())
}

/// `N` random bytes in hex: no character of it needs quoting in any of the files it goes into.
pub fn random_hex<const N: usize>() -> String {
    let bytes: [u8; N] = rand::random();
    hex::encode(bytes)
}

/// Seals text for a row of this label.
pub fn seal(vault: &Vault, label: &str, secret: &Secret<String>) -> Result<String> {
    Ok(vault.seal("box.db", label.as_bytes(), secret.expose().as_bytes())?)
}

/// Opens what [`seal`] has sealed.
pub fn open(vault: &Vault, label: &str, sealed: &str) -> Result<Secret<String>> {
    let bytes = vault.open("box.db", label.as_bytes(), sealed)?;
    let text = String::from_utf8(bytes.expose().clone())
        .map_err(|error| Error::internal("opening a secret", error))?;
    Ok(Secret::new(text))
}
