//! What shall be: orders become wanted state, written down before anything happens.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Supervisor, locked, views::restarts};
use crate::{
    control::{Actor, Change, Reply, RotationView, StagedView, Verb},
    error::{Error, Kind, Result},
    node::{
        alerts::{AlarmKind, store as alarms},
        catalog::{self, APP},
        edges::{Right, Stage, store as edges},
        offered,
        reconcile::turn::active_edges,
        secrets,
        wanted::{WantedBox, store as wanted},
    },
    types::{EdgeName, Generation, Secret, ServiceName, Timestamp},
};

/// A staged change in the database.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Staged {
    after: Generation,
    next: WantedBox,
    at: Timestamp,
    by: Actor,
}

impl Staged {
    /// Names exactly this content, so that nobody applies something else than what was read.
    fn id(&self) -> Result<String> {
        let bytes = serde_json::to_vec(&(self.after, &self.next))
            .map_err(|e| Error::internal("staging a change", e))?;
        Ok(hex::encode(Sha256::digest(bytes))[..16].to_owned())
    }
}

impl Supervisor {
    pub(super) async fn act(&self, actor: &Actor, name: &ServiceName, verb: Verb) -> Result<Reply> {
        self.known(name)?;
        if *name == APP && verb == Verb::Stop {
            return Err(Error::conflict(
                "The pages are served by the app: stop the whole box on its console instead.",
            ));
        }
        let _turn = self.turn.lock().await;
        let node = &self.node;
        let mut stopped: std::collections::BTreeSet<ServiceName> =
            wanted::setting(&node.store, "stopped").await?.unwrap_or_default();
        match verb {
            Verb::Stop => stopped.insert(name.clone()),
            Verb::Start | Verb::Restart => stopped.remove(name),
        };
        wanted::set(&node.store, "stopped", &stopped).await?;
        if verb != Verb::Stop {
            self.forgive(name).await?;
        }
        let (word, detail) = match verb {
            Verb::Start => ("service.start", format!("{name} was started.")),
            Verb::Stop => ("service.stop", format!("{name} was stopped and stays stopped.")),
            Verb::Restart => ("service.restart", format!("{name} was restarted.")),
        };
        node.note(actor, word, name.as_str(), &detail).await;
        if verb == Verb::Restart {
            self.stop_once(name);
        }
        node.nudge.notify_one();
        Ok(Reply::Done)
    }

    /// Whatever held it back is forgotten: a person asked.
    async fn forgive(&self, name: &ServiceName) -> Result<()> {
        let node = &self.node;
        let history = {
            let mut histories = node.held(&node.histories);
            let history = histories.entry(name.clone()).or_default();
            history.forgive();
            history.clone()
        };
        wanted::set_history(&node.store, name, &history).await?;
        for kind in [
            AlarmKind::WalletPassword,
            AlarmKind::DataDamaged,
            AlarmKind::CrashLoop,
            AlarmKind::DoesNotAnswer,
        ] {
            alarms::lower(&node.store, kind, Some(name), node.clock.now()).await?;
        }
        Ok(())
    }

    /// Stops it; the loop starts it again because it is wanted.
    fn stop_once(&self, name: &ServiceName) {
        let node = self.node.clone();
        if !node.held(&node.busy).insert(name.clone()) {
            return;
        }
        let name = name.clone();
        let grace = catalog::find(&name).map_or_else(Default::default, |s| s.stop_grace());
        tokio::spawn(async move {
            if let Err(error) = node.runtimes.of_service(&name).stop(&name, grace).await {
                tracing::warn!(service.name = %name, error = %error, "a service could not be stopped");
            }
            node.held(&node.busy).remove(&name);
            node.nudge.notify_one();
        });
    }

    pub(super) async fn rotate(&self, actor: &Actor, edge: &EdgeName, dry_run: bool) -> Result<Reply> {
        let _turn = self.turn.lock().await;
        let node = &self.node;
        let snapshot = self.snapshot();
        let vault = node.vault().ok_or_else(locked)?;
        let network = snapshot.world.context.as_ref().ok_or_else(locked)?.network;
        let grant = active_edges(&snapshot.desired, network).into_iter().find(|(name, _)| name == edge);
        let (_, grant) =
            grant.ok_or_else(|| Error::not_found(format!("There is no edge '{edge}' on this box.")))?;
        let restarts = restarts(edge, grant.right, |name| snapshot.desired.of(name).is_some());
        if !dry_run {
            let credentials = edges::all(&node.store, &vault).await?;
            if !matches!(credentials.of(edge), [only] if only.stage == Stage::Current) {
                return Err(Error::conflict(format!(
                    "The credential of {edge} is being made or rotated already."
                )));
            }
            let secret = match grant.right {
                Right::Macaroon(_) => Secret::new(String::new()),
                Right::Rpc(_) | Right::Role(_) => Secret::new(secrets::random_hex::<32>()),
            };
            edges::insert(&node.store, &vault, edge, Stage::Next, &secret, node.clock.now()).await?;
            node.note(
                actor,
                "edge.rotate",
                &edge.to_string(),
                "A new credential was made; the old one dies once it is in use.",
            )
            .await;
            node.nudge.notify_one();
        }
        Ok(Reply::Rotation(RotationView { edge: edge.clone(), restarts, begun: !dry_run }))
    }

    pub(super) async fn stage(&self, actor: &Actor, change: Change) -> Result<Reply> {
        let _turn = self.turn.lock().await;
        let node = &self.node;
        let (after, now) = wanted::current(&node.store).await?.ok_or_else(not_set_up)?;
        let base = match wanted::setting::<Staged>(&node.store, "staged").await? {
            Some(staged) if staged.after == after => staged.next,
            _ => now.clone(),
        };
        // Looked up now: what was built since the last pass counts.
        let flavour = base.choice.bitcoind_flavour;
        let offers = offered::look(&node.images, &node.config.images, flavour, node.engine);
        let offered = offers.into_iter().filter_map(|(name, offer)| Some((name, offer.ok()?))).collect();
        let next = base.with(&change, &offered)?;
        if next == now {
            wanted::unset(&node.store, "staged").await?;
            return Ok(Reply::Staged(None));
        }
        let staged = Staged { after, next, at: node.clock.now(), by: actor.clone() };
        wanted::set(&node.store, "staged", &staged).await?;
        let lines = now.differences(&staged.next).join("; ");
        node.note(actor, "change.staged", &staged.id()?, &lines).await;
        Ok(Reply::Staged(self.staged().await?.map(|(view, _)| view)))
    }

    /// What is staged against the generation in force; something staged against an older one no longer counts.
    pub(super) async fn staged(&self) -> Result<Option<(StagedView, Staged)>> {
        let Some((number, now)) = wanted::current(&self.node.store).await? else { return Ok(None) };
        let Some(staged) = wanted::setting::<Staged>(&self.node.store, "staged").await? else {
            return Ok(None);
        };
        if staged.after != number {
            return Ok(None);
        }
        let (lines, restarts) = self.consequences(&now, &staged.next).await?;
        let view = StagedView { id: staged.id()?, lines, restarts, at: staged.at };
        Ok(Some((view, staged)))
    }

    /// What a change does, found by rendering it: lines for people, and services that run now and would run differently.
    async fn consequences(
        &self,
        now: &WantedBox,
        next: &WantedBox,
    ) -> Result<(Vec<String>, Vec<ServiceName>)> {
        let snapshot = self.snapshot();
        let then = self.node.render_as(next).await?;
        let mut lines = now.differences(next);
        let new = then.services.iter().filter(|w| snapshot.desired.of(&w.name).is_none());
        lines.extend(new.filter_map(|w| {
            w.unavailable.as_ref().map(|why| format!("{}: cannot be had here. {why}", w.name))
        }));
        let restarts = snapshot.desired.services.iter().filter(|w| {
            let runs = snapshot.observed.of(&w.name).is_some_and(|seen| seen.running().is_some());
            runs && then.of(&w.name).is_some_and(|later| later.spec != w.spec)
        });
        let restarts = restarts.map(|w| w.name.clone()).collect();
        Ok((lines, restarts))
    }

    pub(super) async fn apply(&self, actor: &Actor, id: &str) -> Result<Reply> {
        let _turn = self.turn.lock().await;
        let node = &self.node;
        let Some((view, staged)) = self.staged().await? else {
            return Err(Error::conflict("Nothing is staged now. Look at the changes again."));
        };
        if view.id != id {
            return Err(Error::conflict(
                "What is staged changed since you read it. Look at it again, then decide.",
            ));
        }
        // One insert commits; what remains of a crash after it is a stale staged row, which no longer counts.
        let number =
            wanted::commit(&node.store, staged.after, &staged.next, &actor.who, node.clock.now()).await?;
        wanted::unset(&node.store, "staged").await?;
        node.note(actor, "change.applied", &number.to_string(), &view.lines.join("; ")).await;
        node.worth_keeping.notify_one();
        node.nudge.notify_one();
        Ok(Reply::Done)
    }

    pub(super) async fn discard(&self, actor: &Actor) -> Result<Reply> {
        let _turn = self.turn.lock().await;
        wanted::unset(&self.node.store, "staged").await?;
        self.node.note(actor, "change.discarded", "", "What was staged was dropped.").await;
        Ok(Reply::Done)
    }

    pub(super) async fn rebuild(&self, actor: &Actor, name: &ServiceName) -> Result<Reply> {
        self.known(name)?;
        if !catalog::get(name)?.is_rebuildable() {
            return Err(Error::invalid(format!(
                "The data of {name} cannot be made again from other services, so it is not thrown away."
            )));
        }
        let node = self.node.clone();
        if !node.held(&node.busy).insert(name.clone()) {
            return Err(Error::conflict(format!("A step is under way on {name}. Try again in a moment.")));
        }
        node.note(actor, "service.rebuild", name.as_str(), "Its data was emptied and is made again.").await;
        self.forgive(name).await?;
        let (name, grace) = (name.clone(), catalog::get(name)?.stop_grace());
        tokio::spawn(async move {
            let stopped = node.runtimes.of_service(&name).stop(&name, grace).await;
            let emptied = stopped
                .map_err(|e| e.to_string())
                .and_then(|()| node.ground.empty_data(&name).map_err(|e| e.to_string()));
            if let Err(error) = emptied {
                tracing::error!(service.name = %name, %error, "its data could not be emptied");
            }
            node.held(&node.busy).remove(&name);
            node.nudge.notify_one();
        });
        Ok(Reply::Done)
    }
}

fn not_set_up() -> Error {
    Error::new(Kind::Conflict, "The box is not set up yet.")
}
