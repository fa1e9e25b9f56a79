//! The façade that pages hold: the supervisor's answers, and, unless the box is locked, who may do what.
//!
//! Knows no HTTP and no SQL.

#[cfg(any(test, feature = "fakes"))]
pub mod fake;

use std::sync::Arc;

use crate::{
    access::{Access, password::Hasher},
    control::Control,
    error::{Error, Kind, Result},
    keys::seal::SealKey,
    ports::clock::Clock,
    setup::Setup,
    store::Store,
};

/// What pages hold.
#[derive(Clone)]
pub struct App {
    name: String,
    hosts: Vec<String>,
    control: Arc<dyn Control>,
    clock: Arc<dyn Clock>,
    inner: Inner,
    #[cfg(any(test, feature = "fakes"))]
    kept_for_tests: Option<Arc<crate::store::testing::TempDir>>,
}

#[derive(Clone)]
enum Inner {
    Locked,
    Open(Box<Open>),
}

#[derive(Clone)]
struct Open {
    store: Store,
    access: Access,
    setup: Setup,
}

impl App {
    /// A box whose database key is not at hand: only status, doctor and unlock work.
    pub fn new_locked(
        name: &str,
        hosts: Vec<String>,
        control: Arc<dyn Control>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self::around(name, hosts, control, clock, Inner::Locked)
    }

    /// An open box over a migrated `app` store; `seal` comes from the database key (`SealKey::new`).
    pub fn open(
        name: &str,
        hosts: Vec<String>,
        control: Arc<dyn Control>,
        clock: Arc<dyn Clock>,
        store: Store,
        seal: SealKey,
    ) -> Self {
        Self::assemble(name, hosts, control, clock, store, seal, Hasher::default())
    }

    fn assemble(
        name: &str,
        hosts: Vec<String>,
        control: Arc<dyn Control>,
        clock: Arc<dyn Clock>,
        store: Store,
        seal: SealKey,
        hasher: Hasher,
    ) -> Self {
        let seal = Arc::new(seal);
        let access = Access::new(store.clone(), clock.clone(), hasher, seal.clone(), name);
        let setup = Setup::new(store.clone(), access.clone(), control.clone(), seal);
        let inner = Inner::Open(Box::new(Open { store, access, setup }));
        Self::around(name, hosts, control, clock, inner)
    }

    fn around(
        name: &str,
        hosts: Vec<String>,
        control: Arc<dyn Control>,
        clock: Arc<dyn Clock>,
        inner: Inner,
    ) -> Self {
        Self {
            name: name.to_owned(),
            hosts,
            control,
            clock,
            inner,
            #[cfg(any(test, feature = "fakes"))]
            kept_for_tests: None,
        }
    }

    /// The box's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Names and addresses by which browsers may call it.
    pub fn hosts(&self) -> &[String] {
        &self.hosts
    }

    /// The supervisor.
    pub fn control(&self) -> &Arc<dyn Control> {
        &self.control
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Whether the database key is missing.
    pub fn locked(&self) -> bool {
        matches!(self.inner, Inner::Locked)
    }

    /// Who may do what. `Kind::Locked` when the box is locked.
    pub fn access(&self) -> Result<&Access> {
        Ok(&self.opened()?.access)
    }

    /// The wizard. `Kind::Locked` when the box is locked.
    pub fn setup(&self) -> Result<&Setup> {
        Ok(&self.opened()?.setup)
    }

    /// Closes the database, its journal written back. Call once, at the end.
    pub async fn close(&self) {
        if let Inner::Open(open) = &self.inner {
            open.store.close().await;
        }
    }

    fn opened(&self) -> Result<&Open> {
        match &self.inner {
            Inner::Open(open) => Ok(open),
            Inner::Locked => Err(Error::new(
                Kind::Locked,
                "This box is locked. Unlock it with the recovery passphrase; its services keep running meanwhile.",
            )
            .keyed("error-locked")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{access::Role, control::fake::FakeControl, ports::clock::SystemClock, setup::Step};

    #[tokio::test]
    async fn a_locked_app_has_its_supervisor_and_nothing_else() {
        let app = App::new_locked("box", Vec::new(), Arc::new(FakeControl::good()), Arc::new(SystemClock));
        assert!(app.locked());
        assert_eq!(app.access().err().map(|e| e.kind), Some(Kind::Locked));
        assert_eq!(app.setup().err().map(|e| e.kind), Some(Kind::Locked));
    }

    #[tokio::test]
    async fn an_app_for_tests_is_as_its_supervisor_says() {
        let fresh = App::for_tests(FakeControl::fresh()).await.expect("an app");
        assert_eq!(fresh.setup().expect("open").view().await.expect("view").step, Step::Claim);
        let good = App::for_tests(FakeControl::good()).await.expect("an app");
        assert_eq!(good.setup().expect("open").view().await.expect("view").step, Step::Done);
        for role in Role::ALL {
            let new = good.session_for_tests(role).await.expect("a session");
            assert_eq!(new.session.role, role);
        }
        good.close().await;
    }
}
