//! Generations, settings and histories in `box.db`.

use std::collections::BTreeMap;

use serde::{Serialize, de::DeserializeOwned};

use super::WantedBox;
use crate::{
    error::{Error, Result},
    node::reconcile::history::History,
    store::Store,
    types::{Generation, ServiceName, Timestamp},
};

/// The generation in force, when there is one.
pub async fn current(store: &Store) -> Result<Option<(Generation, WantedBox)>> {
    let row: Option<(i64, String)> =
        sqlx::query_as("SELECT number, wanted FROM node_generations ORDER BY number DESC LIMIT 1")
            .fetch_optional(store.pool())
            .await?;
    row.map(|(number, text)| Ok((Generation(number), read(&text)?))).transpose()
}

/// Commits the next generation. Its number is a primary key, so of two that were made from the same one only one wins.
pub async fn commit(
    store: &Store,
    after: Generation,
    wanted: &WantedBox,
    who: &str,
    at: Timestamp,
) -> Result<Generation> {
    let number = after.0 + 1;
    sqlx::query("INSERT INTO node_generations (number, at, who, wanted) VALUES ($1, $2, $3, $4)")
        .bind(number)
        .bind(at.0)
        .bind(who)
        .bind(write(wanted)?)
        .execute(store.pool())
        .await
        .map_err(|error| match &error {
            sqlx::Error::Database(db) if db.is_unique_violation() => Error::conflict(
                "Somebody else changed the box in the meantime. Look at it again, then decide.",
            ),
            _ => error.into(),
        })?;
    Ok(Generation(number))
}

/// The setting of this name.
pub async fn setting<T: DeserializeOwned>(store: &Store, name: &str) -> Result<Option<T>> {
    let row: Option<(String,)> = sqlx::query_as("SELECT value FROM node_settings WHERE name = $1")
        .bind(name)
        .fetch_optional(store.pool())
        .await?;
    row.map(|(text,)| read(&text)).transpose()
}

/// Sets it.
pub async fn set<T: Serialize>(store: &Store, name: &str, value: &T) -> Result<()> {
    sqlx::query(
        "INSERT INTO node_settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )
    .bind(name)
    .bind(write(value)?)
    .execute(store.pool())
    .await?;
    Ok(())
}

/// Forgets it.
pub async fn unset(store: &Store, name: &str) -> Result<()> {
    sqlx::query("DELETE FROM node_settings WHERE name = $1").bind(name).execute(store.pool()).await?;
    Ok(())
}

/// What is remembered of every service.
pub async fn histories(store: &Store) -> Result<BTreeMap<ServiceName, History>> {
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT service, history FROM node_histories").fetch_all(store.pool()).await?;
    rows.into_iter()
        .map(|(name, text)| {
            Ok((name.parse().map_err(|e| Error::internal("reading its database", e))?, read(&text)?))
        })
        .collect()
}

/// Remembers.
pub async fn set_history(store: &Store, service: &ServiceName, history: &History) -> Result<()> {
    sqlx::query(
        "INSERT INTO node_histories (service, history) VALUES ($1, $2) \
         ON CONFLICT (service) DO UPDATE SET history = excluded.history",
    )
    .bind(service.as_str())
    .bind(write(history)?)
    .execute(store.pool())
    .await?;
    Ok(())
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::internal("reading its database", error))
}

fn write<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::internal("writing its database", error))
}
