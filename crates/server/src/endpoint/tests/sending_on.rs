//! Visitors who come in plain HTTP are sent on to `https://`.

use gangplank_core::container_service::Entrance;

use super::*;
use crate::certificates::tests::write;

async fn says(address: SocketAddr, request: String) -> (u16, Option<String>) {
    let mut visitor = Visitor::at(address).await;
    visitor.send(request).await;
    let answer = visitor.answer().await;
    (answer.status, answer.header("location").map(str::to_owned))
}

#[tokio::test]
async fn the_port_for_plain_http_sends_visitors_on_and_nobody_else() {
    let site = Site::with(|config| {
        config.deployments.http_listen = Some(([127, 0, 0, 1], 0).into());
        config.deployments.service_entrance = Some(Entrance { is_tls: true, port: 443 });
    })
    .await;
    site.route(Route::Disabled);
    let door = site.server.http_address().unwrap();
    for (line, host, status, location) in [
        ("GET /a?b=c", HOST, 301, Some(format!("https://{HOST}/a?b=c"))),
        (
            "GET //elsewhere/",
            "WEB.abcdefghijklm.us-east-1.cs.localhost.:80",
            301,
            Some(format!("https://{HOST}//elsewhere/")),
        ),
        ("PUT /a", "www.example.com", 308, Some("https://www.example.com/a".to_owned())),
        ("OPTIONS *", HOST, 308, Some(format!("https://{HOST}/"))),
        ("GET /", "other.abcdefghijklm.us-east-1.cs.localhost", 404, None),
        ("GET http://elsewhere/", HOST, 400, None),
        ("GET /v2/", "localhost", 400, None),
        ("POST /", "localhost", 400, None),
        ("GET /", "a b", 400, None),
    ] {
        let request = format!("{line} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(says(door, request).await, (status, location), "{line} {host}");
    }
    let both =
        format!("PUT / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!(says(door, both).await.0, 400);
}

#[tokio::test]
async fn a_visitor_in_plain_http_at_a_port_of_tls_is_sent_on() {
    let folder = TempDir::new().unwrap();
    let site = Site::with(|config| config.tls = Some(write(folder.path(), "own", &["localhost"]))).await;
    site.route(Route::Disabled);
    let (main, services) = (site.server.address(), site.server.endpoint_address().unwrap());
    let there = Some(format!("https://{HOST}:{}/a", services.port()));
    for door in [main, services] {
        assert_eq!(says(door, get("/a")).await, (301, there.clone()));
    }
    let mut visitor = Visitor::at(main).await;
    visitor.send("GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let answer = visitor.answer().await;
    assert_eq!(
        (answer.status, answer.text()),
        (400, "This port speaks TLS and not plain HTTP: write https:// here.\n")
    );
}

#[tokio::test]
async fn without_https_nobody_can_be_sent_on() {
    let home = TempDir::new().unwrap();
    let mut config = config(home.path());
    config.deployments.http_listen = Some(([127, 0, 0, 1], 0).into());
    let refused = Server::start(config).await.err().unwrap().to_string();
    assert!(refused.contains("--http-listen") && refused.contains("--tls-cert"), "{refused}");
}
