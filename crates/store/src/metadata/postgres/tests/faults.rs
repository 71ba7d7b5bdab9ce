//! Faults that networks, servers and poolers make at the worst time.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::AtomicUsize;
use std::time::Instant;

use gangplank_core::power::Room;
use gangplank_testkit::postgres::{Bouncer, Fate, PostgresProxy, pgbouncer};

use super::*;
use crate::blobs::ContentKey;
use crate::coordination::{Place, Places as _, Replica, Work};
use crate::identity::Identity;
use crate::metadata::container_services::ServiceOutcome;
use crate::metadata::deployments::ImageSource;
use crate::metadata::patience::of_request;
use crate::metadata::sqlite::tests::plans;
use crate::metadata::sqlite::tests::world::{
    NOW, PLENTY, access_key, by, delete_service, deployment, here, service as new_service, service_id,
};
use crate::metadata::{Deployments as _, Inspection as _, Lineage as _};

/// Within this time a failure of the database is answered.
const IN_TIME: Duration = Duration::from_secs(15);

/// A new database on a server that the tests of this module share. `None` if PostgreSQL is not installed.
fn database() -> Option<(&'static gangplank_testkit::Postgres, String)> {
    static SERVER: OnceLock<Option<gangplank_testkit::Postgres>> = OnceLock::new();
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let start = || postgres::programs(15).map(|programs| gangplank_testkit::Postgres::start(&programs));
    let Some(server) = block_in_place(|| SERVER.get_or_init(start)) else {
        skip("PostgreSQL 15 is not installed");
        return None;
    };
    let name = format!("faults_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    block_in_place(|| server.create(&name));
    Some((server, name))
}

async fn connect(url: &str) -> Postgres {
    Postgres::connect(Target::parse(url).unwrap()).await.unwrap()
}

/// How many rows each table has, and what the audit trail says.
fn contents(server: &gangplank_testkit::Postgres, name: &str) -> String {
    let tables =
        "SELECT string_agg(format('SELECT %L AS name, count(*) FROM %I', tablename, tablename), ' UNION ALL '
        ORDER BY tablename) FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'claims'";
    let count = server.query(name, tables).unwrap();
    let events = "SELECT kind, subject, digest, repository FROM audit ORDER BY id";
    let numbers = "SELECT name, last_image_number, last_version FROM services ORDER BY name";
    let row = "SELECT steady_time, octet_length(key_check), generation FROM cluster";
    let answers = [&count, events, numbers, row].map(|text| server.query(name, text).unwrap());
    answers.join("\n")
}

/// Every operation that only servers with a common database need, and those of commands.
async fn do_what_is_for_many(store: &Postgres) {
    let tenant = here();
    store.begin_steady_time(NOW).await.unwrap();
    let time = store.advance_steady_time(NOW, Duration::from_secs(1)).await.unwrap();
    assert_eq!(time, NOW.plus(Duration::from_secs(1)), "no time counts twice");
    assert!(store.make_first_key(&by(), vec![1, 2, 3], access_key(&tenant, 40)).await.unwrap());
    store.set_key_check(vec![4]).await.unwrap();
    assert_eq!(store.key_check().await.unwrap(), Some(vec![1, 2, 3]));
    let first = deployment(&[ImageSource::Public]);
    let made =
        store.create_deployed_service(&by(), &tenant, new_service("many"), first, PLENTY).await.unwrap();
    assert!(matches!(made, ServiceOutcome::Done(_)), "{made:?}");
    let service = service_id(store, &tenant, "many").await;
    let first = Identity { cluster: 7, incarnation: 0 };
    assert_eq!(store.identify(first).await.unwrap(), first);
    let history = store.history().await.unwrap().unwrap();
    store.note_history(history).await.unwrap();
    assert_eq!(store.restored(8, Some(history)).await.unwrap(), 1);
    store.reconcile(NOW).await.unwrap();
    assert!(!store.replace_content(&ContentKey::unused(), &ContentKey::unused(), NOW).await.unwrap());

    let coordinator = store.coordinator();
    let (work, lasts) = (Work::Service(service), Duration::from_mins(1));
    let claim = coordinator.claim(&work, "one", lasts).await.unwrap().unwrap();
    assert!(coordinator.renew(&claim, lasts).await.unwrap());
    let (replica, address, engine) = ("one".to_owned(), "one:1".to_owned(), "engine".to_owned());
    let place =
        Place { service, epoch: claim.epoch, replica, address: address.clone(), engine: engine.clone() };
    assert!(store.set_place(&place).await.unwrap());
    for (id, images) in [("one", None), ("one", Some(vec!["image".to_owned()])), ("two", None)] {
        let room = Room { cpus: 1.0, memory: 1 };
        let replica =
            Replica { id: id.to_owned(), address: address.clone(), engine: engine.clone(), room, images };
        store.announce(&replica, lasts).await.unwrap();
    }
    store.withdraw("one").await.unwrap();
    let known = store.whereabouts().await.unwrap();
    assert_eq!((&known.places[&service], known.replicas.len()), (&place, 1));
    assert!(store.remove_place(&claim).await.unwrap());
    assert!(store.set_place(&place).await.unwrap());
    coordinator.release(&claim).await.unwrap();
    assert!(!store.remove_place(&claim).await.unwrap(), "the claim is released");
    delete_service(store, &tenant, "many", NOW).await;
    store.forget_places().await.unwrap();
    assert!(store.whereabouts().await.unwrap().places.is_empty());
}

/// Each write gets every possible fate of its commit, and is still made exactly once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_becomes_of_the_answer_a_write_is_made_once() {
    let Some((server, name)) = database() else { return };
    let store = connect(&server.url(&name)).await;
    plans::do_everything(&store).await;
    do_what_is_for_many(&store).await;
    let wanted = contents(server, &name);
    for shift in 0..4 {
        let (server, name) = database().unwrap();
        let proxy = PostgresProxy::before(server.port());
        let store = connect(&proxy.url(&name)).await;
        proxy.decide(move |count| {
            [Fate::AnswerLost, Fate::Answered, Fate::Lost, Fate::Answered][(count + shift) % 4]
        });
        plans::do_everything(&store).await;
        do_what_is_for_many(&store).await;
        assert!(proxy.commits() > 100, "{}", proxy.commits());
        assert_eq!(contents(server, &name), wanted, "shifted by {shift}");
    }
}

/// Operations that write nothing.
const READERS: [&str; 16] = [
    "contents",
    "contents_of_part",
    "content_totals",
    "contradictions",
    "count_uploads",
    "digest_sources",
    "discarded_backlog",
    "identity",
    "images_with",
    "largest_accounts",
    "logins_of_server",
    "noted_history",
    "open_uploads",
    "role",
    "services",
    "steady_time",
];

/// Fails if an operation that writes was added, and none of these tests calls it.
#[test]
fn each_operation_that_writes_gets_every_fate_of_its_commit() {
    let own = |path: &&str| Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let source = |path: PathBuf| {
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let tried =
        ["src/metadata/sqlite/tests/plans.rs", "src/metadata/postgres/tests/faults.rs", "tests/it/world.rs"];
    let tried: String = tried.iter().map(own).map(source).collect();
    let folder = std::fs::read_dir(own(&"src/metadata")).unwrap();
    let files = folder.map(|file| file.unwrap().path()).filter(|file| file.is_file());
    let others =
        ["src/metadata/postgres/cluster_row.rs", "src/coordination/mod.rs", "src/coordination/places.rs"];
    let mut missing = Vec::new();
    for text in files.chain(others.iter().map(own)).map(source) {
        let bodies = text.split("\npub trait ").skip(1).filter_map(|rest| rest.split("\n}").next());
        let names = bodies.flat_map(|body| body.split("\n    async fn ").skip(1));
        let names = names.filter_map(|rest| rest.split(['(', '<']).next());
        let is_missing = |name: &&str| !READERS.contains(name) && !tried.contains(&format!(".{name}("));
        missing.extend(names.filter(is_missing).map(str::to_owned));
    }
    assert_eq!(missing, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_to_a_frozen_database_is_answered_in_time() {
    let Some((server, name)) = database() else { return };
    let proxy = PostgresProxy::before(server.port());
    let store = connect(&proxy.url(&name)).await;
    store.set_marks(vec![(Mark::GcGrace, 1)]).await.unwrap();
    assert!(store.engine.is_healthy() && store.engine.caches().is_some());
    proxy.freeze();
    let begun = Instant::now();
    let calls = of_request(async {
        let write = store.set_marks(vec![(Mark::GcGrace, 2)]).await;
        (write, store.mark(Mark::GcGrace).await)
    });
    let (write, read) = calls.await;
    assert!(matches!(write, Err(StoreError::Unavailable(_) | StoreError::OutcomeUnknown(_))), "{write:?}");
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    assert!(begun.elapsed() < IN_TIME, "{:?}", begun.elapsed());
    assert!(!store.engine.is_healthy(), "nobody has heard of it for long");
    assert!(store.engine.caches().is_none(), "what is kept may be untrue");
    proxy.thaw();
    let begun = Instant::now();
    while store.set_marks(vec![(Mark::GcGrace, 3)]).await.is_err() || !store.engine.is_healthy() {
        assert!(begun.elapsed() < Duration::from_secs(5), "it does not go on");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(store.mark(Mark::GcGrace).await.unwrap(), Some(3));
    assert!(store.engine.caches().is_some());
}

/// All connections wait for a lock that one holds.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_finds_no_connection_is_told_so_soon() {
    let Some((server, name)) = database() else { return };
    let store = connect(&server.url(&name)).await;
    let mut held = Vec::new();
    for _ in 0..16 {
        held.push(store.engine.0.pool.take(None).await.unwrap());
    }
    let begun = Instant::now();
    let refused = store.mark(Mark::GcGrace).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    held.into_iter().for_each(connection::Connection::give_back);
    assert_eq!(store.mark(Mark::GcGrace).await.unwrap(), None);
}

async fn process(store: &Postgres) -> i64 {
    let text = "SELECT CAST(pg_backend_pid() AS BIGINT)";
    store.engine.read_one(|tx| tx.one(&Query::<i64>::column(text, values![]))).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_ends_its_transaction_and_its_connection_alone() {
    let Some((server, name)) = database() else { return };
    let store = connect(&server.url(&name)).await;
    let before = process(&store).await;
    let panicked: Result<()> = store
        .engine
        .write(Terms::server(), |tx| {
            tx.run("INSERT INTO progress (name, value) VALUES (?1, ?2)", values!["gc-grace", 1])?;
            panic!("of the test");
        })
        .await;
    assert!(matches!(panicked, Err(StoreError::Unavailable(_))), "{panicked:?}");
    assert_ne!(process(&store).await, before);
    let before = process(&store).await;
    let panicked: Result<()> = store.engine.read(|_| panic!("of the test")).await;
    assert!(matches!(panicked, Err(StoreError::Unavailable(_))), "{panicked:?}");
    assert_ne!(process(&store).await, before);
    assert_eq!(store.mark(Mark::GcGrace).await.unwrap(), None);
    store.set_marks(vec![(Mark::GcGrace, 3)]).await.unwrap();
}

/// The schema changes under running programs, and poolers and administrators drop prepared statements.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prepared_statement_that_is_gone_or_has_changed_is_prepared_again() {
    let Some((server, name)) = database() else { return };
    let store = connect(&server.url(&name)).await;
    server.query(&name, "CREATE TABLE trial (a BIGINT); INSERT INTO trial VALUES (7)").unwrap();
    let read = async |store: &Postgres| {
        let read = |tx: &dyn Tx| tx.one(&Query::<i64>::column("SELECT a FROM trial", values![]));
        (store.engine.read_one(read).await.unwrap(), store.engine.write(Terms::server(), read).await.unwrap())
    };
    assert_eq!(read(&store).await, (7, 7));
    server.query(&name, "ALTER TABLE trial ALTER a TYPE INTEGER").unwrap();
    assert_eq!(read(&store).await, (7, 7));
    let drop_all = |tx: &dyn Tx| tx.run("DEALLOCATE ALL", values![]);
    // The answer to the statement itself does not matter here.
    let _ = store.engine.read_one(drop_all).await;
    assert_eq!(read(&store).await, (7, 7));
    // An administrator ends all sessions.
    let end = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    );
    server.query(&name, &end).unwrap();
    assert_eq!(read(&store).await, (7, 7));
}

/// A pooler gives each transaction another session, and the settings of a session stay in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_pooler_serves_many_and_keeps_nothing_of_them() {
    if pgbouncer().is_none() {
        return skip("pgbouncer is not installed");
    }
    let Some((server, name)) = database() else { return };
    let bouncer = block_in_place(|| Bouncer::before(server, 3));
    let store = connect(&bouncer.url(&name)).await;
    plans::do_everything(&store).await;
    let writers = (0..8).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            for count in 0..20 {
                store.set_marks(vec![(Mark::GcGrace, writer * 100 + count)]).await.unwrap();
                store.mark(Mark::GcGrace).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    // Each of the few sessions is asked, many times.
    for _ in 0..6 {
        let settings = "SELECT current_setting('statement_timeout'), current_setting('synchronous_commit')";
        assert_eq!(server.query_at(bouncer.port(), &name, settings).unwrap(), "0|on");
    }
    // The outcome of a COMMIT whose answer the pooler loses is found out, too.
    let wanted = contents(server, &name).lines().count();
    let (server, name) = database().unwrap();
    let proxy = PostgresProxy::before(bouncer.port());
    let url = format!("{}?prepared-statements=false", proxy.url(&name));
    let store = connect(&url).await;
    proxy.decide(|count| [Fate::AnswerLost, Fate::Answered, Fate::Lost, Fate::Answered][count % 4]);
    plans::do_everything(&store).await;
    assert_eq!(contents(server, &name).lines().count(), wanted);
}

/// A key that one process disables can do nothing more in another, and soon opens nothing there.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_one_process_takes_away_is_gone_in_another() {
    use crate::metadata::access_keys::{LastRootKey, NewState};
    use crate::metadata::role_sessions::Credential;
    use crate::metadata::sqlite::tests::world::key_id;
    use crate::metadata::{AccessKeys as _, RoleSessions as _};
    let Some((server, name)) = database() else { return };
    let (one, other) = (connect(&server.url(&name)).await, connect(&server.url(&name)).await);
    one.insert_access_key(&by(), access_key(&here(), 1), PLENTY).await.unwrap();
    let is_enabled = |found: Result<Option<Credential>>| match found.unwrap().unwrap() {
        Credential::AccessKey(key) => key.enabled,
        Credential::Session(_) => unreachable!("it is a key"),
    };
    // The first answer may come too early to be cached.
    for _ in 0..3 {
        assert!(is_enabled(other.credential(&key_id(1)).await));
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let (admin, key) = (by(), key_id(1));
    one.change_access_key(&admin, None, &key, NewState::Disabled, LastRootKey::Keep).await.unwrap();
    let begun = Instant::now();
    assert!(
        is_enabled(other.credential(&key_id(1)).await),
        "it comes from the cache: else this tests nothing"
    );
    assert!(!is_enabled(other.credential_now(&key_id(1)).await));
    assert!(!is_enabled(one.credential(&key_id(1)).await));
    while is_enabled(other.credential(&key_id(1)).await) {
        assert!(begun.elapsed() < Duration::from_secs(5), "it still opens something");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// If the wait for the copy of a commit is given up, the commit must not count as done.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_commit_that_reached_no_copy_is_not_promised() {
    let Some((server, store)) = scratch().await else { return };
    let names = |names: &str| {
        let set = format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'");
        server.query("scratch", &set).unwrap();
        server.query("scratch", "SELECT pg_reload_conf()").unwrap();
    };
    block_in_place(|| names("nobody"));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let is_over = AtomicU32::new(0);
    let (made, cancelled) = tokio::join!(
        async {
            let made = of_request(store.set_marks(vec![(Mark::GcGrace, 7)])).await;
            is_over.store(1, Ordering::Release);
            made
        },
        async {
            let mut cancelled = 0;
            while is_over.load(Ordering::Acquire) == 0 {
                let cancel =
                    "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
                cancelled +=
                    block_in_place(|| server.query("postgres", cancel)).unwrap().parse::<u32>().unwrap();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            cancelled
        }
    );
    assert!(matches!(made, Err(StoreError::OutcomeUnknown(_))), "{made:?}");
    assert!(cancelled > 0);
    block_in_place(|| names(""));
    tokio::time::sleep(Duration::from_millis(300)).await;
    store.set_marks(vec![(Mark::GcGrace, 8)]).await.unwrap();
}

/// Writers continue while the server crashes and comes back, and when a copy takes its place.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crash_and_a_promotion_heal_by_themselves() {
    let Some(programs) = postgres::programs(15) else { return skip("PostgreSQL 15 is not installed") };
    let mut first = block_in_place(|| gangplank_testkit::Postgres::start(&programs));
    first.create("scratch");
    let second = block_in_place(|| first.copy());
    let (one, other) = (first.port(), second.port());
    let url = format!("postgres://gangplank@127.0.0.1:{one},127.0.0.1:{other}/scratch");
    let store = connect(&url).await;
    store.set_marks(vec![(Mark::GcGrace, 1)]).await.unwrap();
    let heals = async |mark: i64| {
        let begun = Instant::now();
        while let Err(error) = of_request(store.set_marks(vec![(Mark::GcGrace, mark)])).await {
            assert!(begun.elapsed() < IN_TIME, "{error}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(store.mark(Mark::GcGrace).await.unwrap(), Some(mark));
    };
    block_in_place(|| {
        first.kill();
        first.run();
    });
    heals(2).await;
    block_in_place(|| {
        first.wait_for(&second);
        first.kill();
        second.promote();
    });
    assert_eq!(store.mark(Mark::GcGrace).await.unwrap(), Some(2));
    heals(3).await;
}
