//! Logins take turns.

use std::task::{Context, Poll, Waker};

use futures_util::future::{join, join_all};
use gangplank_core::LoginId;
use gangplank_oci::Digest;
use rusqlite::Connection;

use super::scratch;
use super::world::{At, Document};
use crate::metadata::acting;
use crate::metadata::manifests::{ManifestOutcome, NewManifest};

/// Large manifests of one login wait, and another login of the same account overtakes them.
#[tokio::test]
async fn a_small_manifest_overtakes_large_ones_of_another_login() {
    let (_directory, db) = scratch();
    let at = At::sr(&db);
    at.add("layer").await;
    let small = Document::image(&["layer"]);
    let large = |number: u8| NewManifest {
        digest: Digest::sha256(&[number]),
        body: vec![number; 1 << 20],
        ..small.put()
    };
    // Until it ends, all work gathers in the queue.
    let held_up = Connection::open(&db.engine.path).unwrap();
    held_up.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut theirs: Vec<_> =
        (0..6).map(|number| Box::pin(acting::with(LoginId(1), at.put(large(number))))).collect();
    let mut mine = Box::pin(acting::with(LoginId(2), at.put(small.put())));
    let mut context = Context::from_waker(Waker::noop());
    for put in &mut theirs {
        assert!(matches!(put.as_mut().poll(&mut context), Poll::Pending));
    }
    assert!(matches!(mine.as_mut().poll(&mut context), Poll::Pending));
    held_up.execute_batch("ROLLBACK").unwrap();

    let (mine, theirs) = join(mine, join_all(theirs)).await;
    assert_eq!((mine, theirs), (ManifestOutcome::Stored, vec![ManifestOutcome::Stored; 6]));
    let before = "SELECT count(*) FROM manifests
                  WHERE id < (SELECT id FROM manifests WHERE digest = ?1)";
    let before: i64 = held_up.query_row(before, [small.digest().to_string()], |row| row.get(0)).unwrap();
    assert!(before <= 1, "{before} large manifests were stored before the small one");
}
