//! The same steps in one go, for the console.
//!
//! The words can be had from the supervisor only until they are confirmed, and the person gets them only at the very end.
//! So they are kept here, sealed, from the moment they are made until the transaction that ends set-up: a run that
//! was cut off, or refused at the last step, is repeated and hands over the same words, as does the wizard in a browser.

use zeroize::Zeroizing;

use super::{
    Setup, Step, Unattended, UnattendedDone,
    steps::{check, go_to},
    store,
    transitions::actor,
};
use crate::{
    ask,
    control::Request,
    error::{Error, Result},
    keys::keyslots::recovery_code,
    types::Secret,
};

const LABEL: &str = "setup kept";

impl Setup {
    /// Everything in one go; may be repeated after a crash. `Kind::Conflict` when the box is already set up.
    pub async fn unattended(&self, ask: Unattended) -> Result<UnattendedDone> {
        if self.view().await?.step == Step::Done {
            return Err(go_to(Step::Done));
        }
        check(&ask.services)?;
        let (name, hash) = self.access.hash_new(&ask.owner, &ask.password).await?;
        self.change(Step::Claim, |state| {
            state.owner = Some(name.as_str().to_owned());
            state.owner_hash = Some(hash);
            state.network = Some(ask.network);
            state.services = Some(ask.services);
            state.reach(Step::Keys);
        })
        .await?;
        let done = self.words_and_recovery(ask.recovery).await?;
        let actor = actor("console");
        ask!(self.control, &actor, Request::SetRecovery { passphrase: done.recovery.clone() } => Done)?;
        if !self.supervisor(&actor).await?.root_confirmed {
            let numbered = (1..).zip(done.words.iter().cloned()).collect();
            ask!(self.control, &actor, Request::ConfirmRoot { words: numbered } => Done)?;
        }
        self.commit_theirs(&actor, &store::read(&self.store).await?).await?;
        self.finish(None).await?;
        Ok(done)
    }

    /// The words and the recovery passphrase: those of a run that was cut off, or new ones, kept before anything is done with them.
    async fn words_and_recovery(&self, chosen: Option<Secret<String>>) -> Result<UnattendedDone> {
        let kept = store::read(&self.store).await?.kept;
        let mut done = match kept {
            Some(sealed) => self.unseal(&sealed)?,
            None if self.supervisor(&actor("console")).await?.root_confirmed => {
                return Err(Error::conflict(
                    "The 24 words were already confirmed in a browser, and are never shown again. Finish set-up there: `flashnode claim-code` lets you in.",
                )
                .keyed("error-words-confirmed"));
            }
            None => UnattendedDone {
                words: self.root_words(&actor("console")).await?,
                recovery: recovery_code()?,
            },
        };
        if let Some(chosen) = chosen {
            done.recovery = chosen;
        }
        let sealed = self.sealed(&done)?;
        self.change(Step::Claim, |state| state.kept = Some(sealed)).await?;
        Ok(done)
    }

    fn sealed(&self, done: &UnattendedDone) -> Result<String> {
        let json = serde_json::to_vec(done).map_err(|error| Error::internal("keeping the words", error))?;
        Ok(self.seal.seal(LABEL, b"", &Zeroizing::new(json))?)
    }

    /// What a run that was cut off has kept.
    pub(super) fn unseal(&self, sealed: &str) -> Result<UnattendedDone> {
        let json = self.seal.open(LABEL, b"", sealed)?;
        serde_json::from_slice(json.expose())
            .map_err(|error| Error::internal("reading the kept words", error))
    }
}
