//! `doctor`: everything about the machine that could endanger the box, each finding with what to do.
//!
//! The supervisor examines on request; the command line does it itself when the supervisor is away, which is
//! when it is needed most. It must not change anything, nor open a socket that a starting service wants.
//!
//! | row | looks at |
//! | --- | --- |
//! | [`disk`] | free space, encryption |
//! | [`clock`] | the clock, against an SNTP server by setting |
//! | [`memory`] | memory |
//! | [`ports`] | ports held by somebody else |
//! | [`engine`] | whether something can run services |
//! | [`files`] | certificates near their end, key files that others can read |

pub mod disk;

pub mod clock;

pub mod memory;

pub mod ports;

pub mod engine;

pub mod files;

use std::{collections::BTreeMap, path::PathBuf};

use async_trait::async_trait;
use flashnode_core::{
    config::Config,
    control::{DiskView, Finding},
    ports::{
        clock::{Clock, SystemClock},
        machine::Machine,
    },
};

/// The machine beneath a box.
#[derive(Clone, Debug)]
pub struct ThisMachine {
    /// The box's folder.
    pub box_dir: PathBuf,
    /// Its boot configuration.
    pub config: Config,
}

#[async_trait]
impl Machine for ThisMachine {
    fn disk(&self) -> DiskView {
        disk::space(&self.box_dir).unwrap_or_default()
    }

    fn listeners(&self) -> BTreeMap<u16, u32> {
        ports::users()
    }

    async fn examine(&self, expected: &[u16], revoked: &[String]) -> Vec<Finding> {
        let (machine, expected) = (self.clone(), expected.to_vec());
        let (clock, engine, rest) = tokio::join!(
            clock::examine(self.config.sntp.as_deref(), &SystemClock),
            engine::examine(self.config.runtime),
            tokio::task::spawn_blocking(move || machine.examine_files(&expected)),
        );
        let mut findings = rest.unwrap_or_default();
        findings.extend(clock);
        findings.extend(engine);
        findings.extend(revoked.iter().map(|why| {
            finding(
                "versions",
                true,
                why.clone(),
                "Open the updates page, or run `flashnode updates`, and update.",
            )
        }));
        findings.sort_by_key(|finding| !finding.severe);
        findings
    }
}

impl ThisMachine {
    fn examine_files(&self, expected: &[u16]) -> Vec<Finding> {
        let real = self.config.network != flashnode_core::types::Network::Regtest;
        let mut findings = disk::examine(&self.box_dir, real);
        findings.extend(memory::examine(real));
        findings.extend(ports::examine(&self.box_dir, &self.config, expected));
        findings.extend(files::certificates(&self.box_dir, SystemClock.now()));
        findings.extend(files::permissions(&self.box_dir));
        findings
    }
}

pub(crate) fn finding(
    check: &str,
    severe: bool,
    problem: impl Into<String>,
    advice: impl Into<String>,
) -> Finding {
    Finding { check: check.to_owned(), severe, problem: problem.into(), advice: advice.into() }
}
