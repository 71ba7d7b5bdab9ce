//! Checks which callers get an answer at the listener for replicas.

use super::*;
use crate::http::listener::{Audience, Gate};

#[tokio::test]
async fn only_a_proof_opens_the_listener_for_replicas() {
    let pair = Pair::start().await;
    let (address, mut heads) = answering(saying("from a node")).await;
    pair.holder.lead(&[address]);
    let good = pair.proven("GET /a?b", HOST, 0);
    let (answer, closes) = pair.ask_holder(&good).await;
    assert_eq!((answer.text(), closes), ("from a node", false));
    assert_eq!(header(&heads.recv().await.unwrap(), "x-gangplank-relay"), None);
    let other = Site::with(|config| give_key(config, "08")).await;
    let foreign = Pair { front: other, holder: Site::start().await }.proven("GET /a?b", HOST, 0);
    let mut twice = good.clone();
    twice.insert_str(good.find("X-Gang").unwrap(), "X-Gangplank-Relay: a\r\n");
    for bad in [
        get("/"),
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
        "GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{}".to_owned(),
        good.replace("GET", "POST"),
        good.replace("/a?b", "/a?c"),
        good.replace("visit", "log"),
        good.replace(HOST, "www.example.com"),
        pair.proven("GET /a?b", HOST, -16_000),
        pair.proven("GET /a?b", HOST, 20_000),
        foreign,
        twice,
    ] {
        let (answer, closes) = pair.ask_holder(&bad).await;
        assert_eq!((answer.status, answer.text(), closes), (403, "403 Forbidden\n", true), "{bad}");
    }
    assert!(heads.try_recv().is_err());
    // A proof opens nothing else, and no other listener asks for one.
    let (ours, _) = pair.ask_holder(pair.proven("GET /v2/", "localhost", 0)).await;
    assert_eq!(ours.status, 421);
    assert_eq!(pair.holder.ask(get("/")).await.text(), "from a node");
    let mut tls = Visitor::at(pair.holder.server.replica_address().unwrap()).await;
    tls.send([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0]).await;
    assert_eq!(tls.answer().await.status, 400);
}

#[tokio::test]
async fn a_replica_with_another_master_key_gets_no_visitors() {
    let pair = Pair::start().await;
    let stranger = Site::with(|config| {
        give_key(config, "08");
        listen_for_replicas(config);
    })
    .await;
    let (address, mut heads) = answering(saying("")).await;
    stranger.lead(&[address]);
    pair.front.route(Route::Elsewhere(stranger.for_replicas()));
    assert_eq!(pair.front.ask(get("/")).await.status, 503);
    assert!(heads.try_recv().is_err());
}

#[tokio::test]
async fn a_replica_stands_for_many_visitors() {
    let pair = Pair::with(|config| config.limits.connections_per_address = 4).await;
    let (address, go_on) = stopping::waiting().await;
    let nodes = pair.holder.lead(&[address]);
    // Connections that have sent nothing yet are not closed for others, though all come from one address.
    let mut busy = Vec::new();
    for _ in 0..12 {
        busy.push(Visitor::at(pair.holder.server.replica_address().unwrap()).await);
    }
    for visitor in &mut busy {
        visitor.send(pair.proven("GET /", HOST, 0)).await;
    }
    until(|| nodes[0].under_way() == 12).await;
    go_on.send(true).unwrap();
    for visitor in &mut busy {
        assert_eq!(visitor.answer().await.text(), "late");
    }
}

#[test]
fn a_listener_for_replicas_has_room_for_what_they_add() {
    let limits = Limits::default();
    let gate = |audience| Gate { audience, ..Default::default() };
    assert_eq!(gate(Audience::All).limits(&limits), limits);
    assert_eq!(gate(Audience::Replicas).limits(&limits).headers, limits.headers + 8);
}
