//! Clients that make all kinds of requests until the server is gone, and record its answers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use gangplank_oci::media_type::OCI_MANIFEST;
use gangplank_testkit::{Api, Image, Login, Registry, TestServer};
use reqwest::header::{CONTENT_TYPE, LOCATION};
use serde_json::{Value, json};

use crate::content::{Content, Numbers};
use crate::ledger::{Ledger, Session};

const CLIENTS: u64 = 4;

/// The tag that all clients move.
const SHARED_TAG: &str = "latest";

/// Lets clients work for a while, then `end`s the server. Returns the answers.
pub(crate) fn until(
    server: &mut TestServer,
    operator: &Login,
    seed: u64,
    patience: Duration,
    end: impl FnOnce(&mut TestServer),
) -> Ledger {
    let stop = AtomicBool::new(false);
    let mut all = Ledger::default();
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let client = Client {
                    registry: server.registry_as(operator),
                    api: server.api(),
                    operator: operator.clone(),
                    tag: format!("of-{seed}-{number}"),
                    numbers: Numbers(seed.wrapping_mul(CLIENTS).wrapping_add(number)),
                    ledger: Ledger::default(),
                };
                let stop = &stop;
                scope.spawn(move || client.work(stop))
            })
            .collect();
        thread::sleep(patience);
        end(server);
        stop.store(true, Ordering::Relaxed);
        for client in clients {
            all.merge(client.join().expect("a client's end"));
        }
    });
    all
}

struct Client {
    registry: Registry,
    api: Api,
    operator: Login,
    tag: String,
    numbers: Numbers,
    ledger: Ledger,
}

impl Client {
    fn work(mut self, stop: &AtomicBool) -> Ledger {
        while !stop.load(Ordering::Relaxed) {
            match self.numbers.below(8) {
                0 | 1 => drop(self.push_whole()),
                2 => self.push_and_delete(),
                3 | 4 => self.push_in_chunks(),
                5 | 6 => self.push_image(),
                _ => self.make_login(),
            }
        }
        self.ledger
    }

    fn content(&mut self) -> Content {
        Content { seed: self.numbers.next(), size: 1 + usize::try_from(self.numbers.below(400_000)).unwrap() }
    }

    /// The status of a request. `None` if there was no answer.
    fn put(&self, method: &str, path: &str, body: Vec<u8>) -> Option<u16> {
        let request = self.registry.request(method, path).header(CONTENT_TYPE, OCI_MANIFEST);
        Some(request.body(body).send().ok()?.status().as_u16())
    }

    /// Pushes a blob in one request. Returns the blob if it was acknowledged.
    fn push_whole(&mut self) -> Option<Content> {
        let content = self.content();
        let path = format!("sr/blobs/uploads/?digest={}", content.digest());
        if self.put("POST", &path, content.bytes()) == Some(201) {
            self.ledger.blobs.push(content);
            return Some(content);
        }
        self.ledger.asked.push(content);
        None
    }

    fn push_and_delete(&mut self) {
        let Some(content) = self.push_whole() else { return };
        self.ledger.blobs.pop();
        match self.put("DELETE", &format!("sr/blobs/{}", content.digest()), Vec::new()) {
            Some(202) => self.ledger.deleted.push(content),
            _ => self.ledger.asked.push(content),
        }
    }

    fn push_in_chunks(&mut self) {
        let content = self.content();
        let bytes = content.bytes();
        let Ok(opened) = self.registry.request("POST", "sr/blobs/uploads/").send() else { return };
        if opened.status() != 202 {
            return;
        }
        let location = opened.headers()[LOCATION].to_str().unwrap().to_owned();
        let mut session = Session { location, content, acknowledged: 0, sent: 0 };
        for chunk in 1..4 {
            let to = bytes.len() * chunk / 4;
            session.sent = to;
            if self.put("PATCH", &session.location, bytes[session.acknowledged..to].to_vec()) != Some(202) {
                self.ledger.sessions.push(session);
                return;
            }
            session.acknowledged = to;
        }
        let put = format!("{}?digest={}", session.location, content.digest());
        if self.put("PUT", &put, bytes[session.acknowledged..].to_vec()) == Some(201) {
            self.ledger.blobs.push(content);
        } else {
            // The session may have ended with the blob.
            self.ledger.asked.push(content);
        }
    }

    fn push_image(&mut self) {
        let image = Image::unique(1);
        for blob in image.blobs() {
            let path = format!("sr/blobs/uploads/?digest={}", blob.digest);
            if self.put("POST", &path, blob.bytes.clone()) != Some(201) {
                return;
            }
        }
        for tag in [self.tag.clone(), SHARED_TAG.to_owned()] {
            let acknowledged =
                self.put("PUT", &format!("sr/manifests/{tag}"), image.manifest.clone()) == Some(201);
            if acknowledged {
                self.ledger.manifests.push(image.clone());
            }
            // A tag that was never acknowledged may be missing.
            match self.ledger.tags.get_mut(&tag) {
                Some(digests) if acknowledged && tag != SHARED_TAG => *digests = vec![image.digest()],
                Some(digests) => digests.push(image.digest()),
                None if acknowledged => drop(self.ledger.tags.insert(tag, vec![image.digest()])),
                None => self.ledger.moves.push((tag, image.digest())),
            }
            if !acknowledged {
                return;
            }
        }
        let input = json!({ "serviceName": "web", "label": "app", "digest": image.digest() });
        if let Some(answer) = self.call("RegisterContainerImage", &input)
            && let Some(name) = answer["containerImage"]["image"].as_str()
        {
            self.ledger.registered.push(name.to_owned());
        }
    }

    fn make_login(&mut self) {
        let answer = self.call("CreateContainerServiceRegistryLogin", &json!({})).unwrap_or_default();
        if let Some(password) = answer["registryLogin"]["password"].as_str() {
            self.ledger.logins.push(Login { password: password.to_owned(), ..self.operator.clone() });
        }
    }

    fn call(&self, operation: &str, input: &Value) -> Option<Value> {
        let target = format!("Lightsail_20161128.{operation}");
        let answer = self.api.try_call(&target, input.to_string().as_bytes(), &[])?;
        (answer.status == 200).then_some(answer.body)
    }
}
