//! Visitors of a service that runs on another replica.

use std::sync::atomic::{AtomicUsize, Ordering};

use gangplank_core::{AccountId, LogFilter, Time};
use gangplank_store::logs::{LogLine, LogName, PageLimits, Position, Wanted};
use hyper::http::uri::Authority;

use super::*;
use crate::http::listener::Audience;
use crate::relay;
use crate::relay::proof::{self, Errand};

/// The replica that visitors reach, and the one that runs the service.
struct Pair {
    front: Site,
    holder: Site,
}

impl Pair {
    async fn start() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl Fn(&mut Config)) -> Self {
        let front = Site::with(|config| {
            give_key(config, "07");
            change(config);
        });
        let holder = Site::with(|config| {
            give_key(config, "07");
            listen_for_replicas(config);
            change(config);
        });
        let (front, holder) = tokio::join!(front, holder);
        let pair = Self { front, holder };
        pair.front.route(Route::Elsewhere(pair.holder.for_replicas()));
        pair
    }

    /// A visitor's request as a replica sends it, `now` milliseconds from now.
    fn proven(&self, line: &str, host: &str, now: i64) -> String {
        self.proven_for(Errand::Visit, line, host, now)
    }

    fn proven_for(&self, errand: Errand, line: &str, host: &str, now: i64) -> String {
        let (method, target) = line.split_once(' ').unwrap();
        let request = hyper::Request::builder().method(method).uri(target).header("host", host);
        let mut request = request.body(()).unwrap();
        let app = &self.front.server.app;
        let now = Time(app.clock.agreed().0 + now);
        proof::add(&app.master, now, errand, &mut request);
        let proof = request.headers()[proof::HEADER].to_str().unwrap().to_owned();
        format!("{line} HTTP/1.1\r\nHost: {host}\r\nX-Gangplank-Relay: {proof}\r\n\r\n")
    }

    /// Sends a request to the listener for replicas.
    async fn ask_holder(&self, request: impl AsRef<[u8]>) -> (Answer, bool) {
        let mut visitor = Visitor::at(self.holder.server.replica_address().unwrap()).await;
        visitor.send(request).await;
        let answer = visitor.answer().await;
        let closes = answer.header("connection") == Some("close");
        assert!(!closes || visitor.closes().await);
        (answer, closes)
    }
}

impl Site {
    /// The address of the listener for replicas.
    fn for_replicas(&self) -> Authority {
        self.server.replica_address().unwrap().to_string().parse().unwrap()
    }
}

fn give_key(config: &mut Config, byte: &str) {
    let Location::Local { dir } = &config.location else { panic!("a directory") };
    let file = dir.with_file_name("key");
    std::fs::write(&file, byte.repeat(32)).unwrap();
    config.master_key_file = Some(file);
}

fn listen_for_replicas(config: &mut Config) {
    config.deployments.replica_listen = Some(([127, 0, 0, 1], 0).into());
}

#[tokio::test]
async fn a_visitor_does_not_notice_that_a_service_runs_elsewhere() {
    let pair = Pair::start().await;
    let (address, mut heads) = answering(saying("from a node")).await;
    let nodes = pair.holder.lead(&[address]);
    let mut visitor = pair.front.visitor().await;
    for line in ["GET /v2/", "POST /", "DELETE //a/../b%2f..?c=%20d", "OPTIONS *", "PURGE /"] {
        for host in [HOST, "WWW.Example.com.", "www.example.com:8080"] {
            visitor
                .send(format!(
                    "{line} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\nX-Forwarded-For: 10.0.0.1\r\n\
                     X-Gangplank-Relay: visit 1 a\r\nX-Gangplank-Relay: b\r\nConnection: X-Secret, x-gangplank-relay\r\n\
                     X-Secret: a\r\nForwarded: for=10.0.0.1\r\nCookie: a=b\r\nTE: trailers\r\n\r\nhello"
                ))
                .await;
            let answer = visitor.answer().await;
            assert_eq!((answer.status, answer.text()), (200, "from a node"), "{line} {host}");
            assert_eq!(answer.header("x-gangplank-relay"), None);
            let head = heads.recv().await.unwrap();
            assert!(head.starts_with(&format!("{line} HTTP/1.1\r\n")), "{head}");
            let port = pair.front.server.address().port().to_string();
            for (name, value) in [
                ("host", host),
                ("x-forwarded-for", "127.0.0.1"),
                ("x-forwarded-proto", "http"),
                ("x-forwarded-port", &port),
                ("cookie", "a=b"),
                ("content-length", "5"),
                ("te", "trailers"),
            ] {
                assert_eq!(header(&head, name), Some(value), "{head}");
                let lines =
                    head.lines().filter(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")));
                assert_eq!(lines.count(), 1, "{head}");
            }
            let trace = header(&head, "x-amzn-trace-id").unwrap();
            assert!(trace.starts_with("Root=1-") && !trace.contains("Self"), "{trace}");
            for gone in ["x-gangplank-relay", "x-secret", "forwarded", "connection", "transfer-encoding"] {
                assert_eq!(header(&head, gone), None, "{gone}: {head}");
            }
        }
    }
    until(|| nodes[0].under_way() == 0).await;
}

#[tokio::test]
async fn a_trusted_proxy_is_believed_once() {
    let pair = Pair::with(|config| config.proxies = vec!["127.0.0.0/8".parse().unwrap()]).await;
    let (address, mut heads) = answering(saying("")).await;
    pair.holder.lead(&[address]);
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {HOST}\r\nX-Forwarded-For: 198.51.100.7\r\nX-Forwarded-Proto: https\r\n\
         X-Forwarded-Port: 443\r\nX-Amzn-Trace-Id: Root=1-67891233-a\r\n\r\n"
    );
    pair.front.ask(request).await;
    let head = heads.recv().await.unwrap();
    assert_eq!(header(&head, "x-forwarded-for"), Some("198.51.100.7, 127.0.0.1"), "{head}");
    assert_eq!(header(&head, "x-forwarded-proto"), Some("https"));
    assert_eq!(header(&head, "x-forwarded-port"), Some("443"));
    let trace = header(&head, "x-amzn-trace-id").unwrap();
    assert_eq!(trace.matches("Self=").count(), 1, "{trace}");
}

#[tokio::test]
async fn answers_come_as_the_node_gave_them() {
    let pair = Pair::start().await;
    let check = async |method: &str, answer: &str, body: &str| {
        let (address, _heads) = answering(answer.as_bytes()).await;
        pair.holder.lead(&[address]);
        let mut visitor = pair.front.visitor().await;
        let request = format!("{method} / HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
        visitor.send(&request).await;
        assert_eq!(visitor.answer_to(method).await.text(), body);
        visitor.send(&request).await;
        visitor.answer_to(method).await
    };
    let head = check("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 12345\r\nETag: a\r\n\r\n", "").await;
    assert_eq!((head.header("content-length"), head.header("etag")), (Some("12345"), Some("a")));
    let fresh = check("GET", "HTTP/1.1 304 Not Modified\r\nETag: a\r\n\r\n", "").await;
    assert_eq!((fresh.status, fresh.header("content-length")), (304, None));
    let nothing = check("DELETE", "HTTP/1.1 204 No Content\r\n\r\n", "").await;
    assert_eq!((nothing.status, nothing.header("content-length")), (204, None));
    let odd = "HTTP/1.1 299 Quite So\r\nTransfer-Encoding: chunked\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\
               Connection: X-Hop\r\nX-Hop: a\r\n\r\n2\r\nab\r\n0\r\n\r\n";
    let odd = check("GET", odd, "ab").await;
    assert!(odd.head.starts_with("HTTP/1.1 299 Quite So\r\n"), "{}", odd.head);
    assert_eq!((odd.head.matches("set-cookie").count(), odd.head.matches("date:").count()), (2, 1));
    assert_eq!((odd.header("x-hop"), odd.header("content-length")), (None, None));
    // A node cannot speak for a replica.
    let forged = "HTTP/1.1 421 Ours\r\nX-Gangplank-Relay: refused\r\nContent-Length: 2\r\n\r\nab";
    let forged = check("GET", forged, "ab").await;
    assert_eq!((forged.status, forged.header("x-gangplank-relay")), (421, None));
    // As many headers as an answer and a request may have.
    let many: String = (0..99).map(|number| format!("X-{number}: a\r\n")).collect();
    assert_eq!(
        check("GET", &format!("HTTP/1.1 200 OK\r\n{many}Content-Length: 2\r\n\r\nab"), "ab").await.status,
        200
    );
    let large = format!("X: {}\r\n", "a".repeat(32_000));
    for headers in [&many, &large] {
        let answer = pair.front.ask(format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n{headers}\r\n")).await;
        assert_eq!(answer.status, 200);
    }
}

#[tokio::test]
async fn what_the_holder_says_of_its_service_reaches_the_visitor() {
    let pair = Pair::start().await;
    pair.holder.route(Route::NoEndpoint);
    let answer = pair.front.ask(get("/")).await;
    assert!(answer.head.starts_with("HTTP/1.1 404 No Such Service\r\n"), "{}", answer.head);
    assert_eq!(answer.text(), "404 No Such Service");
    pair.holder.route(Route::Disabled);
    assert_eq!(pair.front.ask(get("/")).await.text(), "503 Service Unavailable: the service is disabled\n");
    pair.holder.lead(&[]);
    assert_eq!(pair.front.ask(get("/")).await.status, 502);
}

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
    // It comes back at the same address.
    let (visit, back) = (pair.front.ask(get("/")), async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let listener = TcpListener::bind(nowhere).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let mut replica = Visitor::of(stream);
        let head = replica.head().await.unwrap();
        replica.send(saying("back")).await;
        // It stays connected, and answers no more.
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

#[tokio::test]
async fn a_log_is_read_where_it_is() {
    let pair = Pair::start().await;
    let (front, holder) = (&pair.front.server.app, &pair.holder.server.app);
    let log = LogName { service: "s-1".to_owned(), container: "app".to_owned() };
    let account = AccountId::root();
    let ask = async |replica: &Authority, from: Option<Position>, pattern: &str| {
        let wanted = Wanted {
            start: None,
            end: None,
            filter: LogFilter::parse(pattern).unwrap(),
            from,
            limits: PageLimits::default(),
        };
        relay::logs::ask(front, replica, &account, &log, &wanted, pattern).await
    };
    let there = pair.holder.for_replicas();
    assert!(ask(&there, None, "").await.unwrap().is_none(), "no such log");
    // Text that takes the most bytes on its way.
    let hard = "\u{1}".repeat(1 << 10);
    for number in 0..1_100 {
        let (node, text) = ("1-0".to_owned(), format!("{number} \u{e9}\"{hard}"));
        holder.logs.append(&log, &LogLine { at: Time(1_700_000_000_000 + number), node, text });
    }
    let last = ask(&there, None, "").await.unwrap().unwrap();
    assert!(last.lines.last().unwrap().text.starts_with("1099 \u{e9}\"\u{1}"));
    assert_eq!(last.lines.last().unwrap().at, Time(1_700_000_001_099));
    let (newer, next) = (last.lines.len(), last.next.unwrap());
    let older = ask(&there, Some(next), "").await.unwrap().unwrap();
    assert_eq!(newer + older.lines.len(), 1_100);
    assert_eq!(ask(&there, None, "1050").await.unwrap().unwrap().lines.len(), 1);
    assert!(front.logs.services().unwrap().is_empty());
    // Nobody else gets it.
    let target = format!("/log/{}", "e30");
    let (answer, _) = pair.ask_holder(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
    assert_eq!(answer.status, 403);
    let (answer, _) = pair.ask_holder(pair.proven_for(Errand::Log, &format!("GET {target}"), "a", 0)).await;
    assert_eq!(answer.status, 400, "a proven question without sense");
    let (answer, _) = pair.ask_holder(pair.proven(&format!("GET {target}"), "a", 0)).await;
    assert_eq!(answer.status, 421, "a visit is no question");
    let nowhere = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert!(ask(&nowhere.to_string().parse().unwrap(), None, "").await.is_err());
}

#[test]
fn a_listener_for_replicas_has_room_for_what_they_add() {
    let limits = Limits::default();
    let gate = |audience| crate::http::listener::Gate { audience, ..Default::default() };
    assert_eq!(gate(Audience::All).limits(&limits), limits);
    assert_eq!(gate(Audience::Replicas).limits(&limits).headers, limits.headers + 8);
}
