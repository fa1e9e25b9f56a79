//! The doors: sign-in, step-up, password change and reset. Every one of them asks for the second factor when there is one.

use std::time::Duration;

use super::{
    Access, Client, MemberId, MemberView, NewSession, Role, Session, SignIn,
    names::MemberName,
    password::{acceptable, not_too_long},
    store::{self, Member},
    throttle::Try,
};
use crate::{
    error::{Error, Kind, Result},
    store::Tx,
    types::Secret,
};

/// How long a step-up lasts.
pub const STEP_UP: Duration = Duration::from_secs(5 * 60);

/// What a name that nobody can have counts as.
const NO_NAME: &str = "?";

impl Access {
    /// Signs in. `code` is one of the second factor or a recovery code.
    pub async fn sign_in(
        &self,
        name: &str,
        password: &Secret<String>,
        code: Option<&str>,
        client: &Client,
    ) -> Result<SignIn> {
        not_too_long(password)?;
        let name = MemberName::parse(name).ok();
        let account = name.as_ref().map_or(NO_NAME, MemberName::as_str);
        let tried = self.begin_try(account, client).await?;
        let member = match &name {
            Some(name) => store::member_by_name(&self.store, name.as_str()).await?,
            None => None,
        };
        let member = self.right_password(member, password).await?;
        if member.totp_secret.is_some() && code.is_none() {
            self.try_undecided(&tried).await?;
            return Ok(SignIn::NeedsCode);
        }
        self.right_code(&member, code).await?;
        self.try_succeeded(&tried).await?;
        store::end_expired(&self.store, self.clock.now()).await?;
        let mut tx = self.store.begin().await?;
        let token = self.add_session(&mut tx, Some(member.id), client).await?;
        tx.commit().await?;
        Ok(SignIn::Done(self.fresh(token).await?))
    }

    /// Opens dangerous actions of this session for five minutes.
    pub async fn step_up(
        &self,
        session: &Session,
        password: &Secret<String>,
        code: Option<&str>,
        client: &Client,
    ) -> Result<()> {
        let (member, tried) = self.prove(session, password, client).await?;
        self.right_code(&member, code).await?;
        self.try_succeeded(&tried).await?;
        Ok(store::step_up_session(&self.store, session.id, self.clock.now().plus(STEP_UP)).await?)
    }

    /// Changes the member's own password, ends the other sessions and rotates this one.
    pub async fn change_password(
        &self,
        session: &Session,
        old: &Secret<String>,
        new: &Secret<String>,
        client: &Client,
    ) -> Result<NewSession> {
        acceptable(&session.name, new)?;
        let (member, tried) = self.prove(session, old, client).await?;
        let shown = session.stepped_up_until.is_some_and(|until| until > self.clock.now());
        if member.totp_secret.is_some() && !shown {
            self.try_undecided(&tried).await?;
            let sentence = "Show your second factor first, then change the password.";
            return Err(Error::new(Kind::Forbidden, sentence));
        }
        self.try_succeeded(&tried).await?;
        let hash = self.hasher.hash(new).await?;
        let mut tx = self.store.begin().await?;
        store::set_password(&mut tx, member.id, &hash).await?;
        store::end_sessions_of(&mut tx, member.id).await?;
        let token = self.add_session(&mut tx, Some(member.id), client).await?;
        tx.commit().await?;
        self.fresh(token).await
    }

    /// Sets a member's password. For the console alone: it asks for nothing, ends the member's sessions,
    /// turns the second factor off and ends every wait. Data stays.
    pub async fn reset_password(&self, name: &str, new: &Secret<String>) -> Result<()> {
        let name = MemberName::parse(name)?;
        acceptable(name.as_str(), new)?;
        let member = store::member_by_name(&self.store, name.as_str()).await?.ok_or_else(|| {
            Error::not_found(format!(
                "There is no member '{name}' on this box. Before set-up is done there is none at all."
            ))
            .keyed("error-no-member")
        })?;
        let hash = self.hasher.hash(new).await?;
        let mut tx = self.store.begin().await?;
        store::set_password(&mut tx, member.id, &hash).await?;
        store::drop_totp(&mut tx, member.id).await?;
        store::end_sessions_of(&mut tx, member.id).await?;
        store::drop_counters(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// Everybody, by name.
    pub async fn members(&self) -> Result<Vec<MemberView>> {
        Ok(store::members(&self.store).await?)
    }

    /// Adds a member; only an owner may.
    pub async fn add_member(
        &self,
        by: &Session,
        name: &str,
        password: &Secret<String>,
        role: Role,
    ) -> Result<MemberId> {
        owner_only(by)?;
        let name = MemberName::parse(name)?;
        acceptable(name.as_str(), password)?;
        let hash = self.hasher.hash(password).await?;
        let mut tx = self.store.begin().await?;
        let id =
            store::add_member(&mut tx, name.as_str(), role, &hash, self.clock.now()).await.map_err(taken)?;
        tx.commit().await?;
        Ok(id)
    }

    /// Gives a member another role; only an owner may, and one owner must remain. Ends the member's sessions.
    pub async fn set_role(&self, by: &Session, member: MemberId, role: Role) -> Result<()> {
        owner_only(by)?;
        let mut tx = self.store.begin().await?;
        if !store::set_role(&mut tx, member, role).await? {
            return Err(Error::not_found("There is no such member.").keyed("error-no-member"));
        }
        if store::owners(&mut tx).await? == 0 {
            return Err(Error::conflict("A box needs an owner. Make somebody else an owner first.")
                .keyed("error-last-owner"));
        }
        store::end_sessions_of(&mut tx, member).await?;
        Ok(tx.commit().await?)
    }

    /// The hash that an owner-to-be will be made with.
    pub(crate) async fn hash_new(
        &self,
        name: &str,
        password: &Secret<String>,
    ) -> Result<(MemberName, String)> {
        let name = MemberName::parse(name)?;
        acceptable(name.as_str(), password)?;
        Ok((name, self.hasher.hash(password).await?))
    }

    /// Makes the box's first owner as part of the transaction that ends set-up, and ends the wizard's sessions.
    pub(crate) async fn make_owner(&self, tx: &mut Tx, name: &str, password_hash: &str) -> Result<MemberId> {
        store::end_setup_sessions(tx).await?;
        store::add_member(tx, name, Role::Owner, password_hash, self.clock.now()).await.map_err(taken)
    }

    /// A session for the owner that set-up has just made; the wizard proved who they are.
    pub(crate) async fn begin_owner_session(
        &self,
        tx: &mut Tx,
        owner: MemberId,
        client: &Client,
    ) -> Result<Secret<String>> {
        self.add_session(tx, Some(owner), client).await
    }

    /// The session that a committed transaction has added.
    pub(crate) async fn begun(&self, token: Secret<String>) -> Result<NewSession> {
        self.fresh(token).await
    }

    /// Counts a try and checks the password of a signed-in member.
    async fn prove(
        &self,
        session: &Session,
        password: &Secret<String>,
        client: &Client,
    ) -> Result<(Member, Try)> {
        not_too_long(password)?;
        let tried = self.begin_try(&session.name, client).await?;
        let member = store::member_by_id(&self.store, session.member).await?;
        Ok((self.right_password(member, password).await?, tried))
    }

    /// The member, when there is one and the password is theirs. One hash is computed in every case.
    async fn right_password(&self, member: Option<Member>, password: &Secret<String>) -> Result<Member> {
        let stored = member.as_ref().map(|m| m.password_hash.clone());
        let right = self.hasher.verify(password, stored).await?;
        member.filter(|_| right).ok_or_else(|| {
            Error::new(Kind::Unauthenticated, "Name or password is wrong. Check both and try again.")
                .keyed("error-sign-in")
        })
    }

    async fn right_code(&self, member: &Member, code: Option<&str>) -> Result<()> {
        let Some(sealed) = &member.totp_secret else { return Ok(()) };
        let right = match code {
            Some(code) => self.use_code(member, sealed, code).await?,
            None => false,
        };
        if right {
            return Ok(());
        }
        Err(Error::new(
            Kind::Unauthenticated,
            "That code is wrong or was used before. Wait for the next one, or use a recovery code.",
        )
        .keyed("error-code"))
    }
}

fn owner_only(by: &Session) -> Result<()> {
    if by.role == Role::Owner && by.kind == super::SessionKind::Full {
        return Ok(());
    }
    Err(Error::new(Kind::Forbidden, "Only an owner may do this.").keyed("error-owner-only"))
}

fn taken(error: sqlx::Error) -> Error {
    match error.as_database_error() {
        Some(database) if database.is_unique_violation() => {
            Error::conflict("That name is taken. Choose another one.").keyed("error-name-taken")
        }
        _ => error.into(),
    }
}
