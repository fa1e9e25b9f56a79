//! The vault on a real folder: what survives which missing, cut or changed file.

use std::{fs, os::unix::fs::PermissionsExt};

use super::*;

fn dir() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

const PASSPHRASE: &str = "a long recovery passphrase";

/// Answers at these positions, taken from the words themselves.
fn answers(words: &[Secret<String>], positions: &[u8]) -> Vec<(u8, Secret<String>)> {
    positions.iter().map(|p| (*p, words[usize::from(*p) - 1].clone())).collect()
}

fn confirmed(dir: &Path) -> Vault {
    let vault = Vault::create(dir).expect("create");
    let words = vault.root_words(None).expect("words");
    vault.confirm_root(&answers(&words, &[2, 9, 16, 24])).expect("confirm");
    vault
}

#[test]
fn it_opens_by_file_and_by_passphrase_to_the_same_keys() {
    let dir = dir();
    let vault = Vault::create(dir.path()).expect("create");
    let key = vault.derive("db:app");
    assert!(!vault.has_passphrase().expect("read"));
    vault.set_passphrase(&secret(PASSPHRASE)).expect("set");
    assert_eq!(Vault::open_auto(dir.path()).expect("open").derive("db:app"), key);
    assert_eq!(
        Vault::open_with_passphrase(dir.path(), &secret(PASSPHRASE)).expect("open").derive("db:app"),
        key
    );
    for (name, mode) in [("auto-unlock.key", 0o400), ("keyslots.json", 0o600), ("keyslots.copy", 0o600)] {
        let found = fs::metadata(dir.path().join(name)).expect("metadata").permissions().mode() & 0o777;
        assert_eq!(found, mode, "{name}");
    }
}

#[test]
fn a_new_passphrase_replaces_the_old_one() {
    let dir = dir();
    let vault = Vault::create(dir.path()).expect("create");
    vault.set_passphrase(&secret(PASSPHRASE)).expect("first");
    vault.set_passphrase(&secret("another recovery passphrase")).expect("second");
    let old = Vault::open_with_passphrase(dir.path(), &secret(PASSPHRASE));
    assert!(matches!(old, Err(KeysError::WrongPassphrase)));
    Vault::open_with_passphrase(dir.path(), &secret("another recovery passphrase")).expect("opens");
}

#[test]
fn without_its_auto_unlock_file_it_is_locked_and_the_passphrase_opens_it() {
    type Harm = fn(&Path);
    let harms: [(&str, Harm); 3] = [
        ("gone", |file| fs::remove_file(file).expect("remove")),
        ("cut", |file| {
            fs::remove_file(file).expect("remove");
            fs::write(file, [1; 31]).expect("write");
        }),
        ("another box's", |file| {
            fs::remove_file(file).expect("remove");
            fs::write(file, [1; 32]).expect("write");
        }),
    ];
    for (what, harm) in harms {
        let dir = dir();
        let vault = Vault::create(dir.path()).expect("create");
        vault.set_passphrase(&secret(PASSPHRASE)).expect("set");
        harm(&dir.path().join("auto-unlock.key"));
        assert!(matches!(Vault::open_auto(dir.path()), Err(KeysError::Locked(_))), "{what}");
        let opened = Vault::open_with_passphrase(dir.path(), &secret(PASSPHRASE)).expect(what);
        assert_eq!(opened.derive("x"), vault.derive("x"), "{what}");
        opened.renew_auto_unlock().expect("renew");
        assert_eq!(Vault::open_auto(dir.path()).expect(what).derive("x"), vault.derive("x"), "{what}");
    }
}

#[test]
fn damaged_keyslots_come_back_from_their_copy() {
    for content in [None, Some(&b""[..]), Some(b"{\"version\":1,"), Some(&[0; 100_000])] {
        let dir = dir();
        let vault = confirmed(dir.path());
        vault.set_passphrase(&secret(PASSPHRASE)).expect("set");
        let slots = dir.path().join("keyslots.json");
        match content {
            None => fs::remove_file(&slots).expect("remove"),
            Some(bytes) => fs::write(&slots, bytes).expect("write"),
        }
        assert!(Vault::exists(dir.path()), "a damaged vault must not be made anew");
        assert!(matches!(Vault::create(dir.path()), Err(KeysError::Exists(_))));
        assert_eq!(Vault::open_auto(dir.path()).expect("by the copy").derive("x"), vault.derive("x"));
        assert_eq!(
            fs::read(&slots).expect("healed"),
            fs::read(dir.path().join("keyslots.copy")).expect("copy")
        );
    }
}

#[test]
fn keyslots_changed_in_place_come_back_from_their_copy() {
    let dir = dir();
    let vault = Vault::create(dir.path()).expect("create");
    let slots = dir.path().join("keyslots.json");
    let text = fs::read_to_string(&slots).expect("read");
    let changed = text.replace(vault.box_id(), &"00".repeat(16));
    assert_ne!(changed, text);
    fs::write(&slots, changed).expect("write");
    let opened = Vault::open_auto(dir.path()).expect("by the copy");
    assert_eq!((opened.box_id(), opened.derive("x")), (vault.box_id(), vault.derive("x")));
    assert_eq!(fs::read_to_string(&slots).expect("healed"), text);
}

#[test]
fn a_creation_that_was_cut_off_begins_again_unless_a_root_is_there() {
    let dir = dir();
    drop(Vault::create(dir.path()).expect("create"));
    fs::remove_file(dir.path().join("keyslots.json")).expect("remove");
    fs::remove_file(dir.path().join("keyslots.copy")).expect("remove");
    let vault = Vault::create(dir.path()).expect("only the auto-unlock file had been written");
    vault.root_words(None).expect("words");
    fs::remove_file(dir.path().join("keyslots.json")).expect("remove");
    fs::remove_file(dir.path().join("keyslots.copy")).expect("remove");
    assert!(matches!(Vault::create(dir.path()), Err(KeysError::Orphaned(_))), "a root must not be orphaned");
    assert!(matches!(Vault::open_auto(dir.path()), Err(KeysError::None(_))));
}

#[test]
fn words_are_shown_until_they_are_confirmed_and_never_after() {
    let dir = dir();
    let vault = Vault::create(dir.path()).expect("create");
    assert_eq!(vault.root_state(), RootState::None);
    assert!(matches!(vault.child(Purpose::Lightning, Network::Regtest), Err(KeysError::NotConfirmed)));
    let words = vault.root_words(None).expect("words");
    let again = Vault::open_auto(dir.path()).expect("open").root_words(None).expect("the same words");
    assert_eq!(words, again);
    assert!(matches!(vault.child(Purpose::Lightning, Network::Regtest), Err(KeysError::NotConfirmed)));

    for (what, wrong) in [
        ("three words", answers(&words, &[1, 2, 3])),
        ("one word four times", answers(&words, &[1, 1, 1, 1])),
        ("no words", Vec::new()),
        ("position 0", vec![(0, secret("a")), (1, secret("a")), (2, secret("a")), (3, secret("a"))]),
        ("position 25", [answers(&words, &[1, 2, 3]), vec![(25, secret("zoo"))]].concat()),
        ("a wrong word", [answers(&words, &[1, 2, 3]), vec![(4, secret("nothing"))]].concat()),
    ] {
        assert!(matches!(vault.confirm_root(&wrong), Err(KeysError::WrongWords)), "{what}");
        assert_eq!(vault.root_state(), RootState::Pending, "{what}");
    }

    let mut right = answers(&words, &[3, 7, 11, 24]);
    right[0].1 = Secret::new(format!(" {} ", right[0].1.expose().to_uppercase()));
    vault.confirm_root(&right).expect("confirm");
    assert_eq!(vault.root_state(), RootState::Confirmed);
    assert!(matches!(vault.root_words(None), Err(KeysError::Confirmed)));
    assert!(matches!(vault.confirm_root(&right), Err(KeysError::Confirmed)));
    let child = vault.child(Purpose::Lightning, Network::Regtest).expect("derives");
    assert!(child.expose().starts_with("tprv"));
    let reopened = Vault::open_auto(dir.path()).expect("open");
    assert_eq!(reopened.child(Purpose::Lightning, Network::Regtest).expect("derives"), child);
}

#[test]
fn a_confirmation_cut_off_before_the_pending_root_went_does_not_bring_the_words_back() {
    let dir = dir();
    let vault = Vault::create(dir.path()).expect("create");
    let words = vault.root_words(None).expect("words");
    let pending = fs::read(dir.path().join("root.pending")).expect("read");
    vault.confirm_root(&answers(&words, &[1, 2, 3, 4])).expect("confirm");
    fs::write(dir.path().join("root.pending"), &pending).expect("as if the crash had left it");
    assert!(matches!(vault.root_words(None), Err(KeysError::Confirmed)));
    let vault = Vault::open_auto(dir.path()).expect("open");
    assert!(!dir.path().join("root.pending").exists(), "opening cleans up");
    assert!(matches!(vault.root_words(None), Err(KeysError::Confirmed)));

    // Nor can somebody with the folder turn the confirmed root back into a pending one.
    fs::rename(dir.path().join("root.sealed"), dir.path().join("root.pending")).expect("rename");
    assert!(matches!(vault.root_words(None), Err(KeysError::Unsealable)));
}

#[test]
fn a_damaged_root_is_said_and_never_replaced() {
    for bytes in [&b""[..], b"AAAA", &[0xff; 40]] {
        let dir = dir();
        let vault = confirmed(dir.path());
        let file = dir.path().join("root.sealed");
        fs::remove_file(&file).expect("remove");
        fs::write(&file, bytes).expect("write");
        let child = vault.child(Purpose::MintSeed, Network::Mainnet);
        assert!(matches!(child, Err(KeysError::Unsealable)), "{child:?}");
        assert!(matches!(vault.root_words(None), Err(KeysError::Confirmed)));
        assert_eq!(fs::read(&file).expect("still there"), bytes);
    }
}

#[test]
fn nothing_in_the_folder_is_in_clear() {
    let dir = dir();
    let vault = Vault::create(dir.path()).expect("create");
    vault.set_passphrase(&secret(PASSPHRASE)).expect("set");
    let words = vault.root_words(None).expect("words");
    for entry in fs::read_dir(dir.path()).expect("list") {
        let path = entry.expect("entry").path();
        let text = String::from_utf8_lossy(&fs::read(&path).expect("read")).into_owned();
        assert!(!text.contains(PASSPHRASE), "{}", path.display());
        let phrase = format!("{} {}", words[0].expose(), words[1].expose());
        assert!(!text.contains(&phrase), "{}", path.display());
    }
    assert_eq!(format!("{vault:?}").matches("[secret]").count(), 2, "{vault:?}");
}
