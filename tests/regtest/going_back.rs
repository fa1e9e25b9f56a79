//! A broken version of each daemon: it is tried, taken back by itself, and the reason is kept.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use flashnode_tests::{TestBox, images};
use serde_json::Value;

/// Service, the program in its root, and the folder of its recipe.
const DAEMONS: [(&str, &str, &str); 3] = [
    ("electrs", "usr/local/bin/electrs", "electrs"),
    ("lnd", "usr/local/bin/lnd", "lnd"),
    ("bitcoind", "usr/bin/bitcoind", "bitcoind"),
];

#[test]
fn a_broken_version_of_each_daemon_is_taken_back() {
    let mut one = TestBox::new("back", "process", "playground = false");
    let own = one.dir.join("images");
    for (_, _, recipe) in DAEMONS {
        adopt_newest(recipe, &own);
    }
    one.use_images(&own);
    one.start();
    one.set_up(&[]);
    one.wait_good(300);
    for (service, program, recipe) in DAEMONS {
        let before = one.line(service)["version"].clone();
        break_newest(&own, recipe, program);
        one.json(&["apply", "--update", service, "--yes"]);
        one.until(120, "the change is taken back", |b| !b.json(&["services", service])["reverted"].is_null());
        one.wait_good(180);
        let view = one.json(&["services", service]);
        assert!(view["reverted"].as_str().is_some_and(|why| why.contains("times in a row")), "{view}");
        assert!(one.json(&["alerts"]).to_string().contains("reverted"), "{service}");
        assert_ne!(before, Value::Null);
    }
}

/// The newest finished build of a recipe, linked into the box's own folder of images.
fn adopt_newest(recipe: &str, own: &Path) {
    let builds = fs::read_dir(images().join(recipe)).expect("built").flatten().map(|e| e.path());
    let finished = builds.filter(|p| p.join("meta.json").exists());
    let newest = finished.max_by_key(|p| fs::metadata(p.join("meta.json")).and_then(|m| m.modified()).ok());
    let newest = newest.expect("images/build.sh has run");
    let name = newest.file_name().expect("a hash").to_owned();
    fs::create_dir_all(own.join(recipe)).expect("a folder");
    std::os::unix::fs::symlink(&newest, own.join(recipe).join(name)).expect("links");
}

/// A newer build of which the program ends at once. Everything else is shared with the real one by hard links.
fn break_newest(own: &Path, recipe: &str, program: &str) {
    let real = fs::read_dir(own.join(recipe)).expect("linked").flatten().next().expect("one").path();
    let broken = own.join(recipe).join("broken");
    fs::create_dir_all(&broken).expect("a folder");
    let from = format!("{}/.", fs::canonicalize(real.join("root")).expect("real").display());
    let copied = Command::new("cp").args(["-al", &from]).arg(broken.join("root")).status().expect("cp runs");
    assert!(copied.success());
    let path = broken.join("root").join(program);
    fs::remove_file(&path).expect("was linked");
    fs::write(&path, "#!/bin/sh\necho a broken version\nexit 3\n").expect("writes");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("rights");
    let meta = format!(r#"{{"name":"{recipe}","hash":"broken","version":"99.0"}}"#);
    fs::write(broken.join("meta.json"), meta).expect("writes");
}
