//! The prefix of a bucket, and the database that it belongs to.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prefix_belongs_to_one_database() {
    let Some(server) = server(Program::Versitygw) else { return };
    let bucket = bucket(server, None);
    assert_eq!(bucket.blobs().owner().await.unwrap(), Owner::Nobody);
    assert!(!bucket.store.has_content().await.unwrap());
    let (ours, others) = (Identity::new(), Identity::new());
    bucket.store.belong_to(ours).await.unwrap();
    bucket.store.belong_to(ours).await.unwrap();
    assert!(matches!(bucket.store.belong_to(others).await, Err(StoreError::Unusable(_))));
    assert_eq!(bucket.again().blobs().owner().await.unwrap(), Owner::Database(ours));
    publish(bucket.blobs(), b"content").await;
    assert!(bucket.store.has_content().await.unwrap());
    bucket.store.put_marker(ours.restored()).await.unwrap();
    assert!(matches!(bucket.blobs().owner().await.unwrap(), Owner::Database(now) if now != ours));
    server.put(&bucket.location.key("gangplank.json"), b"{\"format\": 2, \"cluster\": \"0\"}");
    assert!(matches!(bucket.blobs().owner().await, Err(StoreError::Unusable(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_databases_that_want_a_prefix_at_once_one_gets_it() {
    for program in [Program::Versitygw, Program::SeaweedFs] {
        let Some(server) = server(program) else { continue };
        let bucket = bucket(server, None);
        let wanting = [(); 8].map(|()| {
            let (store, identity) = (bucket.again().store, Identity::new());
            tokio::spawn(async move { store.belong_to(identity).await.map(|()| identity) })
        });
        let mut winners = Vec::new();
        for one in wanting {
            winners.extend(one.await.unwrap());
        }
        let owner = bucket.blobs().owner().await.unwrap();
        assert_eq!(
            winners.iter().map(|won| Owner::Database(*won)).collect::<Vec<_>>(),
            [owner],
            "{program:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prefix_is_taken_on_servers_that_know_no_condition() {
    let Some((proxy, bucket)) = world(Program::Versitygw) else { return };
    proxy.decide(|seen| match seen.call {
        "PutObject" if seen.before == 0 => Fault::Refuse(501, "NotImplemented"),
        _ => Fault::None,
    });
    let ours = Identity::new();
    bucket.store.belong_to(ours).await.unwrap();
    assert_eq!(bucket.blobs().owner().await.unwrap(), Owner::Database(ours));
}
