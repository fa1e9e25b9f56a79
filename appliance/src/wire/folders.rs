//! The box's own folders: made when they are not there, and used only when nobody else could have put anything in.

use std::{
    fs,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _},
    path::Path,
};

use anyhow::{Context as _, bail};

/// The supervisor's own folder is for root alone; `run` and `services` are passed through by services' users.
pub(super) fn own(box_dir: &Path) -> anyhow::Result<()> {
    for (name, mode) in [("", 0o755), ("supervisor", 0o700), ("run", 0o755), ("services", 0o755)] {
        let path = if name.is_empty() { box_dir.to_owned() } else { box_dir.join(name) };
        fs::DirBuilder::new()
            .recursive(true)
            .mode(mode)
            .create(&path)
            .with_context(|| format!("cannot make {}", path.display()))?;
        check(&path)?;
    }
    // A backup that was put back may have left it readable.
    let supervisor = box_dir.join("supervisor");
    fs::set_permissions(&supervisor, fs::Permissions::from_mode(0o700))
        .with_context(|| format!("cannot close {} to others", supervisor.display()))
}

/// Refuses a folder in which somebody else could have put something before us, or could now.
pub(super) fn check(path: &Path) -> anyhow::Result<()> {
    let found = fs::symlink_metadata(path).with_context(|| format!("cannot look at {}", path.display()))?;
    let us = rustix::process::geteuid().as_raw();
    let shown = path.display();
    if !found.is_dir() {
        bail!(
            "{shown} is a link or a file, not a folder: whoever made it decides where the box's secrets go. Nothing was started. Name the real folder with --box, or remove it"
        );
    }
    if found.uid() != us {
        bail!(
            "{shown} belongs to user {}, who could change what lies in it. Nothing was started. If it is the box's, \
             give it to the box's user: `chown {us} {shown}`",
            found.uid()
        );
    }
    if found.mode() & 0o022 != 0 {
        bail!(
            "{shown} can be written by other users. Nothing was started. Look whether anything in it is not the box's, then close it: `chmod go-w {shown}`"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("rights");
    }

    #[test]
    fn a_folder_that_others_can_write_or_have_made_is_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        own(dir.path()).expect("a fresh one is fine");
        own(dir.path()).expect("and again");
        for name in ["", "supervisor", "run", "services"] {
            let path = dir.path().join(name);
            mode(&path, 0o777);
            assert!(own(dir.path()).expect_err("open").to_string().contains("written by other"), "{name}");
            mode(&path, 0o755);
        }
        own(dir.path()).expect("closed again");
        let kept = fs::metadata(dir.path().join("supervisor")).expect("there").mode() & 0o777;
        assert_eq!(kept, 0o700, "the supervisor's own is closed even to looks");
    }

    #[test]
    fn a_link_in_the_place_of_a_folder_is_refused() {
        let (dir, trap) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        std::os::unix::fs::symlink(trap.path(), dir.path().join("supervisor")).expect("a link");
        assert!(own(dir.path()).expect_err("a link").to_string().contains("is a link"));
    }

    #[test]
    fn a_folder_of_somebody_else_is_refused() {
        if !rustix::process::geteuid().is_root() {
            return; // only root can give a folder away
        }
        let dir = tempfile::tempdir().expect("a folder");
        std::os::unix::fs::chown(dir.path(), Some(64_290), None).expect("given away");
        assert!(own(dir.path()).expect_err("another's").to_string().contains("belongs to user 64290"));
    }
}
