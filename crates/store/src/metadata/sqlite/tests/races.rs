//! Steps of several callers in the most harmful order.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use gangplank_oci::Digest;
use rusqlite::Connection;

use super::scratch;
use super::world::{At, NOW, blob, by, here, quotas};
use crate::StoreError;
use crate::blobs::ContentKey;
use crate::metadata::BlobLinks as _;
use crate::metadata::blobs::{Mount, NewBlob};
use crate::metadata::sqlite::Sqlite;

fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) {
    assert!(matches!(future.poll(&mut Context::from_waker(Waker::noop())), Poll::Pending));
}

/// Blocks the writer, so that later calls queue up.
fn hold_up(database: &Sqlite) -> Connection {
    let connection = Connection::open(&database.engine.path).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    connection
}

fn release(connection: &Connection) {
    connection.execute_batch("ROLLBACK").unwrap();
}

/// Until the lease is renewed, the row may have been given to another blob.
#[tokio::test]
async fn a_lease_is_renewed_of_the_blob_that_was_asked_for() {
    let (_directory, db) = scratch();
    let at = At::sr(&db);
    at.add("old").await;
    let (old, tenant, name) = (Digest::sha256(b"old"), here(), at.repository.clone());
    let later = NOW.plus(Duration::from_hours(2));

    let held_up = hold_up(&db);
    let by = by();
    let mut delete = pin!(db.delete_blob(&by, &tenant, &name, &old));
    poll_once(delete.as_mut());
    let mut add = pin!(db.add_blob(&tenant, &name, blob("new", ContentKey::unused()), later));
    poll_once(add.as_mut());
    let mut find = pin!(db.find_blob(&tenant, &name, &old, Some(super::world::asked(later))));
    poll_once(find.as_mut());
    release(&held_up);

    delete.await.unwrap();
    add.await.unwrap();
    assert_eq!(find.await.unwrap(), None);
}

/// Until the lease is renewed, the content may have been replaced.
#[tokio::test]
async fn a_renewed_lease_comes_with_the_content_there_is_now() {
    let (_directory, db) = scratch();
    let at = At::sr(&db);
    let damaged = at.add("layer").await;
    let (digest, tenant, name) = (Digest::sha256(b"layer"), here(), at.repository.clone());
    let (later, key) = (NOW.plus(Duration::from_hours(2)), ContentKey::unused());

    let held_up = hold_up(&db);
    let blob = NewBlob { damaged: Some(damaged), ..blob("layer", key.clone()) };
    let mut replace = pin!(db.add_blob(&tenant, &name, blob, NOW));
    poll_once(replace.as_mut());
    let mut find = pin!(db.find_blob(&tenant, &name, &digest, Some(super::world::asked(later))));
    poll_once(find.as_mut());
    release(&held_up);

    replace.await.unwrap();
    assert_eq!(find.await.unwrap().unwrap().key, key);
}

#[tokio::test]
async fn a_lease_never_goes_back() {
    let (_directory, db) = scratch();
    let at = At::sr(&db);
    at.add("layer").await;
    let (digest, tenant, name) = (Digest::sha256(b"layer"), here(), at.repository.clone());
    let lease = || {
        let lease = |connection: &Connection| {
            Ok(connection.query_row("SELECT leased_at FROM blob_links", [], |row| row.get::<_, i64>(0))?)
        };
        db.engine.read(lease).unwrap()
    };
    let hours = |hours| NOW.plus(Duration::from_hours(hours));
    let held_up = hold_up(&db);
    let mut latest = pin!(db.find_blob(&tenant, &name, &digest, Some(super::world::asked(hours(9)))));
    poll_once(latest.as_mut());
    let mut earlier = pin!(db.find_blob(&tenant, &name, &digest, Some(super::world::asked(hours(5)))));
    poll_once(earlier.as_mut());
    release(&held_up);
    assert!(latest.await.unwrap().is_some() && earlier.await.unwrap().is_some());
    assert_eq!(lease(), hours(9).0);
    db.find_blob(&tenant, &name, &digest, Some(super::world::asked(NOW))).await.unwrap();
    at.add("layer").await;
    db.mount_blob(&tenant, &name, Mount { from: Some(name.clone()), digest, seen_by: None }, NOW, &quotas())
        .await
        .unwrap();
    assert_eq!(lease(), hours(9).0);
    db.find_blob(&tenant, &name, &digest, Some(super::world::asked(hours(10)))).await.unwrap();
    assert_eq!(lease(), hours(10).0, "an hour old is renewed");
    db.mount_blob(
        &tenant,
        &name,
        Mount { from: Some(name.clone()), digest, seen_by: None },
        hours(10).plus(Duration::from_millis(1)),
        &quotas(),
    )
    .await
    .unwrap();
    assert_eq!(lease(), hours(10).0 + 1, "a mount always renews");
}

#[test]
fn a_read_sees_one_moment() {
    let (_directory, db) = scratch();
    let other = Connection::open(&db.engine.path).unwrap();
    let count = |connection: &Connection| {
        connection.query_row("SELECT count(*) FROM tenants", [], |row| row.get::<_, i64>(0))
    };
    let both = db.engine.read(|connection| {
        let before = count(connection)?;
        other.execute("INSERT INTO tenants (account, region) VALUES ('a', 'r')", [])?;
        Ok((before, count(connection)?))
    });
    assert_eq!(both.unwrap(), (0, 0));
    assert_eq!(
        db.engine.read(|connection| Ok(count(connection)?)).unwrap(),
        1,
        "and the next one a later one"
    );
    let failed: crate::Result<()> = db.engine.read(|_| Err(StoreError::damaged(String::new())));
    assert!(failed.is_err());
    other.execute("DELETE FROM tenants", []).unwrap();
    assert_eq!(db.engine.read(|connection| Ok(count(connection)?)).unwrap(), 0, "also after a failure");
}

#[test]
fn a_file_that_is_no_database_is_damaged() {
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("metadata.sqlite");
    std::fs::write(&path, vec![7; 8192]).unwrap();
    assert!(matches!(Sqlite::open(&path), Err(StoreError::Damaged(_))));
}
