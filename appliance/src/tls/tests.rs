//! What browsers would say: leaves verified by webpki, as a client that trusts the authority does.

use std::sync::Arc;

use flashnode_core::types::Timestamp;
use rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};

use super::{Ca, Constraints, Leaf, Name, TlsError, leaf, server_config};

fn names(list: &[&str]) -> Vec<Name> {
    list.iter().map(|name| Name::new(name)).collect()
}

fn ca(dir: &tempfile::TempDir, label: &str) -> Ca {
    let mut constraints = Constraints::inner(&["local", "bar"]);
    constraints.domains.push("bar.example.com".to_owned());
    Ca::load_or_create(dir.path(), label, &constraints).expect("an authority")
}

fn verify(ca: &Ca, leaf: &Leaf, name: &str) -> Result<(), rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.pem().as_bytes()).expect("PEM")).expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().expect("a verifier");
    let certificate = CertificateDer::from_pem_slice(leaf.cert_pem.as_bytes()).expect("PEM");
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    verifier.verify_server_cert(&certificate, &[], &name, &[], UnixTime::now()).map(|_| ())
}

#[test]
fn a_leaf_is_trusted_for_its_names_by_those_who_trust_the_box() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let ca = ca(&dir, "page");
    let list = ["bar.local", "localhost", "127.0.0.1", "192.168.7.9", "::1", "bar.example.com"];
    let leaf = ca.leaf(&names(&list), 397).expect("a leaf");
    for name in list {
        verify(&ca, &leaf, name).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    verify(&ca, &leaf, "other.local").expect_err("not among its names");
    server_config(&leaf.cert_pem, leaf.key_pem.expose()).expect("rustls takes it");
}

#[test]
fn another_boxs_authority_does_not_vouch_for_it() {
    let (one, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let (ours, theirs) = (ca(&one, "page"), ca(&other, "page"));
    let leaf = ours.leaf(&names(&["bar.local"]), 90).expect("a leaf");
    verify(&theirs, &leaf, "bar.local").expect_err("a second box");
    assert_ne!(ours.fingerprint(), theirs.fingerprint());
}

#[test]
fn a_stolen_authority_cannot_pass_for_a_bank() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let ca = ca(&dir, "page");
    assert!(matches!(ca.leaf(&names(&["bank.example"]), 90), Err(TlsError::NotPermitted(_))));
    // Even signed past our own check, with the key in hand, a client refuses it.
    let key = std::fs::read_to_string(dir.path().join("page.key")).expect("the key");
    let key = rcgen::KeyPair::from_pem(&key).expect("a key");
    let issuer = rcgen::Issuer::from_ca_cert_pem(ca.pem(), key).expect("an issuer");
    for name in ["bank.example", "8.8.8.8", "2001:db8::1"] {
        let forged = leaf::make(&issuer, &names(&[name]), 90).expect("signed");
        let error = verify(&ca, &forged, name).expect_err("constrained");
        assert!(format!("{error:?}").contains("NameConstraint"), "{name}: {error:?}");
    }
}

#[test]
fn it_is_made_once_with_its_key_closed() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("a temporary folder");
    let first = ca(&dir, "page");
    let again = Ca::load_or_create(dir.path(), "page", &Constraints::inner(&["other"])).expect("loaded");
    assert_eq!(first.fingerprint(), again.fingerprint());
    again.leaf(&names(&["bar.local"]), 90).expect("the limits it was made with still hold");
    again.leaf(&names(&["other"]), 90).expect_err("and no others");
    let inner = ca(&dir, "inner");
    assert_ne!(first.fingerprint(), inner.fingerprint());
    let mode = std::fs::metadata(dir.path().join("page.key")).expect("the key").permissions().mode();
    assert_eq!(mode & 0o777, 0o400);
}

#[test]
fn a_leaf_is_short_and_renewed_in_time() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let leaf = ca(&dir, "page").leaf(&names(&["bar.local", "127.0.0.1"]), 10_000).expect("a leaf");
    let day = 86_400_000;
    let now = Timestamp(jiff::Timestamp::now().as_millisecond());
    let left = (leaf::expires(&leaf.cert_pem).expect("readable").0 - now.0) / day;
    assert!((394..=397).contains(&left), "{left} days");
    assert!(!leaf::due(&leaf.cert_pem, now));
    assert!(leaf::due(&leaf.cert_pem, Timestamp(now.0 + 368 * day)));
    assert!(leaf::due("rubbish", now));
    assert!(leaf::is_for(&leaf.cert_pem, &names(&["127.0.0.1", "bar.local"])));
    assert!(!leaf::is_for(&leaf.cert_pem, &names(&["bar.local"])));
}
