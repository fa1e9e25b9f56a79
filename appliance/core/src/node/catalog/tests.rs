//! The catalog as a whole, and catalogs that must be refused.

use std::time::Duration;

use super::*;
use crate::control::Flavour;

struct Odd {
    name: ServiceName,
    needs: &'static [ServiceName],
    ports: &'static [Port],
}

#[async_trait]
impl Service for Odd {
    fn name(&self) -> ServiceName {
        self.name.clone()
    }
    fn number(&self) -> u32 {
        0
    }
    fn presence(&self) -> Presence {
        Presence::Standard
    }
    fn needs(&self) -> &'static [ServiceName] {
        self.needs
    }
    fn ports(&self) -> &'static [Port] {
        self.ports
    }
    fn limits(&self, _: Network) -> Limits {
        Limits { memory_mib: 1, pids: 1, files: 1 }
    }
    fn render(&self, _: &Context) -> Result<Rendered, NotYet> {
        Ok(Rendered::default())
    }
    async fn probe(&self, _: &Look) -> Health {
        Health::Good
    }
}

const A: ServiceName = ServiceName::new("a");
const B: ServiceName = ServiceName::new("b");
const NEEDS_B: &[ServiceName] = &[B];

#[test]
fn the_built_in_services_fit_together() {
    check(ALL).expect("no clash, no circle, nothing missing");
}

#[test]
fn no_number_is_given_twice() {
    let numbers: std::collections::BTreeSet<u32> = ALL.iter().map(|s| s.number()).collect();
    assert_eq!(numbers.len(), ALL.len());
    assert!(numbers.iter().all(|n| *n < 99));
}

#[test]
fn a_circle_is_refused() {
    const NEEDS_A: &[ServiceName] = &[A];
    let (a, b) = (Odd { name: A, needs: NEEDS_B, ports: &[] }, Odd { name: B, needs: NEEDS_A, ports: &[] });
    assert_eq!(check(&[&a, &b]), Err(BadCatalog::Cycle("a ↔ b".to_owned())));
}

#[test]
fn a_port_clash_is_refused() {
    const PORTS: &[Port] = &[Port::local("x", 7)];
    let (a, b) = (Odd { name: A, needs: &[], ports: PORTS }, Odd { name: B, needs: &[], ports: PORTS });
    assert_eq!(check(&[&a, &b]), Err(BadCatalog::PortClash { port: 7, first: A, second: B }));
}

#[test]
fn a_missing_need_is_refused() {
    let a = Odd { name: A, needs: NEEDS_B, ports: &[] };
    assert_eq!(check(&[&a]), Err(BadCatalog::Missing { service: A, missing: B }));
}

fn choice(prune_mib: Option<u64>, optional: &[ServiceName]) -> ServiceChoice {
    ServiceChoice { bitcoind_flavour: Flavour::Knots, prune_mib, optional: optional.to_vec() }
}

#[test]
fn electrs_and_pruning_exclude_each_other() {
    let electrs = get(&ELECTRS).expect("electrs");
    assert!(electrs.excluded_by(&choice(Some(550), &[])).is_some());
    assert!(electrs.excluded_by(&choice(None, &[])).is_none());
}

#[test]
fn a_choice_with_an_unknown_or_standard_service_is_refused() {
    assert!(check_choice(&choice(None, &[ServiceName::new("doom")])).is_err());
    assert!(check_choice(&choice(None, &[BITCOIND])).is_err());
    assert!(check_choice(&choice(Some(100), &[])).is_err());
    assert!(check_choice(&choice(None, &[TOR, POSTGRES])).is_ok());
}

/// A context in which every credential and secret exists, each with a mark to look for.
pub(crate) fn full_context(network: Network, engine: bool) -> Context {
    context::placeholders(network, engine, |what| format!("s3cret {what}"))
}

#[test]
fn no_secret_stands_in_a_command_or_the_environment() {
    for network in Network::ALL {
        let context = full_context(network, false);
        for service in ALL.iter().filter(|s| s.name() != APP) {
            let rendered = service.render(&context).expect("everything exists");
            let visible = format!("{:?} {:?}", rendered.command, rendered.env);
            assert!(!visible.contains("s3cret"), "{}: {visible}", service.name());
        }
    }
}

#[test]
fn rendering_waits_for_what_does_not_exist() {
    let mut context = full_context(Network::Regtest, false);
    context.credentials = crate::node::edges::Credentials::default();
    for name in [ELECTRS, LND, NBXPLORER] {
        assert!(get(&name).expect("known").render(&context).is_err(), "{name}");
    }
}

#[test]
fn mainnet_bitcoind_has_no_wallet_and_listens_to_the_world_on_p2p_only() {
    let rendered =
        get(&BITCOIND).expect("known").render(&full_context(Network::Mainnet, false)).expect("renders");
    let conf = &rendered.files[0].1;
    assert!(conf.contains("disablewallet=1") && conf.contains("bind=0.0.0.0:21002"));
    assert!(conf.contains("rpcbind=127.0.0.1\n") && conf.contains("rpcwhitelist=electrs-"));
    assert!(!conf.contains("rpcallowip=0.0.0.0"));
}

#[test]
fn bitcoind_gets_at_least_fifteen_minutes_to_stop() {
    assert!(get(&BITCOIND).expect("known").stop_grace() >= Duration::from_secs(900));
}
