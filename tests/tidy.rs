//! The rules of the house that no compiler checks (design: invariants). Reads files as text; runs nothing.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

fn files(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() && !["node_modules", "target"].contains(&name.as_str()) {
            found.extend(files(&path, ending));
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The code of a file without its tests and comments.
fn code(path: &Path) -> String {
    let text = read(path);
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn is_test(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    name == "tests.rs" || name.ends_with("_tests.rs") || path.components().any(|c| c.as_os_str() == "tests")
}

#[test]
fn core_knows_no_foreign_client_library() {
    for path in files(&root().join("appliance/core/src"), ".rs") {
        let code = code(&path);
        for word in ["bollard", "tonic", "axum", "askama", "reqwest", "hyper::", "nostr::", "cdk::"] {
            assert!(!code.contains(word), "{} names {word}", path.display());
        }
    }
    let manifest = read(&root().join("appliance/core/Cargo.toml"));
    for word in ["bollard", "tonic", "axum", "askama", "reqwest", "hyper", "nostr", "cdk"] {
        assert!(!manifest.lines().any(|l| l.starts_with(word)), "core depends on {word}");
    }
}

#[test]
fn pages_reach_nothing_but_core() {
    let manifest = read(&root().join("web/Cargo.toml"));
    for word in ["flashnode.workspace", "sqlx", "bollard", "reqwest", "tonic", "fedimint"] {
        assert!(!manifest.lines().any(|l| l.starts_with(word)), "web depends on {word}");
    }
}

#[test]
fn only_wire_constructs_adapters() {
    for path in files(&root().join("appliance/src"), ".rs") {
        let relative = path.strip_prefix(root()).expect("inside").display().to_string();
        if relative.ends_with("src/wire.rs") || relative.contains("/adapters") || is_test(&path) {
            continue;
        }
        let code = code(&path);
        for word in [
            "DockerRuntime::",
            "ProcessRuntime::",
            "LocalDoors::",
            "Bitcoind::new",
            "Lnd::new",
            "Postgres::new",
        ] {
            assert!(!code.contains(word), "{relative} constructs an adapter: {word}");
        }
    }
}

#[test]
fn what_decides_is_pure() {
    for path in files(&root().join("appliance"), ".rs") {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let pure = ["plan.rs", "policy.rs", "history.rs", "rotation.rs"].contains(&name.as_str());
        if pure && !path.components().any(|c| c.as_os_str() == "target") {
            let code = code(&path);
            for word in [
                "async ",
                ".await",
                "dyn Runtime",
                "dyn Bitcoin",
                "dyn Lightning",
                "sqlx",
                "std::fs",
                "SystemClock",
            ] {
                assert!(!code.contains(word), "{} decides and also acts: {word}", path.display());
            }
        }
    }
}

#[test]
fn a_features_sql_stays_in_its_store() {
    for path in files(&root().join("appliance/core/src"), ".rs") {
        let relative = path.strip_prefix(root()).expect("inside").display().to_string();
        let store = relative.contains("/store") || is_test(&path) || relative.ends_with("node/secrets.rs");
        if !store {
            assert!(!code(&path).contains("sqlx::query"), "{relative} holds SQL outside a store");
        }
    }
}

#[test]
fn every_file_says_what_it_owns() {
    for folder in ["appliance", "web/src", "tests"] {
        for path in files(&root().join(folder), ".rs") {
            assert!(read(&path).starts_with("//!"), "{} does not begin with //!", path.display());
        }
    }
}

#[test]
fn nothing_is_left_half_done() {
    for folder in ["appliance", "web/src"] {
        for path in files(&root().join(folder), ".rs") {
            let text = read(&path);
            for word in ["todo!(", "unimplemented!(", "dbg!(", "#[ignore]"] {
                assert!(!text.contains(word), "{}: {word}", path.display());
            }
        }
    }
}

/// Message keys of a Fluent file: `key = …` at the start of a line.
fn keys(text: &str) -> BTreeSet<String> {
    let key = |line: &str| line.split_once(" =").map(|(key, _)| key.to_owned());
    text.lines().filter(|l| l.starts_with(|c: char| c.is_ascii_alphabetic())).filter_map(key).collect()
}

#[test]
fn every_message_exists_in_all_three_languages() {
    let locales = root().join("web/locales");
    let english = files(&locales.join("en"), ".ftl");
    assert!(!english.is_empty(), "there are messages");
    for path in english {
        let name = path.file_name().unwrap_or_default().to_owned();
        for language in ["pt-BR", "es"] {
            let other = locales.join(language).join(&name);
            assert_eq!(keys(&read(&path)), keys(&read(&other)), "{}", other.display());
        }
    }
}

#[test]
fn no_page_has_inline_style_or_script() {
    for path in files(&root().join("web/templates"), ".html") {
        let text = read(&path);
        assert!(!text.contains("style=\""), "{} has an inline style", path.display());
        assert!(
            !text.contains(" onclick=") && !text.contains("javascript:"),
            "{} has inline script",
            path.display()
        );
        for (place, _) in text.match_indices("<script") {
            assert!(
                text[place..].split('>').next().is_some_and(|tag| tag.contains("src=")),
                "{} has an inline script",
                path.display()
            );
        }
    }
}

#[test]
fn templates_and_files_stay_small() {
    for path in files(&root().join("web/templates"), ".html") {
        let lines = read(&path).lines().count();
        assert!(lines <= 140, "{} has {lines} lines", path.display());
    }
    for folder in ["appliance", "web/src", "tests"] {
        for path in files(&root().join(folder), ".rs") {
            let lines = read(&path).lines().count();
            assert!(lines <= 500, "{} has {lines} lines: split it", path.display());
        }
    }
}

#[test]
fn the_top_level_is_the_fixed_one() {
    let fixed = [
        "Cargo.toml",
        "Cargo.lock",
        "README.md",
        "LICENSE",
        "appliance",
        "web",
        "images",
        "compose",
        "nix",
        "systemd",
        "tests",
        "target",
    ];
    for entry in fs::read_dir(root()).expect("the workspace").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(
            name.starts_with('.') || fixed.contains(&name.as_str()),
            "{name} is not part of the top level"
        );
    }
}
