//! Tests of the wizard against a supervisor of memory and both databases.

use std::time::Duration;

use super::*;
use crate::{
    access::{Client, NewSession, Role, Session, SessionKind, SignIn, password::Hasher},
    control::{Flavour, Request, fake::FakeControl},
    error::{Kind, Result},
    store::{
        Schema,
        testing::{TestClock, on_both, test_key},
    },
};

const PASSWORD: &str = "three blue whales";

struct Wizard {
    setup: Setup,
    control: FakeControl,
    clock: Arc<TestClock>,
}

impl Wizard {
    fn new(store: &Store) -> Self {
        Self::with(store, FakeControl::fresh(), TestClock::new())
    }

    /// The app over this database, as it is after a start.
    fn with(store: &Store, control: FakeControl, clock: Arc<TestClock>) -> Self {
        let seal = Arc::new(SealKey::new(&test_key()));
        let access = Access::new(store.clone(), clock.clone(), Hasher::for_tests(), seal.clone(), "test");
        let setup = Setup::new(store.clone(), access, Arc::new(control.clone()), seal);
        Self { setup, control, clock }
    }

    async fn step(&self) -> Step {
        self.setup.view().await.expect("view").step
    }

    async fn claim(&self) -> NewSession {
        let code = self
            .control
            .with(|state| state.claim_code.get_or_insert_with(|| "ABCDE-FGHJK".to_owned()).clone());
        self.setup.claim(&secret(&code.to_lowercase()), &client()).await.expect("claim")
    }

    /// Walks up to the point where `until` comes next.
    async fn walk(&self, until: Step) -> Session {
        let session = self.claim().await.session;
        let setup = &self.setup;
        for step in Step::ALL.into_iter().skip(1).take_while(|step| *step < until) {
            let confirmed = self.step().await > Step::Confirm;
            match step {
                Step::Keys | Step::Confirm if confirmed => {}
                Step::Owner => setup.owner(&session, "Ana", &secret(PASSWORD)).await.expect("owner"),
                Step::Network => setup.network(&session, Network::Regtest).await.expect("network"),
                Step::Services => setup.services(&session, choice()).await.expect("services"),
                Step::Keys => drop(setup.words(&session).await.expect("words")),
                Step::Confirm => {
                    let answers = self.right_answers(&session).await;
                    setup.confirm(&session, answers).await.expect("confirm");
                }
                Step::Recovery => drop(setup.recovery(&session, None).await.expect("recovery")),
                _ => {}
            }
        }
        session
    }

    async fn right_answers(&self, session: &Session) -> Vec<(u8, Secret<String>)> {
        let words = self.setup.words(session).await.expect("words");
        let asked = self.setup.challenge(session).await.expect("challenge");
        asked.into_iter().map(|position| (position, words[usize::from(position) - 1].clone())).collect()
    }

    fn commits(&self) -> usize {
        self.control.requests().iter().filter(|(_, r)| matches!(r, Request::Commit { .. })).count()
    }
}

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn client() -> Client {
    Client { address: [192, 0, 2, 7].into(), agent: "a test".to_owned() }
}

fn choice() -> ServiceChoice {
    ServiceChoice { bitcoind_flavour: Flavour::Knots, prune_mib: None, optional: Vec::new() }
}

fn unattended() -> Unattended {
    Unattended {
        owner: "ana".to_owned(),
        password: secret(PASSWORD),
        network: Network::Regtest,
        services: choice(),
        recovery: None,
    }
}

fn refused<T>(outcome: Result<T>) -> (Kind, Option<&'static str>) {
    let error = outcome.err().expect("must be refused");
    (error.kind, error.key)
}

on_both! { Schema::App,
    async fn the_whole_walk(store) {
        let b = Wizard::new(&store);
        assert_eq!(b.step().await, Step::Claim);
        let session = b.walk(Step::Summary).await;
        assert_eq!((session.kind, session.role), (SessionKind::Setup, Role::Owner));
        let view = b.setup.view().await.expect("view");
        assert_eq!((view.step, view.owner.as_deref(), view.network), (Step::Summary, Some("ana"), Some(Network::Regtest)));
        assert_eq!(view.services, Some(choice()));
        let new = b.setup.commit(&session, &client()).await.expect("commit");
        assert_eq!((new.session.kind, new.session.name.as_str()), (SessionKind::Full, "ana"));
        assert_ne!(new.session.csrf, session.csrf, "the token is a new one");
        assert_eq!(b.step().await, Step::Done);
        let signed_in = b.setup.access.sign_in("ana", &secret(PASSWORD), None, &client()).await.expect("sign in");
        assert!(matches!(signed_in, SignIn::Done(_)));
        let left: Vec<(Option<String>, Option<String>)> =
            sqlx::query_as("SELECT owner_hash, kept FROM setup_state").fetch_all(store.pool()).await.expect("row");
        assert_eq!(left, [(None, None)]);
        let seen = b.control.requests();
        assert!(seen.iter().all(|(actor, _)| actor.from == "192.0.2.7" || actor.from == "box"));
    }

    async fn every_step_survives_a_restart_and_a_reload(store) {
        let mut b = Wizard::new(&store);
        for until in Step::ALL.into_iter().skip(1).take(7) {
            b.walk(until).await;
            b = Wizard::with(&store, b.control.clone(), b.clock.clone());
            // Having read the words is not yet having gone on to confirm them.
            let expected = if until == Step::Confirm { Step::Keys } else { until };
            assert_eq!(b.step().await, expected);
            assert_eq!(b.step().await, expected);
        }
    }

    async fn steps_out_of_order_say_where_to_go(store) {
        let b = Wizard::new(&store);
        let session = b.claim().await.session;
        let at = |key| (Kind::Conflict, Some(key));
        assert_eq!(refused(b.setup.network(&session, Network::Signet).await), at("setup-go-owner"));
        assert_eq!(refused(b.setup.words(&session).await), at("setup-go-owner"));
        assert_eq!(refused(b.setup.commit(&session, &client()).await), at("setup-go-owner"));
        let session = b.walk(Step::Keys).await;
        assert_eq!(refused(b.setup.recovery(&session, None).await), at("setup-go-keys"));
        assert_eq!(refused(b.setup.commit(&session, &client()).await), at("setup-go-keys"));
        let session = b.walk(Step::Confirm).await;
        assert_eq!(refused(b.setup.recovery(&session, None).await), at("setup-go-keys"), "reading is not confirming");
        assert_eq!(b.commits(), 0);
    }

    async fn choices_can_be_changed_until_the_end(store) {
        let b = Wizard::new(&store);
        let session = b.walk(Step::Summary).await;
        b.setup.network(&session, Network::Signet).await.expect("another network");
        b.setup.owner(&session, "bea", &secret("four green turtles")).await.expect("another owner");
        let view = b.setup.view().await.expect("view");
        assert_eq!((view.step, view.network), (Step::Summary, Some(Network::Signet)), "the step does not go back");
        b.setup.commit(&session, &client()).await.expect("commit");
        b.setup.access.sign_in("bea", &secret("four green turtles"), None, &client()).await.expect("the new one");
        assert!(b.setup.access.sign_in("ana", &secret(PASSWORD), None, &client()).await.is_err());
    }

    async fn bad_choices_are_refused(store) {
        let b = Wizard::new(&store);
        let session = b.walk(Step::Owner).await;
        let owner = |name: &'static str, password: String| {
            let (setup, session) = (b.setup.clone(), session.clone());
            async move { refused(setup.owner(&session, name, &Secret::new(password)).await).0 }
        };
        assert_eq!(owner("ana", "short".into()).await, Kind::Invalid);
        assert_eq!(owner("ana", "x".repeat(2_000_000)).await, Kind::Invalid);
        assert_eq!(owner("<b>", PASSWORD.into()).await, Kind::Invalid);
        assert_eq!(b.step().await, Step::Owner);
        let session = b.walk(Step::Services).await;
        let pruned = ServiceChoice {
            prune_mib: Some(1000),
            optional: vec![crate::types::ServiceName::new("electrs")],
            ..choice()
        };
        assert_eq!(refused(b.setup.services(&session, pruned).await).0, Kind::Invalid);
    }

    async fn a_wrong_claim_code_and_a_replayed_one(store) {
        let b = Wizard::new(&store);
        assert_eq!(refused(b.setup.claim(&secret("00000-00000"), &client()).await).0, Kind::Unauthenticated);
        b.claim().await;
        let replay = b.setup.claim(&secret("ABCDE-FGHJK"), &client()).await;
        assert!(replay.is_err(), "it was used");
        assert_eq!(b.step().await, Step::Owner);
    }

    async fn a_newer_claim_ends_the_older_session(store) {
        let b = Wizard::new(&store);
        let first = b.walk(Step::Network).await;
        let second = b.claim().await;
        assert_eq!(refused(b.setup.network(&first, Network::Mainnet).await), (Kind::Unauthenticated, Some("error-setup-elsewhere")));
        b.setup.network(&second.session, Network::Signet).await.expect("the newer one goes on where the older was");
        assert_eq!(b.setup.view().await.expect("view").network, Some(Network::Signet));
    }

    async fn a_full_session_is_not_a_setup_session(store) {
        let b = Wizard::new(&store);
        let mut session = b.walk(Step::Network).await;
        session.kind = SessionKind::Full;
        assert_eq!(refused(b.setup.network(&session, Network::Mainnet).await).0, Kind::Unauthenticated);
    }

    async fn the_setup_session_expires(store) {
        let b = Wizard::new(&store);
        let new = b.claim().await;
        b.clock.pass(Duration::from_secs(12 * 3600));
        assert!(b.setup.access.session(new.token.expose()).await.expect("look up").is_none());
        assert_eq!(refused(b.setup.owner(&new.session, "ana", &secret(PASSWORD)).await).0, Kind::Unauthenticated);
    }

    async fn words_are_confirmed_as_asked_and_never_shown_after(store) {
        let b = Wizard::new(&store);
        let session = b.walk(Step::Keys).await;
        let words = b.setup.words(&session).await.expect("words");
        assert_eq!(words, b.setup.words(&session).await.expect("again"));
        let asked = b.setup.challenge(&session).await.expect("challenge");
        assert_eq!(asked, b.setup.challenge(&session).await.expect("the same ones on a reload"));
        assert!(asked.len() == 4 && asked.windows(2).all(|w| w[0] < w[1]) && asked[0] >= 1 && asked[3] <= 24);
        assert_eq!(b.step().await, Step::Confirm);
        assert_eq!(words, b.setup.words(&session).await.expect("one may look again"));

        let right = b.right_answers(&session).await;
        let mut others = right.clone();
        others[0].0 = (1..=24).find(|p| !asked.contains(p)).expect("a position that was not asked for");
        assert_eq!(refused(b.setup.confirm(&session, others).await).0, Kind::Invalid, "other positions");
        assert_eq!(refused(b.setup.confirm(&session, right[..3].to_vec()).await).0, Kind::Invalid, "three");
        let mut wrong = right.clone();
        wrong[2].1 = secret("nothing");
        assert_eq!(refused(b.setup.confirm(&session, wrong).await).0, Kind::Invalid, "a wrong word");
        b.setup.confirm(&session, right.clone()).await.expect("confirm");
        b.setup.confirm(&session, right).await.expect("the page was sent twice");
        assert_eq!(refused(b.setup.words(&session).await), (Kind::Conflict, Some("setup-go-recovery")));
    }

    async fn a_crash_after_the_supervisor_confirmed_is_caught_up(store) {
        let b = Wizard::new(&store);
        let session = b.walk(Step::Confirm).await;
        b.setup.challenge(&session).await.expect("challenge");
        b.control.with(|state| state.setup.root_confirmed = true);
        assert_eq!(b.step().await, Step::Recovery);
    }

    async fn a_crash_after_the_supervisor_committed_is_caught_up(store) {
        let b = Wizard::new(&store);
        b.walk(Step::Summary).await;
        b.control.with(|state| state.setup.committed = true);
        assert_eq!(b.step().await, Step::Done);
        b.setup.access.sign_in("ana", &secret(PASSWORD), None, &client()).await.expect("the owner is there");
        assert_eq!(b.commits(), 0);
    }

    async fn a_refused_commit_can_be_mended(store) {
        let b = Wizard::new(&store);
        let session = b.walk(Step::Summary).await;
        // The supervisor's own reasons to refuse are many; the fake knows one.
        b.control.with(|state| state.setup.root_confirmed = false);
        assert_eq!(refused(b.setup.commit(&session, &client()).await).0, Kind::Conflict);
        assert_eq!(b.step().await, Step::Summary);
        b.control.with(|state| state.setup.root_confirmed = true);
        b.setup.services(&session, choice()).await.expect("another choice");
        b.setup.commit(&session, &client()).await.expect("commit");
    }

    async fn a_supervisor_that_is_away_loses_nothing(store) {
        let b = Wizard::new(&store);
        let session = b.walk(Step::Summary).await;
        b.control.with(|state| state.away = true);
        assert_eq!(b.step().await, Step::Summary);
        assert_eq!(refused(b.setup.commit(&session, &client()).await).0, Kind::Unavailable);
        b.control.with(|state| state.away = false);
        b.setup.commit(&session, &client()).await.expect("commit");
    }

    async fn of_two_commits_one_counts(store) {
        let b = Wizard::new(&store);
        let session = b.walk(Step::Summary).await;
        let (client_one, client_two) = (client(), client());
        let (one, two) = tokio::join!(b.setup.commit(&session, &client_one), b.setup.commit(&session, &client_two));
        assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
        assert_eq!(b.setup.access.members().await.expect("members").len(), 1);
    }

    async fn nothing_can_be_set_up_twice(store) {
        let b = Wizard::new(&store);
        let session = b.walk(Step::Summary).await;
        b.setup.commit(&session, &client()).await.expect("commit");
        b.control.with(|state| state.claim_code = Some("ABCDE-FGHJK".into()));
        let again = b.setup.claim(&secret("ABCDE-FGHJK"), &client()).await;
        assert_eq!(refused(again), (Kind::Conflict, Some("setup-go-done")));
        assert_eq!(refused(b.setup.owner(&session, "eve", &secret(PASSWORD)).await).0, Kind::Unauthenticated);
        assert_eq!(refused(b.setup.unattended(unattended()).await), (Kind::Conflict, Some("setup-go-done")));
    }

    async fn unattended_does_it_all(store) {
        let b = Wizard::new(&store);
        let done = b.setup.unattended(unattended()).await.expect("unattended");
        assert_eq!((done.words.len(), done.recovery.expose().len()), (24, 29));
        assert_eq!(b.step().await, Step::Done);
        assert_eq!(b.control.with(|state| state.recovery.clone()), Some(done.recovery.expose().clone()));
        b.setup.access.sign_in("ana", &secret(PASSWORD), None, &client()).await.expect("the owner is there");
        let (kept,): (Option<String>,) =
            sqlx::query_as("SELECT kept FROM setup_state").fetch_one(store.pool()).await.expect("row");
        assert_eq!(kept, None, "the words are gone from the database");
    }

    async fn unattended_cut_off_anywhere_hands_over_the_same_words(store) {
        let b = Wizard::new(&store);
        let first_words = b.control.with(|state| state.words.clone());
        // Each request in turn is the last one that gets through.
        for n in 0..12 {
            let already = b.control.requests().len();
            let control = CutOff { inner: b.control.clone(), left: std::sync::Mutex::new(n) };
            let mut cut = Wizard::with(&store, b.control.clone(), b.clock.clone());
            cut.setup.control = Arc::new(control);
            let outcome = cut.setup.unattended(unattended()).await;
            if let Ok(done) = outcome {
                let words: Vec<_> = done.words.iter().map(|w| w.expose().clone()).collect();
                assert_eq!(words, first_words);
                assert_eq!(b.control.with(|s| s.recovery.clone()), Some(done.recovery.expose().clone()));
                assert_eq!(b.step().await, Step::Done);
                assert!(n > 1, "something was cut off before");
                return;
            }
            assert!(b.control.requests().len() <= already + n + 1);
        }
        panic!("unattended set-up never came to its end");
    }

    async fn a_cut_off_unattended_run_can_be_finished_in_a_browser_with_the_same_words(store) {
        let b = Wizard::new(&store);
        let mut cut = Wizard::with(&store, b.control.clone(), b.clock.clone());
        // view, state, words, recovery, state, confirm: all but the commit.
        cut.setup.control = Arc::new(CutOff { inner: b.control.clone(), left: std::sync::Mutex::new(6) });
        cut.setup.unattended(unattended()).await.expect_err("cut off");
        assert!(b.control.with(|state| state.setup.root_confirmed), "the words were confirmed");
        let session = b.claim().await.session;
        assert_eq!(b.step().await, Step::Keys);
        let answers = b.right_answers(&session).await;
        let mut wrong = answers.clone();
        wrong[0].1 = secret("nothing");
        assert_eq!(refused(b.setup.confirm(&session, wrong).await).0, Kind::Invalid);
        b.setup.confirm(&session, answers).await.expect("confirm");
        b.setup.recovery(&session, None).await.expect("recovery");
        b.setup.commit(&session, &client()).await.expect("commit");
    }

    async fn unattended_does_not_confirm_words_that_a_browser_has_seen(store) {
        let b = Wizard::new(&store);
        b.walk(Step::Recovery).await;
        assert_eq!(refused(b.setup.unattended(unattended()).await), (Kind::Conflict, Some("error-words-confirmed")));
    }
}

/// A supervisor whose line is cut after some requests.
struct CutOff {
    inner: FakeControl,
    left: std::sync::Mutex<usize>,
}

#[async_trait::async_trait]
impl Control for CutOff {
    async fn ask(&self, actor: &crate::control::Actor, request: Request) -> Result<crate::control::Reply> {
        {
            let mut left = self.left.lock().expect("the count");
            *left = left.checked_sub(1).ok_or_else(|| crate::error::Error::new(Kind::Internal, "killed"))?;
        }
        self.inner.ask(actor, request).await
    }
}

#[test]
fn every_position_is_asked_for_sooner_or_later() {
    let seen: std::collections::BTreeSet<u8> = (0..500).flat_map(|_| transitions::positions()).collect();
    assert_eq!(seen, (1..=24).collect());
}
