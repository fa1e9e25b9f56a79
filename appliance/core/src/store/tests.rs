//! Tests of the store on real files and, when one is named, a real PostgreSQL server.

use std::{fs, path::Path};

use sqlx::{Executor, migrate::Migration, migrate::MigrationType, migrate::Migrator};

use super::{
    testing::{TempDir, on_both, test_key},
    *,
};

fn dir() -> TempDir {
    TempDir::new().expect("a temporary folder")
}

async fn app_store(path: &Path) -> Store {
    let store = Store::open_sqlite(path, &test_key()).await.expect("open");
    store.migrate(Schema::App, None).await.expect("migrate");
    store
}

async fn remember(store: &Store, word: &str) {
    sqlx::query("INSERT INTO throttles (what, failures, last_failure) VALUES ($1, 1, 2)")
        .bind(word)
        .execute(store.pool())
        .await
        .expect("insert");
}

async fn remembered(store: &Store) -> Vec<String> {
    sqlx::query_as::<_, (String,)>("SELECT what FROM throttles ORDER BY what")
        .fetch_all(store.pool())
        .await
        .expect("select")
        .into_iter()
        .map(|(word,)| word)
        .collect()
}

#[tokio::test]
async fn nothing_of_the_file_or_its_journal_is_readable() {
    let dir = dir();
    let path = dir.path().join("app.db");
    let store = app_store(&path).await;
    remember(&store, "a-very-recognisable-word").await;
    for name in ["app.db", "app.db-wal"] {
        let bytes = fs::read(dir.path().join(name)).expect("the file is there while it is open");
        assert!(!bytes.starts_with(b"SQLite format 3"), "{name} has a plain header");
        let leaks = |word: &[u8]| bytes.windows(word.len()).any(|w| w == word);
        assert!(!leaks(b"a-very-recognisable-word") && !leaks(b"CREATE TABLE"), "{name} is readable");
    }
    use std::os::unix::fs::PermissionsExt;
    for name in ["app.db", "app.db-wal", "app.db-shm"] {
        let mode = fs::metadata(dir.path().join(name)).expect("metadata").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn every_connection_of_the_pool_has_key_and_behaviour() {
    let dir = dir();
    let store = app_store(&dir.path().join("app.db")).await;
    let mut held = Vec::new();
    for _ in 0..SQLITE_CONNECTIONS {
        let mut connection = store.pool().acquire().await.expect("a connection");
        let (journal,): (String,) =
            sqlx::query_as("PRAGMA journal_mode").fetch_one(&mut *connection).await.expect("journal mode");
        let (synchronous,): (i64,) =
            sqlx::query_as("PRAGMA synchronous").fetch_one(&mut *connection).await.expect("synchronous");
        let (foreign_keys,): (i64,) =
            sqlx::query_as("PRAGMA foreign_keys").fetch_one(&mut *connection).await.expect("foreign keys");
        assert_eq!((journal.as_str(), synchronous, foreign_keys), ("wal", 2, 1));
        held.push(connection);
    }
}

#[tokio::test]
async fn another_key_is_damage_and_moves_nothing() {
    let dir = dir();
    let path = dir.path().join("app.db");
    let store = app_store(&path).await;
    let snapshots = dir.path().join("snapshots");
    store.snapshot_rotating(&snapshots, 3).await.expect("snapshot");
    store.close().await;
    let other = Secret::new([8; 32]);
    let error = Store::open_or_rescue(&path, &other, &snapshots).await.expect_err("must refuse");
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    let (store, note) = Store::open_or_rescue(&path, &test_key(), &snapshots).await.expect("still fine");
    assert_eq!(note, None);
    store.close().await;
}

#[tokio::test]
async fn a_damaged_file_is_put_aside_and_the_newest_good_snapshot_is_used() {
    type Harm = fn(&Path);
    let harms: [(&str, Harm); 5] = [
        ("cut in half", |path| {
            let length = fs::metadata(path).expect("metadata").len();
            fs::OpenOptions::new().write(true).open(path).expect("open").set_len(length / 2).expect("cut");
        }),
        ("cut inside a page", |path| {
            let length = fs::metadata(path).expect("metadata").len();
            fs::OpenOptions::new().write(true).open(path).expect("open").set_len(length - 1000).expect("cut");
        }),
        ("emptied", |path| fs::write(path, b"").expect("empty")),
        ("gone", |path| fs::remove_file(path).expect("remove")),
        ("one bit flipped in the last page", |path| {
            let mut bytes = fs::read(path).expect("read");
            let place = bytes.len() - 2000;
            bytes[place] ^= 1;
            fs::write(path, bytes).expect("write");
        }),
    ];
    for (what, harm) in harms {
        let dir = dir();
        let path = dir.path().join("box.db");
        let snapshots = dir.path().join("snapshots");
        let store = app_store(&path).await;
        remember(&store, "old").await;
        store.snapshot_rotating(&snapshots, 5).await.expect("first snapshot");
        remember(&store, "newer").await;
        store.snapshot_rotating(&snapshots, 5).await.expect("second snapshot");
        let broken = store.snapshot_rotating(&snapshots, 5).await.expect("third snapshot");
        fs::write(&broken, b"no database at all").expect("break the newest snapshot");
        remember(&store, "lost").await;
        store.close().await;

        harm(&path);
        let (store, note) = Store::open_or_rescue(&path, &test_key(), &snapshots).await.expect(what);
        let note = note.expect(what);
        assert_eq!(remembered(&store).await, ["newer", "old"], "{what}");
        assert_ne!(note.snapshot, broken, "{what}");
        assert_eq!(note.damaged.is_some(), what != "gone", "{what}");
        assert!(note.damaged.is_none_or(|path| path.exists()), "{what}: the damaged file must be kept");
        store.close().await;

        let (_, again) = Store::open_or_rescue(&path, &test_key(), &snapshots).await.expect(what);
        assert_eq!(again, None, "{what}: rescued once is enough");
    }
}

#[tokio::test]
async fn a_damaged_file_without_snapshots_stays_where_it_is() {
    let dir = dir();
    let path = dir.path().join("box.db");
    app_store(&path).await.close().await;
    fs::write(&path, b"").expect("empty");
    let error =
        Store::open_or_rescue(&path, &test_key(), &dir.path().join("none")).await.expect_err("no rescue");
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    assert!(path.exists());
}

#[tokio::test]
async fn a_creation_that_was_cut_off_begins_again() {
    let dir = dir();
    let path = dir.path().join("app.db");
    fs::write(dir.path().join("app.db.new"), b"half").expect("leftover");
    fs::write(dir.path().join("app.db.new-wal"), b"half").expect("leftover");
    let store = app_store(&path).await;
    remember(&store, "word").await;
    store.close().await;
    assert!(!dir.path().join("app.db.new").exists());
}

#[tokio::test]
async fn snapshots_are_encrypted_and_rotate() {
    let dir = dir();
    let store = app_store(&dir.path().join("app.db")).await;
    let snapshots = dir.path().join("snapshots");
    remember(&store, "first").await;
    for _ in 0..4 {
        store.snapshot_rotating(&snapshots, 2).await.expect("snapshot");
    }
    let names: Vec<_> = fs::read_dir(&snapshots).expect("list").map(|e| e.expect("entry").path()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    for name in &names {
        assert!(!fs::read(name).expect("read").starts_with(b"SQLite format 3"), "a snapshot in clear");
        let copy = Store::open_sqlite(name, &test_key()).await.expect("a snapshot opens");
        assert_eq!(remembered(&copy).await, ["first"]);
        copy.close().await;
    }
}

#[tokio::test]
async fn the_key_is_never_logged() {
    use tracing::{Event, Metadata, Subscriber, span};

    #[derive(Clone, Default)]
    struct Everything(std::sync::Arc<std::sync::Mutex<String>>);
    impl Subscriber for Everything {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            metadata.target().starts_with("sqlx") || metadata.target().contains("store")
        }
        fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
            span::Id::from_u64(1)
        }
        fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
        fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
        fn event(&self, event: &Event<'_>) {
            struct Fields<'a>(&'a mut String);
            impl tracing::field::Visit for Fields<'_> {
                fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                    self.0.push_str(&format!("{field}={value:?} "));
                }
            }
            event.record(&mut Fields(&mut self.0.lock().expect("the log")));
        }
        fn enter(&self, _: &span::Id) {}
        fn exit(&self, _: &span::Id) {}
    }

    let log = Everything::default();
    // For the whole process: sqlx speaks on threads of its own.
    tracing::subscriber::set_global_default(log.clone()).expect("no other test listens to all threads");
    tracing::callsite::rebuild_interest_cache();
    let dir = dir();
    app_store(&dir.path().join("app.db")).await.close().await;
    let text = log.0.lock().expect("the log").to_lowercase();
    assert!(text.contains("applied migration"), "the log was listened to");
    assert!(!text.contains("pragma key") && !text.contains(&hex::encode([7; 32])), "{text}");
}

fn migrator(sql: &[&'static str]) -> Migrator {
    let one = |(i, sql): (usize, &&'static str)| {
        let version = i64::try_from(i + 1).expect("few");
        Migration::new(
            version,
            "test".into(),
            MigrationType::Simple,
            sqlx::SqlSafeStr::into_sql_str(*sql),
            false,
        )
    };
    Migrator { migrations: sql.iter().enumerate().map(one).collect::<Vec<_>>().into(), ..Migrator::DEFAULT }
}

on_both! { Schema::Box,
    async fn a_failing_migration_leaves_the_schema_at_a_whole_step(store) {
        sqlx::query("DELETE FROM schema_migrations").execute(store.pool()).await.expect("forget");
        let bad = migrator(&["CREATE TABLE one (a BIGINT)", "CREATE TABLE two (a BIGINT); INSERT INTO nowhere VALUES (1)"]);
        let error = store.migrate_with(&bad, None).await.expect_err("must fail");
        assert!(matches!(error, StoreError::Migrate { .. }), "{error:?}");
        store.pool().execute("SELECT a FROM one").await.expect("the first step stands");
        store.pool().execute("SELECT a FROM two").await.expect_err("nothing of the second step stands");
        let good = migrator(&["CREATE TABLE one (a BIGINT)", "CREATE TABLE two (a BIGINT)"]);
        assert_eq!(store.migrate_with(&good, None).await.expect("goes on"), 1);
        assert_eq!(store.migrate_with(&good, None).await.expect("again"), 0);
    }

    async fn a_foreign_history_is_refused(store) {
        sqlx::query("DELETE FROM schema_migrations").execute(store.pool()).await.expect("forget");
        store.migrate_with(&migrator(&["CREATE TABLE one (a BIGINT)", "CREATE TABLE two (a BIGINT)"]), None)
            .await
            .expect("both");
        let older = store.migrate_with(&migrator(&["CREATE TABLE one (a BIGINT)"]), None).await;
        assert!(matches!(older, Err(StoreError::Newer { found: 2, known: 1 })), "{older:?}");
        let other = migrator(&["CREATE TABLE x (a BIGINT)", "CREATE TABLE two (a BIGINT)"]);
        let error = store.migrate_with(&other, None).await.expect_err("must refuse");
        assert!(matches!(error, StoreError::Changed { .. }), "{error:?}");
    }

    async fn a_dropped_transaction_leaves_nothing(store) {
        let mut tx = store.begin().await.expect("begin");
        sqlx::query("UPDATE audit_head SET seq = 9").execute(&mut *tx).await.expect("update");
        drop(tx);
        let (seq,): (i64,) =
            sqlx::query_as("SELECT seq FROM audit_head").fetch_one(store.pool()).await.expect("select");
        assert_eq!(seq, 0);
        store.check().await.expect("whole");
    }

    async fn writers_that_read_first_take_turns(store) {
        let tasks: Vec<_> = (0..20).map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut tx = store.begin().await.expect("begin");
                let (seq,): (i64,) = sqlx::query_as("UPDATE audit_head SET seq = seq + 1 RETURNING seq")
                    .fetch_one(&mut *tx).await.expect("update");
                tx.commit().await.expect("commit");
                seq
            })
        }).collect();
        let mut seen = Vec::new();
        for task in tasks {
            seen.push(task.await.expect("task"));
        }
        seen.sort_unstable();
        assert_eq!(seen, (1..=20).collect::<Vec<i64>>());
    }
}

#[tokio::test]
async fn a_snapshot_is_taken_before_an_existing_database_changes() {
    let dir = dir();
    let store = Store::open_sqlite(&dir.path().join("a.db"), &test_key()).await.expect("open");
    let snapshots = dir.path().join("snapshots");
    let one = ["CREATE TABLE one (a BIGINT)"];
    store.migrate_with(&migrator(&one), Some(&snapshots)).await.expect("first");
    assert!(!snapshots.exists(), "a new database needs none");
    let two = ["CREATE TABLE one (a BIGINT)", "CREATE TABLE two (a BIGINT)"];
    store.migrate_with(&migrator(&two), Some(&snapshots)).await.expect("second");
    assert_eq!(fs::read_dir(&snapshots).expect("list").count(), 1);
}
