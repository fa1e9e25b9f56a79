//! Which images this box can have: built roots on its disk, and what the catalog lists for pulling.

use std::{collections::BTreeMap, path::Path, time::SystemTime};

use serde::Deserialize;

use super::{
    catalog::{self, Images},
    wanted::Pinned,
};
use crate::{control::Flavour, ports::runtime::ImageRef, types::ServiceName};

/// `meta.json` of a built root, as `images/build.sh` writes it.
#[derive(Deserialize)]
struct Meta {
    hash: String,
    version: String,
}

/// The image that each service can have here, or why it can have none.
pub type Offers = BTreeMap<ServiceName, Result<Pinned, String>>;

/// Looks at the folder of built roots and at the catalog. `engine`: whether the runtime can pull.
pub fn look(images: &Images, folder: &Path, flavour: Flavour, engine: bool) -> Offers {
    catalog::ALL
        .iter()
        .filter(|service| service.name() != catalog::APP)
        .map(|service| (service.name(), offer(images, folder, &service.image(), flavour, engine)))
        .collect()
}

fn offer(
    images: &Images,
    folder: &Path,
    service: &ServiceName,
    flavour: Flavour,
    engine: bool,
) -> Result<Pinned, String> {
    let image =
        images.of(service, flavour).ok_or_else(|| format!("The catalog has no image for {service}."))?;
    let built = image.recipe.as_ref().and_then(|recipe| newest(folder, recipe));
    let pinned = match (built, &image.pulled) {
        (Some(pinned), _) => pinned,
        (None, Some(reference)) if engine => Pinned {
            image: ImageRef::Pulled { reference: reference.clone() },
            version: image.version.clone(),
        },
        (None, _) => return Err(cannot_be_had(service, image.recipe.as_deref())),
    };
    match image.refused(&pinned.version) {
        Some(reason) => Err(reason),
        None => Ok(pinned),
    }
}

fn cannot_be_had(service: &ServiceName, recipe: Option<&str>) -> String {
    match recipe {
        Some(recipe) => {
            format!("{service} has not been built on this box yet: run images/build.sh {recipe}.")
        }
        None => format!(
            "{service} comes only as a container image, and this box runs without a container engine."
        ),
    }
}

/// The newest finished build of a recipe.
fn newest(folder: &Path, recipe: &str) -> Option<Pinned> {
    let entries = std::fs::read_dir(folder.join(recipe)).ok()?;
    let built = entries.flatten().filter_map(|entry| {
        let path = entry.path().join("meta.json");
        let at = std::fs::metadata(&path).and_then(|m| m.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
        let meta: Meta = serde_json::from_slice(&std::fs::read(&path).ok()?).ok()?;
        Some((at, meta))
    });
    let (_, meta) = built.max_by_key(|(at, _)| *at)?;
    Some(Pinned {
        image: ImageRef::Built { name: recipe.to_owned(), hash: meta.hash },
        version: meta.version,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::catalog::{BTCPAY, ELECTRS, NBXPLORER};

    #[test]
    fn without_engine_and_builds_nothing_can_be_had_and_each_says_why() {
        let dir = tempfile::tempdir().expect("folder");
        let offers = look(&Images::built_in(), dir.path(), Flavour::Knots, false);
        assert!(offers[&ELECTRS].as_ref().expect_err("none").contains("images/build.sh electrs"));
        assert!(offers[&NBXPLORER].as_ref().expect_err("none").contains("container engine"));
    }

    #[test]
    fn a_built_root_is_preferred_and_brings_its_own_version() {
        let dir = tempfile::tempdir().expect("folder");
        let root = dir.path().join("electrs/abc");
        std::fs::create_dir_all(&root).expect("folder");
        std::fs::write(root.join("meta.json"), r#"{"name":"electrs","hash":"abc","version":"0.11.9"}"#)
            .expect("write");
        let offers = look(&Images::built_in(), dir.path(), Flavour::Knots, true);
        assert_eq!(offers[&ELECTRS].as_ref().expect("built").version, "0.11.9");
    }

    #[test]
    fn btcpay_below_its_minimum_is_refused_with_the_reason() {
        let dir = tempfile::tempdir().expect("folder");
        let offers = look(&Images::built_in(), dir.path(), Flavour::Knots, true);
        assert!(offers[&BTCPAY].as_ref().expect_err("too old").contains("2.4.7"));
    }
}
