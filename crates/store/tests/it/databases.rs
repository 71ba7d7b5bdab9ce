//! Databases on PostgreSQL servers that all tests of this process share.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use gangplank_store::coordination::{Coordinator, Places};
use gangplank_store::metadata::{Metadata, Postgres, Target};
use gangplank_testkit::{postgres, skip};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::backends::{Scratch, ScratchCoordinator};

/// Keeps a copy of a new database's content in it, so that the next test can reset it.
const KEEP: &str = "CREATE SCHEMA spare; CREATE TABLE spare.cluster AS TABLE public.cluster";

/// Resets a used database to that copy. That is quicker than to make another database.
const RENEW: &str = "
    DO $$ BEGIN
        EXECUTE (SELECT 'TRUNCATE ' || string_agg(format('public.%I', tablename), ', ') || ' RESTART IDENTITY'
                 FROM pg_tables WHERE schemaname = 'public');
    END $$;
    ALTER SEQUENCE epochs RESTART;
    INSERT INTO public.cluster SELECT * FROM spare.cluster";

/// A server with a version of PostgreSQL, and its databases.
struct Shared {
    version: u32,
    server: OnceLock<Option<gangplank_testkit::Postgres>>,
    count: AtomicU32,
    /// Databases with tables that no test uses.
    used: Mutex<Vec<String>>,
}

static POSTGRES_15: Shared = Shared::of(15);
static POSTGRES_18: Shared = Shared::of(18);

impl Shared {
    const fn of(version: u32) -> Self {
        Self { version, server: OnceLock::new(), count: AtomicU32::new(0), used: Mutex::new(Vec::new()) }
    }

    /// The running server. `None` if it is not installed; then the test is reported as skipped.
    fn server(&'static self) -> Option<&'static gangplank_testkit::Postgres> {
        let start =
            || postgres::programs(self.version).map(|programs| gangplank_testkit::Postgres::start(&programs));
        let server = self.server.get_or_init(start).as_ref();
        if server.is_none() {
            skip(&format!("PostgreSQL {} is not installed", self.version));
        }
        server
    }

    fn empty(&'static self) -> Option<(&'static gangplank_testkit::Postgres, String)> {
        let server = self.server()?;
        let name = format!("scratch_{}", self.count.fetch_add(1, Ordering::Relaxed));
        server.create(&name);
        Some((server, name))
    }

    fn scratch(&'static self) -> Option<ScratchPostgres> {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let is_new = used.is_none();
        let (server, name) = match used {
            Some(name) => (self.server()?, name),
            None => self.empty()?,
        };
        if !is_new {
            server.query(&name, RENEW).unwrap();
        }
        let mut scratch = ScratchPostgres { shared: self, server, name, database: None, coordinator: None };
        scratch.reopen();
        if is_new {
            server.query(&scratch.name, KEEP).unwrap();
        }
        Some(scratch)
    }
}

/// An empty database for one test.
pub(crate) struct ScratchPostgres {
    shared: &'static Shared,
    server: &'static gangplank_testkit::Postgres,
    name: String,
    database: Option<Postgres>,
    coordinator: Option<Arc<dyn Coordinator>>,
}

/// A new database without tables: the server, and the name. `None` if PostgreSQL is not installed; then the test is
/// reported as skipped.
pub(crate) fn empty_postgres() -> Option<(&'static gangplank_testkit::Postgres, String)> {
    POSTGRES_15.empty()
}

/// A database on the oldest version that is supported.
pub(crate) fn postgres() -> Option<ScratchPostgres> {
    POSTGRES_15.scratch()
}

/// A database on the newest version.
pub(crate) fn postgres_18() -> Option<ScratchPostgres> {
    POSTGRES_18.scratch()
}

impl ScratchPostgres {
    /// The store as another process has it.
    pub(crate) async fn another(&self) -> Postgres {
        Postgres::connect(Target::parse(&self.server.url(&self.name)).unwrap()).await.unwrap()
    }

    /// Where services run.
    pub(crate) fn places(&self) -> &dyn Places {
        self.database.as_ref().unwrap()
    }
}

impl Drop for ScratchPostgres {
    fn drop(&mut self) {
        (self.database, self.coordinator) = (None, None);
        if std::thread::panicking() {
            self.server.remove(&self.name);
        } else {
            self.shared.used.lock().unwrap_or_else(PoisonError::into_inner).push(self.name.clone());
        }
    }
}

impl Scratch for ScratchPostgres {
    fn metadata(&self) -> &dyn Metadata {
        self.database.as_ref().unwrap()
    }

    fn reopen(&mut self) {
        drop(self.database.take());
        let connect = Postgres::connect(Target::parse(&self.server.url(&self.name)).unwrap());
        let database = block_in_place(|| Handle::current().block_on(connect)).unwrap();
        self.coordinator = Some(database.coordinator());
        self.database = Some(database);
    }
}

/// Claims end by the clock of the database, so the test moves the claims into the past.
impl ScratchCoordinator for ScratchPostgres {
    fn coordinator(&self) -> &dyn Coordinator {
        self.coordinator.as_deref().unwrap()
    }

    async fn pass(&self, time: Duration) {
        let earlier = ["claims", "replicas"].map(|table| {
            format!("UPDATE {table} SET until = until - {} * INTERVAL '1 millisecond';", time.as_millis())
        });
        let earlier = earlier.concat();
        block_in_place(|| self.server.query(&self.name, &earlier)).unwrap();
    }
}
