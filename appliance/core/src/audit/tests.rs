//! Tests of the audit log, on both databases.

use super::*;
use crate::{
    ports::clock::SystemClock,
    store::{Schema, testing::on_both},
};

async fn add(store: &Store, detail: &str) -> Entry {
    Audit::append(store, &SystemClock, "owner:ana", "192.0.2.7", "service.restart", "lnd", detail)
        .await
        .expect("append")
}

async fn harm(store: &Store, sql: &'static str) {
    sqlx::query(sql).execute(store.pool()).await.expect("the harm is done");
}

fn whole(entries: u64) -> Verified {
    Verified { entries, broken_at: None }
}

fn broken_at(seq: i64) -> Verified {
    Verified { entries: seq as u64 - 1, broken_at: Some(seq) }
}

on_both! { Schema::Box,
    async fn pages_come_newest_first(store) {
        assert_eq!(Audit::verify(&store).await.expect("verify"), whole(0));
        for i in 0..7 {
            add(&store, &format!("number {i}")).await;
        }
        let seqs = |page: Vec<Entry>| page.into_iter().map(|e| e.seq).collect::<Vec<_>>();
        assert_eq!(seqs(Audit::page(&store, None, 3).await.expect("page")), [7, 6, 5]);
        assert_eq!(seqs(Audit::page(&store, Some(5), 3).await.expect("page")), [4, 3, 2]);
        assert_eq!(seqs(Audit::page(&store, Some(2), 3).await.expect("page")), [1]);
        assert_eq!(Audit::verify(&store).await.expect("verify"), whole(7));
    }

    async fn a_changed_entry_is_found(store) {
        for i in 0..5 {
            add(&store, &format!("number {i}")).await;
        }
        harm(&store, "UPDATE audit_entries SET detail = 'nothing happened' WHERE seq = 3").await;
        assert_eq!(Audit::verify(&store).await.expect("verify"), broken_at(3));
    }

    async fn a_removed_entry_is_found(store) {
        for i in 0..5 {
            add(&store, &format!("number {i}")).await;
        }
        harm(&store, "DELETE FROM audit_entries WHERE seq = 2").await;
        assert_eq!(Audit::verify(&store).await.expect("verify"), broken_at(2));
    }

    async fn a_missing_end_is_found(store) {
        for i in 0..5 {
            add(&store, &format!("number {i}")).await;
        }
        harm(&store, "DELETE FROM audit_entries WHERE seq >= 4").await;
        assert_eq!(Audit::verify(&store).await.expect("verify"), broken_at(4));
        harm(&store, "DELETE FROM audit_entries").await;
        assert_eq!(Audit::verify(&store).await.expect("verify"), broken_at(1));
    }

    async fn a_rewritten_chain_does_not_fit_the_head(store) {
        for i in 0..3 {
            add(&store, &format!("number {i}")).await;
        }
        let mut last = Audit::page(&store, None, 2).await.expect("page");
        let before = last.pop().expect("entry 2");
        let mut forged = last.pop().expect("entry 3");
        forged.detail = "forged".into();
        sqlx::query("UPDATE audit_entries SET detail = $1, hash = $2 WHERE seq = 3")
            .bind(&forged.detail)
            .bind(forged.hash_after(&before.hash))
            .execute(store.pool())
            .await
            .expect("forge");
        assert_eq!(Audit::verify(&store).await.expect("verify"), broken_at(3));
    }

    async fn writers_at_once_make_one_chain(store) {
        let tasks: Vec<_> = (0..30)
            .map(|i| {
                let store = store.clone();
                tokio::spawn(async move { add(&store, &format!("writer {i}")).await.seq })
            })
            .collect();
        let mut seqs = Vec::new();
        for task in tasks {
            seqs.push(task.await.expect("a writer"));
        }
        seqs.sort_unstable();
        assert_eq!(seqs, (1..=30).collect::<Vec<_>>());
        assert_eq!(Audit::verify(&store).await.expect("verify"), whole(30));
    }

    async fn texts_are_capped_and_plain(store) {
        let nasty = format!("a\nb\u{1b}[31mc\u{202e}d\0{}", "x".repeat(10_000));
        let entry = add(&store, &nasty).await;
        assert!(entry.detail.starts_with("a b [31mc d x"), "{}", &entry.detail[..20]);
        assert_eq!(entry.detail.chars().count(), LONG);
        let kept = Audit::page(&store, None, 1).await.expect("page");
        assert_eq!(kept, [entry]);
        assert_eq!(Audit::verify(&store).await.expect("verify"), whole(1));
    }

    async fn a_long_log_is_verified_to_its_end(store) {
        for i in 0..(PAGE + 3) {
            add(&store, &format!("number {i}")).await;
        }
        harm(&store, "UPDATE audit_entries SET who = 'owner:eve' WHERE seq = 502").await;
        assert_eq!(Audit::verify(&store).await.expect("verify"), broken_at(502));
    }
}

#[test]
fn no_two_entries_read_the_same() {
    let entry = |who: &str, from: &str| Entry {
        seq: 1,
        at: Timestamp(0),
        who: who.into(),
        from: from.into(),
        action: String::new(),
        subject: String::new(),
        detail: String::new(),
        hash: String::new(),
    };
    assert_ne!(entry("ab", "c").hash_after(""), entry("a", "bc").hash_after(""));
}
