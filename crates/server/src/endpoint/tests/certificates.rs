//! TLS from visitors, with the certificate of the requested name, and TLS to nodes.

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::certificates::tests::write;
use crate::config::TlsFiles;
use crate::endpoint::dial::tls_to_anybody;

/// Sends a request for a host over TLS. Returns the server's certificate and the answer.
async fn ask(address: SocketAddr, name: &str) -> (CertificateDer<'static>, Answer) {
    let stream = TcpStream::connect(address).await.unwrap();
    let connector = tls_to_anybody().unwrap();
    let name_sent = name.to_owned().try_into().unwrap();
    let mut stream = connector.connect(name_sent, stream).await.unwrap();
    let shown = stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned();
    let request = format!("GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let text = String::from_utf8(answer).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (shown, Answer { status, head: head.to_owned(), body: body.into() })
}

fn der(files: &TlsFiles) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(&files.certificate).unwrap()
}

#[tokio::test]
async fn each_domain_gets_its_certificate_and_others_the_servers() {
    let folder = TempDir::new().unwrap();
    let own = write(folder.path(), "own", &["localhost", "*.cs.localhost"]);
    let shop = write(folder.path(), "shop", &["www.example.com"]);
    let site = Site::with(|config| {
        config.tls = Some(own.clone());
        config.deployments.certificates.insert("shop".to_owned(), shop.clone());
    })
    .await;
    let (address, mut heads) = answering(saying("hello")).await;
    site.lead(&[address]);
    for door in [site.server.address(), site.server.endpoint_address().unwrap()] {
        let (shown, answer) = ask(door, "www.example.com").await;
        assert_eq!((shown, answer.text()), (der(&shop), "hello"));
        assert_eq!(header(&heads.recv().await.unwrap(), "x-forwarded-proto"), Some("https"));
        let (shown, answer) = ask(door, HOST).await;
        assert_eq!((shown, answer.text()), (der(&own), "hello"));
        heads.recv().await.unwrap();
    }
    let new = write(folder.path(), "shop", &["www.example.com"]);
    site.server.reload_certificates().await;
    assert_eq!(ask(site.server.address(), "www.example.com").await.0, der(&new));
}

#[tokio::test]
async fn a_domain_that_leads_to_no_service_any_more_is_not_the_servers() {
    let folder = TempDir::new().unwrap();
    let site = Site::with(|config| {
        config.tls = Some(write(folder.path(), "own", &["localhost", "both.example.com"]));
        let shop = write(folder.path(), "shop", &["www.example.com", "both.example.com", "*.example.org"]);
        config.deployments.certificates.insert("shop".to_owned(), shop);
    })
    .await;
    site.server.app.routes.remove(WEB);
    for services in ["www.example.com", "a.example.org"] {
        let (_, answer) = ask(site.server.address(), services).await;
        assert_eq!((answer.status, answer.text()), (404, "404 No Such Service"), "{services}");
    }
    for own in ["localhost", "both.example.com"] {
        let (_, answer) = ask(site.server.address(), own).await;
        assert!(answer.text().starts_with("gangplank:"), "{own}: {answer:?}");
    }
    let certificates = &site.server.app.certificates;
    let refused = certificates.certificate_covers("shop", "Both.example.com").unwrap_err().to_string();
    assert!(refused.contains("the server's own name"), "{refused}");
    assert_eq!(certificates.certificate_covers("shop", "a.example.org"), Ok(()));
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_stops_the_start() {
    let folder = TempDir::new().unwrap();
    let mut files = write(folder.path(), "shop", &["www.example.com"]);
    files.key = folder.path().join("away.key");
    let home = TempDir::new().unwrap();
    let mut config = config(home.path());
    config.deployments.certificates.insert("shop".to_owned(), files);
    let error = format!("{:#}", Server::start(config).await.err().unwrap());
    assert!(error.contains("[certificates.shop]") && error.contains("away.key"), "{error}");
}

#[tokio::test]
async fn nodes_may_speak_tls_with_a_certificate_of_their_own() {
    let folder = TempDir::new().unwrap();
    let site = Site::with(|config| {
        let files = write(folder.path(), "node", &["node.example"]);
        config.deployments.certificates.insert("node".to_owned(), files.clone());
        config.tls = Some(files);
    })
    .await;
    // A node may have any certificate, so it uses the server's own TLS acceptor.
    let acceptor: TlsAcceptor = site.server.app.certificates.acceptor().unwrap().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(&saying("in secret")).await;
        }
    });
    let nodes = vec![Arc::new(Node::new(address))];
    site.route(Route::Nodes(Nodes { is_tls: true, all: nodes, tenure: None }));
    assert_eq!(ask(site.server.address(), HOST).await.1.text(), "in secret");
    let probed = crate::endpoint::probe::probe(address, true, "/", LONG).await;
    assert_eq!(probed.map(|status| status.as_u16()), Ok(200));
}

#[tokio::test]
async fn a_client_that_leaves_is_noticed_in_tls_too() {
    let folder = TempDir::new().unwrap();
    let own = write(folder.path(), "own", &["localhost"]);
    let site = Site::with(|config| config.tls = Some(own)).await;
    let address = node(|mut visitor| async move { while visitor.more().await {} }).await;
    let nodes = site.lead(&[address]);
    let stream = TcpStream::connect(site.server.address()).await.unwrap();
    let mut stream =
        tls_to_anybody().unwrap().connect("localhost".try_into().unwrap(), stream).await.unwrap();
    stream.write_all(get("/").as_bytes()).await.unwrap();
    until(|| nodes[0].under_way() == 1).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    stream.shutdown().await.unwrap();
    until(|| nodes[0].under_way() == 0).await;
}
