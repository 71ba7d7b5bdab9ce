//! Heads of requests and answers.

use std::collections::HashSet;

use super::*;

#[tokio::test]
async fn nodes_are_told_who_asks() {
    let site = Site::start().await;
    let (address, mut heads) = answering(saying("")).await;
    site.lead(&[address]);
    site.ask(format!(
        "GET /a?b=%20c HTTP/1.1\r\nHost: {HOST}\r\nX-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Proto: https\r\n\
         Connection: keep-alive, X-Secret\r\nX-Secret: a\r\nKeep-Alive: 5\r\nForwarded: for=10.0.0.1\r\n\
         Cookie: a=b\r\nAuthorization: {}\r\n\r\n",
        "a".repeat(8_000)
    ))
    .await;
    let head = heads.recv().await.unwrap();
    assert!(head.starts_with("GET /a?b=%20c HTTP/1.1\r\n"), "{head}");
    assert_eq!(header(&head, "x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(header(&head, "x-forwarded-proto"), Some("http"));
    assert_eq!(header(&head, "x-forwarded-port"), Some(site.server.address().port().to_string().as_str()));
    let trace = header(&head, "x-amzn-trace-id").unwrap();
    let [root, second, random] = trace.split('-').collect::<Vec<_>>()[..] else { panic!("{trace}") };
    let is_hex = |text: &str| text.bytes().all(|it| it.is_ascii_digit() || (b'a'..=b'f').contains(&it));
    assert_eq!((root, second.len(), random.len()), ("Root=1", 8, 24));
    assert!(is_hex(second) && is_hex(random));
    for gone in ["x-secret", "keep-alive", "forwarded", "connection"] {
        assert_eq!(header(&head, gone), None, "{gone}");
    }
    assert_eq!(header(&head, "cookie"), Some("a=b"));
    assert_eq!(header(&head, "authorization").unwrap().len(), 8_000);
}

#[tokio::test]
async fn each_request_has_a_trace_id_of_its_own() {
    let site = Site::start().await;
    let (address, mut heads) = answering(saying("")).await;
    site.lead(&[address]);
    let mut ids = HashSet::new();
    for _ in 0..2 {
        let mut visitor = site.visitor().await;
        for _ in 0..3 {
            visitor.send(get("/")).await;
            visitor.answer().await;
            let head = heads.recv().await.unwrap();
            ids.insert(header(&head, "x-amzn-trace-id").unwrap().to_owned());
        }
    }
    assert_eq!(ids.len(), 6, "{ids:?}");
}

#[tokio::test]
async fn a_trusted_proxy_is_believed() {
    let site = Site::with(|config| config.proxies = vec!["127.0.0.0/8".parse().unwrap()]).await;
    let (address, mut heads) = answering(saying("")).await;
    site.lead(&[address]);
    site.ask(format!(
        "GET / HTTP/1.1\r\nHost: {HOST}\r\nX-Forwarded-For: 198.51.100.7\r\nX-Forwarded-Proto: https\r\n\
         X-Forwarded-Port: 443\r\nForwarded: for=10.0.0.1\r\n\r\n"
    ))
    .await;
    let head = heads.recv().await.unwrap();
    assert_eq!(header(&head, "x-forwarded-for"), Some("198.51.100.7, 127.0.0.1"));
    assert_eq!(header(&head, "x-forwarded-proto"), Some("https"));
    assert_eq!(header(&head, "x-forwarded-port"), Some("443"));
    assert_eq!(header(&head, "forwarded"), None);
}

#[tokio::test]
async fn answers_keep_what_is_theirs() {
    let site = Site::start().await;
    let check = async |method: &str, answer: &str, body: &str| {
        let (address, _heads) = answering(answer.as_bytes()).await;
        site.lead(&[address]);
        let mut visitor = site.visitor().await;
        let request = format!("{method} / HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
        visitor.send(&request).await;
        assert_eq!(visitor.answer_to(method).await.text(), body);
        // Bytes left over from the first answer would appear at the start of the second.
        visitor.send(&request).await;
        visitor.answer_to(method).await
    };
    let head = check("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 12345\r\nETag: a\r\n\r\n", "").await;
    assert_eq!((head.header("content-length"), head.header("etag")), (Some("12345"), Some("a")));
    let head = check("HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "").await;
    assert_eq!(head.header("content-length"), None);
    let fresh = check("GET", "HTTP/1.1 304 Not Modified\r\nETag: a\r\n\r\n", "").await;
    assert_eq!((fresh.status, fresh.header("content-length")), (304, None));
    let nothing = check("DELETE", "HTTP/1.1 204 No Content\r\n\r\n", "").await;
    assert_eq!((nothing.status, nothing.header("content-length")), (204, None));
    let odd = check("GET", "HTTP/1.1 299 Quite So\r\nContent-Length: 2\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nConnection: X-Hop\r\nX-Hop: a\r\n\r\nab", "ab").await;
    assert!(odd.head.starts_with("HTTP/1.1 299 Quite So\r\n"), "{}", odd.head);
    assert_eq!(odd.head.matches("set-cookie").count(), 2);
    assert_eq!(odd.header("x-hop"), None);
    let old = "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab";
    assert!(check("GET", old, "ab").await.head.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn what_can_be_read_in_two_ways_reaches_no_node() {
    let site = Site::start().await;
    let (address, mut heads) = answering(saying("")).await;
    site.lead(&[address]);
    let behind = get("/smuggled");
    for headers in [
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 6\r\n",
        "Content-Length: +5\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "X: a\r\n folded\r\n",
        "Content-Length : 5\r\n",
        "X\0: a\r\n",
        "Host: localhost\r\n",
        "Host: www.example.com\r\n",
    ] {
        let mut visitor = site.visitor().await;
        visitor.send(format!("POST / HTTP/1.1\r\nHost: {HOST}\r\n{headers}\r\n0\r\n\r\n{behind}")).await;
        let answer = visitor.answer().await;
        assert_eq!(answer.status, 400, "{headers:?}");
        assert!(visitor.closes().await, "{headers:?}");
    }
    for (line, status) in [
        ("GET http://localhost/", 400),
        ("GET http://www.example.com/", 400),
        ("CONNECT www.example.com:443", 405),
        ("TRACE /", 405),
        (&format!("GET /{}", "a".repeat(9_000)), 414),
    ] {
        assert_eq!(
            site.ask(format!("{line} HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await.status,
            status,
            "{line}"
        );
    }
    let large = format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nX: {}\r\n\r\n", "a".repeat(33_000));
    assert_eq!(site.ask(large).await.status, 431);
    assert!(heads.try_recv().is_err(), "none of it came to the node");
    assert_eq!(site.ask(format!("GET http://{HOST}/a HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await.status, 200);
    assert!(heads.recv().await.unwrap().starts_with("GET /a HTTP/1.1\r\n"));
}

#[tokio::test]
async fn a_length_beside_chunks_is_refused_wherever_it_stands() {
    let site = Site::start().await;
    let (address, mut heads) = answering(saying("")).await;
    site.lead(&[address]);
    let chunked =
        format!("POST / HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    for headers in [
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: nonsense\r\n",
    ] {
        // The request is the first of its connection, follows an answered one, or arrives together with one.
        for before in ["", &get("/"), &chunked] {
            let behind = get("/smuggled");
            let twice = format!("POST /twice HTTP/1.1\r\nHost: {HOST}\r\n{headers}\r\n0\r\n\r\n{behind}");
            for is_together in [true, false] {
                let mut visitor = site.visitor().await;
                if is_together {
                    visitor.send(format!("{before}{twice}")).await;
                } else if !before.is_empty() {
                    visitor.send(before).await;
                }
                if !before.is_empty() {
                    assert_eq!(visitor.answer().await.status, 200);
                    assert!(heads.recv().await.unwrap().contains(" / HTTP/1.1\r\n"));
                }
                if !is_together {
                    visitor.send(&twice).await;
                }
                assert_eq!(visitor.answer().await.status, 400, "{headers:?} behind {before:?}");
                assert!(visitor.closes().await, "{headers:?}");
            }
        }
    }
    assert!(heads.try_recv().is_err());
}
