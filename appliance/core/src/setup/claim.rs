//! The one-time claim code, as the supervisor keeps it: proof that whoever opens the page can also read the console.
//! Dead after use, after ten wrong tries, and after a day. Pure but for the randomness of a new code.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{
    error::{Error, Kind, Result},
    keys::code,
    types::{Secret, Timestamp},
};

/// Characters of a code, in two groups of five: 50 bits, against ten guesses.
const LENGTH: usize = 10;
/// How many wrong tries a code survives, less one.
const TRIES: u8 = 10;
/// How long a code lives.
const LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// What is kept of a claim code: never the code itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimCode {
    salt: String,
    hash: String,
    made_at: Timestamp,
    tries_left: u8,
    used: bool,
}

/// Why a code does not open set-up. Whoever keeps the record must keep it again after a refusal, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimRefused {
    /// It is not the code.
    #[error("that is not the claim code; {tries_left} tries are left")]
    Wrong {
        /// How many more wrong tries it takes.
        tries_left: u8,
    },
    /// It cannot be a code at all, so it is no guess either and costs nothing.
    #[error("that does not have the form of a claim code")]
    Malformed,
    /// It was used.
    #[error("this claim code was used before")]
    Used,
    /// It is older than a day.
    #[error("this claim code is older than a day")]
    Expired,
    /// There were ten wrong tries.
    #[error("there were too many wrong tries at this claim code")]
    Exhausted,
}

impl ClaimCode {
    /// Makes a code and the record to keep of it.
    pub fn make(now: Timestamp) -> Result<(Self, Secret<String>)> {
        let (shown, salt) = (code::random(2, LENGTH / 2)?, code::random(1, 26)?);
        let salt = salt.expose().clone();
        let plain = code::normalise(shown.expose(), LENGTH)
            .ok_or_else(|| Error::internal("making a claim code", "our own code has the wrong form"))?;
        let hash = hash(&salt, &plain);
        Ok((Self { salt, hash, made_at: now, tries_left: TRIES, used: false }, shown))
    }

    /// Tries a typed code, and uses this one up when it fits. Keep the record afterwards, whatever the answer.
    pub fn try_use(
        &mut self,
        now: Timestamp,
        typed: &Secret<String>,
    ) -> std::result::Result<(), ClaimRefused> {
        if self.used {
            return Err(ClaimRefused::Used);
        }
        if self.tries_left == 0 {
            return Err(ClaimRefused::Exhausted);
        }
        // A clock set back far must not keep a code alive either.
        if now.since(self.made_at) >= LIFE || self.made_at.since(now) >= LIFE {
            return Err(ClaimRefused::Expired);
        }
        let plain = code::normalise(typed.expose(), LENGTH).ok_or(ClaimRefused::Malformed)?;
        if bool::from(hash(&self.salt, &plain).as_bytes().ct_eq(self.hash.as_bytes())) {
            self.used = true;
            return Ok(());
        }
        self.tries_left -= 1;
        Err(match self.tries_left {
            0 => ClaimRefused::Exhausted,
            tries_left => ClaimRefused::Wrong { tries_left },
        })
    }

    /// Whether it opened set-up.
    pub fn was_used(&self) -> bool {
        self.used
    }

    /// Whether it can still be used.
    pub fn alive(&self, now: Timestamp) -> bool {
        !self.used && self.tries_left > 0 && now.since(self.made_at) < LIFE && self.made_at.since(now) < LIFE
    }
}

impl From<ClaimRefused> for Error {
    fn from(refused: ClaimRefused) -> Self {
        let another = "Run `flashnode claim-code` on the box to get another one.";
        match refused {
            ClaimRefused::Wrong { tries_left } => Error::new(
                Kind::Unauthenticated,
                format!("That is not the claim code. Look at the box's console again; {tries_left} tries are left."),
            )
            .keyed("error-claim-wrong"),
            ClaimRefused::Malformed => Error::new(
                Kind::Unauthenticated,
                "That is not the claim code: it has two groups of five letters and digits. Look at the box's \
                 console again.",
            )
            .keyed("error-claim-wrong"),
            ClaimRefused::Used => {
                Error::new(Kind::Unauthenticated, format!("This claim code was used before. {another}"))
                    .keyed("error-claim-used")
            }
            ClaimRefused::Expired => {
                Error::new(Kind::Unauthenticated, format!("This claim code is older than a day. {another}"))
                    .keyed("error-claim-expired")
            }
            ClaimRefused::Exhausted => Error::new(
                Kind::Throttled,
                format!("There were ten wrong tries, so this claim code no longer works. {another}"),
            )
            .keyed("error-claim-exhausted"),
        }
    }
}

fn hash(salt: &str, plain: &str) -> String {
    hex::encode(Sha256::digest(format!("flashnode claim|{salt}|{plain}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn wrong() -> Secret<String> {
        Secret::new("00000-00000".to_owned())
    }

    #[test]
    fn it_works_once_however_it_is_typed() {
        let (mut claim, code) = ClaimCode::make(NOW).expect("a code");
        assert!(code.expose().len() == 11 && code.expose().as_bytes()[5] == b'-');
        let typed = Secret::new(code.expose().to_lowercase().replace('-', " "));
        claim.try_use(NOW, &typed).expect("fits");
        assert!(!claim.alive(NOW));
        assert_eq!(claim.try_use(NOW, &code), Err(ClaimRefused::Used), "a replay");
    }

    #[test]
    fn ten_wrong_tries_kill_it() {
        let (mut claim, code) = ClaimCode::make(NOW).expect("a code");
        for tries_left in (1..TRIES).rev() {
            assert_eq!(claim.try_use(NOW, &wrong()), Err(ClaimRefused::Wrong { tries_left }));
        }
        assert_eq!(claim.try_use(NOW, &wrong()), Err(ClaimRefused::Exhausted));
        assert_eq!(claim.try_use(NOW, &code), Err(ClaimRefused::Exhausted), "the right one comes too late");
    }

    #[test]
    fn nine_wrong_tries_do_not() {
        let (mut claim, code) = ClaimCode::make(NOW).expect("a code");
        for _ in 1..TRIES {
            claim.try_use(NOW, &wrong()).expect_err("wrong");
        }
        claim.try_use(NOW, &code).expect("the tenth is right");
    }

    #[test]
    fn it_dies_after_a_day() {
        let (mut claim, code) = ClaimCode::make(NOW).expect("a code");
        assert_eq!(claim.try_use(NOW.plus(LIFE), &code), Err(ClaimRefused::Expired));
        assert_eq!(claim.try_use(Timestamp(0), &code), Err(ClaimRefused::Expired), "the clock went back");
        claim.try_use(Timestamp(NOW.0 + 86_399_999), &code).expect("one millisecond before");
    }

    #[test]
    fn the_record_survives_being_kept_and_does_not_hold_the_code() {
        let (claim, code) = ClaimCode::make(NOW).expect("a code");
        let text = serde_json::to_string(&claim).expect("json");
        assert!(!text.contains(code.expose()) && !text.contains(&code.expose().replace('-', "")), "{text}");
        let mut back: ClaimCode = serde_json::from_str(&text).expect("the same record");
        assert_eq!(back, claim);
        back.try_use(NOW, &code).expect("still fits");
    }

    #[test]
    fn what_cannot_be_a_code_costs_no_try() {
        let (mut claim, code) = ClaimCode::make(NOW).expect("a code");
        for typed in ["", "ABCDE", "ABCDE-FGHJU", &"A".repeat(2_000_000)] {
            let typed = Secret::new(typed.to_owned());
            for _ in 0..20 {
                assert_eq!(claim.try_use(NOW, &typed), Err(ClaimRefused::Malformed));
            }
        }
        claim.try_use(NOW, &code).expect("it still has all its tries");
    }
}
