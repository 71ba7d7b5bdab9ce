//! A stop of the server, and too many connections.

use super::*;

/// A node that answers once it is told to.
pub(super) async fn waiting() -> (SocketAddr, tokio::sync::watch::Sender<bool>) {
    let (go_on, wait) = tokio::sync::watch::channel(false);
    let address = node(move |mut visitor| {
        let mut wait = wait.clone();
        async move {
            let Some(head) = visitor.head().await else { return };
            if header(&head, "upgrade").is_some() {
                visitor
                    .send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: a\r\n\r\n")
                    .await;
            }
            let _ = wait.wait_for(|go_on| *go_on).await;
            visitor.send(saying("late")).await;
        }
    })
    .await;
    (address, go_on)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_waits_for_visitors_longer_than_for_strangers() {
    let site = Site::start().await;
    let (address, go_on) = waiting().await;
    let nodes = site.lead(&[address]);
    let (mut visitor, mut upgraded) = (site.visitor().await, site.visitor().await);
    visitor.send(get("/")).await;
    upgraded
        .send(format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\n"))
        .await;
    assert_eq!(upgraded.answer().await.status, 101);
    until(|| nodes[0].under_way() == 2).await;
    let Site { server, home } = site;
    let stopping = tokio::spawn(server.stop());
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert!(!stopping.is_finished(), "strangers are cut by now");
    go_on.send(true).unwrap();
    let answer = visitor.answer().await;
    assert_eq!((answer.text(), answer.header("connection")), ("late", Some("close")));
    assert_eq!(upgraded.answer().await.text(), "late");
    tokio::time::timeout(LONG, stopping).await.unwrap().unwrap();
    drop(home);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_ends_when_the_time_to_drain_does() {
    let site = Site::with(|config| config.limits.drain = Duration::from_millis(300)).await;
    let (address, _go_on) = waiting().await;
    let nodes = site.lead(&[address]);
    let mut visitor = site.visitor().await;
    visitor.send(get("/")).await;
    until(|| nodes[0].under_way() == 1).await;
    tokio::time::timeout(LONG, site.server.stop()).await.unwrap();
}

#[tokio::test]
async fn who_is_being_answered_is_not_cut_for_who_only_waits() {
    let site = Site::with(|config| config.limits.connections_per_address = 4).await;
    let (address, go_on) = waiting().await;
    let nodes = site.lead(&[address]);
    let mut busy = Vec::new();
    for _ in 0..2 {
        let mut visitor = site.visitor().await;
        visitor.send(get("/")).await;
        busy.push(visitor);
    }
    until(|| nodes[0].under_way() == 2).await;
    for _ in 0..6 {
        let mut idle = site.visitor().await;
        idle.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        assert_eq!(idle.answer().await.status, 200);
        busy.push(idle);
    }
    go_on.send(true).unwrap();
    for visitor in &mut busy[..2] {
        assert_eq!(visitor.answer().await.text(), "late");
    }
    assert!(busy[2].closes().await, "the oldest idle one gave way");
}
