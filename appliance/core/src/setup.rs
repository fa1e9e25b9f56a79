//! The wizard: one enum of steps, one function per transition, resumable at any moment.
//!
//! Where set-up stands is kept in `app.db` (table `setup_state`); the supervisor keeps its own half (claim code,
//! root, recovery, generation 1) and every transition can be repeated on both sides.
//!
//! | row | owns |
//! | --- | --- |
//! | [`claim`] | the one-time claim code, as the supervisor keeps it |
//! | `steps` | which step may follow which; pure |
//! | `transitions` | one function per step |
//! | `unattended` | the same steps in one go, for the console |
//! | `store` | the SQL |

pub mod claim;

mod steps;

mod transitions;

mod unattended;

mod store;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    access::Access,
    control::{Control, ServiceChoice},
    keys::seal::SealKey,
    store::Store,
    types::{Network, Secret},
};

/// The steps of set-up, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Prove that you can read the box's console.
    Claim,
    /// Name and password of the owner.
    Owner,
    /// Which Bitcoin network.
    Network,
    /// Which services.
    Services,
    /// The 24 words are shown.
    Keys,
    /// Four of them are asked for.
    Confirm,
    /// The recovery passphrase.
    Recovery,
    /// Everything once more, then commit.
    Summary,
    /// The box is set up.
    Done,
}

/// Where set-up stands, and what was chosen so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupView {
    /// The step that comes next. A browser without a Setup session has to claim first, whatever this says.
    pub step: Step,
    /// The owner's name.
    pub owner: Option<String>,
    /// The network.
    pub network: Option<Network>,
    /// The services.
    pub services: Option<ServiceChoice>,
}

/// Everything the wizard asks for, at once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Unattended {
    /// The owner's name.
    pub owner: String,
    /// The owner's password.
    pub password: Secret<String>,
    /// The network.
    pub network: Network,
    /// The services.
    pub services: ServiceChoice,
    /// The recovery passphrase; none: a code is generated.
    pub recovery: Option<Secret<String>>,
}

/// What unattended set-up must hand to the person.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UnattendedDone {
    /// The 24 words.
    pub words: Vec<Secret<String>>,
    /// The recovery passphrase or code.
    pub recovery: Secret<String>,
}

/// The wizard.
#[derive(Clone)]
pub struct Setup {
    store: Store,
    access: Access,
    control: Arc<dyn Control>,
    seal: Arc<SealKey>,
}

impl Setup {
    /// The wizard over this store, making its owner in `access`.
    pub fn new(store: Store, access: Access, control: Arc<dyn Control>, seal: Arc<SealKey>) -> Self {
        Self { store, access, control, seal }
    }

    /// Set-up as it is at its end, for tests that begin there.
    #[cfg(any(test, feature = "fakes"))]
    pub(crate) async fn already_done_for_tests(
        &self,
        owner: &str,
        password: &Secret<String>,
    ) -> crate::error::Result<()> {
        let (name, hash) = self.access.hash_new(owner, password).await?;
        self.change(Step::Claim, |state| {
            (state.owner, state.owner_hash) = (Some(name.as_str().to_owned()), Some(hash));
        })
        .await?;
        self.finish(None).await.map(drop)
    }
}
