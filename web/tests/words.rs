//! Words: every message in all three languages, every key that is used exists, no sentence hides in a template.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use flashnode_web::{i18n::Lang, parts::alarm};

fn files(dir: &str, end: &str) -> Vec<PathBuf> {
    fn walk(dir: &Path, end: &str, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, end, found);
            } else if path.to_string_lossy().ends_with(end) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join(dir), end, &mut found);
    assert!(!found.is_empty(), "{dir}");
    found
}

fn text(dir: &str, end: &str) -> String {
    files(dir, end).iter().map(|path| fs::read_to_string(path).expect("text")).collect::<Vec<_>>().join("\n")
}

/// Every key with the arguments it takes.
fn messages(lang: Lang) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut key = String::new();
    for line in text(&format!("locales/{}", lang.tag()), ".ftl").lines() {
        if let Some((name, _)) =
            line.split_once(" =").filter(|_| line.starts_with(|c: char| c.is_ascii_lowercase()))
        {
            key = name.to_owned();
            assert!(
                found.insert(key.clone(), BTreeSet::new()).is_none(),
                "{key} stands twice in {}",
                lang.tag()
            );
        }
        for part in line.split('$').skip(1) {
            let name = part.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
            found.entry(key.clone()).or_default().insert(name.to_owned());
        }
    }
    found
}

#[test]
fn every_message_exists_in_all_three_languages_with_the_same_arguments() {
    let english = messages(Lang::En);
    assert!(english.len() > 400, "{}", english.len());
    for lang in [Lang::PtBr, Lang::Es] {
        let other = messages(lang);
        for (key, args) in &english {
            assert_eq!(other.get(key), Some(args), "{key} in {}", lang.tag());
        }
        assert_eq!(other.len(), english.len(), "{} has messages of its own", lang.tag());
    }
}

#[test]
fn every_key_that_is_used_exists() {
    let all = text("templates", ".html") + &text("src", ".rs");
    let mut used = BTreeSet::new();
    for call in ["f.t(\"", "f.t1(\"", "f.t2(\"", "lang.get(\"", "lang.with(\"", "frame.t1(\"", "key: \""] {
        used.extend(all.split(call).skip(1).filter_map(|rest| rest.split('"').next()));
    }
    for item in all.split("nav::item(f, ").skip(1) {
        used.extend(item.split('"').nth(5));
    }
    assert!(used.len() > 250, "{}", used.len());
    for key in used.iter().filter(|key| !key.contains('{')) {
        assert!(Lang::En.has(key), "'{key}' is used and does not exist");
    }
}

#[test]
fn families_of_messages_are_complete() {
    let mut keys: Vec<String> = Vec::new();
    for kind in alarm::KINDS {
        keys.push(format!("alarm-{}", alarm::word(kind)));
        keys.push(format!("alarm-{}-advice", alarm::word(kind)));
    }
    for status in ["401", "403", "404", "405", "409", "413", "415", "421", "422", "429", "500", "503"] {
        keys.push(format!("error-title-{status}"));
    }
    for network in flashnode_core::types::Network::ALL {
        keys.extend([
            format!("network-{network}"),
            format!("network-{network}-hint"),
            format!("network-short-{network}"),
        ]);
    }
    for word in ["start", "stop", "restart", "rebuild"] {
        keys.extend([format!("ask-{word}"), format!("ask-{word}-effect"), format!("ask-{word}-do")]);
    }
    for word in ["good", "loading", "starting", "bad", "alarms", "rescue", "silent"] {
        keys.extend([format!("overview-{word}"), format!("overview-{word}-more")]);
    }
    for family in
        ["about", "credential", "error", "error-title", "network", "network-short", "note", "source", "stops"]
    {
        keys.push(format!("{family}-other"));
    }
    for month in 1..=12 {
        keys.push(format!("month-{month}"));
    }
    let src = text("src", ".rs");
    let failures =
        src.split("Failure::Status(StatusCode::").skip(1).filter_map(|rest| rest.split(')').next());
    let words: Vec<&str> = failures.filter_map(|pair| pair.split('"').nth(1)).collect();
    assert!(words.len() > 10, "{words:?}");
    keys.extend(words.iter().map(|word| format!("error-{word}")));
    for key in keys {
        assert!(Lang::En.has(&key), "{key}");
    }
}

/// The keys by which core's errors are translated.
#[test]
fn every_keyed_error_of_core_is_translated() {
    let core = text("../appliance/core/src", ".rs");
    let keys: BTreeSet<&str> =
        core.split("keyed(\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(keys.len() > 20, "{keys:?}");
    for key in keys {
        assert!(Lang::Es.has(key), "{key} has no translation");
    }
}

/// What may stand in a template without being a message: names of our own and of programs, and two classes.
const NAMES: [&str; 10] = [
    "narrow",
    "wide",
    "Flashnode",
    "English",
    "Português",
    "Español",
    "Bitcoin Knots",
    "Bitcoin Core",
    "Gallery",
    "doctype html",
];

#[test]
fn no_sentence_hides_in_a_template() {
    for path in files("templates", ".html") {
        let name = path.to_string_lossy().into_owned();
        if name.ends_with("gallery.html") {
            continue; // names of parts, for us
        }
        let mut rest = fs::read_to_string(&path).expect("a template");
        for (open, close) in [("{%", "%}"), ("{{", "}}"), ("<", ">")] {
            while let Some((before, after)) = rest.split_once(open) {
                let after = after.split_once(close).map_or("", |(_, after)| after).to_owned();
                rest = format!("{before} {after}");
            }
        }
        for known in NAMES {
            rest = rest.replace(known, "");
        }
        let words: Vec<&str> =
            rest.split_whitespace().filter(|w| w.chars().filter(|c| c.is_alphabetic()).count() > 1).collect();
        assert!(words.is_empty(), "{name}: {words:?}");
        let attributes = fs::read_to_string(&path).expect("a template");
        for attribute in ["aria-label=\"", "placeholder=\"", "title=\"", "alt=\""] {
            for value in attributes.split(attribute).skip(1).filter_map(|r| r.split('"').next()) {
                assert!(value.starts_with("{{"), "{name}: {attribute}{value}");
            }
        }
        assert!(attributes.lines().count() <= 100, "{name} is too long");
    }
}
