//! Moves every edge's credentials one step along their rotation, when its two ends are ready for it.

use std::sync::Arc;

use super::{
    desired::Desired,
    observed::Observed,
    task::{Node, the_box},
};
use crate::{
    error::{Error, Result},
    keys::Vault,
    node::{
        alerts::{AlarmKind, store as alarms},
        catalog::{
            self, Context, POSTGRES, SUPERVISOR,
            lnd::{UNLOCKER, WALLET_MADE},
        },
        edges::{
            self, Credential, Grant, Right,
            rotation::{self, Ends, Move},
            store,
        },
        macaroon, secrets,
    },
    ports::{
        PortError,
        lightning::{NewWallet, WalletState},
    },
    types::{EdgeName, Network, Secret, ServiceName},
};

impl Node {
    /// One step for each edge; says whether any was taken.
    pub(super) async fn turn_edges(
        &self,
        context: &Arc<Context>,
        desired: &Desired,
        observed: &Observed,
    ) -> Result<bool> {
        let Some(vault) = self.vault() else { return Ok(false) };
        let mut turned = false;
        for (edge, grant, active) in edges_of_providers(desired, context.network) {
            let ends = ends(&edge, &grant, desired, observed);
            let of_edge = context.credentials.of(&edge);
            let step = if active {
                rotation::next(of_edge, ends)
            } else {
                rotation::retire(of_edge, ends.provider_settled)
            };
            let Some(step) = step else { continue };
            match self.turn(&vault, context, &edge, &grant, &step).await {
                Ok(true) => {
                    turned = true;
                    alarms::lower(&self.store, AlarmKind::RotationStuck, Some(&edge.consumer), observed.now)
                        .await?;
                }
                // Not yet: the next pass looks again.
                Ok(false) => {}
                // While a provider starts this is every pass: only worth a line to somebody who looks closely.
                Err(error) => {
                    tracing::debug!(edge.name = %edge, ?step, error = %crate::error::chain(&error), "a credential could not be moved")
                }
            }
        }
        Ok(turned)
    }

    async fn turn(
        &self,
        vault: &Vault,
        context: &Context,
        edge: &EdgeName,
        grant: &Grant,
        step: &Move,
    ) -> Result<bool> {
        let of = |serial: i64| context.credentials.of(edge).iter().find(move |c| c.serial == serial);
        match step {
            Move::Make { stage } => {
                let secret = match grant.right {
                    Right::Macaroon(_) => Secret::new(String::new()),
                    Right::Rpc(_) | Right::Role(_) => Secret::new(secrets::random_hex::<32>()),
                };
                store::insert(&self.store, vault, edge, *stage, &secret, self.clock.now()).await?;
                Ok(true)
            }
            Move::Install { serial } => {
                let Some(credential) = of(*serial) else { return Ok(false) };
                let Some(secret) = self.install(context, edge, grant.right, credential).await? else {
                    return Ok(false);
                };
                store::install(&self.store, vault, *serial, &secret).await?;
                Ok(true)
            }
            Move::Promote { serial } => {
                store::promote(&self.store, edge, *serial).await?;
                Ok(true)
            }
            Move::Retire { serial } => {
                store::retire(&self.store, *serial).await?;
                Ok(true)
            }
            Move::Kill { serial } => {
                let Some(credential) = of(*serial) else { return Ok(false) };
                if !self.kill(context, edge, grant.right, credential).await? {
                    let text = format!(
                        "The old credential of {edge} still works, so its rotation is not finished. We keep trying."
                    );
                    alarms::raise(
                        &self.store,
                        AlarmKind::RotationStuck,
                        Some(&edge.consumer),
                        &text,
                        self.clock.now(),
                    )
                    .await?;
                    return Ok(false);
                }
                store::delete(&self.store, *serial).await?;
                let detail = format!("The old credential of {edge} was used once more and refused.");
                self.note(&the_box(), "edge.rotated", &edge.to_string(), &detail).await;
                Ok(true)
            }
        }
    }

    /// Makes the provider honour the credential; answers with its secret, once the provider does.
    async fn install(
        &self,
        context: &Context,
        edge: &EdgeName,
        right: Right,
        credential: &Credential,
    ) -> Result<Option<Secret<String>>> {
        match right {
            // Its configuration names it, and it answers with that configuration.
            Right::Rpc(_) => Ok(Some(credential.secret.clone())),
            Right::Macaroon(uris) => self.bake(context, edge, uris, credential).await,
            Right::Role(database) => {
                let server = self.postgres(context)?;
                server
                    .ensure_role(&credential.user(right), &credential.secret, database)
                    .await
                    .map_err(refused)?;
                Ok(Some(credential.secret.clone()))
            }
        }
    }

    async fn bake(
        &self,
        context: &Context,
        edge: &EdgeName,
        uris: &[&str],
        credential: &Credential,
    ) -> Result<Option<Secret<String>>> {
        let node = &edge.provider;
        let port = context.ports.of(node, "rest");
        let secret = |what: &str| {
            context.secrets.get(&format!("{node}/{what}")).map_err(|e| Error::internal("reading a secret", e))
        };
        if secret(WALLET_MADE).is_err() {
            self.make_wallet(context, node).await?;
            return Ok(None);
        }
        let baker = if edge.consumer == SUPERVISOR && context.credential(&SUPERVISOR, node).is_err() {
            macaroon::bootstrap(secret("macaroon-root-key")?)
                .ok_or_else(|| Error::internal("baking a macaroon", "the root key is not hex".to_owned()))?
        } else {
            match context.credential(&SUPERVISOR, node) {
                Ok(ours) => ours.secret.clone(),
                Err(_) => return Ok(None),
            }
        };
        let lightning = self.doors.lightning(port, Some(&baker));
        match lightning.state().await.map_err(refused)? {
            WalletState::RpcActive | WalletState::ServerActive => {
                lightning.bake(uris, credential.root_key_id()).await.map(Some).map_err(refused)
            }
            _ => Ok(None),
        }
    }

    /// Makes the node's wallet. Cut short anywhere, it is done again: a wallet that is there already counts as made.
    async fn make_wallet(&self, context: &Context, node: &ServiceName) -> Result<()> {
        let Some(vault) = self.vault() else { return Ok(()) };
        let secret = |what: &str| {
            let found = context.secrets.get(&format!("{node}/{what}"));
            found.cloned().map_err(|e| Error::internal("reading a secret", e))
        };
        let wallet = NewWallet {
            password: secret("wallet-password")?,
            extended_master_key: secret("root")?,
            birthday: self.clock.now().0 / 1000,
            macaroon_root_key: secret("macaroon-root-key")?,
        };
        let socket = self.ground.folder(node).join("data").join(UNLOCKER);
        self.doors.wallet_maker(&socket).make(&wallet).await.map_err(refused)?;
        let made = Secret::new("1".to_owned());
        secrets::keep(&self.store, &vault, &format!("{node}/{WALLET_MADE}"), &made, self.clock.now()).await?;
        let detail = "The Lightning wallet was made from its child of the box's root.";
        self.note(&the_box(), "lightning.wallet_made", node.as_str(), detail).await;
        Ok(())
    }

    /// Makes the provider forget the credential, then uses it: `true` when it is refused.
    async fn kill(
        &self,
        context: &Context,
        edge: &EdgeName,
        right: Right,
        credential: &Credential,
    ) -> Result<bool> {
        match right {
            Right::Rpc(_) => {
                let port = context.ports.of(&edge.provider, "rpc");
                let node = self.doors.bitcoin(port, &credential.user(right), &credential.secret);
                Ok(matches!(node.chain_info().await, Err(PortError::Refused(_))))
            }
            Right::Macaroon(_) => {
                let port = context.ports.of(&edge.provider, "rest");
                let ours = context
                    .credential(&SUPERVISOR, &edge.provider)
                    .map_err(|e| Error::internal("revoking", e))?;
                self.doors
                    .lightning(port, Some(&ours.secret))
                    .revoke(credential.root_key_id())
                    .await
                    .map_err(refused)?;
                let old = self.doors.lightning(port, Some(&credential.secret));
                Ok(matches!(old.info().await, Err(PortError::Refused(_))))
            }
            Right::Role(database) => {
                let server = self.postgres(context)?;
                let role = credential.user(right);
                server.drop_role(&role, database).await.map_err(refused)?;
                Ok(!server.lets_in(&role, &credential.secret, database).await.map_err(refused)?)
            }
        }
    }

    fn postgres(&self, context: &Context) -> Result<Arc<dyn crate::ports::database::Database>> {
        let password =
            context.secrets.get("postgres/superuser").map_err(|e| Error::internal("reading a secret", e))?;
        Ok(self.doors.database(context.ports.of(&POSTGRES, "sql"), password))
    }
}

/// Edges whose two ends are part of the box.
pub fn active_edges(desired: &Desired, network: Network) -> Vec<(EdgeName, Grant)> {
    let all = edges_of_providers(desired, network).into_iter();
    all.filter(|(.., active)| *active).map(|(edge, grant, _)| (edge, grant)).collect()
}

/// Every edge of the box's providers, and whether its consumer is part of the box, too.
fn edges_of_providers(desired: &Desired, network: Network) -> Vec<(EdgeName, Grant, bool)> {
    let part = |name: &ServiceName| desired.of(name).is_some();
    let active = |name: &ServiceName| part(name) || edges::stands_without_service(name, network);
    let providers = catalog::ALL.iter().filter(|provider| part(&provider.name()));
    providers
        .flat_map(|provider| provider.grants().into_iter().map(|grant| (provider.name(), grant)))
        .map(|(provider, grant)| {
            let active = active(&grant.consumer);
            (EdgeName::new(grant.consumer.clone(), provider), grant, active)
        })
        .collect()
}

fn ends(edge: &EdgeName, grant: &Grant, desired: &Desired, observed: &Observed) -> Ends {
    let as_wanted = |name: &ServiceName| {
        let running = observed.of(name).and_then(|seen| seen.running());
        running.zip(desired.of(name)).is_some_and(|((spec, _), wanted)| wanted.spec.as_ref() == Ok(spec))
    };
    let settled = |name: &ServiceName| as_wanted(name) && observed.answers(name);
    let runs =
        |name: &ServiceName| observed.of(name).is_some_and(|seen| seen.running().is_some() || seen.busy);
    let is_rpc = matches!(grant.right, Right::Rpc(_));
    // LND answers no probe before the supervisor has a macaroon: for that one it is enough that it runs.
    let our_macaroon = edge.consumer == SUPERVISOR && matches!(grant.right, Right::Macaroon(_));
    Ends {
        provider_settled: if our_macaroon { runs(&edge.provider) } else { settled(&edge.provider) },
        consumer_settled: desired.of(&edge.consumer).is_none()
            || !runs(&edge.consumer)
            || settled(&edge.consumer),
        told_at_start: is_rpc && !runs(&edge.provider),
    }
}

fn refused(error: PortError) -> Error {
    Error::unavailable("The provider of a credential").caused_by(error)
}
