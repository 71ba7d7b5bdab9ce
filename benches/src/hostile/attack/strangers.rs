//! Strangers, who have neither a login nor a key: together at most 2,000 requests and 100 MB a second.

use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::AsyncWriteExt as _;
use tokio::task::LocalSet;

use crate::hostile::client::{Client, connect};
use crate::target::Target;

/// One kind of stranger.
struct Kind {
    /// How many there are.
    number: u32,
    /// Requests of all of them in a second.
    rate: u32,
    request: Vec<u8>,
    /// How much of the request is sent. If it is not all, the stranger holds the rest back for as long as it may.
    sent: usize,
    /// Whether each request comes over a new connection.
    is_new: bool,
}

pub(super) fn come(local: &LocalSet, target: Target) {
    let target = Rc::new(target);
    let mut first = 0;
    for kind in kinds(&target) {
        let kind = Rc::new(kind);
        for number in 0..kind.number {
            let from = Ipv4Addr::new(127, 0, 1, u8::try_from((first + number) % 254 + 1).unwrap_or(1));
            local.spawn_local(ask_on(Rc::clone(&target), Rc::clone(&kind), from, number));
        }
        first += kind.number;
    }
}

fn kinds(target: &Target) -> Vec<Kind> {
    let whole =
        |number, rate, is_new, request: Vec<u8>| Kind { number, rate, sent: request.len(), request, is_new };
    let back = |number, request: Vec<u8>, rest: usize| {
        // A stranger that was refused comes back after three seconds.
        Kind { number, rate: number / 3 + 1, sent: request.len() - rest, request, is_new: true }
    };
    let forged =
        |bytes: usize| target.call("GetContainerServices", &" ".repeat(bytes), "forged").unwrap_or_default();
    let mut guessed = Target::at("", target.address, target.host.clone());
    guessed.login = Some(("AWS".to_owned(), STANDARD.encode([7; 48])));
    let upload = guessed.head("POST", "/v2/sr/blobs/uploads/?digest=sha256:00", "Content-Length: 200000\r\n");
    let half = format!("GET /v2/ HTTP/1.1\r\nHost: a\r\nX-Half: {}\r\n", "a".repeat(30 << 10));
    vec![
        whole(50, 600, false, b"GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
        whole(50, 200, true, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
        whole(50, 300, false, guessed.head("GET", "/v2/sr/manifests/latest", "")),
        whole(20, 200, false, forged(64 << 10)),
        whole(20, 50, true, forged(1_000_000)),
        whole(20, 50, true, [upload, vec![b'a'; 200_000]].concat()),
        whole(20, 50, true, vec![0x16, 0x03, 0x01, 0x02, 0x00]),
        whole(20, 100, false, b"GET /console/ HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
        back(300, forged(1_000_000), 1),
        back(1_000, half.into_bytes(), 1),
    ]
}

async fn ask_on(target: Rc<Target>, kind: Rc<Kind>, from: Ipv4Addr, number: u32) {
    let each = Duration::from_secs_f64(f64::from(kind.number) / f64::from(kind.rate));
    tokio::time::sleep(each.mul_f64(f64::from(number) / f64::from(kind.number))).await;
    let mut pace = tokio::time::interval(each);
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut client = Client::new(target.address, from);
    loop {
        pace.tick().await;
        if kind.sent == kind.request.len() {
            let _ = client.ask(&kind.request).await;
            if kind.is_new {
                client.leave();
            }
        } else if let Ok(mut stream) = connect(target.address, from).await
            && stream.write_all(&kind.request[..kind.sent]).await.is_ok()
        {
            let mut answer = [0; 1];
            let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut answer).await;
        }
    }
}
