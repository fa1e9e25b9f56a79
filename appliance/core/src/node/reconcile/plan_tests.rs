//! The planner's cases as a table, and what must hold for any box.

use std::time::Duration;

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::{
    node::health::Health,
    ports::runtime::{Exit, Instance},
    types::Timestamp,
};

const BITCOIND: ServiceName = ServiceName::new("bitcoind");
const ELECTRS: ServiceName = ServiceName::new("electrs");

fn hash(text: &str) -> SpecHash {
    SpecHash(text.to_owned())
}

fn wanted(name: ServiceName, needs: &[ServiceName]) -> Wanted {
    Wanted {
        name,
        run: true,
        needs: needs.to_vec(),
        spec: Ok(hash("v1")),
        unavailable: None,
        stop_grace: Duration::from_secs(1),
        answers_within: Duration::from_secs(30),
        is_indexer: true,
    }
}

fn running(spec: &str, health: Health) -> Seen {
    let state = InstanceState::Running { since: Timestamp(0), pid: Some(1) };
    Seen { instance: Some(Instance { spec: hash(spec), state }), health, ..Seen::default() }
}

fn ended(asked: bool) -> Seen {
    let exit = Exit { code: None, signal: Some(9), out_of_memory: false, at: Timestamp(5), asked };
    Seen {
        instance: Some(Instance { spec: hash("v1"), state: InstanceState::Exited { exit } }),
        ..Seen::default()
    }
}

/// One service alone: what is planned for it.
fn alone(want: Wanted, seen: Seen, history: History, change: impl Fn(&mut Observed)) -> Option<Step> {
    let name = want.name.clone();
    let desired = Desired { services: vec![want], ..Desired::default() };
    let mut observed = Observed { now: Timestamp(10_000), ..Observed::default() };
    observed.services.insert(name.clone(), seen);
    change(&mut observed);
    plan(&desired, &observed, &BTreeMap::from([(name, history)])).steps.pop()
}

fn start() -> Option<Step> {
    Some(Step::Start { service: BITCOIND, spec: hash("v1") })
}
fn replace(spec: &str) -> Option<Step> {
    Some(Step::Replace { service: BITCOIND, spec: hash(spec) })
}
fn stop() -> Option<Step> {
    Some(Step::Stop { service: BITCOIND })
}

#[rstest]
#[case::never_started(Seen::default(), start())]
#[case::runs_as_wanted(running("v1", Health::Good), None)]
#[case::adopted_while_it_does_not_answer(running("v1", Health::Starting), None)]
#[case::loading_is_left_alone(running("v1", Health::Loading { basis_points: 3 }), None)]
#[case::bad_is_left_to_history(running("v1", Health::Bad { sentence: "x".into() }), None)]
#[case::older_spec(running("v0", Health::Good), replace("v1"))]
#[case::killed(ended(false), start())]
#[case::stopped_by_us_but_wanted(ended(true), start())]
#[case::busy(Seen { busy: true, ..Seen::default() }, None)]
fn a_wanted_service(#[case] seen: Seen, #[case] expected: Option<Step>) {
    assert_eq!(alone(wanted(BITCOIND, &[]), seen, History::default(), |_| {}), expected);
}

#[rstest]
#[case(running("v1", Health::Good), stop())]
#[case(Seen::default(), None)]
fn an_unwanted_service(#[case] seen: Seen, #[case] expected: Option<Step>) {
    let want = Wanted { run: false, ..wanted(BITCOIND, &[]) };
    assert_eq!(alone(want, seen, History::default(), |_| {}), expected);
}

#[rstest]
#[case(running("v1", Health::Good), stop())]
#[case(Seen::default(), None)]
fn a_full_disk_stops_indexers(#[case] seen: Seen, #[case] expected: Option<Step>) {
    assert_eq!(alone(wanted(BITCOIND, &[]), seen, History::default(), |o| o.disk_low = true), expected);
}

#[test]
fn a_refused_spec_gives_way_to_the_last_good_one() {
    let history = History {
        good_spec: Some(hash("v0")),
        refused: Some((hash("v1"), "why".into())),
        ..History::default()
    };
    assert_eq!(
        alone(wanted(BITCOIND, &[]), running("v1", Health::Starting), history.clone(), |_| {}),
        replace("v0")
    );
    assert_eq!(alone(wanted(BITCOIND, &[]), running("v0", Health::Good), history.clone(), |_| {}), None);
    let newer = Wanted { spec: Ok(hash("v2")), ..wanted(BITCOIND, &[]) };
    assert_eq!(alone(newer, running("v0", Health::Good), history, |_| {}), replace("v2"));
}

#[test]
fn a_held_or_backing_off_service_waits() {
    let held = History { held: Some(Held::WalletPassword), ..History::default() };
    assert_eq!(alone(wanted(BITCOIND, &[]), ended(false), held, |_| {}), None);
    let backing_off = History { not_before: Some(Timestamp(10_001)), ..History::default() };
    assert_eq!(alone(wanted(BITCOIND, &[]), ended(false), backing_off, |_| {}), None);
    let over = History { not_before: Some(Timestamp(10_000)), ..History::default() };
    assert_eq!(alone(wanted(BITCOIND, &[]), ended(false), over, |_| {}), start());
}

#[test]
fn an_absent_engine_or_image_touches_nothing() {
    assert_eq!(
        alone(wanted(BITCOIND, &[]), Seen::default(), History::default(), |o| o.runtime_away =
            Some("away".into())),
        None
    );
    let want = Wanted { unavailable: Some("cannot be pulled".into()), ..wanted(BITCOIND, &[]) };
    assert_eq!(alone(want.clone(), Seen::default(), History::default(), |_| {}), None);
    assert_eq!(
        alone(want, running("v0", Health::Good), History::default(), |_| {}),
        None,
        "what runs goes on"
    );
}

#[rstest]
#[case(Health::Starting, 0)]
#[case(Health::Loading { basis_points: 1 }, 1)]
#[case(Health::Good, 1)]
#[case(Health::Bad { sentence: String::new() }, 0)]
fn a_dependant_starts_when_its_provider_answers(#[case] provider: Health, #[case] steps: usize) {
    let desired =
        Desired { services: vec![wanted(BITCOIND, &[]), wanted(ELECTRS, &[BITCOIND])], ..Desired::default() };
    let mut observed = Observed::default();
    observed.services.insert(BITCOIND, running("v1", provider));
    assert_eq!(plan(&desired, &observed, &BTreeMap::new()).steps.len(), steps);
}

#[test]
fn a_consumer_stops_while_somebody_else_holds_its_providers_port() {
    let desired =
        Desired { services: vec![wanted(BITCOIND, &[]), wanted(ELECTRS, &[BITCOIND])], ..Desired::default() };
    let mut observed = Observed::default();
    observed
        .services
        .insert(BITCOIND, Seen { port_taken: Some((8332, 65_534)), ..running("v1", Health::Good) });
    observed.services.insert(ELECTRS, running("v1", Health::Good));
    let made = plan(&desired, &observed, &BTreeMap::new());
    assert_eq!(made.steps, vec![Step::Stop { service: ELECTRS }]);
}

#[test]
fn dependants_stop_before_their_provider() {
    let off = |want: Wanted| Wanted { run: false, ..want };
    let desired = Desired {
        services: vec![off(wanted(BITCOIND, &[])), off(wanted(ELECTRS, &[BITCOIND]))],
        ..Desired::default()
    };
    let mut observed = Observed::default();
    observed.services.insert(BITCOIND, running("v1", Health::Good));
    observed.services.insert(ELECTRS, running("v1", Health::Good));
    assert_eq!(plan(&desired, &observed, &BTreeMap::new()).steps, vec![Step::Stop { service: ELECTRS }]);
}

#[test]
fn what_is_no_longer_in_the_catalog_is_stopped() {
    let mut observed = Observed::default();
    observed.services.insert(ELECTRS, running("v1", Health::Good));
    assert_eq!(plan(&Desired::default(), &observed, &BTreeMap::new()).steps, vec![], "not before set-up");
    let set_up = Desired { set_up: true, ..Desired::default() };
    assert_eq!(plan(&set_up, &observed, &BTreeMap::new()).steps, vec![Step::Stop { service: ELECTRS }]);
}

fn any_health() -> impl Strategy<Value = Health> {
    prop_oneof![
        Just(Health::Waiting),
        Just(Health::Starting),
        (0u16..10_000).prop_map(|basis_points| Health::Loading { basis_points }),
        Just(Health::Good),
        Just(Health::Bad { sentence: "bad".into() }),
    ]
}

fn any_seen() -> impl Strategy<Value = Seen> {
    let some = (0u8..3, any_health(), any::<bool>()).prop_map(|(spec, health, up)| {
        if up { running(&format!("v{spec}"), health) } else { ended(spec == 0) }
    });
    (prop_oneof![Just(Seen::default()), some], any::<bool>()).prop_map(|(seen, busy)| Seen { busy, ..seen })
}

proptest! {
    #[test]
    fn no_step_for_a_busy_service_and_at_most_one_for_each(
        seen in proptest::collection::vec(any_seen(), 2),
        run in any::<(bool, bool)>(),
        disk_low in any::<bool>(),
    ) {
        let services = vec![
            Wanted { run: run.0, ..wanted(BITCOIND, &[]) },
            Wanted { run: run.1, ..wanted(ELECTRS, &[BITCOIND]) },
        ];
        let desired = Desired { services, ..Desired::default() };
        let observed = Observed {
            disk_low,
            services: [BITCOIND, ELECTRS].into_iter().zip(seen).collect(),
            ..Observed::default()
        };
        let made = plan(&desired, &observed, &BTreeMap::new());
        for name in [BITCOIND, ELECTRS] {
            let steps: Vec<&Step> = made.steps.iter().filter(|s| *s.service() == name).collect();
            prop_assert!(steps.len() <= 1);
            if observed.services[&name].busy {
                prop_assert!(steps.is_empty());
            }
            // What runs as wanted is never restarted.
            let as_wanted = observed.services[&name].running().is_some_and(|(s, _)| s.0 == "v1");
            if as_wanted && desired.of(&name).is_some_and(|w| w.run) && !disk_low {
                prop_assert!(steps.is_empty());
            }
            prop_assert!(made.notes.contains_key(&name), "every service has a sentence");
        }
    }

    #[test]
    fn the_same_looks_make_the_same_plan(seen in any_seen()) {
        let desired = Desired { services: vec![wanted(BITCOIND, &[])], ..Desired::default() };
        let observed = Observed { services: BTreeMap::from([(BITCOIND, seen)]), ..Observed::default() };
        prop_assert_eq!(plan(&desired, &observed, &BTreeMap::new()), plan(&desired, &observed, &BTreeMap::new()));
    }
}
