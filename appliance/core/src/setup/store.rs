//! The SQL of set-up: one row.

use sqlx::Row;

use super::{SetupView, Step};
use crate::{
    control::ServiceChoice,
    store::{Store, Tx},
    types::Network,
};

/// Where set-up stands.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) step: Step,
    pub(super) owner: Option<String>,
    pub(super) owner_hash: Option<String>,
    pub(super) network: Option<Network>,
    pub(super) services: Option<ServiceChoice>,
    /// The positions asked for.
    pub(super) challenge: Option<Vec<u8>>,
    /// What unattended set-up must still hand over, sealed.
    pub(super) kept: Option<String>,
}

impl State {
    /// Moves on to this step, never back.
    pub(super) fn reach(&mut self, step: Step) {
        self.step = self.step.max(step);
    }

    pub(super) fn view(self) -> SetupView {
        SetupView { step: self.step, owner: self.owner, network: self.network, services: self.services }
    }
}

const READ: &str =
    "SELECT step, owner, owner_hash, network, services, challenge, kept FROM setup_state WHERE id = 1";
const TAKE_TURN: &str = "UPDATE setup_state SET step = step WHERE id = 1 \
     RETURNING step, owner, owner_hash, network, services, challenge, kept";

pub(super) async fn read(store: &Store) -> sqlx::Result<State> {
    sqlx::query(READ).try_map(state).fetch_one(store.pool()).await
}

/// Reads the row and keeps it from others until the transaction ends.
pub(super) async fn take_turn(tx: &mut Tx) -> sqlx::Result<State> {
    sqlx::query(TAKE_TURN).try_map(state).fetch_one(&mut **tx).await
}

pub(super) async fn write(tx: &mut Tx, state: &State) -> sqlx::Result<()> {
    let encode = |error: serde_json::Error| sqlx::Error::Encode(Box::new(error));
    let services = state.services.as_ref().map(serde_json::to_string).transpose().map_err(encode)?;
    let challenge = state.challenge.as_ref().map(serde_json::to_string).transpose().map_err(encode)?;
    sqlx::query(
        "UPDATE setup_state SET step = $1, owner = $2, owner_hash = $3, network = $4, services = $5, \
         challenge = $6, kept = $7 WHERE id = 1",
    )
    .bind(state.step.word())
    .bind(state.owner.clone())
    .bind(state.owner_hash.clone())
    .bind(state.network.map(Network::as_str))
    .bind(services)
    .bind(challenge)
    .bind(state.kept.clone())
    .execute(&mut **tx)
    .await
    .map(drop)
}

fn state(row: sqlx::any::AnyRow) -> sqlx::Result<State> {
    let decode = |error: Box<dyn std::error::Error + Send + Sync>| sqlx::Error::Decode(error);
    let word: String = row.try_get(0)?;
    let step = Step::ALL.into_iter().find(|step| step.word() == word);
    let network: Option<String> = row.try_get(3)?;
    let services: Option<String> = row.try_get(4)?;
    let challenge: Option<String> = row.try_get(5)?;
    Ok(State {
        step: step.ok_or_else(|| decode(format!("'{word}' is not a step").into()))?,
        owner: row.try_get(1)?,
        owner_hash: row.try_get(2)?,
        network: network
            .map(|text| text.parse())
            .transpose()
            .map_err(|e: crate::types::network::UnknownNetwork| decode(e.into()))?,
        services: services
            .map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|e| decode(e.into()))?,
        challenge: challenge
            .map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|e| decode(e.into()))?,
        kept: row.try_get(6)?,
    })
}
