//! The second factor: six digits that change every 30 seconds (RFC 6238), and ten codes for the day the phone is lost.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use totp_rs::{Algorithm, TOTP};

use super::{
    Access, MemberId, Session, TotpSetup,
    store::{self, Member},
};
use crate::{
    error::{Error, Result},
    keys::{code, seal::random_key},
    types::{Secret, Timestamp},
};

/// Seconds of one step.
const STEP: i64 = 30;
/// Bytes of a secret: what every authenticator app can take.
const SECRET: usize = 20;
/// How many recovery codes there are.
const CODES: usize = 10;
/// Characters of a recovery code: 80 bits, so that its plain hash gives nothing away.
const CODE: usize = 16;

impl Access {
    /// Begins setting up a second factor; it counts from [`Access::confirm_totp`] on. Asking again makes a new secret.
    pub async fn start_totp(&self, session: &Session) -> Result<TotpSetup> {
        let member = self.own(session).await?;
        if member.totp_secret.is_some() {
            return Err(Error::conflict(
                "Two-factor sign-in is already on. Turn it off first to use another phone.",
            )
            .keyed("error-totp-on"));
        }
        let secret = random_key()?.expose()[..SECRET].to_vec();
        let sealed = self.seal.seal("totp", &aad(member.id), &secret)?;
        store::set_totp_pending(&self.store, member.id, &sealed).await?;
        let totp = self.totp(&member.name, secret)?;
        Ok(TotpSetup { secret_base32: totp.get_secret_base32().into(), uri: totp.get_url().into() })
    }

    /// Turns the second factor on when `code` shows that the authenticator has the secret.
    /// Answers with ten recovery codes, shown this once.
    pub async fn confirm_totp(&self, session: &Session, code: &str) -> Result<Vec<Secret<String>>> {
        let member = self.own(session).await?;
        let pending = member.totp_pending.clone().ok_or_else(|| {
            Error::conflict("Begin with a new QR code: this one is no longer waiting.")
                .keyed("error-totp-none")
        })?;
        let step = self.step_of(&member, &pending, code)?.ok_or_else(|| {
            Error::invalid("That is not the code the app shows now. Check that the phone's clock is right.")
                .keyed("error-totp-confirm")
        })?;
        let codes =
            (0..CODES).map(|_| code::random(CODE / 4, 4)).collect::<std::result::Result<Vec<_>, _>>()?;
        let hashes: Vec<String> =
            codes.iter().filter_map(|shown| recovery_hash(member.id, shown.expose())).collect();
        let mut tx = self.store.begin().await?;
        if !store::confirm_totp(&mut tx, member.id, &pending, step).await? {
            return Err(Error::conflict("Begin with a new QR code: this one is no longer waiting.")
                .keyed("error-totp-none"));
        }
        store::replace_recovery_codes(&mut tx, member.id, &hashes).await?;
        tx.commit().await?;
        Ok(codes)
    }

    /// Turns the second factor off and drops its recovery codes.
    pub async fn disable_totp(&self, session: &Session) -> Result<()> {
        let mut tx = self.store.begin().await?;
        store::drop_totp(&mut tx, session.member).await?;
        Ok(tx.commit().await?)
    }

    /// Uses up a code: one of the app's, or a recovery code.
    pub(super) async fn use_code(&self, member: &Member, sealed: &str, code: &str) -> Result<bool> {
        if let Some(step) = self.step_of(member, sealed, code)? {
            return Ok(store::use_totp_step(&self.store, member.id, step).await?);
        }
        match recovery_hash(member.id, code) {
            Some(hash) => {
                Ok(store::use_recovery_code(&self.store, member.id, &hash, self.clock.now()).await?)
            }
            None => Ok(false),
        }
    }

    /// The step that these digits belong to: now, the one before, or the one after.
    fn step_of(&self, member: &Member, sealed: &str, typed: &str) -> Result<Option<i64>> {
        let secret = self.seal.open("totp", &aad(member.id), sealed)?;
        let totp = self.totp(&member.name, secret.expose().clone())?;
        Ok(matching_step(&totp, typed, self.clock.now()))
    }

    fn totp(&self, name: &str, secret: Vec<u8>) -> Result<TOTP> {
        let issuer = Some(self.issuer.replace(':', " "));
        TOTP::new(Algorithm::SHA1, 6, 1, STEP as u64, secret, issuer, name.to_owned())
            .map_err(|error| Error::internal("preparing the second factor", error.to_string()))
    }

    async fn own(&self, session: &Session) -> Result<Member> {
        store::member_by_id(&self.store, session.member)
            .await?
            .ok_or_else(|| Error::not_found("There is no such member.").keyed("error-no-member"))
    }
}

fn matching_step(totp: &TOTP, typed: &str, now: Timestamp) -> Option<i64> {
    let digits: String = typed.chars().filter(|c| !c.is_whitespace()).take(7).collect();
    let now = now.0.div_euclid(1000).div_euclid(STEP);
    let mut found = None;
    for step in [now - 1, now, now + 1] {
        let Ok(at) = u64::try_from(step * STEP) else { continue };
        // All three are compared in full, whichever fits.
        if bool::from(totp.generate(at).as_bytes().ct_eq(digits.as_bytes())) {
            found = Some(step);
        }
    }
    found
}

/// What is kept of a recovery code; none when the text is not one.
fn recovery_hash(member: MemberId, typed: &str) -> Option<String> {
    let code = code::normalise(typed, CODE)?;
    let mut hash = Sha256::new();
    hash.update(format!("flashnode recovery|{}|", member.0));
    hash.update(code.as_bytes());
    Some(hex::encode(hash.finalize()))
}

fn aad(member: MemberId) -> Vec<u8> {
    format!("member|{}", member.0).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_as_in_rfc_6238() {
        // Appendix B, SHA-1, cut to six digits.
        let secret = b"12345678901234567890".to_vec();
        let totp = TOTP::new(Algorithm::SHA1, 6, 1, 30, secret, None, "x".into()).expect("totp");
        for (second, digits) in [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")] {
            let at = |second: i64| Timestamp(second * 1000);
            assert_eq!(matching_step(&totp, digits, at(second)), Some(second / 30));
            assert_eq!(matching_step(&totp, digits, at(second + 30)), Some(second / 30), "one step late");
            assert_eq!(matching_step(&totp, digits, at(second + 60)), None, "two steps late");
            assert_eq!(matching_step(&totp, digits, at(second - 60)), None, "two steps early");
        }
        for typed in ["", "28708", "2870820", "28708２", "abcdef"] {
            assert_eq!(matching_step(&totp, typed, Timestamp(59_000)), None, "{typed:?}");
        }
    }
}
