//! Services that move, and replicas that are out of reach.

use super::*;
use crate::tenure::Tenure;

/// Routes the service to a node of a replica that stood still for too long, and that has not asked yet who serves.
fn doubtful(site: &Site, node: SocketAddr) -> Tenure {
    let tenure = Tenure::until(tokio::time::Instant::now());
    let nodes = vec![Arc::new(Node::new(node))];
    site.route(Route::Nodes(Nodes { is_tls: false, all: nodes, tenure: Some(tenure.clone()) }));
    tenure
}

#[tokio::test]
async fn who_stood_still_asks_before_it_trusts_its_nodes() {
    let pair = Pair::start().await;
    let (old, mut old_heads) = answering(saying("old")).await;
    let (new, _heads) = answering(saying("new")).await;
    pair.holder.lead(&[new]);
    doubtful(&pair.front, old);
    let (visit, asked) = (pair.front.ask(get("/")), async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        pair.front.route(Route::Elsewhere(pair.holder.for_replicas()));
    });
    let (answer, ()) = tokio::join!(visit, asked);
    assert_eq!(answer.text(), "new", "another replica serves");
    // The other replicas are told at once that they have to look again.
    let tenure = doubtful(&pair.holder, old);
    let (answer, _) = pair.ask_holder(pair.proven("GET /", HOST, 0)).await;
    assert_eq!((answer.status, answer.header("x-gangplank-relay")), (421, Some("refused")));
    assert!(old_heads.try_recv().is_err(), "the old node was not asked");
    let (visit, asked) = (pair.front.ask(get("/")), async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        tenure.set(tokio::time::Instant::now() + LONG);
    });
    let (answer, ()) = tokio::join!(visit, asked);
    assert_eq!(answer.text(), "old", "no other replica serves");
}

#[tokio::test]
async fn a_request_follows_its_service_to_another_replica() {
    let pair = Pair::start().await;
    let (address, _heads) = answering(saying("from a node")).await;
    // The holder has no route yet, then it relays itself, then it holds the service.
    let (visit, back) = (pair.front.ask(get("/")), async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        pair.holder.route(Route::Elsewhere(pair.holder.for_replicas()));
        tokio::time::sleep(Duration::from_millis(400)).await;
        pair.holder.lead(&[address]);
    });
    let (answer, ()) = tokio::join!(visit, back);
    assert_eq!(answer.text(), "from a node");
    // The service comes to the replica that was asked.
    pair.holder.server.app.routes.remove(WEB);
    let (visit, here) = (pair.front.ask(get("/")), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        pair.front.lead(&[address]);
    });
    let (answer, ()) = tokio::join!(visit, here);
    assert_eq!(answer.text(), "from a node");
}

#[tokio::test]
async fn a_body_that_nobody_received_follows_too() {
    let pair = Pair::start().await;
    let (address, mut heads) = answering(saying("got it")).await;
    let mut visitor = pair.front.visitor().await;
    visitor
        .send(format!("PUT / HTTP/1.1\r\nHost: {HOST}\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"))
        .await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    pair.holder.lead(&[address]);
    assert!(visitor.head().await.unwrap().starts_with("HTTP/1.1 100 "));
    visitor.send("hello").await;
    assert_eq!(visitor.answer().await.text(), "got it");
    assert_eq!(header(&heads.recv().await.unwrap(), "content-length"), Some("5"));
}

#[tokio::test]
async fn nobody_is_asked_in_a_circle() {
    let pair = Pair::with(listen_for_replicas).await;
    pair.holder.route(Route::Elsewhere(pair.front.for_replicas()));
    let begun = tokio::time::Instant::now();
    for visited in [&pair.front, &pair.holder] {
        let answer = visited.ask(get("/")).await;
        assert_eq!((answer.status, answer.header("x-gangplank-relay")), (503, None));
    }
    assert!((2..9).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    let (answer, closes) = pair.ask_holder(pair.proven("GET /", HOST, 0)).await;
    assert_eq!((answer.status, answer.header("x-gangplank-relay"), closes), (421, Some("refused"), false));
}

#[tokio::test]
async fn a_holder_that_is_away_is_waited_for_a_little() {
    let pair = Pair::with(|config| config.limits.answer = Duration::from_millis(300)).await;
    let nowhere = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    pair.front.route(Route::Elsewhere(nowhere.to_string().parse().unwrap()));
    let begun = tokio::time::Instant::now();
    let half =
        format!("POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 50000\r\n\r\n{}", "x".repeat(20_000));
    let (plain, posted) = tokio::join!(pair.front.ask(get("/")), pair.front.ask(half));
    assert_eq!((plain.status, plain.header("connection")), (503, None));
    assert_eq!((posted.status, posted.header("connection")), (503, Some("close")));
    assert!((2..9).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    // The holder comes back at the same address.
    let (visit, back) = (pair.front.ask(get("/")), async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let listener = TcpListener::bind(nowhere).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let mut replica = Visitor::of(stream);
        let head = replica.head().await.unwrap();
        replica.send(saying("back")).await;
        // The holder stays connected, and answers no more.
        (listener, replica, head)
    });
    let (answer, (listener, replica, head)) = tokio::join!(visit, back);
    assert_eq!(answer.text(), "back");
    assert_eq!(header(&head, "host"), Some(HOST));
    let proof = header(&head, "x-gangplank-relay").unwrap();
    assert!(proof.starts_with("visit ") && proof.len() < 100, "{proof}");
    let begun = tokio::time::Instant::now();
    assert_eq!(pair.front.ask(get("/")).await.status, 504, "a frozen replica");
    assert!(begun.elapsed() < Duration::from_secs(10));
    drop((listener, replica));
    pair.front.route(Route::Elsewhere("no-such-host.invalid:1".parse().unwrap()));
    assert_eq!(pair.front.ask(get("/")).await.status, 503);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_of_either_lets_answers_end() {
    for stops_holder in [true, false] {
        let pair = Pair::start().await;
        let (address, go_on) = stopping::waiting().await;
        let nodes = pair.holder.lead(&[address]);
        let mut visitor = pair.front.visitor().await;
        visitor.send(get("/")).await;
        until(|| nodes[0].under_way() == 1).await;
        let Pair { front, holder } = pair;
        let (stops, stays) = if stops_holder { (holder, front) } else { (front, holder) };
        let Site { server, home } = stops;
        let stopping = tokio::spawn(server.stop());
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        assert!(!stopping.is_finished());
        go_on.send(true).unwrap();
        assert_eq!(visitor.answer().await.text(), "late");
        tokio::time::timeout(LONG, stopping).await.unwrap().unwrap();
        drop((stays, home));
    }
}
