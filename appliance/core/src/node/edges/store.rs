//! Credentials in `box.db`, sealed under the master key.

use super::{Credential, Credentials, Stage};
use crate::{
    error::{Error, Result},
    keys::Vault,
    node::secrets,
    store::Store,
    types::{EdgeName, Secret, Timestamp},
};

type Row = (i64, String, String, String, String, String, i64);

/// All of them, opened.
pub async fn all(store: &Store, vault: &Vault) -> Result<Credentials> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT serial, consumer, provider, stage, sealed, salt, since FROM edge_credentials ORDER BY serial",
    )
    .fetch_all(store.pool())
    .await?;
    let broken = |what: &str| Error::internal("reading its credentials", what.to_owned());
    rows.into_iter()
        .map(|(serial, consumer, provider, stage, sealed, salt, since)| {
            Ok(Credential {
                edge: format!("{consumer}:{provider}").parse::<EdgeName>().map_err(|_| broken("an edge"))?,
                serial,
                stage: Stage::parse(&stage).ok_or_else(|| broken("a stage"))?,
                secret: secrets::open(vault, &label(serial), &sealed)?,
                salt,
                since: Timestamp(since),
            })
        })
        .collect::<Result<Vec<_>>>()
        .map(Credentials::new)
}

/// Adds a credential under a number that was never used.
pub async fn insert(
    store: &Store,
    vault: &Vault,
    edge: &EdgeName,
    stage: Stage,
    secret: &Secret<String>,
    at: Timestamp,
) -> Result<i64> {
    let mut tx = store.begin().await?;
    let (serial,): (i64,) =
        sqlx::query_as("UPDATE edge_serial SET last = last + 1 WHERE id = 1 RETURNING last")
            .fetch_one(&mut *tx)
            .await?;
    sqlx::query(
        "INSERT INTO edge_credentials (serial, consumer, provider, stage, sealed, salt, since) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(serial)
    .bind(edge.consumer.as_str())
    .bind(edge.provider.as_str())
    .bind(stage.as_str())
    .bind(secrets::seal(vault, &label(serial), secret)?)
    .bind(secrets::random_hex::<16>())
    .bind(at.0)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(serial)
}

/// The provider honours it, with this secret (a macaroon is only known now).
pub async fn install(store: &Store, vault: &Vault, serial: i64, secret: &Secret<String>) -> Result<()> {
    sqlx::query(
        "UPDATE edge_credentials SET stage = 'installed', sealed = $2 WHERE serial = $1 AND stage = 'next'",
    )
    .bind(serial)
    .bind(secrets::seal(vault, &label(serial), secret)?)
    .execute(store.pool())
    .await?;
    Ok(())
}

/// The consumer uses it; the one before becomes old in the same step.
pub async fn promote(store: &Store, edge: &EdgeName, serial: i64) -> Result<()> {
    let mut tx = store.begin().await?;
    sqlx::query("UPDATE edge_credentials SET stage = 'old' WHERE consumer = $1 AND provider = $2 AND stage = 'current'")
        .bind(edge.consumer.as_str())
        .bind(edge.provider.as_str())
        .execute(&mut *tx)
        .await?;
    sqlx::query("UPDATE edge_credentials SET stage = 'current' WHERE serial = $1")
        .bind(serial)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Nobody shall use it any more.
pub async fn retire(store: &Store, serial: i64) -> Result<()> {
    sqlx::query("UPDATE edge_credentials SET stage = 'old' WHERE serial = $1")
        .bind(serial)
        .execute(store.pool())
        .await?;
    Ok(())
}

/// It is dead.
pub async fn delete(store: &Store, serial: i64) -> Result<()> {
    sqlx::query("DELETE FROM edge_credentials WHERE serial = $1").bind(serial).execute(store.pool()).await?;
    Ok(())
}

fn label(serial: i64) -> String {
    format!("edge/{serial}")
}
