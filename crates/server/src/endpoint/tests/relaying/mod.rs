//! Visitors of a service that runs on another replica.

mod bodies;
mod logs;
mod moves;
mod proofs;

use gangplank_core::Time;
use hyper::http::uri::Authority;

use super::*;
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
    let many = (0..99).fold(String::new(), |all, number| all + &format!("X-{number}: a\r\n"));
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
