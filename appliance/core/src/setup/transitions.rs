//! One function per step. Each may be repeated: what is already done stays done.
//!
//! The supervisor is asked first and our own row moves after, so a crash in between leaves us one step behind it;
//! [`Setup::view`] looks at the supervisor and catches up.

use rand::seq::index;

use super::{
    Setup, SetupView, Step,
    steps::{allow, check, go_to},
    store::{self, State},
};
use crate::{
    access::{Client, NewSession, Session},
    ask,
    control::{Actor, Request, ServiceChoice, SetupState},
    error::{Error, Kind, Result},
    keys::{KeysError, keyslots::recovery_code, root},
    types::{Network, Secret},
};

impl Setup {
    /// Where set-up stands. A browser without a Setup session has to claim first, whatever the step is.
    pub async fn view(&self) -> Result<SetupView> {
        let state = store::read(&self.store).await?;
        if state.step == Step::Done {
            return Ok(state.view());
        }
        let theirs = match self.supervisor(&actor("box")).await {
            Ok(theirs) => theirs,
            // Pages work while the supervisor restarts; the next look catches up.
            Err(error) if error.kind == Kind::Unavailable => return Ok(state.view()),
            Err(error) => return Err(error),
        };
        if theirs.committed && state.owner_hash.is_some() && state.step == Step::Summary {
            self.finish(None).await?;
        } else if theirs.root_confirmed
            && state.kept.is_none()
            && matches!(state.step, Step::Keys | Step::Confirm)
        {
            self.change(state.step, |state| state.reach(Step::Recovery)).await?;
        }
        Ok(store::read(&self.store).await?.view())
    }

    /// Uses up the claim code and begins a Setup session; an older one ends.
    pub async fn claim(&self, code: &Secret<String>, client: &Client) -> Result<NewSession> {
        if store::read(&self.store).await?.step == Step::Done {
            return Err(go_to(Step::Done));
        }
        let from = client.address.to_canonical().to_string();
        ask!(self.control, &actor(&from), Request::Claim { code: code.clone() } => Done)?;
        let session = self.access.begin_setup_session(client).await?;
        self.change(Step::Claim, |state| state.reach(Step::Owner)).await?;
        Ok(session)
    }

    /// The owner's name and password. The member is made at the end, so that nobody can sign in to half a box.
    pub async fn owner(&self, session: &Session, name: &str, password: &Secret<String>) -> Result<()> {
        self.allowed(session, Step::Owner).await?;
        let (name, hash) = self.access.hash_new(name, password).await?;
        self.change(Step::Owner, |state| {
            state.owner = Some(name.as_str().to_owned());
            state.owner_hash = Some(hash);
            state.reach(Step::Network);
        })
        .await
    }

    /// The network.
    pub async fn network(&self, session: &Session, network: Network) -> Result<()> {
        self.allowed(session, Step::Network).await?;
        self.change(Step::Network, |state| {
            state.network = Some(network);
            state.reach(Step::Services);
        })
        .await
    }

    /// The services. What only the supervisor can tell about them it tells at [`Setup::commit`].
    pub async fn services(&self, session: &Session, choice: ServiceChoice) -> Result<()> {
        self.allowed(session, Step::Services).await?;
        check(&choice)?;
        self.change(Step::Services, |state| {
            state.services = Some(choice);
            state.reach(Step::Keys);
        })
        .await
    }

    /// The 24 words, again until they are confirmed, never after.
    pub async fn words(&self, session: &Session) -> Result<Vec<Secret<String>>> {
        let (from, state) = self.allowed(session, Step::Keys).await?;
        match &state.kept {
            Some(kept) => Ok(self.unseal(kept)?.words),
            None => self.root_words(&actor(&from)).await,
        }
    }

    /// Four positions (1-based, ascending) whose words are asked for; the same ones until they are confirmed.
    pub async fn challenge(&self, session: &Session) -> Result<Vec<u8>> {
        self.allowed(session, Step::Confirm).await?;
        self.change(Step::Confirm, |state| {
            state.reach(Step::Confirm);
            state.challenge.get_or_insert_with(positions).clone()
        })
        .await
    }

    /// The words at those positions.
    pub async fn confirm(&self, session: &Session, answers: Vec<(u8, Secret<String>)>) -> Result<()> {
        let from = self.access.living_setup_session(session).await?;
        let state = store::read(&self.store).await?;
        if matches!(state.step, Step::Recovery | Step::Summary) {
            return Ok(()); // the page was sent twice
        }
        allow(state.step, Step::Confirm)?;
        let mut answered: Vec<u8> = answers.iter().map(|(position, _)| *position).collect();
        answered.sort_unstable();
        if state.challenge.as_ref().is_none_or(|asked| *asked != answered) {
            return Err(Error::invalid(
                "Those are not the words that were asked for. Reload the page and try again.",
            )
            .keyed("error-other-words"));
        }
        let actor = actor(&from);
        if let Some(kept) = &state.kept {
            // A run on the console was cut off and may have confirmed them already: the answers are compared here.
            compare(&self.unseal(kept)?.words, &answers)?;
        }
        if !self.supervisor(&actor).await?.root_confirmed {
            ask!(self.control, &actor, Request::ConfirmRoot { words: answers } => Done)?;
        }
        self.change(Step::Confirm, |state| {
            state.challenge = None;
            state.reach(Step::Recovery);
        })
        .await
    }

    /// Sets the recovery passphrase; none given: a code is generated and answered, this once.
    pub async fn recovery(
        &self,
        session: &Session,
        passphrase: Option<Secret<String>>,
    ) -> Result<Option<Secret<String>>> {
        let (from, _) = self.allowed(session, Step::Recovery).await?;
        let (passphrase, shown) = match passphrase {
            Some(chosen) => (chosen, None),
            None => {
                let code = recovery_code()?;
                (code.clone(), Some(code))
            }
        };
        ask!(self.control, &actor(&from), Request::SetRecovery { passphrase } => Done)?;
        self.change(Step::Recovery, |state| state.reach(Step::Summary)).await?;
        Ok(shown)
    }

    /// Commits generation 1 and turns the Setup session into the owner's full one, with a new token.
    pub async fn commit(&self, session: &Session, client: &Client) -> Result<NewSession> {
        let (from, state) = self.allowed(session, Step::Summary).await?;
        self.commit_theirs(&actor(&from), &state).await?;
        let token = self.finish(Some(client)).await?.ok_or_else(|| go_to(Step::Done))?;
        self.access.begun(token).await
    }

    /// Commits generation 1 at the supervisor, unless that was done before a crash.
    pub(super) async fn commit_theirs(&self, actor: &Actor, state: &State) -> Result<()> {
        if self.supervisor(actor).await?.committed {
            return Ok(());
        }
        let (Some(network), Some(services)) = (state.network, state.services.clone()) else {
            return Err(go_to(if state.network.is_none() { Step::Network } else { Step::Services }));
        };
        ask!(self.control, actor, Request::Commit { network, services } => Done)
    }

    /// Makes the owner and ends set-up, in one transaction; with a client, their first session too.
    pub(super) async fn finish(&self, client: Option<&Client>) -> Result<Option<Secret<String>>> {
        let mut tx = self.store.begin().await?;
        let mut state = store::take_turn(&mut tx).await?;
        if state.step == Step::Done {
            return Ok(None);
        }
        let (Some(name), Some(hash)) = (&state.owner, &state.owner_hash) else {
            return Err(go_to(Step::Owner));
        };
        let owner = self.access.make_owner(&mut tx, name, hash).await?;
        let token = match client {
            Some(client) => Some(self.access.begin_owner_session(&mut tx, owner, client).await?),
            None => None,
        };
        (state.step, state.owner_hash, state.challenge, state.kept) = (Step::Done, None, None, None);
        store::write(&mut tx, &state).await?;
        tx.commit().await?;
        Ok(token)
    }

    /// The session lives and the step is open: answers with the session's address and the state.
    async fn allowed(&self, session: &Session, step: Step) -> Result<(String, State)> {
        let from = self.access.living_setup_session(session).await?;
        let state = store::read(&self.store).await?;
        allow(state.step, step)?;
        Ok((from, state))
    }

    /// Changes the row while nobody else does, when the step is still open.
    pub(super) async fn change<T>(&self, step: Step, change: impl FnOnce(&mut State) -> T) -> Result<T> {
        let mut tx = self.store.begin().await?;
        let mut state = store::take_turn(&mut tx).await?;
        allow(state.step, step)?;
        let answer = change(&mut state);
        store::write(&mut tx, &state).await?;
        tx.commit().await?;
        Ok(answer)
    }

    pub(super) async fn supervisor(&self, actor: &Actor) -> Result<SetupState> {
        ask!(self.control, actor, Request::SetupState => SetupState)
    }

    pub(super) async fn root_words(&self, actor: &Actor) -> Result<Vec<Secret<String>>> {
        let words = ask!(self.control, actor, Request::RootWords => Words)?;
        let words: Vec<_> =
            words.expose().split_whitespace().map(|word| Secret::new(word.to_owned())).collect();
        if words.len() != usize::from(root::WORDS) {
            return Err(Error::internal("reading the words", format!("{} words came", words.len())));
        }
        Ok(words)
    }
}

/// Who acts before there is an owner.
pub(super) fn actor(from: &str) -> Actor {
    Actor { who: "setup".to_owned(), from: from.to_owned() }
}

/// Whether each answer is the word at its place.
fn compare(words: &[Secret<String>], answers: &[(u8, Secret<String>)]) -> Result<()> {
    let right = answers.iter().all(|(position, answer)| {
        let word = usize::from(*position).checked_sub(1).and_then(|at| words.get(at));
        word.is_some_and(|word| *word.expose() == answer.expose().trim().to_lowercase())
    });
    if right { Ok(()) } else { Err(KeysError::WrongWords.into()) }
}

/// As many different positions as must be confirmed, at random, ascending, from 1.
pub(super) fn positions() -> Vec<u8> {
    let chosen = index::sample(&mut rand::rng(), usize::from(root::WORDS), root::CONFIRM_AT_LEAST);
    let mut positions: Vec<u8> = chosen.iter().filter_map(|i| u8::try_from(i + 1).ok()).collect();
    positions.sort_unstable();
    positions
}
