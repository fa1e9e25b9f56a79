//! The machine beneath: its disks, and everything that `doctor` looks at.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::control::{DiskView, Finding};

/// The machine.
#[async_trait]
pub trait Machine: Send + Sync {
    /// Free and total bytes where the box keeps its data.
    fn disk(&self) -> DiskView;

    /// The user who listens on each TCP port of this machine.
    fn listeners(&self) -> BTreeMap<u16, u32>;

    /// Everything that could endanger the box; empty is healthy. `expected` are the ports that our own running
    /// services hold.
    async fn examine(&self, expected: &[u16], revoked: &[String]) -> Vec<Finding>;
}
