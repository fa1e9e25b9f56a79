//! Argon2id: what a password costs to guess, and how many are computed at once.
//!
//! A guesser must not be able to tell whether a name exists (so an unknown name costs one hash too), nor to fill
//! the box's memory (so few run at once and few wait), nor to make it hash megabytes (so length is checked first).

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering},
};

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version,
    password_hash::SaltString,
};
use rand::{TryRngCore, rngs::OsRng};
use tokio::sync::Semaphore;

use crate::{
    error::{Error, Kind, Result},
    types::Secret,
};

/// The fewest characters of a new password.
pub const SHORTEST: usize = 10;
/// The most bytes of any password; more is refused before anything is computed.
pub const LONGEST: usize = 1024;

/// How many hashes run at once.
const AT_ONCE: usize = 2;
/// How many may run or wait; more are turned away.
const QUEUE: usize = 64;

/// What a hash costs: memory in KiB, passes, lanes.
#[derive(Clone, Copy, Debug)]
struct Cost(u32, u32, u32);

impl Cost {
    const USED: Cost = Cost(32 * 1024, 3, 1);
    /// The least that OWASP's cheat sheet accepts; a stored hash below it was not made by us.
    const FLOOR: Cost = Cost(19 * 1024, 2, 1);
    const CAP: Cost = Cost(256 * 1024, 10, 4);

    fn accepts(floor: Cost, params: &Params) -> bool {
        (floor.0..=Self::CAP.0).contains(&params.m_cost())
            && (floor.1..=Self::CAP.1).contains(&params.t_cost())
            && (floor.2..=Self::CAP.2).contains(&params.p_cost())
    }
}

/// Hashes and checks passwords.
#[derive(Debug)]
pub struct Hasher {
    inner: Arc<Inner>,
    running: Semaphore,
    queue: Semaphore,
}

#[derive(Debug)]
struct Inner {
    cost: Cost,
    floor: Cost,
    /// What an unknown name's password is compared with.
    nobody: OnceLock<String>,
    computed: AtomicU64,
}

impl Default for Hasher {
    fn default() -> Self {
        Self::with(Cost::USED, Cost::FLOOR)
    }
}

impl Hasher {
    /// One that is quick and worth nothing.
    #[cfg(any(test, feature = "fakes"))]
    pub fn for_tests() -> Self {
        Self::with(Cost(8, 1, 1), Cost(8, 1, 1))
    }

    fn with(cost: Cost, floor: Cost) -> Self {
        let inner = Inner { cost, floor, nobody: OnceLock::new(), computed: AtomicU64::new(0) };
        Self { inner: Arc::new(inner), running: Semaphore::new(AT_ONCE), queue: Semaphore::new(QUEUE) }
    }

    /// How many hashes this process has computed.
    pub fn computed(&self) -> u64 {
        self.inner.computed.load(Ordering::Relaxed)
    }

    /// Hashes a new password, which has been checked with [`acceptable`].
    pub async fn hash(&self, password: &Secret<String>) -> Result<String> {
        let password = password.clone();
        self.run(move |inner| inner.hash(password.expose())).await?
    }

    /// Whether the password belongs to the stored hash. Without one the work is the same and the answer no.
    pub async fn verify(&self, password: &Secret<String>, stored: Option<String>) -> Result<bool> {
        not_too_long(password)?;
        let password = password.clone();
        self.run(move |inner| inner.verify(password.expose(), stored.as_deref())).await?
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce(&Inner) -> T + Send + 'static) -> Result<T> {
        let _place = self.queue.try_acquire().map_err(|_| {
            Error::new(
                Kind::Throttled,
                "Too many people are signing in at this moment. Try again in a few seconds.",
            )
            .keyed("error-busy")
        })?;
        let _turn = self.running.acquire().await.map_err(|e| Error::internal("checking a password", e))?;
        let inner = self.inner.clone();
        tokio::task::spawn_blocking(move || work(&inner))
            .await
            .map_err(|error| Error::internal("checking a password", error))
    }
}

impl Inner {
    fn hash(&self, password: &str) -> Result<String> {
        let mut salt = [0; 16];
        OsRng.try_fill_bytes(&mut salt).map_err(|error| Error::internal("hashing a password", error))?;
        let failed =
            |error: argon2::password_hash::Error| Error::internal("hashing a password", error.to_string());
        let salt = SaltString::encode_b64(&salt).map_err(failed)?;
        self.computed.fetch_add(1, Ordering::Relaxed);
        let hash = self.argon2()?.hash_password(password.as_bytes(), &salt).map_err(failed)?;
        Ok(hash.to_string())
    }

    fn verify(&self, password: &str, stored: Option<&str>) -> Result<bool> {
        let known = stored.and_then(|text| PasswordHash::new(text).ok()).filter(|hash| self.is_ours(hash));
        let there = known.is_some();
        let nobody = self.nobody()?;
        let hash = match known {
            Some(hash) => hash,
            None => PasswordHash::new(nobody)
                .map_err(|error| Error::internal("checking a password", error.to_string()))?,
        };
        self.computed.fetch_add(1, Ordering::Relaxed);
        let fits = self.argon2()?.verify_password(password.as_bytes(), &hash).is_ok();
        Ok(fits && there)
    }

    /// A hash of the usual cost that no password has: its salt and output are made up.
    fn nobody(&self) -> Result<&str> {
        if self.nobody.get().is_none() {
            let Cost(m, t, p) = self.cost;
            let text = format!(
                "$argon2id$v=19$m={m},t={t},p={p}$bm9ib2R5IGlzIGhlcmU$q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k"
            );
            PasswordHash::new(&text)
                .map_err(|error| Error::internal("checking a password", error.to_string()))?;
            self.nobody.get_or_init(|| text);
        }
        Ok(self.nobody.get().map_or("", String::as_str))
    }

    fn is_ours(&self, hash: &PasswordHash<'_>) -> bool {
        hash.algorithm == argon2::ARGON2ID_IDENT
            && Params::try_from(hash).is_ok_and(|params| Cost::accepts(self.floor, &params))
    }

    fn argon2(&self) -> Result<Argon2<'static>> {
        let Cost(m, t, p) = self.cost;
        let params =
            Params::new(m, t, p, None).map_err(|e| Error::internal("hashing a password", e.to_string()))?;
        Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }
}

/// Refuses what could not be anybody's password.
pub fn not_too_long(password: &Secret<String>) -> Result<()> {
    if password.expose().len() > LONGEST {
        return Err(Error::invalid(format!("A password has at most {LONGEST} bytes. Choose a shorter one."))
            .keyed("error-password-long"));
    }
    Ok(())
}

/// Whether a new password may be used by somebody of this name.
pub fn acceptable(name: &str, password: &Secret<String>) -> Result<()> {
    not_too_long(password)?;
    let text = password.expose();
    if text.chars().count() < SHORTEST {
        return Err(Error::invalid(format!(
            "A password has at least {SHORTEST} characters. A sentence that only you know is good."
        ))
        .keyed("error-password-short"));
    }
    let mut different: Vec<char> = text.to_lowercase().chars().collect();
    different.sort_unstable();
    different.dedup();
    let lower = text.to_lowercase();
    let obvious = ["1234567890", "0123456789", "password", "qwertyuiop", "flashnode"];
    if different.len() < 5
        || obvious.iter().any(|word| lower.starts_with(word) && lower.len() < word.len() + 5)
        || lower.trim_end_matches(|c: char| c.is_ascii_digit()) == name
    {
        return Err(Error::invalid(
            "This password is among the first that anybody would try. Choose another one.",
        )
        .keyed("error-password-obvious"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[tokio::test]
    async fn an_unknown_name_costs_the_same_hash_and_never_fits() {
        let hasher = Hasher::for_tests();
        let stored = hasher.hash(&secret("correct horse")).await.expect("hash");
        let before = hasher.computed();
        assert!(hasher.verify(&secret("correct horse"), Some(stored.clone())).await.expect("verify"));
        assert!(!hasher.verify(&secret("wrong horse"), Some(stored)).await.expect("verify"));
        assert!(!hasher.verify(&secret("correct horse"), None).await.expect("verify"));
        assert!(!hasher.verify(&secret("correct horse"), Some("no hash".into())).await.expect("verify"));
        assert_eq!(hasher.computed() - before, 4, "one hash for each answer");
    }

    #[tokio::test]
    async fn two_megabytes_are_refused_before_anything_is_computed() {
        let hasher = Hasher::default();
        let error = hasher.verify(&secret(&"x".repeat(2_000_000)), None).await.expect_err("must refuse");
        assert_eq!((error.kind, hasher.computed()), (Kind::Invalid, 0));
        assert!(acceptable("ana", &secret(&"x".repeat(2_000_000))).is_err());
    }

    #[tokio::test]
    async fn the_real_cost_is_above_the_floor_and_a_cheap_hash_is_not_believed() {
        let cheap = Hasher::for_tests().hash(&secret("correct horse")).await.expect("hash");
        let hasher = Hasher::default();
        assert!(!hasher.verify(&secret("correct horse"), Some(cheap)).await.expect("verify"));
        let real = hasher.hash(&secret("correct horse")).await.expect("hash");
        assert!(real.starts_with("$argon2id$v=19$m=32768,t=3,p=1$"), "{real}");
        assert!(hasher.verify(&secret("correct horse"), Some(real)).await.expect("verify"));
    }

    #[tokio::test]
    async fn a_crowd_is_turned_away_instead_of_filling_the_memory() {
        let hasher = Arc::new(Hasher::default());
        let tasks: Vec<_> = (0..QUEUE + 20)
            .map(|_| {
                let hasher = hasher.clone();
                tokio::spawn(async move { hasher.queue.try_acquire().map(std::mem::forget).is_ok() })
            })
            .collect();
        for task in tasks {
            task.await.expect("task");
        }
        let error = hasher.verify(&secret("anything at all"), None).await.expect_err("the queue is full");
        assert_eq!((error.kind, hasher.computed()), (Kind::Throttled, 0));
    }

    #[test]
    fn poor_passwords_are_refused() {
        for poor in ["short", "aaaaaaaaaaaa", "1234567890", "password12", "Flashnode1", "ana.maria.42"] {
            assert!(acceptable("ana.maria.", &secret(poor)).is_err(), "{poor}");
        }
        acceptable("ana", &secret("three blue whales")).expect("a good one");
    }
}
