//! Free space where the box keeps its data, and whether that disk is encrypted.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use flashnode_core::control::{DiskView, Finding};

use super::finding;

/// Indexers are stopped below this many bytes free, or below a twentieth of a small disk.
const WATERMARK: u64 = 5 << 30;

/// Layers of device mapper, RAID and partitions that are followed down to the disk.
const LAYERS: usize = 8;

/// Space on the disk that holds `path`.
pub fn space(path: &Path) -> std::io::Result<DiskView> {
    let stat = rustix::fs::statvfs(path)?;
    Ok(DiskView { free: stat.f_bavail * stat.f_frsize, total: stat.f_blocks * stat.f_frsize })
}

/// `encryption`: whether an open disk is worth a word; on a test network it is not.
pub fn examine(box_dir: &Path, encryption: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    match space(box_dir) {
        Ok(view) => findings.extend(full(view)),
        Err(error) => findings.push(finding(
            "disk",
            true,
            format!("The box's folder {} cannot be looked at: {error}.", box_dir.display()),
            "Check that the disk is mounted and that this user may read it.",
        )),
    }
    if encryption
        && fs::metadata(box_dir).ok().and_then(|m| encrypted(Path::new("/sys/dev/block"), m.dev()))
            == Some(false)
    {
        findings.push(finding(
            "encryption",
            false,
            "The disk with the box's data is not encrypted: whoever takes the disk can read everything but the keys.",
            "Keep the machine where you trust everybody, or set it up again on a LUKS volume.",
        ));
    }
    findings
}

fn full(view: DiskView) -> Option<Finding> {
    let mark = WATERMARK.min(view.total / 20);
    (view.free < mark).then(|| {
        finding(
            "disk",
            true,
            format!("Only {} MiB of disk are free; indexers stop below {} MiB.", view.free >> 20, mark >> 20),
            "Make room on this disk, or move the box's folder to a larger one. What was stopped comes back by itself.",
        )
    })
}

/// Whether a dm-crypt layer lies below this device; `None` when the device cannot be told (overlay, ZFS, btrfs).
fn encrypted(sys: &Path, dev: u64) -> Option<bool> {
    let (major, minor) = (rustix::fs::major(dev), rustix::fs::minor(dev));
    if major == 0 {
        return None; // an anonymous device has no entry
    }
    let device = fs::canonicalize(sys.join(format!("{major}:{minor}"))).ok()?;
    Some(crypt_below(&device, LAYERS))
}

fn crypt_below(device: &Path, layers: usize) -> bool {
    let uuid = fs::read_to_string(device.join("dm/uuid")).unwrap_or_default();
    if uuid.starts_with("CRYPT-") {
        return true;
    }
    let Some(layers) = layers.checked_sub(1) else { return false };
    let below: Vec<PathBuf> = if device.join("partition").exists() {
        device.parent().map(Path::to_owned).into_iter().collect()
    } else {
        let slaves = fs::read_dir(device.join("slaves")).into_iter().flatten().flatten();
        slaves.filter_map(|entry| fs::canonicalize(entry.path()).ok()).collect()
    };
    !below.is_empty() && below.iter().all(|device| crypt_below(device, layers))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_filled_disk_is_named_and_a_roomy_one_is_not() {
        let gib = 1 << 30;
        assert!(full(DiskView { free: 50 * gib, total: 1000 * gib }).is_none());
        assert!(full(DiskView { free: 4 * gib, total: 1000 * gib }).is_some_and(|f| f.severe));
        assert!(full(DiskView { free: gib, total: 8 * gib }).is_none(), "a small disk has a smaller mark");
    }

    #[test]
    fn space_is_that_of_a_real_disk() {
        let view = space(Path::new("/")).expect("the root has space");
        assert!(view.total > 0 && view.free <= view.total, "{view:?}");
    }

    /// A logical volume on LUKS on a partition, and a bare partition beside it, as sysfs shows them.
    #[test]
    fn encryption_is_found_through_the_layers() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let at = |name: &str| dir.path().join(name);
        for made in ["dm-1/dm", "dm-1/slaves", "dm-0/dm", "dm-0/slaves", "sda/sda1", "block"] {
            fs::create_dir_all(at(made)).expect("made");
        }
        fs::write(at("dm-1/dm/uuid"), "LVM-abc").expect("written");
        fs::write(at("dm-0/dm/uuid"), "CRYPT-LUKS2-abc").expect("written");
        fs::write(at("sda/sda1/partition"), "1").expect("written");
        symlink(at("dm-0"), at("dm-1/slaves/dm-0")).expect("linked");
        symlink(at("dm-1"), at("block/254:1")).expect("linked");
        symlink(at("sda/sda1"), at("block/8:1")).expect("linked");
        let dev = rustix::fs::makedev;
        assert_eq!(encrypted(&at("block"), dev(254, 1)), Some(true));
        assert_eq!(encrypted(&at("block"), dev(8, 1)), Some(false));
        assert_eq!(encrypted(&at("block"), dev(0, 42)), None);
        assert_eq!(encrypted(&at("block"), dev(9, 9)), None);
    }
}
