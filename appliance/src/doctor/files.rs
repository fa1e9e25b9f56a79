//! Certificates near their end, and files with secrets that others can read.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::SystemTime,
};

use flashnode_core::{control::Finding, types::Timestamp};

use super::finding;
use crate::tls::leaf;

/// The box's own authorities, and the certificate that the pages use now.
pub fn certificates(box_dir: &Path, now: Timestamp) -> Vec<Finding> {
    let authorities = authorities(box_dir).into_iter().filter(|path| has_end(path, "crt"));
    let leaves = folders(&box_dir.join("services/app/specs"));
    let newest =
        leaves.into_iter().map(|dir| dir.join("tls.crt")).filter(|p| p.exists()).max_by_key(|p| changed(p));
    authorities.chain(newest).filter_map(|path| near_end(&path, now)).collect()
}

/// Files of the authorities: one folder each.
fn authorities(box_dir: &Path) -> Vec<PathBuf> {
    folders(&box_dir.join("supervisor/ca")).iter().flat_map(|dir| files(dir)).collect()
}

fn near_end(path: &Path, now: Timestamp) -> Option<Finding> {
    let pem = fs::read_to_string(path).ok()?;
    if !leaf::due(&pem, now) {
        return None;
    }
    let end = leaf::expires(&pem)
        .map_or_else(|_| "cannot be read".to_owned(), |end| format!("ends {}", end.rfc3339()));
    Some(finding(
        "certificates",
        true,
        format!("The certificate {} {end}.", path.display()),
        "Restart the supervisor: it makes a new one. If it does not, check that the clock is right.",
    ))
}

/// Key files, databases and services' settings that anybody but their owner can open.
pub fn permissions(box_dir: &Path) -> Vec<Finding> {
    let supervisor = box_dir.join("supervisor");
    let mut secret = vec![supervisor.clone()];
    secret.extend(files(&supervisor));
    secret.extend(files(&supervisor.join("keys")));
    secret.extend(authorities(box_dir).into_iter().filter(|path| has_end(path, "key")));
    for service in folders(&box_dir.join("services")) {
        secret.extend(folders(&service.join("specs")).iter().flat_map(|spec| files(spec)));
    }
    secret.iter().filter(|path| open_to_others(path)).map(|path| too_open(path)).collect()
}

fn too_open(path: &Path) -> Finding {
    let bits = if path.is_dir() { "700" } else { "400" };
    finding(
        "permissions",
        true,
        format!("{} holds secrets, and other users of this machine can open it.", path.display()),
        format!(
            "Close it: `chmod {bits} {}`. Then rotate the credentials in it: `flashnode edges`.",
            path.display()
        ),
    )
}

fn open_to_others(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|m| !m.is_symlink() && m.permissions().mode() & 0o077 != 0)
}

fn has_end(path: &Path, end: &str) -> bool {
    path.extension().is_some_and(|found| found == end)
}

fn changed(path: &Path) -> SystemTime {
    fs::metadata(path).and_then(|m| m.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
}

fn files(dir: &Path) -> Vec<PathBuf> {
    entries(dir, false)
}

fn folders(dir: &Path) -> Vec<PathBuf> {
    entries(dir, true)
}

fn entries(dir: &Path, folders: bool) -> Vec<PathBuf> {
    let all = fs::read_dir(dir).into_iter().flatten().flatten();
    all.filter(|entry| entry.file_type().is_ok_and(|t| t.is_dir() == folders && !t.is_symlink()))
        .map(|entry| entry.path())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::{Ca, Constraints};

    fn close(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("rights");
    }

    fn a_box() -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let spec = dir.path().join("services/lnd/specs/abc");
        fs::create_dir_all(&spec).expect("made");
        fs::create_dir_all(dir.path().join("supervisor/keys")).expect("made");
        close(&dir.path().join("supervisor"), 0o700);
        fs::write(spec.join("lnd.conf"), "x").expect("written");
        close(&spec.join("lnd.conf"), 0o400);
        fs::write(dir.path().join("supervisor/keys/slots.json"), "x").expect("written");
        close(&dir.path().join("supervisor/keys/slots.json"), 0o400);
        Ca::load_or_create(&dir.path().join("supervisor/ca/pages"), "pages", &Constraints::inner(&[]))
            .expect("made");
        dir
    }

    #[test]
    fn a_healthy_box_has_no_finding() {
        let dir = a_box();
        assert_eq!(permissions(dir.path()), vec![]);
        assert_eq!(certificates(dir.path(), Timestamp(jiff::Timestamp::now().as_millisecond())), vec![]);
    }

    #[test]
    fn every_open_file_is_named() {
        let dir = a_box();
        let opened = [
            "services/lnd/specs/abc/lnd.conf",
            "supervisor/keys/slots.json",
            "supervisor/ca/pages/pages.key",
        ];
        for path in opened {
            close(&dir.path().join(path), 0o440);
        }
        let found = permissions(dir.path());
        assert_eq!(found.len(), opened.len(), "{found:?}");
        assert!(opened.iter().all(|path| found.iter().any(|f| f.problem.contains(path))), "{found:?}");
    }

    #[test]
    fn a_certificate_near_its_end_is_named() {
        let dir = a_box();
        let later = jiff::Timestamp::now().as_millisecond() + 20 * 365 * 86_400_000;
        let found = certificates(dir.path(), Timestamp(later));
        assert!(found.len() == 1 && found[0].problem.contains("pages.crt"), "{found:?}");
    }
}
