//! A source is stored once. It is deleted with the last row that refers to it.

use gangplank_core::{LoginId, Origin, Time};
use rusqlite::Connection;

use super::scratch;
use super::world::{
    At, NOW, by, by_session, create_login, create_role, create_service, create_session, delete_service, here,
    register, repository, session_login,
};
use crate::metadata::sqlite::Sqlite;
use crate::metadata::{AuditTrail as _, Manifests as _, RoleSessions as _};

fn count(db: &Sqlite) -> i64 {
    let connection = Connection::open(&db.engine.path).unwrap();
    connection.query_row("SELECT count(*) FROM sources", [], |row| row.get(0)).unwrap()
}

/// Runs the periodic job until it has seen every source.
async fn sweep(db: &Sqlite) {
    while db.forget_sessions(Time(0)).await.unwrap() > 0 {}
}

async fn forget_events(db: &Sqlite) {
    while db.forget_events(Time(i64::MAX), 0).await.unwrap() > 0 {}
}

#[tokio::test]
async fn a_source_goes_with_the_last_that_came_from_it() {
    let (_directory, db) = scratch();
    create_service(&db, &here(), "web").await;
    let role = create_role(&db, &here(), "push").await;
    create_session(&db, &role, 1).await;
    assert_eq!(count(&db), 0, "a job that brings nothing leaves nothing");
    let login: LoginId = create_login(&db, session_login(&here(), &role, 1)).await;
    let at = At { by: Origin { login: Some(login), ..by_session(&role, 1) }, ..At::sr(&db) };
    let image = at.image(&["config"], &["a"]).await;
    for tag in ["b", "c"] {
        at.image(&["config"], &[tag]).await;
    }
    assert_eq!(count(&db), 1, "the same each time");
    register(&db, &here(), "web", &image).await;
    assert_eq!(count(&db), 2, "somebody else registered it");
    sweep(&db).await;
    assert_eq!(count(&db), 2);
    delete_service(&db, &here(), "web", NOW).await;
    sweep(&db).await;
    assert_eq!(count(&db), 1);
    db.delete_manifest(&by(), &here(), &repository("sr"), &image.digest(), NOW).await.unwrap();
    sweep(&db).await;
    assert_eq!(count(&db), 1, "the audit trail tells of it");
    forget_events(&db).await;
    sweep(&db).await;
    assert_eq!(count(&db), 0);
}
