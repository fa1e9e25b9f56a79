//! Who did what from where: append-only, hash-chained, kept by the supervisor in `box.db`.
//!
//! Each entry's hash covers the one before, and a head row says where the chain ends, so that an entry changed,
//! removed, put in or cut off at the end is found. Writers take turns on the head row.

mod store;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{error::Result, ports::clock::Clock, store::Store, types::Timestamp};

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place in the chain, from 1.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Who: `owner:ana`, `cli:root`, `box`.
    pub who: String,
    /// From where: an address, or `console`.
    pub from: String,
    /// What: a word such as `sign_in`, `service.restart`, `edge.rotate`, `service.crashed`.
    pub action: String,
    /// On what.
    pub subject: String,
    /// In a sentence; never a secret.
    pub detail: String,
    /// SHA-256 over the entry before and this one, hex.
    pub hash: String,
}

impl Entry {
    /// SHA-256 over the hash before and every field with its length in front, so that no two entries read the same.
    fn hash_after(&self, before: &str) -> String {
        let mut hash = Sha256::new();
        for field in [before, &self.who, &self.from, &self.action, &self.subject, &self.detail] {
            hash.update((field.len() as u64).to_be_bytes());
            hash.update(field);
        }
        hash.update(self.seq.to_be_bytes());
        hash.update(self.at.0.to_be_bytes());
        hex::encode(hash.finalize())
    }
}

/// What [`Audit::verify`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How many entries follow from one another.
    pub entries: u64,
    /// The sequence number of the first place that does not; one past the last entry when the end is missing.
    pub broken_at: Option<i64>,
}

/// The longest `who`, `from`, `action` and `subject` kept, in characters.
const SHORT: usize = 128;
/// The longest `detail` kept, in characters.
const LONG: usize = 1000;
/// The most entries on a page.
const PAGE: i64 = 500;

/// The audit log over the store that holds it.
#[derive(Clone, Debug)]
pub struct Audit;

impl Audit {
    /// Adds an entry. Texts are cut to their caps and lose control characters.
    pub async fn append(
        store: &Store,
        clock: &dyn Clock,
        who: &str,
        from: &str,
        action: &str,
        subject: &str,
        detail: &str,
    ) -> Result<Entry> {
        let mut entry = Entry {
            seq: 0,
            at: clock.now(),
            who: plain(who, SHORT),
            from: plain(from, SHORT),
            action: plain(action, SHORT),
            subject: plain(subject, SHORT),
            detail: plain(detail, LONG),
            hash: String::new(),
        };
        let mut tx = store.begin().await?;
        let (seq, before) = store::take_turn(&mut tx).await?;
        entry.seq = seq;
        entry.hash = entry.hash_after(&before);
        store::insert(&mut tx, &entry).await?;
        tx.commit().await?;
        Ok(entry)
    }

    /// At most `limit` entries (500 at most) before this sequence number, newest first.
    pub async fn page(store: &Store, before: Option<i64>, limit: usize) -> Result<Vec<Entry>> {
        let limit = i64::try_from(limit).unwrap_or(PAGE).clamp(1, PAGE);
        Ok(store::before(store, before.unwrap_or(i64::MAX), limit).await?)
    }

    /// Recomputes the whole chain.
    pub async fn verify(store: &Store) -> Result<Verified> {
        let (end, end_hash) = store::head(store).await?;
        let (mut seq, mut hash) = (0, String::new());
        loop {
            let page = store::after(store, seq, PAGE).await?;
            for entry in &page {
                if entry.seq != seq + 1 || entry.hash != entry.hash_after(&hash) {
                    return Ok(broken(seq));
                }
                (seq, hash) = (entry.seq, entry.hash.clone());
                if seq == end && hash != end_hash {
                    return Ok(broken(seq - 1));
                }
            }
            if page.is_empty() {
                break;
            }
        }
        // Entries added since the head was read are fine; entries missing before it are not.
        if seq < end { Ok(broken(seq)) } else { Ok(Verified { entries: count(seq), broken_at: None }) }
    }
}

fn broken(good: i64) -> Verified {
    Verified { entries: count(good), broken_at: Some(good + 1) }
}

fn count(seq: i64) -> u64 {
    u64::try_from(seq).unwrap_or(0)
}

/// One line of plain text: control and direction-changing characters become spaces, so that no entry can pose as another.
fn plain(text: &str, longest: usize) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().take(longest).map(|c| if hidden(c) { ' ' } else { c }).collect()
}
