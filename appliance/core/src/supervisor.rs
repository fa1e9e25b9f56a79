//! The façade of role `supervise`: answers every [`Request`] of the socket API from the last pass's snapshot,
//! and turns orders into wanted state. The loop in [`crate::node::reconcile`] does the rest.
//!
//! | file | answers |
//! | --- | --- |
//! | [`views`] | what is: status, one service, edges, updates |
//! | [`orders`] | what shall be: start, stop, rotate, stage and apply, rebuild |
//! | [`first_boot`] | claim code, words, recovery, generation 1, unlock |
//! | [`records`] | how much the app may write into the audit log |

mod views;

mod orders;

mod first_boot;

mod records;

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    audit::Audit,
    control::{Actor, CaView, Control, Reply, Request},
    error::{Error, Kind, Result},
    node::{
        alerts::store as alarms,
        playground::Playground,
        reconcile::task::{Node, Snapshot},
    },
    ports::{authority::Realm, runtime::LogPage},
    types::ServiceName,
};

/// The supervisor.
pub struct Supervisor {
    node: Arc<Node>,
    playground: Arc<Playground>,
    /// Orders that change wanted state take turns.
    turn: tokio::sync::Mutex<()>,
    /// Logs that are read at once: each takes some megabytes while it is.
    logs: tokio::sync::Semaphore,
    /// Recovery passphrases are tried one after another, and hold nothing else up.
    unlocking: tokio::sync::Mutex<()>,
    records: records::Records,
}

/// How many logs are read at once; a runtime gives at most `LOG_PAGE_MAX` of each.
const LOGS_AT_ONCE: usize = 4;

impl Supervisor {
    /// Around what the loop holds.
    pub fn new(node: Arc<Node>, playground: Arc<Playground>) -> Self {
        let (turn, unlocking, records) = Default::default();
        let logs = tokio::sync::Semaphore::new(LOGS_AT_ONCE);
        Self { node, playground, turn, logs, unlocking, records }
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        self.node.latest.borrow().clone()
    }

    /// A service that is part of this box.
    fn known(&self, name: &ServiceName) -> Result<()> {
        crate::node::catalog::get(name)?;
        match self.snapshot().desired.of(name) {
            Some(_) => Ok(()),
            None => Err(Error::not_found(format!(
                "{name} is not part of this box. Optional services are switched on under updates."
            ))),
        }
    }

    async fn log(
        &self,
        name: &ServiceName,
        from: crate::ports::runtime::LogFrom,
        limit: usize,
        search: Option<&str>,
    ) -> Result<LogPage> {
        self.known(name)?;
        let _place = self.logs.acquire().await.map_err(|error| Error::internal("reading a log", error))?;
        let page = self.node.runtimes.of_service(name).log(name, from, limit.clamp(1, 5_000)).await;
        let mut page =
            page.map_err(|error| Error::unavailable(format!("The log of {name}")).caused_by(error))?;
        if let Some(words) = search.map(str::to_lowercase).filter(|words| !words.is_empty()) {
            page.lines.retain(|line| line.text.to_lowercase().contains(&words));
        }
        Ok(page)
    }
}

#[async_trait]
impl Control for Supervisor {
    async fn ask(&self, actor: &Actor, request: Request) -> Result<Reply> {
        let node = &self.node;
        match request {
            Request::Status => Ok(Reply::Status(self.status().await?)),
            Request::Service { name } => Ok(Reply::Service(Box::new(self.service(&name).await?))),
            Request::Log { name, from, limit, search } => {
                Ok(Reply::Log(self.log(&name, from, limit, search.as_deref()).await?))
            }
            Request::Act { name, verb } => self.act(actor, &name, verb).await,
            Request::Edges => Ok(Reply::Edges(self.edges())),
            Request::Rotate { edge, dry_run } => self.rotate(actor, &edge, dry_run).await,
            Request::Stage { change } => self.stage(actor, change).await,
            Request::Staged => Ok(Reply::Staged(self.staged().await?.map(|(view, _)| view))),
            Request::Apply { staged } => self.apply(actor, &staged).await,
            Request::Discard => self.discard(actor).await,
            Request::Alarms => Ok(Reply::Alarms(alarms::all(&node.store).await?)),
            Request::Acknowledge { id } => {
                alarms::acknowledge(&node.store, id, node.clock.now()).await?;
                node.note(actor, "alarm.acknowledged", &id.to_string(), "An alarm was marked as seen.").await;
                Ok(Reply::Done)
            }
            Request::Updates => Ok(Reply::Updates(self.updates())),
            Request::NewClaimCode => self.new_claim_code(actor).await,
            Request::Claim { code } => self.claim(actor, &code).await,
            Request::RootWords => self.root_words(actor).await,
            Request::ConfirmRoot { words } => self.confirm_root(actor, &words).await,
            Request::SetRecovery { passphrase } => self.set_recovery(actor, &passphrase).await,
            Request::Commit { network, services } => self.commit(actor, network, services).await,
            Request::SetupState => Ok(Reply::SetupState(self.setup_state().await?)),
            Request::Unlock { passphrase } => self.unlock(actor, &passphrase).await,
            Request::Rebuild { name } => self.rebuild(actor, &name).await,
            Request::Ca => Ok(Reply::Ca(CaView {
                pem: node.authority.certificate(Realm::Pages),
                fingerprint: node.authority.fingerprint(Realm::Pages),
            })),
            Request::Doctor => Ok(Reply::Findings(self.doctor().await)),
            Request::Playground { order } => Ok(Reply::Playground(self.playground.order(order).await?)),
            Request::Record { action, subject, detail } => {
                self.record(actor, &action, &subject, &detail).await;
                Ok(Reply::Done)
            }
            Request::Audit { before, limit } => {
                Ok(Reply::Audit(Audit::page(&node.store, before, limit.clamp(1, 500)).await?))
            }
            Request::VerifyAudit => {
                let verified = Audit::verify(&node.store).await?;
                Ok(Reply::Verified { entries: verified.entries, broken_at: verified.broken_at })
            }
        }
    }
}

/// While the master key is missing, nothing that needs a secret can be done.
fn locked() -> Error {
    Error::new(Kind::Locked, "The box is locked. Unlock it with the recovery passphrase.")
}
