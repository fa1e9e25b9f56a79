//! Certificates for servers, and when to renew them.

use flashnode_core::types::{Secret, Timestamp};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, SanType,
};

use super::{Name, TlsError, ca::der_of};

/// The longest validity that browsers take, in days (CA/Browser Forum, ballot SC-31).
pub const VALID_DAYS_MAX: i64 = 397;

/// A leaf is renewed when it has fewer days than this left.
pub const RENEW_DAYS: i64 = 30;

const DAY_MS: i64 = 86_400_000;

/// A certificate and its key.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// The certificate, PEM.
    pub cert_pem: String,
    /// Its key, PKCS#8 PEM.
    pub key_pem: Secret<String>,
}

pub(super) fn make(issuer: &Issuer<'_, KeyPair>, names: &[Name], valid_days: i64) -> Result<Leaf, TlsError> {
    let crypto = |e: rcgen::Error| TlsError::crypto("make a certificate")(e.into());
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(crypto)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    let first = names.first().map_or_else(|| "flashnode".to_owned(), ToString::to_string);
    params.distinguished_name.push(DnType::CommonName, first.chars().take(64).collect::<String>());
    params.subject_alt_names = names.iter().map(alternative).collect::<Result<_, _>>().map_err(crypto)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    (params.not_before, params.not_after) = validity(valid_days.clamp(1, VALID_DAYS_MAX));
    let certificate = params.signed_by(&key, issuer).map_err(crypto)?;
    Ok(Leaf { cert_pem: certificate.pem(), key_pem: Secret::new(key.serialize_pem()) })
}

fn alternative(name: &Name) -> Result<SanType, rcgen::Error> {
    Ok(match name {
        Name::Dns(name) => SanType::DnsName(name.clone().try_into()?),
        Name::Ip(ip) => SanType::IpAddress(*ip),
    })
}

/// From a day ago (clocks of phones are late) for `days` in all.
pub(super) fn validity(days: i64) -> (time::OffsetDateTime, time::OffsetDateTime) {
    let from = time::OffsetDateTime::now_utc() - time::Duration::days(1);
    (from, from + time::Duration::days(days))
}

/// When a certificate ends.
pub fn expires(cert_pem: &str) -> Result<Timestamp, TlsError> {
    let der = der_of(cert_pem)?;
    let (_, certificate) = x509_parser::parse_x509_certificate(&der)
        .map_err(|error| TlsError::crypto("read a certificate")(error.into()))?;
    Ok(Timestamp(certificate.validity().not_after.timestamp().saturating_mul(1000)))
}

/// Whether it is time for a new one: it ends within [`RENEW_DAYS`], or cannot be read.
pub fn due(cert_pem: &str, now: Timestamp) -> bool {
    expires(cert_pem).map_or(true, |end| end.0.saturating_sub(now.0) < RENEW_DAYS * DAY_MS)
}

/// Whether the certificate is for exactly these names.
pub fn is_for(cert_pem: &str, names: &[Name]) -> bool {
    let found = || -> Option<Vec<Name>> {
        let der = der_of(cert_pem).ok()?;
        let (_, certificate) = x509_parser::parse_x509_certificate(&der).ok()?;
        let alternatives = certificate.subject_alternative_name().ok()??;
        Some(alternatives.value.general_names.iter().filter_map(name_of).collect())
    };
    let sorted = |mut names: Vec<Name>| {
        names.sort();
        names.dedup();
        names
    };
    found().is_some_and(|found| sorted(found) == sorted(names.to_vec()))
}

fn name_of(name: &x509_parser::extensions::GeneralName<'_>) -> Option<Name> {
    use x509_parser::extensions::GeneralName;
    match name {
        GeneralName::DNSName(name) => Some(Name::Dns((*name).to_owned())),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => Some(Name::Ip(<[u8; 4]>::try_from(*bytes).ok()?.into())),
            16 => Some(Name::Ip(<[u8; 16]>::try_from(*bytes).ok()?.into())),
            _ => None,
        },
        _ => None,
    }
}
