//! Sessions: tokens that only the browser knows, two ways of expiring, and ending them.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use super::{
    Access, Client, MemberId, NewSession, Profile, Session, SessionKind, SessionView,
    store::{self, FreshSession, SessionRow},
};
use crate::{
    error::{Error, Kind, Result},
    keys::seal::random_key,
    store::Tx,
    types::{Secret, Timestamp},
};

/// A session ends this long after it began, whatever happens.
const FULL_LIFE: Duration = Duration::from_secs(14 * 24 * 60 * 60);
/// And this long after it was last used.
const FULL_IDLE: Duration = Duration::from_secs(24 * 60 * 60);
/// The wizard's own session is shorter.
const SETUP_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// A coffee, a night, not a holiday.
const SETUP_IDLE: Duration = Duration::from_secs(12 * 60 * 60);
/// How often "last seen" is written: not on every click.
const TOUCH: Duration = Duration::from_secs(60);
/// A token: 32 random bytes in base64url.
const TOKEN: usize = 43;

const fn life(kind: SessionKind) -> (Duration, Duration) {
    match kind {
        SessionKind::Setup => (SETUP_LIFE, SETUP_IDLE),
        SessionKind::Full => (FULL_LIFE, FULL_IDLE),
    }
}

impl Access {
    /// The session behind a cookie's token; none when it is unknown, expired or revoked.
    pub async fn session(&self, token: &str) -> Result<Option<Session>> {
        if token.len() != TOKEN {
            return Ok(None);
        }
        let Some(row) = store::session(&self.store, &token_hash(token)).await? else { return Ok(None) };
        let now = self.clock.now();
        let (_, idle) = life(row.kind);
        if now >= row.expires_at || now.since(row.last_seen) >= idle {
            store::end_session(&self.store, row.id).await?;
            return Ok(None);
        }
        if now.since(row.last_seen) >= TOUCH {
            store::touch_session(&self.store, row.id, now).await?;
        }
        Ok(Some(session(row, token)))
    }

    /// Ends this session.
    pub async fn sign_out(&self, session: &Session) -> Result<()> {
        Ok(store::end_session(&self.store, session.id).await?)
    }

    /// The member's sessions, last used first.
    pub async fn sessions(&self, session: &Session) -> Result<Vec<SessionView>> {
        let now = self.clock.now();
        let rows = store::sessions_of(&self.store, session.member, now).await?;
        let view = |(id, created, last_seen, address, agent)| SessionView {
            id,
            created: Timestamp(created),
            last_seen: Timestamp(last_seen),
            address,
            agent,
            current: id == session.id,
        };
        Ok(rows.into_iter().map(view).filter(|s| now.since(s.last_seen) < FULL_IDLE).collect())
    }

    /// Ends one of the member's own sessions. `Kind::NotFound` when it is not theirs, or gone.
    pub async fn revoke_session(&self, session: &Session, id: i64) -> Result<()> {
        if store::end_session_of(&self.store, session.member, id).await? {
            return Ok(());
        }
        Err(Error::not_found("That session has already ended.").keyed("error-no-session"))
    }

    /// Keeps the member's language and theme.
    pub async fn set_profile(&self, session: &Session, profile: Profile) -> Result<()> {
        let tag = |text: &str| {
            (2..=16).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        if !profile.language.as_deref().is_none_or(tag) {
            return Err(Error::invalid("That is not a language tag; `en` or `pt-BR` are.")
                .keyed("error-bad-language"));
        }
        Ok(store::set_profile(&self.store, session.member, &profile).await?)
    }

    /// Begins the wizard's session and ends any older one.
    pub(crate) async fn begin_setup_session(&self, client: &Client) -> Result<NewSession> {
        let mut tx = self.store.begin().await?;
        store::end_setup_sessions(&mut tx).await?;
        let token = self.add_session(&mut tx, None, client).await?;
        tx.commit().await?;
        self.fresh(token).await
    }

    /// The address that this Setup session came from; an error when a newer claim has ended it.
    pub(crate) async fn living_setup_session(&self, session: &Session) -> Result<String> {
        let ended = || {
            Error::new(
                Kind::Unauthenticated,
                "Set-up goes on in another browser, or was left alone for too long. Enter a new claim code to go on here.",
            )
            .keyed("error-setup-elsewhere")
        };
        if session.kind != SessionKind::Setup {
            return Err(ended());
        }
        store::setup_session_address(&self.store, session.id).await?.ok_or_else(ended)
    }

    /// Adds a session of this member, or of the wizard; answers with its token.
    pub(super) async fn add_session(
        &self,
        tx: &mut Tx,
        member: Option<MemberId>,
        client: &Client,
    ) -> Result<Secret<String>> {
        let token = Secret::new(URL_SAFE_NO_PAD.encode(random_key()?.expose()));
        let kind = if member.is_some() { SessionKind::Full } else { SessionKind::Setup };
        let now = self.clock.now();
        let fresh = FreshSession {
            token_hash: &token_hash(token.expose()),
            member,
            kind,
            now,
            expires_at: now.plus(life(kind).0),
            address: &client.address.to_canonical().to_string(),
            agent: &client.agent.chars().filter(|c| !c.is_control()).take(200).collect::<String>(),
        };
        store::add_session(tx, &fresh).await?;
        Ok(token)
    }

    /// The session that was just added under this token.
    pub(super) async fn fresh(&self, token: Secret<String>) -> Result<NewSession> {
        let row = store::session(&self.store, &token_hash(token.expose())).await?.ok_or_else(|| {
            Error::new(
                Kind::Unauthenticated,
                "This session has just been ended by another one. Sign in again.",
            )
            .keyed("error-session-ended")
        })?;
        let session = session(row, token.expose());
        Ok(NewSession { token, session })
    }
}

fn session(row: SessionRow, token: &str) -> Session {
    Session {
        id: row.id,
        member: row.member,
        name: row.name,
        role: row.role,
        kind: row.kind,
        csrf: csrf(token),
        language: row.profile.language,
        theme: row.profile.theme,
        stepped_up_until: row.stepped_up_until,
        totp: row.totp,
    }
}

fn token_hash(token: &str) -> String {
    hex::encode(Sha256::digest(token))
}

/// From the token one way: it changes when the token does, and is nowhere stored.
fn csrf(token: &str) -> Secret<String> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(token.as_bytes()) else {
        // HMAC takes keys of any length.
        unreachable!("HMAC takes any key");
    };
    mac.update(b"flashnode csrf");
    Secret::new(hex::encode(mac.finalize().into_bytes()))
}
