//! A deployment itself holds the manifests that it runs, even if the registration is gone.

use gangplank_core::Time;
use rusqlite::Connection;

use super::scratch;
use super::world::{At, NOW, activate, create_service, delete_service, deploy, here, register, registered};
use crate::metadata::deployments::ImageSource;
use crate::metadata::{Collection as _, Inspection as _};

/// How much would be collected if every lease were over.
async fn garbage(db: &super::Sqlite) -> usize {
    assert_eq!(db.contradictions(NOW).await.unwrap(), []);
    db.garbage(Time(i64::MAX)).await.unwrap().len()
}

#[tokio::test]
async fn what_runs_or_is_to_run_is_held_without_a_registration() {
    let (_directory, db) = scratch();
    create_service(&db, &here(), "web").await;
    let image = At::sr(&db).image(&["config", "layer"], &[]).await;
    register(&db, &here(), "web", &image).await;
    deploy(&db, &here(), "web", &[registered(None)]).await;
    // No rule does this, so it is a fault.
    let fault = "DELETE FROM image_blobs; DELETE FROM image_manifests; DELETE FROM container_images";
    Connection::open(&db.engine.path).unwrap().execute_batch(fault).unwrap();
    assert_eq!(garbage(&db).await, 0, "it is on its way");
    activate(&db, &here(), "web").await;
    assert_eq!(garbage(&db).await, 0, "it runs");
    deploy(&db, &here(), "web", &[ImageSource::Public]).await;
    assert_eq!(garbage(&db).await, 0, "it runs still");
    activate(&db, &here(), "web").await;
    assert_eq!(garbage(&db).await, 3, "another one runs");
}

#[tokio::test]
async fn a_deleted_service_lets_go() {
    let (_directory, db) = scratch();
    create_service(&db, &here(), "web").await;
    let image = At::sr(&db).image(&["config"], &[]).await;
    register(&db, &here(), "web", &image).await;
    deploy(&db, &here(), "web", &[registered(None)]).await;
    activate(&db, &here(), "web").await;
    deploy(&db, &here(), "web", &[registered(None)]).await;
    assert_eq!(garbage(&db).await, 0);
    assert!(delete_service(&db, &here(), "web", NOW).await);
    assert_eq!(garbage(&db).await, 2);
}
