//! Alarms in `box.db`. One alarm of a kind stands for a service at a time.

use super::{Alarm, AlarmKind};
use crate::{
    error::{Error, Result},
    store::Store,
    types::{ServiceName, Timestamp},
};

type Row = (i64, String, String, String, i64, Option<i64>, Option<i64>);

/// Raises an alarm unless the same one stands already; says whether it is new.
pub async fn raise(
    store: &Store,
    kind: AlarmKind,
    service: Option<&ServiceName>,
    sentence: &str,
    at: Timestamp,
) -> Result<bool> {
    let mut tx = store.begin().await?;
    let name = service.map_or("", ServiceName::as_str);
    let standing: Option<(i64,)> =
        sqlx::query_as("SELECT id FROM alert_alarms WHERE kind = $1 AND service = $2 AND gone IS NULL")
            .bind(word(kind)?)
            .bind(name)
            .fetch_optional(&mut *tx)
            .await?;
    if standing.is_some() {
        return Ok(false);
    }
    sqlx::query("INSERT INTO alert_alarms (kind, service, sentence, since) VALUES ($1, $2, $3, $4)")
        .bind(word(kind)?)
        .bind(name)
        .bind(sentence)
        .bind(at.0)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(true)
}

/// Lets the standing alarm of this kind go; it stays in the list.
pub async fn lower(
    store: &Store,
    kind: AlarmKind,
    service: Option<&ServiceName>,
    at: Timestamp,
) -> Result<()> {
    sqlx::query("UPDATE alert_alarms SET gone = $3 WHERE kind = $1 AND service = $2 AND gone IS NULL")
        .bind(word(kind)?)
        .bind(service.map_or("", ServiceName::as_str))
        .bind(at.0)
        .execute(store.pool())
        .await?;
    Ok(())
}

/// Somebody has seen it.
pub async fn acknowledge(store: &Store, id: i64, at: Timestamp) -> Result<()> {
    let done =
        sqlx::query("UPDATE alert_alarms SET acknowledged = $2 WHERE id = $1 AND acknowledged IS NULL")
            .bind(id)
            .bind(at.0)
            .execute(store.pool())
            .await?;
    if done.rows_affected() == 0 && !all(store).await?.iter().any(|a| a.id == id) {
        return Err(Error::not_found("There is no such alarm."));
    }
    Ok(())
}

/// The newest two hundred, newest first.
pub async fn all(store: &Store) -> Result<Vec<Alarm>> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, kind, service, sentence, since, gone, acknowledged FROM alert_alarms ORDER BY id DESC LIMIT 200",
    )
    .fetch_all(store.pool())
    .await?;
    rows.into_iter().map(alarm).collect()
}

fn alarm((id, kind, service, sentence, since, gone, acknowledged): Row) -> Result<Alarm> {
    let broken = |error: String| Error::internal("reading its alarms", error);
    Ok(Alarm {
        id,
        kind: serde_json::from_value(kind.into()).map_err(|e| broken(e.to_string()))?,
        service: if service.is_empty() {
            None
        } else {
            Some(service.parse().map_err(|_| broken(service.clone()))?)
        },
        sentence,
        since: Timestamp(since),
        gone: gone.map(Timestamp),
        acknowledged: acknowledged.map(Timestamp),
    })
}

fn word(kind: AlarmKind) -> Result<String> {
    match serde_json::to_value(kind) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        _ => Err(Error::internal("writing an alarm", format!("{kind:?}"))),
    }
}
