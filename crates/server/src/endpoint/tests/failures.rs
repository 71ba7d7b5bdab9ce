//! Nodes that fail, and visitors that leave.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// An address where nothing listens.
async fn nowhere() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

fn post(body: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn a_node_that_is_silent_or_away_is_told_apart() {
    let site = Site::with(|config| config.limits.answer = Duration::from_millis(300)).await;
    let silent = node(|mut visitor| async move { while visitor.more().await {} }).await;
    site.lead(&[silent]);
    for request in [get("/"), post("hello")] {
        let answer = site.ask(request).await;
        assert_eq!(answer.status, 504);
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    }
    site.lead(&[nowhere().await]);
    assert_eq!(site.ask(get("/")).await.status, 502);
    let rude = node(|mut visitor| async move {
        visitor.head().await;
    })
    .await;
    site.lead(&[rude]);
    assert_eq!(site.ask(get("/")).await.status, 502);
    let gibberish = node(|mut visitor| async move { visitor.send("SSH-2.0\r\n\r\n").await }).await;
    site.lead(&[gibberish]);
    assert_eq!(site.ask(get("/")).await.status, 502);
    let slow = node(|mut visitor| async move {
        visitor.head().await;
        assert_eq!(visitor.exactly(6).await, b"abcdef");
        visitor.send(saying("all")).await;
        visitor.more().await;
    })
    .await;
    site.lead(&[slow]);
    let mut visitor = site.visitor().await;
    visitor.send(format!("POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 6\r\n\r\n")).await;
    for letter in ["a", "b", "c", "d", "e", "f"] {
        tokio::time::sleep(Duration::from_millis(150)).await;
        visitor.send(letter).await;
    }
    assert_eq!(visitor.answer().await.text(), "all", "a slow client is not a silent node");
    site.lead(&[silent]);
    let mut visitor = site.visitor().await;
    visitor.send(format!("POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 6\r\n\r\nabc")).await;
    assert_eq!(visitor.answer().await.status, 408);
}

#[tokio::test]
async fn another_node_is_asked_only_where_that_does_no_harm() {
    let site = Site::start().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let rude = node(move |mut visitor| {
        let asked = Arc::clone(&counted);
        async move {
            let head = visitor.head().await.unwrap();
            let length = header(&head, "content-length").map_or(0, |length| length.parse().unwrap());
            visitor.exactly(length).await;
            asked.fetch_add(1, Ordering::Relaxed);
        }
    })
    .await;
    let (good, _heads) = answering(saying("good")).await;
    site.lead(&[rude, good]);
    let mut broken = 0;
    for _ in 0..40 {
        assert_eq!(site.ask(get("/")).await.text(), "good");
        broken += usize::from(site.ask(post("hello")).await.status == 502);
    }
    assert!((5..35).contains(&broken), "who was asked to change something is not asked twice: {broken}");
    asked.store(0, Ordering::Relaxed);
    site.lead(&[nowhere().await, good]);
    for _ in 0..20 {
        assert_eq!(site.ask(post("hello")).await.text(), "good", "nobody had got it");
    }
}

#[tokio::test]
async fn a_node_that_closes_idle_connections_loses_nothing() {
    let site = Site::start().await;
    // The node closes connections without notice, often just as the next request arrives.
    let address = node(|mut visitor| async move {
        for number in 0.. {
            if visitor.head().await.is_none() {
                return;
            }
            visitor.send(saying("well")).await;
            if number % 3 == 2 {
                tokio::time::sleep(Duration::from_micros(300)).await;
                return;
            }
        }
    })
    .await;
    site.lead(&[address]);
    let mut visitor = site.visitor().await;
    for number in 0..400 {
        visitor.send(get("/")).await;
        let answer = visitor.answer().await;
        assert_eq!((answer.status, answer.text()), (200, "well"), "{number}");
        tokio::time::sleep(Duration::from_micros(number % 7 * 100)).await;
    }
}

#[tokio::test]
async fn a_client_that_leaves_is_not_answered_for_nobody() {
    let site = Site::start().await;
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
    let nodes = site.lead(&[address]);
    for request in [get("/"), get("/begun"), post("hello")] {
        let mut visitor = site.visitor().await;
        visitor.send(&request).await;
        if request.starts_with("GET /begun") {
            visitor.head().await.unwrap();
        }
        until(|| nodes[0].under_way() == 1).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(nodes[0].under_way(), 1);
        drop(visitor);
        tokio::time::timeout(LONG, ends.recv()).await.expect("the node goes on for nobody").unwrap();
        until(|| nodes[0].under_way() == 0).await;
    }
}

#[tokio::test]
async fn requests_that_come_in_a_row_are_answered_in_a_row() {
    let site = Site::start().await;
    let address = node(|mut visitor| async move {
        while let Some(head) = visitor.head().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
            visitor.send(saying(head.split(' ').nth(1).unwrap())).await;
        }
    })
    .await;
    site.lead(&[address]);
    let mut visitor = site.visitor().await;
    visitor.send(get("/1")).await;
    tokio::time::sleep(Duration::from_millis(10)).await;
    visitor.send(format!("{}{}", get("/2"), get("/3"))).await;
    for expected in ["/1", "/2", "/3"] {
        assert_eq!(visitor.answer().await.text(), expected);
    }
}

#[tokio::test]
async fn who_sent_a_body_that_nobody_read_is_told_that_the_connection_ends() {
    let site = Site::start().await;
    let half =
        format!("POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 50000\r\n\r\n{}", "x".repeat(20_000));
    let quick = node(|mut visitor| async move {
        visitor.head().await;
        visitor.send(saying("too large")).await;
        while visitor.more().await {}
    })
    .await;
    let routes = [
        Route::NoEndpoint,
        Route::Disabled,
        Route::Nodes(Nodes { is_tls: false, all: vec![Arc::new(Node::new(nowhere().await))], tenure: None }),
        Route::Nodes(Nodes { is_tls: false, all: vec![Arc::new(Node::new(quick))], tenure: None }),
    ];
    for route in routes {
        let shown = format!("{route:?}");
        site.route(route);
        let answer = site.ask(&half).await;
        assert_eq!(answer.header("connection"), Some("close"), "{shown}: {answer:?}");
    }
    // A body that was read to its end leaves the connection open.
    let (address, _heads) = answering(saying("taken")).await;
    site.lead(&[address]);
    let mut visitor = site.visitor().await;
    for _ in 0..2 {
        visitor.send(post("hello")).await;
        let answer = visitor.answer().await;
        assert_eq!((answer.text(), answer.header("connection")), ("taken", None));
    }
}
