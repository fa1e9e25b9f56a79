//! Who may do what: members and their roles, sign-in, sessions, second factor, step-up.
//!
//! Owns the tables `members`, `sessions`, `recovery_codes` and `throttles` in `app.db`.
//! Knows no HTTP: cookies, headers and pages are the web's.
//!
//! | row | owns |
//! | --- | --- |
//! | [`names`] | what a member may be called |
//! | [`password`] | Argon2id, its floor and caps, and how many run at once |
//! | `throttle` | how long a guesser waits, and why the owner is never shut out |
//! | `totp` | the second factor and its recovery codes |
//! | `sessions` | tokens, expiry, revocation |
//! | `sign_in` | the doors: sign-in, step-up, password change and reset |
//! | `store` | the SQL |

pub mod names;

pub mod password;

mod throttle;

mod totp;

mod sessions;

mod sign_in;

mod store;

#[cfg(test)]
mod tests;

use std::{net::IpAddr, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    keys::seal::SealKey,
    ports::clock::Clock,
    store::Store,
    types::{Secret, Timestamp},
};

use password::Hasher;

/// A member's number; 0 stands for the person in front of an unfinished set-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MemberId(pub i64);

/// What a member may do; each role may do all that a lesser one may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Looks.
    Member,
    /// Runs the services.
    Operator,
    /// Owns the box.
    Owner,
}

impl Role {
    /// Every role, least first.
    pub const ALL: [Role; 3] = [Role::Member, Role::Operator, Role::Owner];

    /// Our word for it, in the database, in JSON and in the audit log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Member => "member",
            Role::Operator => "operator",
            Role::Owner => "owner",
        }
    }
}

/// Who calls, as `app` saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The address of the other side of the connection; never taken from a header.
    pub address: IpAddr,
    /// Its `User-Agent`; shown in the list of sessions, cut to 200 characters.
    pub agent: String,
}

/// What a session is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SessionKind {
    /// The wizard, after the claim code; nothing else.
    Setup,
    /// A signed-in member.
    Full,
}

/// Which colours the pages wear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// As the device says.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// Our word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Theme::System => "system",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }
}

/// A session that is valid now.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its number, as it stands in the list of sessions.
    pub id: i64,
    /// Whose it is.
    pub member: MemberId,
    /// The member's name; empty in a Setup session.
    pub name: String,
    /// The member's role; a Setup session is the owner's.
    pub role: Role,
    /// What it is good for.
    pub kind: SessionKind,
    /// What every mutation must repeat.
    pub csrf: Secret<String>,
    /// The member's language tag, when chosen.
    pub language: Option<String>,
    /// The member's theme.
    pub theme: Theme,
    /// Until when dangerous actions are open.
    pub stepped_up_until: Option<Timestamp>,
    /// Whether a second factor is asked for.
    pub totp: bool,
}

/// A session that has just begun.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// For the cookie; known nowhere else, the database has only its hash.
    pub token: Secret<String>,
    /// The session.
    pub session: Session,
}

/// The outcome of a sign-in with the right password.
#[derive(Clone, Debug)]
pub enum SignIn {
    /// Signed in.
    Done(NewSession),
    /// The password is right; a code of the second factor is missing.
    NeedsCode,
}

/// A session in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SessionView {
    /// Its number.
    pub id: i64,
    /// When it began.
    pub created: Timestamp,
    /// When it was last used, to the minute.
    pub last_seen: Timestamp,
    /// From where.
    pub address: String,
    /// With which browser.
    pub agent: String,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// A second factor being set up.
#[derive(Clone, Debug)]
pub struct TotpSetup {
    /// The secret, to be typed.
    pub secret_base32: Secret<String>,
    /// The `otpauth://` address, to be scanned.
    pub uri: Secret<String>,
}

/// What a member chose for the pages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// A language tag such as `pt-BR`; none: as the browser asks.
    pub language: Option<String>,
    /// The theme.
    pub theme: Theme,
}

/// A member in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MemberView {
    /// The number.
    pub id: MemberId,
    /// The name.
    pub name: String,
    /// The role.
    pub role: Role,
}

/// The doors of the box: who is in, and how they got in.
#[derive(Clone)]
pub struct Access {
    store: Store,
    clock: Arc<dyn Clock>,
    hasher: Arc<Hasher>,
    seal: Arc<SealKey>,
    issuer: String,
}

impl Access {
    /// `box_name` is what an authenticator app shows beside the code; `seal` keeps second-factor secrets
    /// unreadable in databases that are not encrypted as a whole.
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        hasher: Hasher,
        seal: Arc<SealKey>,
        box_name: &str,
    ) -> Self {
        Self { store, clock, hasher: Arc::new(hasher), seal, issuer: format!("Flashnode {box_name}") }
    }
}
