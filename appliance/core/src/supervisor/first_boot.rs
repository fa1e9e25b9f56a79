//! First boot and locking: the claim code, the words, the recovery passphrase, generation 1, and unlocking.

use std::{collections::BTreeMap, sync::Arc};

use super::{Supervisor, locked};
use crate::{
    control::{Actor, Reply, ServiceChoice, SetupState},
    error::{Error, Kind, Result},
    keys::{RootState, Vault},
    node::{
        catalog, offered,
        wanted::{WantedBox, store as wanted},
    },
    setup::claim::ClaimCode,
    types::{Generation, Network, Secret},
};

impl Supervisor {
    pub(super) async fn setup_state(&self) -> Result<SetupState> {
        let node = &self.node;
        let claim: Option<ClaimCode> = wanted::setting(&node.store, "claim").await?;
        let vault = node.vault();
        Ok(SetupState {
            claimed: claim.is_some_and(|code| code.was_used()),
            root_confirmed: vault.as_ref().is_some_and(|v| v.root_state() == RootState::Confirmed),
            recovery_set: match vault {
                Some(vault) => vault.has_passphrase()?,
                None => true,
            },
            committed: wanted::current(&node.store).await?.is_some(),
        })
    }

    pub(super) async fn new_claim_code(&self, actor: &Actor) -> Result<Reply> {
        let _turn = self.turn.lock().await;
        let node = &self.node;
        if wanted::current(&node.store).await?.is_some() {
            return Err(Error::conflict(
                "This box is set up already. To get back in, run: flashnode reset-password NAME",
            ));
        }
        let (record, code) = ClaimCode::make(node.clock.now())?;
        wanted::set(&node.store, "claim", &record).await?;
        node.note(actor, "setup.claim_code", "", "A new claim code was made; the one before is dead.").await;
        Ok(Reply::Words(code))
    }

    pub(super) async fn claim(&self, actor: &Actor, code: &Secret<String>) -> Result<Reply> {
        let _turn = self.turn.lock().await;
        let node = &self.node;
        let Some(mut record) = wanted::setting::<ClaimCode>(&node.store, "claim").await? else {
            return Err(Error::conflict("There is no claim code yet. On the box, run: flashnode claim-code"));
        };
        let tried = record.try_use(node.clock.now(), code);
        // The try is written down before its answer is given, so that a crash gives no try for free.
        wanted::set(&node.store, "claim", &record).await?;
        let detail = match &tried {
            Ok(()) => "The claim code was used.".to_owned(),
            Err(refused) => format!("A claim code was tried: {refused}."),
        };
        node.note(actor, "setup.claim", "", &detail).await;
        tried?;
        Ok(Reply::Done)
    }

    pub(super) async fn root_words(&self, actor: &Actor) -> Result<Reply> {
        let vault = self.node.vault().ok_or_else(locked)?;
        let words = vault.root_words(None)?;
        self.node.note(actor, "setup.words_shown", "", "The 24 words were shown.").await;
        let joined: Vec<&str> = words.iter().map(|w| w.expose().as_str()).collect();
        Ok(Reply::Words(Secret::new(joined.join(" "))))
    }

    pub(super) async fn confirm_root(&self, actor: &Actor, words: &[(u8, Secret<String>)]) -> Result<Reply> {
        let vault = self.node.vault().ok_or_else(locked)?;
        vault.confirm_root(words)?;
        self.node
            .note(
                actor,
                "setup.words_confirmed",
                "",
                "The 24 words were confirmed and are never shown again.",
            )
            .await;
        Ok(Reply::Done)
    }

    pub(super) async fn set_recovery(&self, actor: &Actor, passphrase: &Secret<String>) -> Result<Reply> {
        // A taken-over app must not be able to make itself a way in that outlives it.
        if wanted::current(&self.node.store).await?.is_some() && !actor.who.starts_with("cli:") {
            let sentence =
                "The recovery passphrase of a box that is set up is changed at its own console only.";
            return Err(Error::new(Kind::Forbidden, sentence));
        }
        let vault = self.node.vault().ok_or_else(locked)?;
        let passphrase = passphrase.clone();
        blocking(move || vault.set_passphrase(&passphrase)).await?;
        self.node.note(actor, "keys.recovery_set", "", "The recovery passphrase was set.").await;
        Ok(Reply::Done)
    }

    pub(super) async fn commit(
        &self,
        actor: &Actor,
        network: Network,
        services: ServiceChoice,
    ) -> Result<Reply> {
        let _turn = self.turn.lock().await;
        let node = &self.node;
        catalog::check_choice(&services)?;
        if let Some((_, now)) = wanted::current(&node.store).await? {
            // Asked again after a crash in between: the same answer, nothing done twice.
            if now.network == network && now.choice == services {
                return Ok(Reply::Done);
            }
            return Err(Error::conflict("This box is set up already."));
        }
        let state = self.setup_state().await?;
        if !state.root_confirmed {
            return Err(Error::conflict("The 24 words have not been confirmed yet."));
        }
        if !state.recovery_set {
            return Err(Error::conflict("The recovery passphrase has not been set yet."));
        }
        let offers = offered::look(&node.images, &node.config.images, services.bitcoind_flavour, node.engine);
        if let Some(Err(why)) = offers.get(&catalog::BITCOIND) {
            return Err(Error::conflict(format!("Bitcoin's node cannot be had here: {why}")));
        }
        let images: BTreeMap<_, _> =
            offers.into_iter().filter_map(|(name, offer)| Some((name, offer.ok()?))).collect();
        let first = WantedBox { network, choice: services, images };
        wanted::commit(&node.store, Generation(0), &first, &actor.who, node.clock.now()).await?;
        node.note(actor, "setup.committed", "1", &format!("The box was set up on {network}.")).await;
        node.worth_keeping.notify_one();
        node.nudge.notify_one();
        Ok(Reply::Done)
    }

    pub(super) async fn unlock(&self, actor: &Actor, passphrase: &Secret<String>) -> Result<Reply> {
        // One hash at a time, for its memory; but whoever guesses here must not hold up the box's other orders.
        let _one = self.unlocking.lock().await;
        let node = &self.node;
        if node.vault().is_some() {
            return Ok(Reply::Done);
        }
        let (dir, words) = (node.ground.box_dir.join("supervisor/keys"), passphrase.clone());
        let opened = blocking(move || {
            let vault = Vault::open_with_passphrase(&dir, &words)?;
            // The file that was lost is made again, so that the next start does not ask.
            vault.renew_auto_unlock()?;
            Ok(vault)
        });
        let vault = match opened.await {
            Ok(vault) => vault,
            Err(error) => {
                node.note(actor, "box.unlock_failed", "", "A recovery passphrase was tried and did not fit.")
                    .await;
                return Err(error);
            }
        };
        *node.keys.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(Arc::new(vault));
        node.note(actor, "box.unlocked", "", "The box was unlocked with the recovery passphrase.").await;
        node.nudge.notify_one();
        Ok(Reply::Done)
    }
}

/// Argon2id takes a second and 64 MiB on purpose: not on the threads that answer.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::result::Result<T, crate::keys::KeysError> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::internal("working on its keys", error))?;
    Ok(done?)
}
