//! Opening encrypted SQLite files: the key first, then how we want it to behave, then whether it is whole.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{
    AnyConnection, AnyPool, AssertSqlSafe, ConnectOptions, Connection, Executor,
    any::{AnyConnectOptions, AnyPoolOptions},
};

use super::{DbKey, StoreError};

/// What every connection is told after its key. WAL with FULL: a commit that was answered survives a power cut.
const BEHAVIOUR: &str = "PRAGMA busy_timeout = 15000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
     PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;";

/// A pool over a file that exists, checked.
pub(super) async fn open(path: &Path, key: &DbKey, connections: u32) -> Result<AnyPool, StoreError> {
    if file(path, fs::metadata(path))?.len() == 0 {
        // SQLite would take an empty file for a new database, and a lost one would go unnoticed.
        return Err(StoreError::Damaged { path: path.to_owned(), source: "the file is empty".into() });
    }
    let options = options(path)?;
    // First alone: a pool would try a damaged file again and again until its time is over.
    let mut first = options.connect().await?;
    let checked = match prepare(&mut first, key).await {
        Ok(()) => verify(&mut first, path).await,
        Err(error) => Err(judge(path, error)),
    };
    first.close().await?;
    checked?;
    let key = key.clone();
    let pool = AnyPoolOptions::new()
        .max_connections(connections)
        .idle_timeout(Duration::from_secs(60))
        .test_before_acquire(false)
        .after_connect(move |connection, _| {
            let key = key.clone();
            Box::pin(async move { prepare(connection, &key).await })
        })
        .connect_lazy_with(options);
    Ok(pool)
}

/// Makes an empty encrypted database. It grows under another name and moves into place whole,
/// so that a file under the right name is either complete or damaged, never half made.
pub(super) async fn create(path: &Path, key: &DbKey) -> Result<(), StoreError> {
    let fresh = sibling(path, ".new");
    for leftover in [fresh.clone(), sibling(&fresh, "-wal"), sibling(&fresh, "-shm")] {
        remove(&leftover)?;
    }
    empty_file(&fresh)?;
    let mut connection = options(&fresh)?.connect().await?;
    prepare(&mut connection, key).await?;
    connection.execute("PRAGMA user_version = 1").await?;
    connection.close().await?;
    put_in_place(&fresh, path)
}

/// Reads every page; each has to match its authentication code and the tree it belongs to.
pub(super) async fn verify(connection: &mut AnyConnection, path: &Path) -> Result<(), StoreError> {
    let answer: Result<(String,), _> = sqlx::query_as("PRAGMA quick_check(1)").fetch_one(connection).await;
    match answer {
        Ok((word,)) if word == "ok" => Ok(()),
        Ok((problem,)) => Err(StoreError::Damaged { path: path.to_owned(), source: problem.into() }),
        Err(error) => Err(judge(path, error)),
    }
}

fn options(path: &Path) -> Result<AnyConnectOptions, StoreError> {
    sqlx::any::install_default_drivers();
    let options: AnyConnectOptions = url(path)?.parse()?;
    // A logged statement would be the key itself.
    Ok(options.disable_statement_logging())
}

async fn prepare(connection: &mut AnyConnection, key: &DbKey) -> Result<(), sqlx::Error> {
    let unlock = zeroize::Zeroizing::new(format!("PRAGMA key = \"x'{}'\"", hex::encode(key.expose())));
    connection.execute(AssertSqlSafe(unlock.as_str())).await?;
    connection.execute(BEHAVIOUR).await?;
    Ok(())
}

/// Tells damage from everything else. SQLCipher reports a page that fails authentication
/// as "not a database" (26), "malformed" (11), and deep in a statement as 1 or 7.
fn judge(path: &Path, error: sqlx::Error) -> StoreError {
    let code = error.as_database_error().and_then(|e| e.code()).and_then(|code| code.parse::<i32>().ok());
    match code.map(|code| (code, code & 0xff)) {
        Some((_, 1 | 7 | 11 | 26)) | Some((522, _)) => {
            StoreError::Damaged { path: path.to_owned(), source: Box::new(error) }
        }
        _ => StoreError::Database(error),
    }
}

/// `sqlite://` with every byte that a URL could misread escaped.
fn url(path: &Path) -> Result<String, StoreError> {
    let text = path.to_str().ok_or_else(|| StoreError::Path(path.to_owned()))?;
    let mut url = String::from("sqlite://");
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
    url.push_str("?mode=rw");
    Ok(url)
}

/// `path` with `ending` behind its whole name.
pub(super) fn sibling(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Makes an empty file that only we can read; SQLite's journals take the same mode.
pub(super) fn empty_file(path: &Path) -> Result<(), StoreError> {
    let made = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    file(path, made).map(drop)
}

/// Moves a finished file to its place, durably.
pub(super) fn put_in_place(from: &Path, to: &Path) -> Result<(), StoreError> {
    file(from, File::open(from).and_then(|f| f.sync_all()))?;
    file(to, fs::rename(from, to))?;
    let folder = to.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    file(folder, File::open(folder).and_then(|f| f.sync_all()))
}

/// Removes a file that may not be there.
pub(super) fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(StoreError::File { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// Names the file in an I/O error.
pub(super) fn file<T>(path: &Path, result: std::io::Result<T>) -> Result<T, StoreError> {
    result.map_err(|source| StoreError::File { path: path.to_owned(), source })
}
