//! The SQL of members, sessions, recovery codes and throttles.

use sqlx::Row;

use super::{MemberId, MemberView, Profile, Role, SessionKind, Theme, throttle::Counter};
use crate::{
    store::{Store, Tx},
    types::Timestamp,
};

/// A member as the doors need it.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) id: MemberId,
    pub(super) name: String,
    pub(super) password_hash: String,
    pub(super) totp_secret: Option<String>,
    pub(super) totp_pending: Option<String>,
}

/// A session with its member, as it stands in the database.
#[derive(Clone, Debug)]
pub(super) struct SessionRow {
    pub(super) id: i64,
    pub(super) kind: SessionKind,
    pub(super) last_seen: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) stepped_up_until: Option<Timestamp>,
    pub(super) member: MemberId,
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) profile: Profile,
    pub(super) totp: bool,
}

/// A session about to be kept.
pub(super) struct FreshSession<'a> {
    pub(super) token_hash: &'a str,
    pub(super) member: Option<MemberId>,
    pub(super) kind: SessionKind,
    pub(super) now: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) address: &'a str,
    pub(super) agent: &'a str,
}

const MEMBER: &str = "SELECT id, name, password_hash, totp_secret, totp_pending FROM members WHERE name = $1";
const MEMBER_BY_ID: &str =
    "SELECT id, name, password_hash, totp_secret, totp_pending FROM members WHERE id = $1";

pub(super) async fn member_by_name(store: &Store, name: &str) -> sqlx::Result<Option<Member>> {
    sqlx::query(MEMBER).bind(name).try_map(member).fetch_optional(store.pool()).await
}

pub(super) async fn member_by_id(store: &Store, id: MemberId) -> sqlx::Result<Option<Member>> {
    sqlx::query(MEMBER_BY_ID).bind(id.0).try_map(member).fetch_optional(store.pool()).await
}

fn member(row: sqlx::any::AnyRow) -> sqlx::Result<Member> {
    Ok(Member {
        id: MemberId(row.try_get(0)?),
        name: row.try_get(1)?,
        password_hash: row.try_get(2)?,
        totp_secret: row.try_get(3)?,
        totp_pending: row.try_get(4)?,
    })
}

pub(super) async fn members(store: &Store) -> sqlx::Result<Vec<MemberView>> {
    let view = |row: sqlx::any::AnyRow| {
        Ok(MemberView { id: MemberId(row.try_get(0)?), name: row.try_get(1)?, role: role(row.try_get(2)?)? })
    };
    sqlx::query("SELECT id, name, role FROM members ORDER BY name")
        .try_map(view)
        .fetch_all(store.pool())
        .await
}

/// Adds a member; the name must be free.
pub(super) async fn add_member(
    tx: &mut Tx,
    name: &str,
    role: Role,
    password_hash: &str,
    now: Timestamp,
) -> sqlx::Result<MemberId> {
    let add =
        "INSERT INTO members (name, role, password_hash, created_at) VALUES ($1, $2, $3, $4) RETURNING id";
    let query = sqlx::query_as(add).bind(name).bind(role.as_str()).bind(password_hash).bind(now.0);
    let (id,): (i64,) = query.fetch_one(&mut **tx).await?;
    Ok(MemberId(id))
}

pub(super) async fn set_role(tx: &mut Tx, id: MemberId, role: Role) -> sqlx::Result<bool> {
    let set = sqlx::query("UPDATE members SET role = $1 WHERE id = $2").bind(role.as_str()).bind(id.0);
    Ok(set.execute(&mut **tx).await?.rows_affected() == 1)
}

pub(super) async fn owners(tx: &mut Tx) -> sqlx::Result<i64> {
    let (owners,): (i64,) =
        sqlx::query_as("SELECT COUNT(*) FROM members WHERE role = 'owner'").fetch_one(&mut **tx).await?;
    Ok(owners)
}

pub(super) async fn set_password(tx: &mut Tx, id: MemberId, hash: &str) -> sqlx::Result<()> {
    let set = sqlx::query("UPDATE members SET password_hash = $1 WHERE id = $2").bind(hash).bind(id.0);
    set.execute(&mut **tx).await.map(drop)
}

pub(super) async fn set_profile(store: &Store, id: MemberId, profile: &Profile) -> sqlx::Result<()> {
    sqlx::query("UPDATE members SET language = $1, theme = $2 WHERE id = $3")
        .bind(profile.language.clone())
        .bind(profile.theme.as_str())
        .bind(id.0)
        .execute(store.pool())
        .await
        .map(drop)
}

pub(super) async fn set_totp_pending(store: &Store, id: MemberId, sealed: &str) -> sqlx::Result<()> {
    let set = sqlx::query("UPDATE members SET totp_pending = $1 WHERE id = $2").bind(sealed).bind(id.0);
    set.execute(store.pool()).await.map(drop)
}

/// The pending secret becomes the one in use, when it is still this one; the step that proved it is used up.
pub(super) async fn confirm_totp(tx: &mut Tx, id: MemberId, pending: &str, step: i64) -> sqlx::Result<bool> {
    let set = sqlx::query(
        "UPDATE members SET totp_secret = totp_pending, totp_pending = NULL, totp_last_step = $1 \
         WHERE id = $2 AND totp_pending = $3",
    );
    Ok(set.bind(step).bind(id.0).bind(pending).execute(&mut **tx).await?.rows_affected() == 1)
}

pub(super) async fn drop_totp(tx: &mut Tx, id: MemberId) -> sqlx::Result<()> {
    sqlx::query("UPDATE members SET totp_secret = NULL, totp_pending = NULL WHERE id = $1")
        .bind(id.0)
        .execute(&mut **tx)
        .await?;
    replace_recovery_codes(tx, id, &[]).await
}

/// Uses up a step; no when it, or a later one, was used before.
pub(super) async fn use_totp_step(store: &Store, id: MemberId, step: i64) -> sqlx::Result<bool> {
    let set = sqlx::query("UPDATE members SET totp_last_step = $1 WHERE id = $2 AND totp_last_step < $1");
    Ok(set.bind(step).bind(id.0).execute(store.pool()).await?.rows_affected() == 1)
}

pub(super) async fn replace_recovery_codes(tx: &mut Tx, id: MemberId, hashes: &[String]) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM recovery_codes WHERE member_id = $1").bind(id.0).execute(&mut **tx).await?;
    for hash in hashes {
        let add = sqlx::query("INSERT INTO recovery_codes (member_id, code_hash) VALUES ($1, $2)");
        add.bind(id.0).bind(hash).execute(&mut **tx).await?;
    }
    Ok(())
}

/// Uses up a recovery code; no when there is no such code, or it was used before.
pub(super) async fn use_recovery_code(
    store: &Store,
    id: MemberId,
    hash: &str,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let set = sqlx::query(
        "UPDATE recovery_codes SET used_at = $1 WHERE member_id = $2 AND code_hash = $3 AND used_at IS NULL",
    );
    Ok(set.bind(now.0).bind(id.0).bind(hash).execute(store.pool()).await?.rows_affected() == 1)
}

pub(super) async fn add_session(tx: &mut Tx, fresh: &FreshSession<'_>) -> sqlx::Result<i64> {
    let (id,): (i64,) = sqlx::query_as(
        "INSERT INTO sessions (token_hash, member_id, kind, created_at, last_seen, expires_at, address, agent) \
         VALUES ($1, $2, $3, $4, $4, $5, $6, $7) RETURNING id",
    )
    .bind(fresh.token_hash)
    .bind(fresh.member.map(|id| id.0))
    .bind(kind_word(fresh.kind))
    .bind(fresh.now.0)
    .bind(fresh.expires_at.0)
    .bind(fresh.address)
    .bind(fresh.agent)
    .fetch_one(&mut **tx)
    .await?;
    Ok(id)
}

pub(super) async fn session(store: &Store, token_hash: &str) -> sqlx::Result<Option<SessionRow>> {
    let query = "SELECT s.id, s.kind, s.last_seen, s.expires_at, s.stepped_up_until, s.member_id, \
         m.name, m.role, m.language, m.theme, CASE WHEN m.totp_secret IS NULL THEN 0 ELSE 1 END \
         FROM sessions s LEFT JOIN members m ON m.id = s.member_id WHERE s.token_hash = $1";
    sqlx::query(query).bind(token_hash).try_map(session_row).fetch_optional(store.pool()).await
}

fn session_row(row: sqlx::any::AnyRow) -> sqlx::Result<SessionRow> {
    let stepped_up: Option<i64> = row.try_get(4)?;
    let member: Option<i64> = row.try_get(5)?;
    let totp: i64 = row.try_get(10)?;
    Ok(SessionRow {
        id: row.try_get(0)?,
        kind: if row.try_get::<String, _>(1)? == "full" { SessionKind::Full } else { SessionKind::Setup },
        last_seen: Timestamp(row.try_get(2)?),
        expires_at: Timestamp(row.try_get(3)?),
        stepped_up_until: stepped_up.map(Timestamp),
        member: MemberId(member.unwrap_or(0)),
        name: row.try_get::<Option<String>, _>(6)?.unwrap_or_default(),
        role: row.try_get::<Option<String>, _>(7)?.map_or(Ok(Role::Owner), role)?,
        profile: Profile {
            language: row.try_get(8)?,
            theme: theme(row.try_get::<Option<String>, _>(9)?.as_deref().unwrap_or_default()),
        },
        totp: totp != 0,
    })
}

pub(super) async fn touch_session(store: &Store, id: i64, now: Timestamp) -> sqlx::Result<()> {
    let set = sqlx::query("UPDATE sessions SET last_seen = $1 WHERE id = $2").bind(now.0).bind(id);
    set.execute(store.pool()).await.map(drop)
}

pub(super) async fn step_up_session(store: &Store, id: i64, until: Timestamp) -> sqlx::Result<()> {
    let set = sqlx::query("UPDATE sessions SET stepped_up_until = $1 WHERE id = $2").bind(until.0).bind(id);
    set.execute(store.pool()).await.map(drop)
}

/// A member's sessions that have not expired: id, created, last seen, address, agent; newest first.
pub(super) async fn sessions_of(
    store: &Store,
    id: MemberId,
    now: Timestamp,
) -> sqlx::Result<Vec<(i64, i64, i64, String, String)>> {
    sqlx::query_as(
        "SELECT id, created_at, last_seen, address, agent FROM sessions \
         WHERE member_id = $1 AND expires_at > $2 ORDER BY last_seen DESC, id DESC",
    )
    .bind(id.0)
    .bind(now.0)
    .fetch_all(store.pool())
    .await
}

pub(super) async fn end_session(store: &Store, id: i64) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM sessions WHERE id = $1").bind(id).execute(store.pool()).await.map(drop)
}

pub(super) async fn end_session_of(store: &Store, member: MemberId, id: i64) -> sqlx::Result<bool> {
    let end = sqlx::query("DELETE FROM sessions WHERE id = $1 AND member_id = $2").bind(id).bind(member.0);
    Ok(end.execute(store.pool()).await?.rows_affected() == 1)
}

pub(super) async fn end_sessions_of(tx: &mut Tx, member: MemberId) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM sessions WHERE member_id = $1").bind(member.0).execute(&mut **tx).await.map(drop)
}

pub(super) async fn end_setup_sessions(tx: &mut Tx) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM sessions WHERE kind = 'setup'").execute(&mut **tx).await.map(drop)
}

pub(super) async fn end_expired(store: &Store, now: Timestamp) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM sessions WHERE expires_at <= $1")
        .bind(now.0)
        .execute(store.pool())
        .await
        .map(drop)
}

/// The address that a living Setup session came from.
pub(super) async fn setup_session_address(store: &Store, id: i64) -> sqlx::Result<Option<String>> {
    let row: Option<(String,)> =
        sqlx::query_as("SELECT address FROM sessions WHERE id = $1 AND kind = 'setup'")
            .bind(id)
            .fetch_optional(store.pool())
            .await?;
    Ok(row.map(|(address,)| address))
}

/// Takes the row of a counter for this transaction and reads it, making it when it is not there.
pub(super) async fn lock_counter(tx: &mut Tx, what: &str) -> sqlx::Result<Counter> {
    let (failures, last_failure, good_at): (i64, i64, Option<i64>) = sqlx::query_as(
        "INSERT INTO throttles (what, failures, last_failure) VALUES ($1, 0, 0) \
         ON CONFLICT (what) DO UPDATE SET failures = throttles.failures RETURNING failures, last_failure, good_at",
    )
    .bind(what)
    .fetch_one(&mut **tx)
    .await?;
    Ok(Counter { failures, last_failure: Timestamp(last_failure), good_at: good_at.map(Timestamp) })
}

pub(super) async fn set_counter(tx: &mut Tx, what: &str, failures: i64, now: Timestamp) -> sqlx::Result<()> {
    let set = sqlx::query("UPDATE throttles SET failures = $1, last_failure = $2 WHERE what = $3");
    set.bind(failures).bind(now.0).bind(what).execute(&mut **tx).await.map(drop)
}

pub(super) async fn clear_counter(store: &Store, what: &str, good_at: Option<Timestamp>) -> sqlx::Result<()> {
    let set =
        sqlx::query("UPDATE throttles SET failures = 0, good_at = COALESCE($1, good_at) WHERE what = $2");
    set.bind(good_at.map(|at| at.0)).bind(what).execute(store.pool()).await.map(drop)
}

pub(super) async fn uncount(store: &Store, what: &str) -> sqlx::Result<()> {
    let set = sqlx::query("UPDATE throttles SET failures = failures - 1 WHERE what = $1 AND failures > 0");
    set.bind(what).execute(store.pool()).await.map(drop)
}

pub(super) async fn forget_counters(store: &Store, before: Timestamp) -> sqlx::Result<()> {
    let forget = sqlx::query("DELETE FROM throttles WHERE last_failure < $1 AND COALESCE(good_at, 0) < $1");
    forget.bind(before.0).execute(store.pool()).await.map(drop)
}

pub(super) async fn drop_counters(tx: &mut Tx) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM throttles").execute(&mut **tx).await.map(drop)
}

const fn kind_word(kind: SessionKind) -> &'static str {
    match kind {
        SessionKind::Setup => "setup",
        SessionKind::Full => "full",
    }
}

fn theme(word: &str) -> Theme {
    [Theme::Light, Theme::Dark].into_iter().find(|theme| theme.as_str() == word).unwrap_or_default()
}

/// An unknown role is a broken row, never a lesser or greater one.
fn role(word: String) -> sqlx::Result<Role> {
    Role::ALL
        .into_iter()
        .find(|role| role.as_str() == word)
        .ok_or_else(|| sqlx::Error::Decode(format!("'{word}' is not a role").into()))
}
