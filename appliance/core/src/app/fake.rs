//! An app over a fake supervisor and a real, temporary database, for tests of pages.

use std::{net::IpAddr, sync::Arc};

use super::{App, Inner};
use crate::{
    access::{Client, NewSession, Role, password::Hasher},
    control::fake::FakeControl,
    error::{Error, Result},
    keys::seal::SealKey,
    ports::clock::{Clock, SystemClock},
    store::{
        Schema, Store,
        testing::{TempDir, test_key},
    },
    types::Secret,
};

/// The password of every member that [`App::session_for_tests`] makes.
pub const TEST_PASSWORD: &str = "three blue whales";

impl App {
    /// An open box over this supervisor with a fresh database that goes with it. Members are as set-up leaves them:
    /// none while the fake has not committed, else the owner `ana` with [`TEST_PASSWORD`].
    pub async fn for_tests(control: FakeControl) -> Result<Self> {
        Self::for_tests_at(control, Arc::new(SystemClock)).await
    }

    /// The same with a clock of the test's own.
    pub async fn for_tests_at(control: FakeControl, clock: Arc<dyn Clock>) -> Result<Self> {
        let dir = TempDir::new().map_err(|error| Error::internal("making a folder for a test", error))?;
        let store = Store::open_sqlite(&dir.path().join("app.db"), &test_key()).await?;
        store.migrate(Schema::App, None).await?;
        let committed = control.with(|state| state.setup.committed);
        let hosts = vec!["flashnode.test".to_owned(), "localhost".to_owned()];
        let seal = SealKey::new(&test_key());
        let mut app =
            Self::assemble("flashnode", hosts, Arc::new(control), clock, store, seal, Hasher::for_tests());
        app.kept_for_tests = Some(Arc::new(dir));
        if committed {
            app.setup()?.already_done_for_tests("ana", &Secret::new(TEST_PASSWORD.to_owned())).await?;
        }
        Ok(app)
    }

    /// A full session of a member with this role: `ana` for an owner, else one named after the role.
    /// The box must be set up.
    pub async fn session_for_tests(&self, role: Role) -> Result<NewSession> {
        let password = Secret::new(TEST_PASSWORD.to_owned());
        let client = Client { address: IpAddr::from([192, 0, 2, 1]), agent: "a test".to_owned() };
        let access = self.access()?;
        let owner = done(access.sign_in("ana", &password, None, &client).await?)?;
        if role == Role::Owner {
            return Ok(owner);
        }
        if !access.members().await?.iter().any(|member| member.name == role.as_str()) {
            access.add_member(&owner.session, role.as_str(), &password, role).await?;
        }
        access.sign_out(&owner.session).await?;
        done(access.sign_in(role.as_str(), &password, None, &client).await?)
    }

    /// The database, for a test that has to age or break something.
    pub fn store_for_tests(&self) -> Option<&Store> {
        match &self.inner {
            Inner::Open(open) => Some(&open.store),
            Inner::Locked => None,
        }
    }
}

fn done(outcome: crate::access::SignIn) -> Result<NewSession> {
    match outcome {
        crate::access::SignIn::Done(new) => Ok(new),
        crate::access::SignIn::NeedsCode => Err(Error::conflict("a test's member has a second factor")),
    }
}
