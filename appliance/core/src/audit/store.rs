//! The SQL of the audit log.

use sqlx::Row;

use super::Entry;
use crate::{
    store::{Store, Tx},
    types::Timestamp,
};

/// Takes the one writer's turn; answers with the next sequence number and the hash before it.
pub(super) async fn take_turn(tx: &mut Tx) -> sqlx::Result<(i64, String)> {
    sqlx::query_as("UPDATE audit_head SET seq = seq + 1 WHERE id = 1 RETURNING seq, hash")
        .fetch_one(&mut **tx)
        .await
}

/// Adds the entry and moves the head to it.
pub(super) async fn insert(tx: &mut Tx, entry: &Entry) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO audit_entries (seq, at, who, origin, action, subject, detail, hash) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(entry.seq)
    .bind(entry.at.0)
    .bind(&entry.who)
    .bind(&entry.from)
    .bind(&entry.action)
    .bind(&entry.subject)
    .bind(&entry.detail)
    .bind(&entry.hash)
    .execute(&mut **tx)
    .await?;
    sqlx::query("UPDATE audit_head SET hash = $1 WHERE id = 1").bind(&entry.hash).execute(&mut **tx).await?;
    Ok(())
}

/// Where the chain ends.
pub(super) async fn head(store: &Store) -> sqlx::Result<(i64, String)> {
    sqlx::query_as("SELECT seq, hash FROM audit_head WHERE id = 1").fetch_one(store.pool()).await
}

/// Entries before `seq`, newest first.
pub(super) async fn before(store: &Store, seq: i64, limit: i64) -> sqlx::Result<Vec<Entry>> {
    let rows = sqlx::query(
        "SELECT seq, at, who, origin, action, subject, detail, hash FROM audit_entries \
         WHERE seq < $1 ORDER BY seq DESC LIMIT $2",
    );
    rows.bind(seq).bind(limit).try_map(entry).fetch_all(store.pool()).await
}

/// Entries after `seq`, oldest first.
pub(super) async fn after(store: &Store, seq: i64, limit: i64) -> sqlx::Result<Vec<Entry>> {
    let rows = sqlx::query(
        "SELECT seq, at, who, origin, action, subject, detail, hash FROM audit_entries \
         WHERE seq > $1 ORDER BY seq LIMIT $2",
    );
    rows.bind(seq).bind(limit).try_map(entry).fetch_all(store.pool()).await
}

fn entry(row: sqlx::any::AnyRow) -> sqlx::Result<Entry> {
    Ok(Entry {
        seq: row.try_get(0)?,
        at: Timestamp(row.try_get(1)?),
        who: row.try_get(2)?,
        from: row.try_get(3)?,
        action: row.try_get(4)?,
        subject: row.try_get(5)?,
        detail: row.try_get(6)?,
        hash: row.try_get(7)?,
    })
}
