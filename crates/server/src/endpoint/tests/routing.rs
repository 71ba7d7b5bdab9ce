//! Which requests are for a service, and how they are answered without a node.

use std::sync::atomic::Ordering;

use super::*;

#[tokio::test]
async fn a_host_leads_to_its_service_and_any_other_to_ours() {
    let site = Site::start().await;
    let (address, mut heads) = answering(saying("from a node")).await;
    site.lead(&[address]);
    for host in [HOST, "WWW.Example.com.", "www.example.com:8080", &format!("{HOST}:5000")] {
        for line in ["GET /v2/", "POST /", "DELETE //a/../b%2f..?c", "OPTIONS *", "PURGE /"] {
            let answer =
                site.ask(format!("{line} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n")).await;
            assert_eq!((answer.status, answer.text()), (200, "from a node"), "{line} {host}");
            let head = heads.recv().await.unwrap();
            assert!(head.starts_with(&format!("{line} HTTP/1.1\r\n")), "{head}");
            assert_eq!(header(&head, "host"), Some(host));
        }
    }
    let ours = site.ask("GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(ours.status, 401);
    let ours = site.ask("GET //a HTTP/1.1\r\nHost: example.com\r\n\r\n").await;
    assert_eq!(ours.status, 400, "{ours:?}");
}

#[tokio::test]
async fn who_finds_no_service_is_told_so() {
    let site = Site::start().await;
    let check = async |answer: Answer, status: u16, text: &str| {
        assert_eq!((answer.status, answer.text()), (status, text));
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    };
    let unknown = "GET / HTTP/1.1\r\nHost: other.abcdefghijklm.us-east-1.CS.localhost:1\r\n\r\n";
    check(site.ask(unknown).await, 404, "404 No Such Service").await;
    site.route(Route::NoEndpoint);
    let answer = site.ask(get("/")).await;
    assert!(answer.head.starts_with("HTTP/1.1 404 No Such Service\r\n"), "{}", answer.head);
    check(answer, 404, "404 No Such Service").await;
    site.route(Route::Disabled);
    check(site.ask(get("/")).await, 503, "503 Service Unavailable: the service is disabled\n").await;
    site.lead(&[]);
    assert_eq!(site.ask(get("/")).await.status, 502);
    site.server.app.routes.remove(WEB);
    check(site.ask(get("/")).await, 404, "404 No Such Service").await;
    let ours = site.ask("GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n").await;
    assert!(ours.text().starts_with("gangplank:"));
}

#[tokio::test]
async fn only_services_answer_at_their_own_address() {
    let site = Site::start().await;
    let (address, mut heads) = answering(saying("from a node")).await;
    site.lead(&[address]);
    let door = site.server.endpoint_address().unwrap();
    for (line, host, status) in [
        ("GET /", HOST, 200),
        ("GET /", "localhost", 404),
        ("GET /v2/", "localhost", 404),
        ("POST /", "127.0.0.1", 404),
        ("GET //", "elsewhere", 404),
    ] {
        let mut visitor = Visitor::at(door).await;
        visitor.send(format!("{line} HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        let answer = visitor.answer().await;
        assert_eq!(answer.status, status, "{line} {host}");
        if status == 404 {
            assert_eq!(answer.text(), "404 No Such Service");
        }
    }
    let head = heads.recv().await.unwrap();
    assert_eq!(header(&head, "x-forwarded-port"), Some(door.port().to_string().as_str()));
}

#[tokio::test]
async fn a_switch_takes_the_next_request_and_leaves_those_under_way() {
    let site = Site::start().await;
    let (go_on, wait) = tokio::sync::watch::channel(false);
    let old = node(move |mut visitor| {
        let mut wait = wait.clone();
        async move {
            visitor.head().await;
            wait.wait_for(|go_on| *go_on).await.unwrap();
            visitor.send(saying("old")).await;
        }
    })
    .await;
    let nodes = site.lead(&[old]);
    let mut visitor = site.visitor().await;
    visitor.send(get("/")).await;
    until(|| nodes[0].under_way() == 1).await;
    let (new, _heads) = answering(saying("new")).await;
    site.lead(&[new]);
    assert_eq!(site.ask(get("/")).await.text(), "new");
    go_on.send(true).unwrap();
    assert_eq!(visitor.answer().await.text(), "old");
    until(|| nodes[0].under_way() == 0).await;
    visitor.send(get("/")).await;
    assert_eq!(visitor.answer().await.text(), "new", "the same connection goes on at the new node");
}

#[tokio::test]
async fn unhealthy_nodes_get_nothing_unless_all_are() {
    let site = Site::start().await;
    let (one, _one) = answering(saying("one")).await;
    let (two, _two) = answering(saying("two")).await;
    let nodes = site.lead(&[one, two]);
    nodes[0].is_healthy.store(false, Ordering::Relaxed);
    for _ in 0..20 {
        assert_eq!(site.ask(get("/")).await.text(), "two");
    }
    nodes[1].is_healthy.store(false, Ordering::Relaxed);
    let mut texts = std::collections::BTreeSet::new();
    for _ in 0..40 {
        texts.insert(site.ask(get("/")).await.text().to_owned());
    }
    assert_eq!(texts.len(), 2);
}
