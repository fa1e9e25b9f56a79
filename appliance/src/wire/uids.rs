//! Which box has which hundred user ids: two boxes that shared some could read each other's secrets.
//!
//! One file for each box, named after its first id and holding the box's folder. A box that is gone gives its
//! hundred back by being gone.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use rustix::fs::{FlockOperation, flock};

/// Where they are registered; root's.
pub(super) const REGISTRY: &str = "/var/lib/flashnode-uids";

/// How many ids a box has.
const HUNDRED: u32 = 100;

/// Registers the hundred from `base` on for the box in `box_dir`; refuses when another box has any of it.
pub(super) fn register(registry: &Path, base: u32, box_dir: &Path) -> anyhow::Result<()> {
    let at = || format!("the register of user ids in {}", registry.display());
    fs::DirBuilder::new().recursive(true).mode(0o755).create(registry).with_context(at)?;
    super::folders::check(registry)?;
    let box_dir = box_dir.canonicalize().with_context(at)?;
    let turn = fs::File::open(registry).with_context(at)?;
    flock(&turn, FlockOperation::LockExclusive).with_context(at)?;
    for (theirs, folder) in entries(registry).with_context(at)? {
        let file = registry.join(theirs.to_string());
        if folder == box_dir || !folder.is_dir() {
            fs::remove_file(&file).with_context(at)?; // ours is written again below
        } else if theirs.abs_diff(base) < HUNDRED {
            bail!(
                "the user ids from {base} on belong to the box in {}, and two boxes that share user ids can read each \
                 other's secrets. Nothing was started. Give this box another `uid_base` in flashnode.toml, such as {}",
                folder.display(),
                free(registry).with_context(at)?
            );
        }
    }
    let file = registry.join(base.to_string());
    let mut out =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o644).open(&file).with_context(at)?;
    out.write_all(box_dir.to_string_lossy().as_bytes()).with_context(at)?;
    out.sync_all().with_context(at)
}

/// Who has registered what: first id and folder.
fn entries(registry: &Path) -> std::io::Result<Vec<(u32, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(registry)?.flatten() {
        if let Some(base) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
            found.push((base, PathBuf::from(fs::read_to_string(entry.path())?.trim_end())));
        }
    }
    Ok(found)
}

fn free(registry: &Path) -> std::io::Result<u32> {
    let taken = entries(registry)?;
    let fits = |base: &u32| taken.iter().all(|(theirs, _)| theirs.abs_diff(*base) >= HUNDRED);
    Ok((70_000..95_000).step_by(100).find(fits).unwrap_or(95_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_boxes_never_share_a_user_id() {
        let dir = tempfile::tempdir().expect("a folder");
        let registry = dir.path().join("uids");
        let folder = |name: &str| {
            let path = dir.path().join(name);
            fs::create_dir_all(&path).expect("a folder");
            path
        };
        let (one, two) = (folder("one"), folder("two"));
        register(&registry, 70_000, &one).expect("the first");
        register(&registry, 70_000, &one).expect("the same again");
        for base in [69_901, 70_000, 70_099] {
            let error = register(&registry, base, &two).expect_err("taken").to_string();
            assert!(error.contains("/one") && error.contains("70100"), "{error}");
        }
        register(&registry, 70_100, &two).expect("beside it");
        register(&registry, 70_200, &one).expect("it moves");
        register(&registry, 70_000, &two).expect("and what it had is free");
        fs::remove_dir(&two).expect("gone");
        register(&registry, 70_000, &one).expect("a box that is gone has nothing");
    }
}
