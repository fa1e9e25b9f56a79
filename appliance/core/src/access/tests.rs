//! Tests of the doors, on both databases, with a clock of their own.

use std::time::Duration;

use totp_rs::{Algorithm, Secret as TotpSecret, TOTP};

use super::*;
use crate::{
    error::{Error, Kind, Result},
    store::{
        Schema,
        testing::{TestClock, on_both, test_key},
    },
};

const PASSWORD: &str = "three blue whales";

/// A box with the owner `ana`.
struct Doors {
    access: Access,
    clock: Arc<TestClock>,
}

impl Doors {
    async fn new(store: &Store) -> Self {
        let clock = TestClock::new();
        let seal = Arc::new(SealKey::new(&test_key()));
        let access = Access::new(store.clone(), clock.clone(), Hasher::for_tests(), seal, "test");
        let (name, hash) = access.hash_new("ana", &secret(PASSWORD)).await.expect("a good password");
        let mut tx = store.begin().await.expect("begin");
        access.make_owner(&mut tx, name.as_str(), &hash).await.expect("the owner");
        tx.commit().await.expect("commit");
        Self { access, clock }
    }

    async fn try_in(&self, name: &str, password: &str, code: Option<&str>, from: &str) -> Result<SignIn> {
        self.access.sign_in(name, &secret(password), code, &client(from)).await
    }

    async fn sign_in(&self, from: &str) -> NewSession {
        done(self.try_in("ana", PASSWORD, None, from).await)
    }

    /// Turns the second factor on; answers with its generator and the recovery codes.
    async fn with_totp(&self) -> (NewSession, TOTP, Vec<Secret<String>>) {
        let new = self.sign_in(HOME).await;
        let setup = self.access.start_totp(&new.session).await.expect("start");
        let bytes = TotpSecret::Encoded(setup.secret_base32.expose().clone()).to_bytes().expect("base32");
        let totp = TOTP::new(Algorithm::SHA1, 6, 1, 30, bytes, None, "x".into()).expect("totp");
        let codes = self.access.confirm_totp(&new.session, &self.code(&totp)).await.expect("confirm");
        (new, totp, codes)
    }

    fn code(&self, totp: &TOTP) -> String {
        totp.generate(u64::try_from(self.clock.now().0 / 1000).expect("after 1970"))
    }

    async fn alive(&self, new: &NewSession) -> bool {
        self.access.session(new.token.expose()).await.expect("look up").is_some()
    }
}

const HOME: &str = "192.0.2.7";

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn client(from: &str) -> Client {
    Client { address: from.parse().expect("an address"), agent: "Mozilla/5.0 (a test)\u{1b}[0m".to_owned() }
}

fn done(outcome: Result<SignIn>) -> NewSession {
    match outcome.expect("signs in") {
        SignIn::Done(new) => new,
        SignIn::NeedsCode => panic!("no code was expected to be needed"),
    }
}

fn kind<T>(outcome: Result<T>) -> Kind {
    outcome.err().map(|error: Error| error.kind).expect("must be refused")
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

on_both! { Schema::App,
    async fn the_right_password_opens_and_others_do_not(store) {
        let doors = Doors::new(&store).await;
        let new = done(doors.try_in(" ANA ", PASSWORD, None, HOME).await);
        let session = doors.access.session(new.token.expose()).await.expect("look up").expect("alive");
        assert_eq!((session.name.as_str(), session.role, session.kind), ("ana", Role::Owner, SessionKind::Full));
        assert_eq!(session.csrf, new.session.csrf);
        assert_eq!(session.stepped_up_until, None);
        for (name, password) in [("ana", "three blue whale"), ("ana", ""), ("bob", PASSWORD), ("a|b", PASSWORD), ("", "")] {
            assert_eq!(kind(doors.try_in(name, password, None, HOME).await), Kind::Unauthenticated, "{name}");
        }
        for token in ["", "x", &"x".repeat(43), &"x".repeat(1_000_000)] {
            assert!(doors.access.session(token).await.expect("look up").is_none());
        }
    }

    async fn every_answer_costs_one_hash(store) {
        let doors = Doors::new(&store).await;
        let mut before = doors.access.hasher.computed();
        for (name, password) in [("ana", PASSWORD), ("ana", "wrong password"), ("bob", PASSWORD), ("no name!", "x")] {
            drop(doors.try_in(name, password, None, HOME).await);
            let after = doors.access.hasher.computed();
            assert_eq!(after - before, 1, "{name} {password}");
            before = after;
        }
        assert_eq!(kind(doors.try_in("ana", &"x".repeat(2_000_000), None, HOME).await), Kind::Invalid);
        assert_eq!(doors.access.hasher.computed(), before, "2 MB are refused before anything is computed");
    }

    async fn tokens_are_not_in_the_database(store) {
        let doors = Doors::new(&store).await;
        let new = doors.sign_in(HOME).await;
        let rows: Vec<(String, String)> =
            sqlx::query_as("SELECT token_hash, agent FROM sessions").fetch_all(store.pool()).await.expect("rows");
        assert!(rows.iter().all(|(hash, _)| !hash.contains(new.token.expose())));
        assert_eq!(rows[0].1, "Mozilla/5.0 (a test)[0m", "control characters are gone");
    }

    async fn guessing_gets_slower_and_the_wait_ends(store) {
        let doors = Doors::new(&store).await;
        for _ in 0..5 {
            assert_eq!(kind(doors.try_in("ana", "wrong", None, HOME).await), Kind::Unauthenticated);
        }
        let computed = doors.access.hasher.computed();
        assert_eq!(kind(doors.try_in("ana", PASSWORD, None, HOME).await), Kind::Throttled, "even the right one waits");
        assert_eq!(doors.access.hasher.computed(), computed, "a throttled try costs no hash");
        doors.clock.pass(SECOND);
        assert_eq!(kind(doors.try_in("ana", "wrong", None, HOME).await), Kind::Unauthenticated);
        doors.clock.pass(SECOND);
        assert_eq!(kind(doors.try_in("ana", PASSWORD, None, HOME).await), Kind::Throttled, "now it is two seconds");
        doors.clock.pass(SECOND);
        doors.sign_in(HOME).await;
        assert_eq!(kind(doors.try_in("ana", "wrong", None, HOME).await), Kind::Unauthenticated, "and counts from 0");
    }

    async fn no_number_of_failures_locks_the_owner_out_for_ever(store) {
        let doors = Doors::new(&store).await;
        for _ in 0..200 {
            drop(doors.try_in("ana", "wrong", None, HOME).await);
            doors.clock.pass(MINUTE);
        }
        doors.clock.pass(15 * MINUTE);
        doors.sign_in(HOME).await;
    }

    async fn a_crowd_of_addresses_slows_strangers_and_not_the_owner_at_home(store) {
        let doors = Doors::new(&store).await;
        doors.sign_in(HOME).await;
        for i in 0..60 {
            drop(doors.try_in("ana", "wrong", None, &format!("198.51.100.{i}")).await);
        }
        assert_eq!(kind(doors.try_in("ana", PASSWORD, None, "203.0.113.9").await), Kind::Throttled, "a stranger");
        doors.sign_in(HOME).await;
    }

    async fn others_behind_the_owners_address_cannot_keep_the_owner_waiting_for_long(store) {
        let doors = Doors::new(&store).await;
        doors.sign_in(HOME).await;
        for i in 0..60 {
            drop(doors.try_in("ana", "wrong", None, HOME).await);
            drop(doors.try_in(&format!("name{i}"), "wrong", None, HOME).await);
            doors.clock.pass(15 * MINUTE);
        }
        drop(doors.try_in("ana", "wrong", None, HOME).await);
        assert_eq!(kind(doors.try_in("ana", PASSWORD, None, HOME).await), Kind::Throttled);
        doors.clock.pass(MINUTE);
        doors.sign_in(HOME).await;
        assert_eq!(kind(doors.try_in("bob", "wrong", None, HOME).await), Kind::Throttled, "no home, no low cap");
    }

    async fn a_new_password_needs_the_second_factor_where_there_is_one(store) {
        let doors = Doors::new(&store).await;
        let (new, totp, _) = doors.with_totp().await;
        let (old, fresh, home) = (secret(PASSWORD), secret("four grey herons"), client(HOME));
        let session = doors.access.session(new.token.expose()).await.expect("look up").expect("alive");
        let refused = doors.access.change_password(&session, &old, &fresh, &home).await;
        assert_eq!(kind(refused), Kind::Forbidden);
        doors.clock.pass(MINUTE);
        let code = doors.code(&totp);
        doors.access.step_up(&session, &old, Some(&code), &home).await.expect("stepped up");
        let session = doors.access.session(new.token.expose()).await.expect("look up").expect("alive");
        doors.access.change_password(&session, &old, &fresh, &home).await.expect("changed");
    }

    async fn one_ipv6_network_is_one_guesser(store) {
        let doors = Doors::new(&store).await;
        for i in 0..5 {
            drop(doors.try_in("ana", "wrong", None, &format!("2001:db8::{i}")).await);
        }
        assert_eq!(kind(doors.try_in("ana", PASSWORD, None, "2001:db8::ffff:1").await), Kind::Throttled);
        done(doors.try_in("ana", PASSWORD, None, "2001:db8:0:1::1").await);
    }

    async fn one_address_trying_many_names_is_slowed(store) {
        let doors = Doors::new(&store).await;
        for i in 0..20 {
            drop(doors.try_in(&format!("name{i}"), "wrong", None, HOME).await);
        }
        assert_eq!(kind(doors.try_in("ana", PASSWORD, None, HOME).await), Kind::Throttled);
    }

    async fn a_hundred_guesses_at_once_are_a_hundred_guesses(store) {
        let doors = Doors::new(&store).await;
        let tasks: Vec<_> = (0..40)
            .map(|_| {
                let access = doors.access.clone();
                tokio::spawn(async move { access.sign_in("ana", &secret("wrong"), None, &client(HOME)).await })
            })
            .collect();
        let mut looked_at = 0;
        for task in tasks {
            looked_at += u32::from(kind(task.await.expect("task")) == Kind::Unauthenticated);
        }
        assert_eq!(looked_at, 5, "the rest had to wait");
    }

    async fn a_clock_that_was_far_ahead_shuts_nobody_out(store) {
        let doors = Doors::new(&store).await;
        let real = doors.clock.now();
        doors.clock.pass(Duration::from_secs(10 * 365 * 24 * 3600));
        for _ in 0..10 {
            drop(doors.try_in("ana", "wrong", None, HOME).await);
        }
        doors.clock.set(real);
        doors.sign_in(HOME).await;
    }

    async fn sessions_expire_by_age_and_by_idleness(store) {
        let doors = Doors::new(&store).await;
        let idle = doors.sign_in(HOME).await;
        doors.clock.pass(24 * HOUR - SECOND);
        let used = doors.sign_in(HOME).await;
        doors.clock.pass(SECOND);
        assert!(!doors.alive(&idle).await, "unused for a day");
        for _ in 0..14 {
            doors.clock.pass(23 * HOUR);
            assert!(doors.alive(&used).await, "used every day");
        }
        doors.clock.pass(14 * HOUR);
        assert!(!doors.alive(&used).await, "two weeks old");
    }

    async fn ended_sessions_stay_ended(store) {
        let doors = Doors::new(&store).await;
        let (phone, desk) = (doors.sign_in(HOME).await, doors.sign_in("198.51.100.4").await);
        let listed = doors.access.sessions(&desk.session).await.expect("list");
        assert_eq!(listed.len(), 2);
        assert_eq!(listed.iter().filter(|s| s.current).map(|s| s.id).collect::<Vec<_>>(), [desk.session.id]);
        doors.access.revoke_session(&desk.session, phone.session.id).await.expect("revoke");
        assert!(!doors.alive(&phone).await);
        assert_eq!(kind(doors.access.revoke_session(&desk.session, phone.session.id).await), Kind::NotFound);
        doors.access.sign_out(&desk.session).await.expect("sign out");
        assert!(!doors.alive(&desk).await);
    }

    async fn nobody_ends_another_members_session(store) {
        let doors = Doors::new(&store).await;
        let ana = doors.sign_in(HOME).await;
        doors.access.add_member(&ana.session, "bob", &secret(PASSWORD), Role::Member).await.expect("add");
        let bob = done(doors.try_in("bob", PASSWORD, None, HOME).await);
        assert_eq!(kind(doors.access.revoke_session(&bob.session, ana.session.id).await), Kind::NotFound);
        assert!(doors.alive(&ana).await);
        assert_eq!(doors.access.sessions(&bob.session).await.expect("list").len(), 1);
    }

    async fn a_new_password_ends_every_session_and_rotates_this_one(store) {
        let doors = Doors::new(&store).await;
        let (old, other) = (doors.sign_in(HOME).await, doors.sign_in(HOME).await);
        let change = |from: &'static str, to: &'static str| {
            let (access, session) = (doors.access.clone(), old.session.clone());
            async move { access.change_password(&session, &secret(from), &secret(to), &client(HOME)).await }
        };
        assert_eq!(kind(change("wrong", "four green turtles").await), Kind::Unauthenticated);
        assert_eq!(kind(change(PASSWORD, "short").await), Kind::Invalid);
        let new = change(PASSWORD, "four green turtles").await.expect("change");
        assert!(!doors.alive(&old).await && !doors.alive(&other).await && doors.alive(&new).await);
        assert_ne!(new.session.csrf, old.session.csrf);
        assert_eq!(kind(doors.try_in("ana", PASSWORD, None, HOME).await), Kind::Unauthenticated);
        done(doors.try_in("ana", "four green turtles", None, HOME).await);
    }

    async fn step_up_needs_the_password_and_lasts_five_minutes(store) {
        let doors = Doors::new(&store).await;
        let new = doors.sign_in(HOME).await;
        let wrong = doors.access.step_up(&new.session, &secret("wrong"), None, &client(HOME)).await;
        assert_eq!(kind(wrong), Kind::Unauthenticated);
        doors.access.step_up(&new.session, &secret(PASSWORD), None, &client(HOME)).await.expect("step up");
        let session = doors.access.session(new.token.expose()).await.expect("look up").expect("alive");
        assert_eq!(session.stepped_up_until, Some(doors.clock.now().plus(5 * MINUTE)));
        let other = doors.sign_in(HOME).await;
        assert_eq!(other.session.stepped_up_until, None, "another session is not stepped up");
    }

    async fn a_second_factor_is_asked_for_at_every_door(store) {
        let doors = Doors::new(&store).await;
        let (new, totp, _) = doors.with_totp().await;
        assert!(matches!(doors.try_in("ana", PASSWORD, None, HOME).await, Ok(SignIn::NeedsCode)));
        let wrong = doors.try_in("ana", "wrong password", None, HOME).await;
        assert_eq!(kind(wrong), Kind::Unauthenticated, "the code is only asked for after the right password");
        assert_eq!(kind(doors.try_in("ana", PASSWORD, Some("000000"), HOME).await), Kind::Unauthenticated);
        let step_up = |code: Option<String>| {
            let (access, session) = (doors.access.clone(), new.session.clone());
            async move { access.step_up(&session, &secret(PASSWORD), code.as_deref(), &client(HOME)).await }
        };
        assert_eq!(kind(step_up(None).await), Kind::Unauthenticated, "no second door without the code");
        doors.clock.pass(MINUTE);
        step_up(Some(doors.code(&totp))).await.expect("with the code");
        doors.clock.pass(MINUTE);
        let code = doors.code(&totp);
        let again = done(doors.try_in("ana", PASSWORD, Some(&code), HOME).await);
        assert!(again.session.totp);
    }

    async fn a_code_works_once(store) {
        let doors = Doors::new(&store).await;
        let (_, totp, _) = doors.with_totp().await;
        let confirming = doors.code(&totp);
        assert_eq!(kind(doors.try_in("ana", PASSWORD, Some(&confirming), HOME).await), Kind::Unauthenticated,
            "the code that turned it on is used up");
        doors.clock.pass(MINUTE);
        let code = doors.code(&totp);
        done(doors.try_in("ana", PASSWORD, Some(&code), HOME).await);
        assert_eq!(kind(doors.try_in("ana", PASSWORD, Some(&code), HOME).await), Kind::Unauthenticated, "a replay");
        doors.clock.pass(Duration::from_secs(30));
        assert_eq!(kind(doors.try_in("ana", PASSWORD, Some(&code), HOME).await), Kind::Unauthenticated,
            "nor one step later");
    }

    async fn of_two_at_once_with_one_code_one_gets_in(store) {
        let doors = Doors::new(&store).await;
        let (_, totp, _) = doors.with_totp().await;
        doors.clock.pass(MINUTE);
        let code = doors.code(&totp);
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let (access, code) = (doors.access.clone(), code.clone());
                tokio::spawn(async move {
                    access.sign_in("ana", &secret(PASSWORD), Some(&code), &client(HOME)).await.is_ok()
                })
            })
            .collect();
        let mut in_now = 0;
        for task in tasks {
            in_now += u32::from(task.await.expect("task"));
        }
        assert_eq!(in_now, 1);
    }

    async fn asking_for_the_code_does_not_buy_guesses_at_it(store) {
        let doors = Doors::new(&store).await;
        doors.with_totp().await;
        doors.clock.pass(MINUTE);
        let mut guesses = 0;
        for _ in 0..20 {
            drop(doors.try_in("ana", PASSWORD, None, HOME).await);
            if kind(doors.try_in("ana", PASSWORD, Some("000000"), HOME).await) == Kind::Unauthenticated {
                guesses += 1;
            }
        }
        assert_eq!(guesses, 5);
    }

    async fn recovery_codes_work_once_each(store) {
        let doors = Doors::new(&store).await;
        let (_, _, codes) = doors.with_totp().await;
        assert_eq!(codes.len(), 10);
        for code in [&codes[0], &codes[9]] {
            let typed = code.expose().to_lowercase().replace('-', " ");
            done(doors.try_in("ana", PASSWORD, Some(&typed), HOME).await);
            assert_eq!(kind(doors.try_in("ana", PASSWORD, Some(&typed), HOME).await), Kind::Unauthenticated);
        }
        let kept: Vec<(String,)> =
            sqlx::query_as("SELECT code_hash FROM recovery_codes").fetch_all(store.pool()).await.expect("rows");
        assert_eq!(kept.len(), 10);
        let plain: Vec<_> = codes.iter().map(|c| c.expose().replace('-', "")).collect();
        assert!(kept.iter().all(|(hash,)| !plain.contains(hash)));
    }

    async fn a_second_factor_begins_only_when_its_code_was_shown(store) {
        let doors = Doors::new(&store).await;
        let new = doors.sign_in(HOME).await;
        assert_eq!(kind(doors.access.confirm_totp(&new.session, "123456").await), Kind::Conflict);
        let setup = doors.access.start_totp(&new.session).await.expect("start");
        assert!(setup.uri.expose().starts_with("otpauth://totp/"), "{}", setup.uri.expose());
        assert_eq!(kind(doors.access.confirm_totp(&new.session, "123456").await), Kind::Invalid);
        doors.sign_in(HOME).await;
        let (sealed,): (String,) =
            sqlx::query_as("SELECT totp_pending FROM members").fetch_one(store.pool()).await.expect("row");
        assert!(!sealed.contains(setup.secret_base32.expose().as_str()));
        let (new, totp, _) = doors.with_totp().await;
        assert_eq!(kind(doors.access.start_totp(&new.session).await), Kind::Conflict, "it is on");
        doors.access.disable_totp(&new.session).await.expect("off");
        doors.clock.pass(MINUTE);
        drop(totp);
        doors.sign_in(HOME).await;
    }

    async fn a_reset_on_the_console_opens_the_door_again(store) {
        let doors = Doors::new(&store).await;
        let (new, ..) = doors.with_totp().await;
        for _ in 0..30 {
            drop(doors.try_in("ana", "wrong", None, HOME).await);
        }
        assert_eq!(kind(doors.access.reset_password("nobody", &secret("four green turtles")).await), Kind::NotFound);
        assert_eq!(kind(doors.access.reset_password("ana", &secret("short")).await), Kind::Invalid);
        doors.access.reset_password("ana", &secret("four green turtles")).await.expect("reset");
        assert!(!doors.alive(&new).await);
        let again = done(doors.try_in("ana", "four green turtles", None, HOME).await);
        assert!(!again.session.totp, "the lost phone is no longer asked for");
    }

    async fn another_role_ends_the_members_sessions(store) {
        let doors = Doors::new(&store).await;
        let ana = doors.sign_in(HOME).await;
        let id = doors.access.add_member(&ana.session, "bob", &secret(PASSWORD), Role::Member).await.expect("add");
        let twice = doors.access.add_member(&ana.session, "BOB", &secret(PASSWORD), Role::Member).await;
        assert_eq!(kind(twice), Kind::Conflict);
        let bob = done(doors.try_in("bob", PASSWORD, None, HOME).await);
        assert_eq!(kind(doors.access.set_role(&bob.session, id, Role::Owner).await), Kind::Forbidden);
        assert_eq!(kind(doors.access.add_member(&bob.session, "eve", &secret(PASSWORD), Role::Owner).await), Kind::Forbidden);
        doors.access.set_role(&ana.session, id, Role::Operator).await.expect("promote");
        assert!(!doors.alive(&bob).await, "the old session knew the old role");
        let bob = done(doors.try_in("bob", PASSWORD, None, HOME).await);
        assert_eq!(bob.session.role, Role::Operator);
        let last = doors.access.set_role(&ana.session, ana.session.member, Role::Member).await;
        assert_eq!(kind(last), Kind::Conflict, "one owner must remain");
        assert!(doors.alive(&ana).await);
    }

    async fn a_profile_is_kept(store) {
        let doors = Doors::new(&store).await;
        let new = doors.sign_in(HOME).await;
        let profile = Profile { language: Some("pt-BR".into()), theme: Theme::Dark };
        doors.access.set_profile(&new.session, profile).await.expect("set");
        let session = doors.access.session(new.token.expose()).await.expect("look up").expect("alive");
        assert_eq!((session.language.as_deref(), session.theme), (Some("pt-BR"), Theme::Dark));
        let bad = Profile { language: Some("<script>".into()), theme: Theme::System };
        assert_eq!(kind(doors.access.set_profile(&new.session, bad).await), Kind::Invalid);
    }
}
