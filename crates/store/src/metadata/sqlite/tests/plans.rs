//! No request may read a whole table. This checks SQLite's plans of all statements that run.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gangplank_core::{ConsoleSecret, ImageName, LoginId, Scale, ServiceId, Time};
use gangplank_oci::{Digest, Tag};
use rusqlite::Connection;
use rusqlite::trace::{TraceEvent, TraceEventCodes};

use super::scratch;
use super::world::{
    At, Document, NOW, PLENTY, ROOM, access_key, activate, blob, by, by_key, by_session, change_key,
    create_login, create_role, create_service, create_session, delete_image, delete_service, deploy,
    end_next, here, images_of, key_id, new_role, owner_of, password, push_login, quotas, register,
    registered, service_id, session_key, session_login, tagged,
};
use crate::blobs::{Checkpoint, ContentKey};
use crate::coordination::Epoch;
use crate::metadata::Metadata;
use crate::metadata::access_keys::{LastRootKey, NewState};
use crate::metadata::audit::AuditFilter;
use crate::metadata::blobs::{Discarded, Mount, NewBlob};
use crate::metadata::catalogue::ManifestFilter;
use crate::metadata::console_logins::{NewConsoleLink, NewConsoleLogin};
use crate::metadata::container_services::{ServiceChange, ServiceUpdate};
use crate::metadata::deployments::ImageSource;
use crate::metadata::manifests::NewManifest;
use crate::metadata::metric_points::Sample;
use crate::metadata::progress::Mark;
use crate::metadata::registry_logins::Used;
use crate::metadata::roles::RoleChange;
use crate::metadata::uploads::{Leaves, UploadOwner, UploadSession};

/// Every statement that ran in this process. Each is kept once, with its parameters filled in.
static SEEN: Mutex<BTreeMap<String, String>> = Mutex::new(BTreeMap::new());

/// Records the statements of a connection.
pub(in crate::metadata::sqlite) fn watch(connection: &mut Connection) {
    let note = |event: TraceEvent<'_>| {
        let TraceEvent::Stmt(statement, sql) = event else { return };
        let verb = sql.split_whitespace().next().unwrap_or_default();
        if ["SELECT", "WITH", "INSERT", "UPDATE", "DELETE"].contains(&verb)
            && let Some(expanded) = statement.expanded_sql()
        {
            let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
            seen.entry(sql.to_owned()).or_insert_with(|| expanded.clone());
        }
    };
    connection.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(note)).unwrap();
}

/// Everything that requests and periodic jobs do.
pub(in crate::metadata) async fn do_everything(db: &dyn Metadata) {
    let tenant = here();
    db.insert_access_key(&by(), access_key(&tenant, 1), PLENTY).await.unwrap();
    db.note(Vec::new()).await.unwrap();
    db.note_use(vec![(LoginId(1), Used { at: NOW, push: None })]).await.unwrap();
    db.access_key(&key_id(1)).await.unwrap();
    create_service(db, &tenant, "web").await;
    roles(db).await;
    let login = create_login(db, push_login(&tenant, 1)).await;
    db.login(&password(1).hash()).await.unwrap();
    db.logins(&tenant, NOW, None, 9).await.unwrap();
    for account in [None, Some(&tenant.account)] {
        db.access_keys(account, None, 9).await.unwrap();
    }
    let service = service_id(db, &tenant, "web").await;
    let at = At::sr(db);
    let image = at.image(&["config", "layer"], &["latest"]).await;
    let index = Document::index(&[&image]);
    at.store(&index, &[]).await;
    for reference in [tagged("latest"), index.reference()] {
        db.manifest(&tenant, &at.repository, &reference, Some(login), None).await.unwrap();
    }
    let owned = NewManifest { pushed_by: Some(owner_of(1)), ..index.put() };
    db.put_manifest(&by(), &tenant, &at.repository, owned).await.unwrap();
    at.store(&Document::about(&image, "application/note", &["config"]), &[]).await;
    for put_by in [None, Some(login)] {
        db.referrers(&tenant, &at.repository, &image.digest(), None, put_by, 0).await.unwrap();
    }
    let layer = Digest::sha256(b"layer");
    for hours in [0, 2] {
        let now = NOW.plus(Duration::from_hours(hours));
        db.find_blob(&tenant, &at.repository, &layer, Some(super::world::asked(now))).await.unwrap();
    }
    db.tenant_content(&tenant, &layer).await.unwrap();
    db.find_blob_seen_by(login, &tenant, &at.repository, &layer, None).await.unwrap();
    for seen_by in [Some(login), None] {
        let mount = Mount { from: Some(at.repository.clone()), digest: layer, seen_by };
        db.mount_blob(&tenant, &at.repository, mount, NOW, &quotas()).await.unwrap();
    }
    let own = NewBlob { put_by: Some(login), ..blob("own", ContentKey::unused()) };
    db.add_blob(&tenant, &at.repository, own, NOW).await.unwrap();
    register(db, &tenant, "web", &index).await;
    images_of(db, &tenant, "web").await;
    db.image_sources(&tenant, service, "app", 1).await.unwrap().unwrap();
    db.puts(&tenant, &image.digest()).await.unwrap();
    db.image_manifest(&tenant, service, "app", 1).await.unwrap();
    db.image_manifest_by_digest(&tenant, service, &image.digest()).await.unwrap();
    db.image_blob(&tenant, service, &layer).await.unwrap();
    db.tags(&tenant, &at.repository, Some("a"), 9).await.unwrap();
    db.repositories(&tenant, Some("a"), 9).await.unwrap();
    catalogue(db, &at, &image).await;
    at.image(&["config"], &["short-lived"]).await;
    let tag = Tag::parse("short-lived").unwrap();
    assert!(db.delete_tag(&by(), &tenant, &at.repository, &tag).await.unwrap());
    console(db).await;
    upload(db, &at, login).await;
    db.close_stale_uploads(Time(0), Time(0)).await.unwrap();
    db.delete_blob(&by(), &tenant, &at.repository, &layer).await.unwrap();
    deployments(db, service).await;
    let name = ImageName { service: "web".to_owned(), label: "app".to_owned(), number: 1 };
    delete_image(db, &tenant, &name, NOW).await;
    db.delete_blob(&by(), &tenant, &at.repository, &layer).await.unwrap();
    let index = Document::index_about(&image, &[&image]);
    at.store(&index, &[]).await;
    db.garbage(Time(i64::MAX)).await.unwrap();
    db.waiting(Time(i64::MAX), 9).await.unwrap();
    db.damaged_contents(9).await.unwrap();
    for _ in 0..4 {
        db.collect(Time(i64::MAX), NOW, 9).await.unwrap();
    }
    db.set_marks(vec![(Mark::ScrubPosition, 1)]).await.unwrap();
    db.mark(Mark::ScrubPosition).await.unwrap();
    let key = ContentKey::unused();
    db.mark_damaged(&key).await.unwrap();
    db.mark_whole(&key).await.unwrap();
    let orphan = Discarded { key, upload: None };
    db.discard_orphans(vec![orphan], Duration::ZERO, NOW).await.unwrap();
    let discarded = db.discarded(NOW, 9).await.unwrap().into_iter().map(|it| it.key).collect();
    db.forget_discarded(discarded).await.unwrap();
    db.unknown_content(vec![ContentKey::unused()]).await.unwrap();
    db.delete_manifest(&by(), &tenant, &at.repository, &index.digest(), NOW).await.unwrap();
    db.revoke_login(&by(), &tenant, login, NOW).await.unwrap();
    change_key(db, None, &key_id(1), NewState::Disabled).await;
    db.give_back().await.unwrap();
    db.forget_logins(Time(0)).await.unwrap();
    let mut filter = AuditFilter::default();
    db.audit_events(&filter, None, 9).await.unwrap();
    filter.account = Some(tenant.account.clone());
    db.audit_events(&filter, None, 9).await.unwrap();
    db.forget_events(NOW, 0).await.unwrap();
    db.add_samples(NOW, vec![Sample { service, processor: 1.0, memory: 1.0 }]).await.unwrap();
    db.metric_points(service, Time(0), NOW).await.unwrap();
    db.forget_metric_points(NOW, 9).await.unwrap();
    db.forget_metrics_of(service).await.unwrap();
    db.service_uuids().await.unwrap();
    delete_service(db, &tenant, "web", NOW).await;
}

/// Everything that people list.
async fn catalogue(db: &dyn Metadata, at: &At<'_>, image: &Document) {
    db.list_repositories(&at.tenant, "", None, 9).await.unwrap();
    for tag_prefix in [None, Some("l".to_owned())] {
        let filter = ManifestFilter { tag_prefix, with_parts: false };
        db.list_manifests(&at.tenant, &at.repository, &filter, None, 9).await.unwrap().unwrap();
    }
    for reference in [tagged("latest"), image.reference()] {
        db.show_manifest(&at.tenant, &at.repository, &reference).await.unwrap().unwrap();
    }
}

/// Every operation on logins to the console.
async fn console(db: &dyn Metadata) {
    let secret = |number: u8| ConsoleSecret::generate([number; 32]).hash();
    let (tenant, key, later) = (here(), key_id(1), NOW.plus(Duration::from_hours(1)));
    for number in [1, 2] {
        let secret = secret(number);
        let link = NewConsoleLink {
            secret,
            key: key.clone(),
            tenant: tenant.clone(),
            created_at: NOW,
            ends_at: later,
        };
        db.insert_console_link(&by(), link).await.unwrap();
    }
    assert!(db.use_console_link(&secret(1), NOW).await.unwrap().is_some());
    for number in 1..6 {
        let login = NewConsoleLogin {
            secret: secret(number),
            key: key.clone(),
            tenant: tenant.clone(),
            address: [192, 0, 2, 1].into(),
            created_at: NOW,
            over_at: later,
            ends_at: later,
        };
        db.insert_console_login(&by(), login).await.unwrap();
    }
    let mut ids = Vec::new();
    for number in 1..3 {
        ids.push(db.console_login(&secret(number), NOW).await.unwrap().unwrap().id);
    }
    db.prolong_console_login(ids[0], later).await.unwrap();
    db.forget_console_login(ids[0]).await.unwrap();
    assert!(db.end_console_login(&by(), &tenant, ids[1]).await.unwrap());
    assert_eq!(db.end_console_logins_of(&by(), &tenant, &key).await.unwrap(), 3);
    db.forget_console_logins_of(&key).await.unwrap();
    db.forget_console_logins(Time(i64::MAX)).await.unwrap();
}

/// Every operation on roles.
async fn roles(db: &dyn Metadata) {
    let (tenant, account) = (here(), here().account);
    let role = create_role(db, &tenant, "push").await;
    db.roles(&account, None, 9).await.unwrap();
    create_session(db, &role, 9).await;
    db.credential(&session_key(9)).await.unwrap();
    let at = At { by: by_session(&role, 9), ..At::sr(db) };
    create_login(db, session_login(&tenant, &role, 9)).await;
    db.login(&password(9).hash()).await.unwrap();
    at.image(&["config"], &[]).await;
    db.sessions(&account, &role.name, NOW, None, 9).await.unwrap();
    db.revoke_session(&by(), &account, &role.name, &session_key(9), NOW).await.unwrap();
    db.note_key_use(vec![(key_id(1), NOW)]).await.unwrap();
    let off = RoleChange { enabled: Some(false), ..RoleChange::default() };
    db.change_role(&by(), &account, &role.name, off).await.unwrap();
    for before in [Time(0), Time(i64::MAX), Time(0)] {
        db.forget_sessions(before).await.unwrap();
    }
    db.delete_role(&by(), &account, &role.name).await.unwrap();
    db.insert_access_key(&by(), access_key(&tenant, 7), PLENTY).await.unwrap();
    db.insert_role(&by_key(7), new_role(&tenant, "made"), PLENTY).await.unwrap();
    db.disable_with_made(&by(), None, &key_id(7), LastRootKey::Keep).await.unwrap();
}

/// Every operation on deployments.
async fn deployments(db: &dyn Metadata, service: ServiceId) {
    let tenant = here();
    for end_well in [true, false] {
        let made = deploy(db, &tenant, "web", &[registered(None), ImageSource::Public]).await;
        let (version, rollout) = (made.next.unwrap().version, made.rollout.unwrap());
        db.note_step(service, version, rollout).await.unwrap();
        db.pin_image(service, version, "c1", "sha256:a").await.unwrap();
        end_next(db, &by(), &tenant, "web", end_well).await.unwrap();
    }
    let update =
        ServiceUpdate { scale: Some(Scale::nearest(2)), room: Some(ROOM), ..ServiceUpdate::default() };
    db.change_service(&by(), &tenant, service, ServiceChange::Update(update), PLENTY).await.unwrap();
    db.settle_service(service, 1).await.unwrap();
    db.deployments(&tenant, service).await.unwrap();
    db.deployed_service(&tenant, service).await.unwrap();
    db.deployed_services(&tenant).await.unwrap();
    assert_eq!(db.services_to_run().await.unwrap().services.len(), 1);
    // A deployed image cannot be deleted, so another deployment follows.
    deploy(db, &tenant, "web", &[ImageSource::Public]).await;
    activate(db, &tenant, "web").await;
}

/// Every operation on upload sessions.
async fn upload(db: &dyn Metadata, at: &At<'_>, login: LoginId) {
    let owner =
        UploadOwner { tenant: at.tenant.clone(), repository: at.repository.clone(), owner: owner_of(1) };
    let session = UploadSession {
        id: "one".to_owned(),
        key: ContentKey::unused(),
        checkpoint: Checkpoint { keys: vec![ContentKey::unused()], ..Checkpoint::to_cancel(Vec::new()) },
        login: Some(login),
        created_at: NOW,
        touched_at: NOW,
        epoch: Epoch::NONE,
    };
    db.open_upload(&owner, session.clone(), PLENTY).await.unwrap();
    db.upload(&owner, "one").await.unwrap();
    db.take_upload(&owner, "one", Epoch::NONE).await.unwrap();
    db.last_upload_epoch().await.unwrap();
    let fresh = session.clone();
    let with_key = |session: &UploadSession| {
        let keys = vec![ContentKey::unused()];
        let checkpoint = Checkpoint { keys, ..session.checkpoint.clone() };
        UploadSession { checkpoint, ..session.clone() }
    };
    db.advance_upload(&owner, &session.checkpoint, with_key(&session)).await.unwrap();
    db.used_bytes(&at.tenant).await.unwrap();
    db.is_alone(&at.tenant.account).await.unwrap();
    db.close_upload(&owner, "one", Epoch::NONE, Leaves::Bytes).await.unwrap();
    // The quota is one session. So an idle session has to end before the second one can be opened.
    for id in ["two", "three"] {
        let session =
            UploadSession { id: id.to_owned(), key: ContentKey::unused(), login: None, ..with_key(&fresh) };
        db.open_upload(&owner, session, 1).await.unwrap();
    }
}

fn plan(connection: &Connection, sql: &str) -> Vec<String> {
    let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let steps = explain.query_map([], |row| row.get("detail")).unwrap();
    steps.collect::<rusqlite::Result<_>>().unwrap()
}

/// Names of tables and queries in a plan that may be scanned: rows that an outer query or a recursion has
/// found, a single row, queues that are read from one end up to a limit (`discarded`, `audit`), and the access
/// keys, when one is deleted.
fn is_small(step: &str) -> bool {
    [
        "holder",
        "h",
        "part",
        "p",
        "CONSTANT ROW",
        "discarded",
        "audit",
        "oldest",
        "looked_at",
        "access_keys",
        "found",
    ]
    .contains(&step)
}

/// Searches that amount to a scan: through a whole repository, through all repositories of a tenant, or in an
/// index that SQLite builds for the query.
fn is_wide(step: &str) -> bool {
    step.ends_with("(repository=?)")
        || step.starts_with("SEARCH r ") && step.ends_with("(tenant=?)")
        || step.contains("AUTOMATIC")
}

/// Every SQL text that ran in this process.
pub(in crate::metadata) fn seen() -> Vec<String> {
    SEEN.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
}

/// Set in the child process in which the test runs alone.
const ALONE: &str = "GANGPLANK_TEST_PLANS_ALONE";

#[tokio::test]
async fn no_statement_reads_more_than_it_needs() {
    if std::env::var_os(ALONE).is_none() {
        // The test observes the whole process, so no other test may run in it.
        let name = "metadata::sqlite::tests::plans::no_statement_reads_more_than_it_needs";
        let test = std::env::current_exe().unwrap();
        let ran = Command::new(test).args([name, "--exact"]).env(ALONE, "1").output().unwrap();
        let said = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    let (_directory, db) = scratch();
    do_everything(&db).await;
    let seen = SEEN.lock().unwrap().clone();
    assert!(seen.len() > 50, "only {} statements were noted", seen.len());
    let connection = Connection::open(&db.engine.path).unwrap();
    let mut scans = Vec::new();
    for (sql, expanded) in &seen {
        for step in plan(&connection, expanded) {
            // A test for emptiness stops at the first row.
            if sql.starts_with("DELETE FROM repositories") {
                continue;
            }
            // This statement runs once a minute, and not on the writer's thread. It finds tenants whose logins ended.
            if sql.starts_with("SELECT l.id FROM tenants t") && step.starts_with("SCAN t") {
                continue;
            }
            // This statement runs once a minute, and not on the writer's thread. It finds accounts that may have
            // sessions which have ended.
            if sql.starts_with("SELECT n.number FROM (SELECT DISTINCT account FROM access_keys)")
                && ["SCAN a", "SCAN access_keys USING COVERING INDEX access_keys_by_account"]
                    .contains(&step.as_str())
            {
                continue;
            }
            // This statement runs once an hour, and not on the writer's thread. It reads all services.
            if sql == "SELECT uuid FROM services" {
                continue;
            }
            // `l` is the single row of the statement's parameters.
            if sql.starts_with("INSERT INTO blob_links") && step == "SCAN l" {
                continue;
            }
            let scan = step.strip_prefix("SCAN ").is_some_and(|what| !is_small(what));
            // A plan may not sort a whole list to read one page of it.
            let sort = step.contains("TEMP B-TREE") && sql.contains("LIMIT ?");
            if scan || sort || is_wide(&step) {
                scans.push(format!("{step}: {sql}"));
            }
        }
    }
    assert!(scans.is_empty(), "{scans:#?}");
}
