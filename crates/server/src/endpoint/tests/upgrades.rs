//! Connections that a node takes over.

use super::*;

pub(super) fn upgrade(protocol: &str) -> String {
    format!(
        "GET /ws HTTP/1.1\r\nHost: {HOST}\r\nConnection: keep-alive, Upgrade\r\nUpgrade: {protocol}\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
}

/// A node that first sends its name, then echoes all bytes, and says goodbye at the end.
pub(super) async fn echoing(name: &'static str) -> SocketAddr {
    node(move |mut visitor| async move {
        let head = visitor.head().await.unwrap();
        let Some(protocol) = header(&head, "upgrade") else { return visitor.send(saying(name)).await };
        assert_eq!(header(&head, "connection").map(str::to_ascii_lowercase).as_deref(), Some("upgrade"));
        assert!(header(&head, "sec-websocket-key").is_some());
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: {protocol}\r\n\
             Sec-WebSocket-Accept: a\r\n\r\n{name}"
        );
        visitor.send(answer).await;
        loop {
            let came = std::mem::take(&mut visitor.read);
            visitor.send(came).await;
            if !visitor.more().await {
                visitor.send("bye").await;
                return;
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_websocket_lives_through_a_switch() {
    let site = Site::with(|config| {
        // No time limit of requests ends an upgraded connection.
        config.limits.idle = Duration::from_millis(100);
        config.limits.header_read = Duration::from_millis(100);
        config.limits.answer = Duration::from_millis(100);
    })
    .await;
    let nodes = site.lead(&[echoing("old").await]);
    let mut visitor = site.visitor().await;
    // Bytes that arrive together with the head are for the node.
    visitor.send(format!("{}early", upgrade("websocket"))).await;
    let answer = visitor.answer().await;
    assert_eq!((answer.status, answer.header("upgrade")), (101, Some("websocket")));
    assert_eq!(answer.header("connection"), Some("upgrade"));
    assert_eq!(answer.header("sec-websocket-accept"), Some("a"));
    assert_eq!(visitor.exactly(8).await, b"oldearly");
    assert_eq!(nodes[0].under_way(), 1);
    site.lead(&[echoing("new").await]);
    assert_eq!(site.ask(get("/")).await.text(), "new");
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(150)).await;
        visitor.send("hello").await;
        assert_eq!(visitor.exactly(5).await, b"hello");
    }
    visitor.stream.shutdown().await.unwrap();
    assert_eq!(visitor.exactly(3).await, b"bye", "one half may end before the other");
    assert!(visitor.closes().await);
    until(|| nodes[0].under_way() == 0).await;
}

#[tokio::test]
async fn a_node_that_ends_a_websocket_ends_it_for_the_client() {
    let site = Site::start().await;
    let address = node(|mut visitor| async move {
        visitor.head().await;
        visitor
            .send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: a\r\n\r\nbye")
            .await;
    })
    .await;
    site.lead(&[address]);
    let mut visitor = site.visitor().await;
    visitor.send(upgrade("a")).await;
    assert_eq!(visitor.answer().await.status, 101);
    assert_eq!(visitor.exactly(3).await, b"bye");
    assert!(visitor.closes().await);
}

#[tokio::test]
async fn an_upgrade_that_a_node_does_not_want_is_a_request() {
    let site = Site::start().await;
    let (address, mut heads) = answering(saying("no")).await;
    site.lead(&[address]);
    let mut visitor = site.visitor().await;
    visitor.send(upgrade("websocket")).await;
    assert_eq!(visitor.answer().await.text(), "no");
    visitor.send(get("/")).await;
    assert_eq!(visitor.answer().await.text(), "no");
    heads.recv().await.unwrap();
    // HTTP/2 would carry unchecked requests.
    let answer = site.ask(upgrade("h2c")).await;
    assert_eq!(answer.text(), "no");
    heads.recv().await.unwrap();
    assert_eq!(header(&heads.recv().await.unwrap(), "upgrade"), None);
    let pushy = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: a\r\n\r\n";
    let (address, _heads) = answering(pushy.as_bytes()).await;
    site.lead(&[address]);
    assert_eq!(site.ask(get("/")).await.status, 502, "nobody asked for that");
}

#[tokio::test]
async fn much_passes_through_an_upgraded_connection() {
    let site = Site::start().await;
    site.lead(&[echoing("").await]);
    let mut visitor = site.visitor().await;
    visitor.send(upgrade("raw")).await;
    assert_eq!(visitor.answer().await.status, 101);
    let sent: Vec<u8> = (0..4 << 20).map(|at: usize| u8::try_from(at * 7 % 251).unwrap()).collect();
    let (mut from, mut to) = visitor.stream.into_split();
    let sending = tokio::spawn(async move {
        to.write_all(&sent).await.unwrap();
        to.shutdown().await.unwrap();
        sent
    });
    let mut came = Vec::new();
    from.read_to_end(&mut came).await.unwrap();
    let sent = sending.await.unwrap();
    assert!(came == [&sent[..], b"bye"].concat(), "{} of {}", came.len(), sent.len());
}
