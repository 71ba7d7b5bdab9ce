//! A lookup of a login takes one step in an index, however much other logins have pushed. The number of
//! contents of an image is limited.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gangplank_core::LoginId;
use gangplank_oci::Digest;
use rusqlite::Connection;

use super::scratch;
use super::world::{At, Document, PLENTY, create_service, here, image_of, register, register_on, service_id};
use crate::metadata::container_images::{ImageOutcome, MAX_CONTENTS};
use crate::metadata::sqlite::Sqlite;
use crate::metadata::{BlobLinks as _, ContainerImages as _};

/// Inserts the rows of this many manifests, as a push login could put them. Each references the same layer and
/// the same child.
fn push_over(path: &std::path::Path, layer: &str, child: &str, manifests: usize) {
    let connection = Connection::open(path).unwrap();
    let rows = format!(
        "BEGIN;
         CREATE TEMP TABLE number (n INTEGER PRIMARY KEY);
         INSERT INTO number
         WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {manifests}) SELECT n FROM n;
         INSERT INTO manifests (id, repository, digest, media_type, is_hung, depth, created_at, leased_at, held, size, body)
         SELECT 1000000 + n, 1, format('sha256:f%063x', n), '', 0, 1, 0, 0, 0, 1, x'00' FROM number;
         INSERT INTO manifest_blobs (repository, digest, manifest, is_config)
         SELECT 1, '{layer}', 1000000 + n, 0 FROM number;
         INSERT INTO manifest_children SELECT 1, '{child}', 1000000 + n FROM number;
         COMMIT;"
    );
    connection.execute_batch(&rows).unwrap();
}

/// Three lookups: a pull login looks up a layer and a child of an index, and a push login a layer. Returns how
/// many steps of SQLite's virtual machine each lookup takes.
async fn steps(manifests: usize) -> [u64; 3] {
    let (_directory, db) = scratch();
    create_service(&db, &here(), "web").await;
    let web = service_id(&db, &here(), "web").await;
    let at = At::sr(&db);
    let image = at.image(&["config", "layer"], &[]).await;
    let index = Document::index(&[&image]);
    at.store(&index, &[]).await;
    register(&db, &here(), "web", &index).await;
    let layer = Digest::sha256(b"layer");
    push_over(&db.engine.path, &layer.to_string(), &image.digest().to_string(), manifests);
    let of_layer = count(&db, async || assert!(db.image_blob(&here(), web, &layer).await.unwrap().is_some()));
    let of_layer = of_layer.await;
    let asked = image.digest();
    let of_child = count(&db, async || {
        assert!(db.image_manifest_by_digest(&here(), web, &asked).await.unwrap().is_some());
    });
    let of_child = of_child.await;
    let login = LoginId(1);
    let known = count(&db, async || {
        let found = db.find_blob_seen_by(login, &here(), &at.repository, &layer, None).await.unwrap();
        assert!(found.unwrap().may_be_known());
    });
    [of_layer, of_child, known.await]
}

/// Counts the steps of the only reading connection.
async fn count(db: &Sqlite, ask: impl AsyncFn()) -> u64 {
    ask().await;
    let counted = Arc::new(AtomicU64::new(0));
    let counting = Arc::clone(&counted);
    let note = move || {
        counting.fetch_add(1, Ordering::Relaxed);
        false
    };
    let mut handlers = vec![note];
    for reader in db.engine.readers.lock().unwrap().iter_mut() {
        reader.progress_handler(1, handlers.pop()).unwrap();
    }
    ask().await;
    for reader in db.engine.readers.lock().unwrap().iter_mut() {
        reader.progress_handler(0, None::<fn() -> bool>).unwrap();
    }
    counted.load(Ordering::Relaxed)
}

#[tokio::test]
async fn a_look_up_does_not_depend_on_what_others_pushed() {
    let (few, many) = (steps(1).await, steps(40_000).await);
    assert_eq!(few, many, "of a layer and of a child, with 1 and with 40,000 manifests over them");
    assert!(few.iter().all(|steps| *steps < 150), "{few:?}");
}

#[tokio::test]
async fn an_image_of_too_many_contents_is_not_registered() {
    let (_directory, db) = scratch();
    create_service(&db, &here(), "web").await;
    let image = At::sr(&db).image(&["config"], &[]).await;
    let fill = |blobs: usize| {
        let connection = Connection::open(&db.engine.path).unwrap();
        let rows = format!(
            "BEGIN;
             CREATE TEMP TABLE number (n INTEGER PRIMARY KEY);
             INSERT INTO number
             WITH RECURSIVE n (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n WHERE n < {blobs} + 1) SELECT n FROM n;
             INSERT INTO blobs (id, tenant, digest, size, key)
             SELECT n, 1, format('sha256:%064x', n), 10, format('%032x', n) FROM number;
             INSERT INTO blob_links (repository, blob, leased_at, held) SELECT 1, n, n, 1 FROM number;
             INSERT INTO manifest_blobs (repository, digest, manifest, is_config)
             SELECT 1, format('sha256:%064x', n), 1, 0 FROM number;
             COMMIT;"
        );
        connection.execute_batch(&rows).unwrap();
    };
    // Together with the manifest and its configuration, this is one more than allowed.
    fill(MAX_CONTENTS - 1);
    let outcome = register_on(&db, &here(), "web", image_of("app", image.digest()), PLENTY).await;
    assert_eq!(outcome, ImageOutcome::TooManyContents);
    let one_less = "DELETE FROM manifest_blobs WHERE digest = format('sha256:%064x', 2)";
    Connection::open(&db.engine.path).unwrap().execute(one_less, []).unwrap();
    let outcome = register_on(&db, &here(), "web", image_of("app", image.digest()), PLENTY).await;
    assert!(matches!(outcome, ImageOutcome::Registered(_)), "{outcome:?}");
}
