//! Large bodies, for which a connection gets its own thread: over TLS too, with clients that pause, and with more of
//! them than threads.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use gangplank_testkit::{Blob, Login};

use crate::cli::run;
use crate::raw::basic;
use crate::server;
use crate::tls::tls_server;

/// More than all buffers together can hold, in bytes.
const LENGTH: usize = 24 << 20;

fn large(seed: u8) -> Blob {
    blob(seed, LENGTH)
}

fn blob(seed: u8, length: usize) -> Blob {
    let words = (0..).map(|at: u32| at ^ (u32::from(seed) << 24));
    Blob::new(words.take(length / 4).flat_map(u32::to_le_bytes).collect::<Vec<u8>>())
}

/// A connection with the beginning of a request.
fn begin(login: &Login, method: &str, path: &str, length: usize) -> TcpStream {
    let mut connection = TcpStream::connect(&login.registry).unwrap();
    let (host, authorization) = (&login.registry, basic(login));
    write!(
        connection,
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {authorization}\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    connection
}

#[test]
fn it_goes_in_and_out_over_tls() {
    let Some((server, home)) = tls_server() else { return };
    let data_dir = server.data_dir();
    let environment = [("AWS_CA_BUNDLE", home.path().join("cert.pem"))];
    let environment = environment.each_ref().map(|(name, path)| (*name, path.to_str().unwrap()));
    let create =
        ["registry-login", "create", "--scope", "push,pull", "--data-dir", data_dir.to_str().unwrap()];
    let login = run(server.home(), &create, &environment).json();
    let certificate = reqwest::Certificate::from_pem(&std::fs::read(home.path().join("cert.pem")).unwrap());
    let client = reqwest::blocking::Client::builder().tls_certs_only([certificate.unwrap()]).build().unwrap();
    let (blob, url) = (large(1), format!("https://{}", server.address()));
    let send = |method: &str, path: &str, body: Vec<u8>| {
        client
            .request(method.parse().unwrap(), format!("{url}{path}"))
            .basic_auth("AWS", login["password"].as_str())
            .body(body)
            .send()
            .unwrap()
    };
    let path = format!("/v2/sr/blobs/uploads/?digest={}", blob.digest);
    assert_eq!(send("POST", &path, blob.bytes.clone()).status(), 201);
    let pulled = send("GET", &format!("/v2/sr/blobs/{}", blob.digest), Vec::new()).bytes().unwrap();
    assert!(pulled == blob.bytes, "other bytes came back");
}

#[test]
fn it_may_stop_and_go_on_in_both_directions() {
    let server = server();
    let blob = large(2);
    let path = format!("/v2/sr/blobs/uploads/?digest={}", blob.digest);
    let login = server.operator_login();
    let mut pushing = begin(&login, "POST", &path, LENGTH);
    for (number, piece) in blob.bytes.chunks(1_000_003).enumerate() {
        std::thread::sleep(Duration::from_millis(7 * (number as u64 % 3)));
        pushing.write_all(piece).unwrap();
    }
    let mut answer = String::new();
    pushing.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");

    let mut pulling = begin(&login, "GET", &format!("/v2/sr/blobs/{}", blob.digest), 0);
    let (mut pulled, mut piece) = (Vec::new(), vec![0; 1_000_003]);
    loop {
        let read = pulling.read(&mut piece).unwrap();
        pulled.extend_from_slice(&piece[..read]);
        if read == 0 {
            break;
        }
        if pulled.len() % 5 == 0 {
            std::thread::sleep(Duration::from_millis(7));
        }
    }
    let body = pulled.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
    assert!(pulled[body..] == blob.bytes, "other bytes came back");
}

#[test]
fn who_reads_or_sends_nothing_more_is_in_nobodys_way() {
    let server = server();
    let login = server.operator_login();
    let registry = server.registry_as(&login);
    let blob = large(3);
    assert_eq!(registry.push_blob("sr", &blob), 201);
    let never = large(4).digest;
    // More connections of either kind than there are threads.
    let mut idle = Vec::new();
    for number in 0..140 {
        idle.push(if number % 2 == 0 {
            begin(&login, "GET", &format!("/v2/sr/blobs/{}", blob.digest), 0)
        } else {
            let path = format!("/v2/sr/blobs/uploads/?digest={never}");
            let mut client = begin(&login, "POST", &path, LENGTH);
            client.write_all(&blob.bytes[..1 << 20]).unwrap();
            client
        });
    }
    let (other, start) = (large(5), std::time::Instant::now());
    assert_eq!(registry.push_blob("sr", &other), 201);
    assert!(registry.send("GET", &format!("sr/blobs/{}", other.digest)).bytes().unwrap() == other.bytes);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[test]
fn more_of_them_than_threads_all_get_through() {
    let server = server();
    let registry = server.registry_as(&server.operator_login());
    std::thread::scope(|scope| {
        let pushing: Vec<_> = (0..80u8)
            .map(|seed| {
                let registry = &registry;
                scope.spawn(move || {
                    let blob = blob(seed, 2 << 20);
                    let pushed = registry.push_blob("sr", &blob);
                    let pulled = registry.send("GET", &format!("sr/blobs/{}", blob.digest)).bytes().unwrap();
                    (pushed, pulled == blob.bytes)
                })
            })
            .collect();
        for one in pushing {
            assert_eq!(one.join().unwrap(), (201, true));
        }
    });
}
