//! Requests and answers on their way through two replicas.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::bodies;
use super::*;

#[tokio::test]
async fn a_silent_node_is_told_of_by_its_own_replica() {
    let pair = Pair::with(|config| config.limits.answer = Duration::from_millis(300)).await;
    let silent = node(|mut visitor| async move { while visitor.more().await {} }).await;
    pair.holder.lead(&[silent]);
    assert_eq!(pair.front.ask(get("/")).await.status, 504);
    let mut visitor = pair.front.visitor().await;
    visitor.send(format!("POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 6\r\n\r\nabc")).await;
    assert_eq!(visitor.answer().await.status, 408);
    let mut visitor = pair.front.visitor().await;
    let broken = "3\r\nabcd\r\n0\r\n\r\n";
    visitor
        .send(format!("POST / HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\n\r\n{broken}"))
        .await;
    assert_eq!(visitor.answer().await.status, 400);
}

#[tokio::test]
async fn who_was_asked_to_change_something_is_not_asked_twice() {
    let pair = Pair::start().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let rude = node(move |mut visitor| {
        let asked = Arc::clone(&counted);
        async move {
            visitor.head().await;
            visitor.exactly(5).await;
            asked.fetch_add(1, Ordering::Relaxed);
        }
    })
    .await;
    pair.holder.lead(&[rude]);
    let post = format!("POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!(pair.front.ask(post).await.status, 502);
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_client_that_leaves_is_not_answered_for_nobody() {
    let pair = Pair::start().await;
    let (sender, mut ends) = tokio::sync::mpsc::unbounded_channel();
    let address = node(move |mut visitor| {
        let sender = sender.clone();
        async move {
            let head = visitor.head().await.unwrap();
            if head.starts_with("GET /begun") {
                visitor.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n").await;
            }
            while visitor.more().await {}
            let _ = sender.send(());
        }
    })
    .await;
    let nodes = pair.holder.lead(&[address]);
    for path in ["/", "/begun"] {
        let mut visitor = pair.front.visitor().await;
        visitor.send(get(path)).await;
        until(|| nodes[0].under_way() == 1).await;
        if path == "/begun" {
            visitor.head().await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(nodes[0].under_way(), 1);
        drop(visitor);
        tokio::time::timeout(LONG, ends.recv()).await.expect("the node goes on for nobody").unwrap();
        until(|| nodes[0].under_way() == 0).await;
    }
}

#[tokio::test]
async fn a_websocket_goes_through_both() {
    let pair = Pair::with(|config| {
        config.limits.idle = Duration::from_millis(100);
        config.limits.header_read = Duration::from_millis(100);
        config.limits.answer = Duration::from_millis(100);
    })
    .await;
    let nodes = pair.holder.lead(&[upgrades::echoing("node").await]);
    let mut visitor = pair.front.visitor().await;
    visitor.send(format!("{}early", upgrades::upgrade("websocket"))).await;
    let answer = visitor.answer().await;
    assert_eq!((answer.status, answer.header("upgrade")), (101, Some("websocket")));
    assert_eq!(answer.header("connection"), Some("upgrade"));
    assert_eq!(answer.header("sec-websocket-accept"), Some("a"));
    assert_eq!(visitor.exactly(9).await, b"nodeearly");
    assert_eq!(nodes[0].under_way(), 1);
    // The service moves, and the tunnel stays.
    pair.front.route(Route::NoEndpoint);
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(150)).await;
        visitor.send("hello").await;
        assert_eq!(visitor.exactly(5).await, b"hello");
    }
    visitor.stream.shutdown().await.unwrap();
    assert_eq!(visitor.exactly(3).await, b"bye");
    assert!(visitor.closes().await);
    until(|| nodes[0].under_way() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_bodies_pass_both_replicas_in_little_memory() {
    let pair = Pair::start().await;
    pair.holder.lead(&[bodies::large_node().await]);
    bodies::pass_in_little_memory(&pair.front).await;
}

#[tokio::test]
async fn pieces_pass_as_they_come_and_trailers_behind_them() {
    let pair = Pair::start().await;
    pair.holder.lead(&[bodies::echoing_pieces().await]);
    bodies::pass_in_pieces(&pair.front).await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_does_not_seem_whole() {
    let pair = Pair::start().await;
    let address = node(|mut visitor| async move {
        visitor.head().await;
        visitor.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n").await;
    })
    .await;
    pair.holder.lead(&[address]);
    let mut visitor = pair.front.visitor().await;
    visitor.send(get("/")).await;
    visitor.head().await.unwrap();
    while visitor.more().await {}
    assert_eq!(visitor.read, b"3\r\nabc\r\n", "without the chunk that ends a body");
}
