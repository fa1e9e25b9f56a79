//! An authority of the box: an ECDSA P-256 key and a certificate that limits what it may vouch for.
//!
//! Made once, at the first start; the key never leaves the supervisor's folder. The files are written under a
//! new name and renamed, key first: a power cut leaves either no authority or a whole one.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, GeneralSubtree, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, NameConstraints, PKCS_ECDSA_P256_SHA256,
};
use sha2::{Digest, Sha256};
use x509_parser::{extensions::GeneralName, pem::Pem};

use super::{
    Constraints, Name, TlsError,
    leaf::{self, Leaf},
    names::Subnet,
};

/// How long an authority is valid, in days: people trust it once, by hand.
const VALID_DAYS: i64 = 20 * 365;

/// An authority of this box.
#[derive(Debug)]
pub struct Ca {
    pem: String,
    der: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
    constraints: Constraints,
}

impl Ca {
    /// The authority kept as `DIR/LABEL.crt` and `DIR/LABEL.key`; made now, within `constraints`, when it is not there.
    /// One that is there keeps the limits it was made with: changing them would undo everybody's trust.
    pub fn load_or_create(dir: &Path, label: &str, constraints: &Constraints) -> Result<Self, TlsError> {
        let (certificate, key) = (dir.join(format!("{label}.crt")), dir.join(format!("{label}.key")));
        if !certificate.exists() {
            let (certificate_pem, key_pem) = make(label, constraints)?;
            fs::create_dir_all(dir).map_err(|source| TlsError::File { path: dir.to_owned(), source })?;
            write(&key, &key_pem, 0o400)?;
            write(&certificate, &certificate_pem, 0o444)?;
        }
        let read =
            |path: PathBuf| fs::read_to_string(&path).map_err(|source| TlsError::File { path, source });
        Self::parse(read(certificate)?, &read(key)?)
    }

    fn parse(pem: String, key_pem: &str) -> Result<Self, TlsError> {
        let key =
            KeyPair::from_pem(key_pem).map_err(|e| TlsError::crypto("read the authority's key")(e.into()))?;
        let issuer = Issuer::from_ca_cert_pem(&pem, key)
            .map_err(|e| TlsError::crypto("read the authority's certificate")(e.into()))?;
        let der = der_of(&pem)?;
        let constraints = constraints_of(&der)?;
        Ok(Self { pem, der, issuer, constraints })
    }

    /// A server's certificate for these names, `valid_days` long (at most 397, which is what browsers take).
    /// A name outside the limits is an error: a browser would refuse the whole certificate.
    pub fn leaf(&self, names: &[Name], valid_days: i64) -> Result<Leaf, TlsError> {
        if let Some(refused) = names.iter().find(|name| !self.constraints.permits(name)) {
            return Err(TlsError::NotPermitted(refused.clone()));
        }
        leaf::make(&self.issuer, names, valid_days)
    }

    /// The names this authority may vouch for, and those it may not.
    pub fn split(&self, names: Vec<Name>) -> (Vec<Name>, Vec<Name>) {
        names.into_iter().partition(|name| self.constraints.permits(name))
    }

    /// The authority's certificate.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// SHA-256 over the certificate's DER, hex.
    pub fn fingerprint(&self) -> String {
        hex::encode(Sha256::digest(&self.der))
    }
}

fn make(label: &str, constraints: &Constraints) -> Result<(String, String), TlsError> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)
        .map_err(|e| TlsError::crypto("make the authority's key")(e.into()))?;
    let mut params = CertificateParams::default();
    // The fingerprint's first digits tell two boxes' authorities apart in a phone's list.
    let digits = hex::encode(Sha256::digest(key.public_key_raw()));
    let name = format!("Flashnode {label} {}", digits.get(..8).unwrap_or_default());
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (params.not_before, params.not_after) = leaf::validity(VALID_DAYS);
    let domains = constraints.domains.iter().cloned().map(GeneralSubtree::DnsName);
    let subnets = constraints.subnets.iter().map(|s| GeneralSubtree::IpAddress(subnet(*s)));
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: domains.chain(subnets).collect(),
        excluded_subtrees: Vec::new(),
    });
    let certificate = params
        .self_signed(&key)
        .map_err(|e| TlsError::crypto("sign the authority's certificate")(e.into()))?;
    Ok((certificate.pem(), key.serialize_pem()))
}

/// By hand: rcgen's own helper makes the wrong mask for a prefix of all bits.
fn subnet(subnet: Subnet) -> CidrSubnet {
    let prefix = u32::from(subnet.prefix);
    match subnet.address {
        std::net::IpAddr::V4(ip) => {
            let mask = u32::MAX.checked_shl(32 - prefix.min(32)).unwrap_or(0);
            CidrSubnet::V4(ip.octets(), mask.to_be_bytes())
        }
        std::net::IpAddr::V6(ip) => {
            let mask = u128::MAX.checked_shl(128 - prefix.min(128)).unwrap_or(0);
            CidrSubnet::V6(ip.octets(), mask.to_be_bytes())
        }
    }
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), TlsError> {
    let fresh = path.with_extension("new");
    let done = || -> io::Result<()> {
        if fresh.exists() {
            fs::remove_file(&fresh)?;
        }
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&fresh)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, path)
    };
    done().map_err(|source| TlsError::File { path: path.to_owned(), source })
}

pub(super) fn der_of(pem: &str) -> Result<Vec<u8>, TlsError> {
    let mut blocks = Pem::iter_from_buffer(pem.as_bytes());
    match blocks.next() {
        Some(Ok(block)) if block.label == "CERTIFICATE" => Ok(block.contents),
        Some(Err(error)) => Err(TlsError::crypto("read a certificate")(error.into())),
        _ => Err(TlsError::crypto("read a certificate")("no certificate in the file".into())),
    }
}

/// What the certificate itself says it may vouch for; that, and not the boot file, is what browsers go by.
fn constraints_of(der: &[u8]) -> Result<Constraints, TlsError> {
    let bad = TlsError::crypto("read the authority's limits");
    let (_, certificate) = match x509_parser::parse_x509_certificate(der) {
        Ok(parsed) => parsed,
        Err(error) => return Err(bad(error.into())),
    };
    let mut found = Constraints { domains: Vec::new(), subnets: Vec::new() };
    let limits = certificate.name_constraints().ok().flatten();
    for subtree in limits.iter().flat_map(|l| l.value.permitted_subtrees.iter().flatten()) {
        match &subtree.base {
            GeneralName::DNSName(name) => found.domains.push((*name).to_owned()),
            GeneralName::IPAddress(bytes) => found.subnets.extend(subnet_of(bytes)),
            _ => {}
        }
    }
    Ok(found)
}

fn subnet_of(bytes: &[u8]) -> Option<Subnet> {
    let (address, mask) = bytes.split_at_checked(bytes.len() / 2)?;
    let prefix = u8::try_from(mask.iter().map(|byte| byte.count_ones()).sum::<u32>()).ok()?;
    let address = match address.len() {
        4 => <[u8; 4]>::try_from(address).ok()?.into(),
        16 => <[u8; 16]>::try_from(address).ok()?.into(),
        _ => return None,
    };
    Some(Subnet { address, prefix })
}
