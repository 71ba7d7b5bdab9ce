//! Conflicts that only two processes, or two connections of one process, can have.

use gangplank_core::{Origin, Time};

use super::*;
use crate::blobs::ContentKey;
use crate::metadata::blobs::{BlobLinks as _, NewBlob};
use crate::metadata::container_images::{ContainerImages as _, NewImage};
use crate::metadata::manifests::{ManifestOutcome, Manifests as _};
use crate::metadata::postgres::connection::TIMELINE;
use crate::metadata::postgres::resolve::{self, Lost};
use crate::metadata::sqlite::tests::world::{
    At, Document, NOW, PLENTY, asked, blob, by, create_login, create_service, delete_service, here, image_of,
    push_login, service_id,
};
use crate::metadata::{Collection as _, Inspection as _};

/// How often each conflict is tried.
const ROUNDS: usize = 60;

fn retries(store: &Postgres) -> u64 {
    store.engine.0.shared.retries()
}

/// One login pushes a configuration and a manifest to one repository at the same time, as in a push of many
/// platforms.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_login_that_pushes_two_things_at_once_waits_in_no_circle() {
    let Some((server, store)) = scratch().await else { return };
    let login = create_login(&store, push_login(&here(), 1)).await;
    let at = At { by: Origin { login: Some(login), ..by() }, ..At::sr(&store) };
    at.add("config").await;
    let blobs = async {
        for count in 0..ROUNDS {
            let own =
                NewBlob { put_by: Some(login), ..blob(&format!("config {count}"), ContentKey::unused()) };
            store.add_blob(&at.tenant, &at.repository, own, NOW).await.unwrap();
        }
    };
    let manifests = async {
        for count in 0..ROUNDS {
            let image = Document::about(&Document::image(&["config"]), &format!("a/{count}"), &["config"]);
            let put = store.put_manifest(&at.by, &at.tenant, &at.repository, image.put()).await;
            assert_eq!(put.unwrap(), ManifestOutcome::Stored);
        }
    };
    at_once(blobs, manifests);
    assert!(!server.log().contains("deadlock detected"), "{}", server.log());
    assert_eq!(retries(&store), 0);
}

/// One service registers an image that is part of the image that another service releases.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_registers_and_who_lets_go_wait_in_no_circle() {
    let Some((server, store)) = scratch().await else { return };
    let at = At::sr(&store);
    let image = at.image(&["config"], &[]).await;
    let index = Document::index(&[&image]);
    at.store(&index, &[]).await;
    create_service(&store, &here(), "one").await;
    let registers = async {
        let service = service_id(&store, &here(), "one").await;
        for _ in 0..ROUNDS {
            let new = NewImage { service, ..image_of("app", index.digest()) };
            store.register_image(&by(), &here(), new, PLENTY).await.unwrap();
        }
    };
    let lets_go = async {
        for _ in 0..ROUNDS / 4 {
            create_service(&store, &here(), "two").await;
            let service = service_id(&store, &here(), "two").await;
            for document in [&index, &image] {
                let new = NewImage { service, ..image_of("app", document.digest()) };
                store.register_image(&by(), &here(), new, PLENTY).await.unwrap();
            }
            delete_service(&store, &here(), "two", NOW).await;
        }
    };
    at_once(registers, lets_go);
    assert!(!server.log().contains("deadlock detected"), "{}", server.log());
    assert_eq!(retries(&store), 0);
}

/// Runs both, each on a separate thread.
fn at_once(one: impl Future<Output = ()> + Send, other: impl Future<Output = ()> + Send) {
    let runtime = Handle::current();
    std::thread::scope(|scope| {
        scope.spawn(|| runtime.block_on(one));
        scope.spawn(|| runtime.block_on(other));
    });
}

/// A server that has replaced another one gives the numbers of lost transactions to new ones.
#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_was_given_again_says_nothing() {
    let Some((server, store)) = scratch().await else { return };
    let next = server.query("scratch", "SELECT CAST(pg_current_xact_id() AS TEXT)").unwrap();
    let number = (next.parse::<u64>().unwrap() + 1).to_string();
    // Another transaction gets this number.
    store.set_marks(vec![(Mark::GcGrace, 7)]).await.unwrap();
    store.set_marks(vec![(Mark::GcGrace, 8)]).await.unwrap();
    let outcome = async |timeline: Option<&str>| {
        let lost = Lost { number: Some(number.clone()), timeline: timeline.map(str::to_owned) };
        resolve::outcome(&store.engine.0.pool, &lost, None).await
    };
    for timeline in [Some("000000FF"), None] {
        let outcome = outcome(timeline).await;
        assert!(matches!(outcome, Err(StoreError::OutcomeUnknown(_))), "{outcome:?}");
    }
    // The server that gave the number out knows the outcome.
    let timeline = server.query("scratch", &format!("SELECT {TIMELINE}")).unwrap();
    outcome(Some(&timeline)).await.unwrap();
}

/// A refusal costs no connection.
#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_fails_gives_its_connection_back() {
    let Some((_server, store)) = scratch().await else { return };
    let process = || async {
        let find =
            |tx: &dyn Tx| tx.one(&Query::<i64>::column("SELECT CAST(pg_backend_pid() AS BIGINT)", values![]));
        store.engine.read_one(find).await.unwrap()
    };
    let before = process().await;
    let refused: Result<()> = store.engine.write(Terms::server(), |_| Err(StoreError::damaged("no"))).await;
    assert!(matches!(refused, Err(StoreError::Damaged(_))));
    assert_eq!(process().await, before);
}

/// Leases use the clock of the database. The clock of a process does not matter.
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_renewed_at_the_time_of_all() {
    let Some((server, store)) = scratch().await else { return };
    let at = At::sr(&store);
    let image = at.image(&["config"], &[]).await;
    let later = NOW.plus(Duration::from_hours(48));
    server.query("scratch", &format!("UPDATE cluster SET steady_time = {}", later.0)).unwrap();
    let leases = || {
        let text = "SELECT min(at) FROM (SELECT leased_at AS at FROM manifests UNION ALL SELECT leased_at FROM blob_links) AS l";
        Time(server.query("scratch", text).unwrap().parse().unwrap())
    };
    let found = store.manifest(&at.tenant, &at.repository, &image.reference(), None, Some(asked(NOW))).await;
    assert!(found.unwrap().is_some());
    assert!(at.holds("config").await);
    assert_eq!(leases(), later);
    // So a lease that a slow process takes is not in the future.
    assert_eq!(store.contradictions(NOW).await.unwrap(), Vec::new());
    store.reconcile(NOW).await.unwrap();
    assert_eq!(leases(), later);
}

/// One repository, whose garbage is the oldest, is always in use.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_repository_in_use_holds_up_only_its_own_garbage() {
    let Some((server, store)) = scratch().await else { return };
    let (busy, idle) = (At::new(&store, here(), "busy"), At::new(&store, here(), "idle"));
    for at in [&busy, &idle] {
        at.add("config").await;
        for number in 0..9 {
            at.add(&format!("layer {number}")).await;
            at.store(
                &Document::about(&Document::image(&["config"]), &format!("a/{number}"), &["config"]),
                &[],
            )
            .await;
        }
    }
    // The subject of these manifests is absent, so nothing holds them.
    let using = Pool::of(Target::parse(&server.url("scratch")).unwrap()).extra().await.unwrap();
    using.order("BEGIN; SELECT 1 FROM repositories WHERE name = 'busy' FOR SHARE").await.unwrap();
    let over = NOW.plus(Duration::from_hours(100));
    let mut collected = 0;
    loop {
        let step = store.collect(over, over, 4).await.unwrap();
        if step.manifests + step.blobs == 0 {
            break;
        }
        collected += step.manifests + step.blobs;
    }
    assert_eq!(collected, 19, "nine manifests, and ten blobs");
    assert!(busy.holds("layer 0").await);
    using.order("ROLLBACK").await.unwrap();
}
