//! `images/catalog.toml` read and checked: versions, digests, minimum and revoked versions.
//! Knows nothing of what a service is; a catalog that breaks a rule is refused with its table and the reason.

use std::{cmp::Ordering, collections::BTreeMap};

use serde::Deserialize;

use crate::{control::Flavour, types::ServiceName};

/// The catalog that this program was built with.
pub const BUILT_IN: &str = include_str!("../../../../../images/catalog.toml");

/// An image as the catalog lists it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// The service it is for.
    pub service: ServiceName,
    /// Which of two programs it is, for bitcoind.
    pub flavour: Option<Flavour>,
    /// The version.
    pub version: String,
    /// Older versions are refused.
    pub minimum: String,
    /// `repository:tag@sha256:digest`.
    pub pulled: Option<String>,
    /// The recipe that builds it.
    pub recipe: Option<String>,
    /// Versions that must not run.
    #[serde(default)]
    pub revoked: Vec<Revoked>,
}

/// A version that must not run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revoked {
    /// The version.
    pub version: String,
    /// Why, in a sentence for the owner.
    pub reason: String,
}

/// The whole list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images(BTreeMap<String, Image>);

/// Why a catalog cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCatalog {
    /// It is not the TOML we expect; the message has the line.
    #[error("the catalog cannot be read: {0}")]
    Parse(String),
    /// An image named by a tag alone can change under us.
    #[error("[{table}]: '{reference}' has no digest: write repository:tag@sha256:… (a tag can be moved)")]
    NoDigest {
        /// The table.
        table: String,
        /// What stands there.
        reference: String,
    },
    /// Neither pulled nor built.
    #[error("[{0}]: it has neither a digest to pull nor a recipe to build")]
    NoSource(String),
    /// Services that need each other can never start.
    #[error("services need each other in a circle: {0}")]
    Cycle(String),
    /// Two services on one port.
    #[error("port {port} is given to both {first} and {second}")]
    PortClash {
        /// The port's offset from the box's base.
        port: u16,
        /// One.
        first: ServiceName,
        /// The other.
        second: ServiceName,
    },
    /// A service needs one that is not in the catalog.
    #[error("{service} needs '{missing}', which is not in the catalog")]
    Missing {
        /// Who needs it.
        service: ServiceName,
        /// What is missing.
        missing: ServiceName,
    },
}

impl Images {
    /// The catalog that this program was built with; a unit test proves that it reads.
    pub fn built_in() -> Self {
        Self::parse(BUILT_IN).unwrap_or_else(|error| unreachable!("images/catalog.toml: {error}"))
    }

    /// Reads and checks a catalog.
    pub fn parse(text: &str) -> Result<Self, BadCatalog> {
        let images: BTreeMap<String, Image> =
            toml::from_str(text).map_err(|error| BadCatalog::Parse(error.to_string()))?;
        for (table, image) in &images {
            match &image.pulled {
                Some(reference) if !has_digest(reference) => {
                    return Err(BadCatalog::NoDigest { table: table.clone(), reference: reference.clone() });
                }
                None if image.recipe.is_none() => return Err(BadCatalog::NoSource(table.clone())),
                _ => {}
            }
        }
        Ok(Self(images))
    }

    /// The image of a service; `flavour` chooses where there are two.
    pub fn of(&self, service: &ServiceName, flavour: Flavour) -> Option<&Image> {
        self.0.values().find(|i| i.service == *service && i.flavour.is_none_or(|f| f == flavour))
    }

    /// Every image with its table name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Image)> {
        self.0.iter().map(|(table, image)| (table.as_str(), image))
    }
}

impl Image {
    /// Why this version must not run, in a sentence; `None` when it may.
    pub fn refused(&self, version: &str) -> Option<String> {
        if let Some(revoked) = self.revoked.iter().find(|r| r.version == version) {
            return Some(revoked.reason.clone());
        }
        (compare_versions(version, &self.minimum) == Ordering::Less).then(|| {
            format!("Version {version} is older than {}, the oldest that is safe to run. A newer one is not in the catalog yet.", self.minimum)
        })
    }
}

fn has_digest(reference: &str) -> bool {
    reference.split_once("@sha256:").is_some_and(|(name, digest)| {
        !name.is_empty() && digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

/// Compares versions number by number; a suffix such as `-beta` does not count.
pub fn compare_versions(a: &str, b: &str) -> Ordering {
    let numbers = |text: &str| -> Vec<u64> {
        text.split('-').next().unwrap_or("").split('.').map(|part| part.parse().unwrap_or(0)).collect()
    };
    let (a, b) = (numbers(a), numbers(b));
    for place in 0..a.len().max(b.len()) {
        let (x, y) = (a.get(place).copied().unwrap_or(0), b.get(place).copied().unwrap_or(0));
        if x != y {
            return x.cmp(&y);
        }
    }
    Ordering::Equal
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn the_built_in_catalog_reads() {
        Images::parse(BUILT_IN).expect("images/catalog.toml");
    }

    #[test]
    fn a_tag_instead_of_a_digest_is_refused_with_its_table() {
        let text = "[lnd]\nservice='lnd'\nversion='1'\nminimum='1'\npulled='lightninglabs/lnd:latest'\n";
        let error = Images::parse(text).expect_err("must refuse").to_string();
        assert!(error.contains("[lnd]") && error.contains("latest"), "{error}");
    }

    #[test]
    fn a_broken_line_is_named() {
        let error = Images::parse("[lnd]\nservice='lnd'\nversion=\n").expect_err("must refuse").to_string();
        assert!(error.contains("line 3"), "{error}");
    }

    #[rstest]
    #[case("30.0", true)]
    #[case("30.1", true)]
    #[case("29.1", true)]
    #[case("29.4.3", false)]
    #[case("31.1", false)]
    fn core_versions(#[case] version: &str, #[case] refused: bool) {
        let images = Images::built_in();
        let core = images.of(&ServiceName::new("bitcoind"), Flavour::Core).expect("core");
        assert_eq!(core.refused(version).is_some(), refused);
    }

    #[test]
    fn btcpay_is_not_installable_yet() {
        let images = Images::built_in();
        let btcpay = images.of(&ServiceName::new("btcpay"), Flavour::Knots).expect("btcpay");
        assert!(btcpay.refused(&btcpay.version).is_some());
    }

    #[rstest]
    #[case("0.4.9.11", "0.4.9.2", Ordering::Greater)]
    #[case("0.21.3-beta", "0.21.3", Ordering::Equal)]
    #[case("29.4", "29.4.0", Ordering::Equal)]
    #[case("9", "10", Ordering::Less)]
    fn versions_compare_by_number(#[case] a: &str, #[case] b: &str, #[case] order: Ordering) {
        assert_eq!(compare_versions(a, b), order);
    }
}
