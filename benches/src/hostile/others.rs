//! The others: clients with their own login or key. They should notice little of an attack.

use std::cell::{Cell, RefCell};
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tokio::task::LocalSet;

use super::client::Client;
use crate::content::random;
use crate::digest::sha256;
use crate::http::with_digest;
use crate::target::Target;

/// The bytes of each layer.
const LAYER: usize = 256 << 10;

/// The clients that push and the clients that pull, in each account.
const PUSHERS: usize = 2;
const PULLERS: usize = 2;

/// The time between two requests of one client that measures.
const PACE: Duration = Duration::from_millis(20);

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// An account with a service and an image on it.
pub(super) struct Account {
    /// With its access key.
    pub(super) api: Rc<Target>,
    /// With a push login.
    pusher: Rc<Target>,
    /// With a login that pulls the images of the service.
    puller: Rc<Target>,
    layer: String,
}

/// The measurements of the others.
#[derive(Clone, Debug, Default)]
pub(super) struct Done {
    pub(super) pushes: usize,
    pub(super) pulls: usize,
    /// Requests that had no answer, or a wrong one.
    pub(super) failures: Vec<String>,
    /// The time of each `GET /v2/`, HEAD and login.
    pub(super) latencies: Vec<Duration>,
}

/// A target of the same server with another login.
fn with(target: &Target, login: Option<(String, String)>, key: Option<(String, String)>) -> Rc<Target> {
    let mut other = Target::at(&target.name, target.address, target.host.clone());
    (other.login, other.access_key) = (login, key);
    Rc::new(other)
}

/// Makes a call of the API, and returns the answer.
pub(super) async fn call(target: &Target, operation: &str, body: &str) -> Result<serde_json::Value> {
    let request = target.call(operation, body, &hex::encode(random(16)?)).context("no access key")?;
    let answer = Client::new(target.address, Ipv4Addr::LOCALHOST).ask(&request).await?;
    let text = String::from_utf8_lossy(&answer.body);
    ensure!(answer.status == 200, "{operation} was answered {}: {text}", answer.status);
    Ok(serde_json::from_str(&text)?)
}

/// A login that a call made.
pub(super) fn login(answer: &serde_json::Value) -> Result<(String, String)> {
    let text = |name: &str| answer["registryLogin"][name].as_str().map(str::to_owned);
    text("username").zip(text("password")).context("no login")
}

impl Account {
    /// Makes a service in the account of a key, and registers an image on it.
    pub(super) async fn make(target: &Target, key: (String, String)) -> Result<Self> {
        let api = with(target, None, Some(key));
        call(&api, "CreateContainerService", r#"{"serviceName":"web","power":"nano","scale":1}"#).await?;
        let made = call(&api, "CreateContainerServiceRegistryLogin", "{}").await?;
        let pusher = with(target, Some(login(&made)?), None);
        let mut client = Client::new(target.address, Ipv4Addr::LOCALHOST);
        let layer = random(LAYER)?;
        let digest = push(&mut client, &pusher, &layer, "first").await?;
        let image = format!(r#"{{"serviceName":"web","label":"app","digest":"{digest}"}}"#);
        call(&api, "RegisterContainerImage", &image).await?;
        let made = call(&api, "CreateRegistryLogin", r#"{"serviceName":"web"}"#).await?;
        let puller = with(target, Some(login(&made)?), None);
        Ok(Self { api, pusher, puller, layer: sha256(&layer) })
    }
}

/// Lets the others work for a while, from their own addresses.
pub(super) async fn work(accounts: &[Account], time: Duration) -> Vec<Done> {
    let local = LocalSet::new();
    let until = Instant::now() + time;
    let next = Cell::new(0);
    let from = || Ipv4Addr::new(127, 0, 2, u8::try_from(next.replace(next.get() + 1) % 250 + 1).unwrap_or(1));
    let done: Vec<_> = accounts.iter().map(|_| Rc::new(RefCell::new(Done::default()))).collect();
    for (account, done) in accounts.iter().zip(&done) {
        for _ in 0..PUSHERS {
            let client = Client::new(account.api.address, from());
            local.spawn_local(push_on(client, Rc::clone(&account.pusher), Rc::clone(done), until));
        }
        for _ in 0..PULLERS {
            let client = Client::new(account.api.address, from());
            let (puller, layer) = (Rc::clone(&account.puller), account.layer.clone());
            local.spawn_local(pull_on(client, puller, layer, Rc::clone(done), until));
        }
        let client = Client::new(account.api.address, from());
        let targets = (Rc::clone(&account.api), Rc::clone(&account.puller));
        local.spawn_local(measure_on(client, targets, account.layer.clone(), Rc::clone(done), until));
    }
    local.await;
    done.iter().map(|done| done.borrow().clone()).collect()
}

fn note(done: &RefCell<Done>, outcome: Result<()>, count: fn(&mut Done)) {
    let mut done = done.borrow_mut();
    match outcome {
        Ok(()) => count(&mut done),
        Err(error) => done.failures.push(format!("{error:#}")),
    }
}

async fn push_on(mut client: Client, target: Rc<Target>, done: Rc<RefCell<Done>>, until: Instant) {
    while Instant::now() < until {
        let pushed = async {
            let layer = random(LAYER)?;
            push(&mut client, &target, &layer, "latest").await.map(drop)
        };
        note(&done, pushed.await, |done| done.pushes += 1);
    }
}

/// Pushes an image with one layer. Returns its digest.
async fn push(client: &mut Client, target: &Target, layer: &[u8], tag: &str) -> Result<String> {
    let config = format!(r#"{{"architecture":"amd64","os":"linux","x":"{}"}}"#, sha256(layer));
    for bytes in [layer, config.as_bytes()] {
        let start = target.head("POST", "/v2/sr/blobs/uploads/", "Content-Length: 0\r\n");
        let answer = client.ask(&start).await?;
        ensure!(answer.status == 202, "an upload was answered {}", answer.status);
        let location = answer.location.context("an upload without a location")?;
        let length = format!("Content-Length: {}\r\n", bytes.len());
        let mut put = target.head("PUT", &with_digest(&location, &sha256(bytes)), &length);
        put.extend_from_slice(bytes);
        let answer = client.ask(&put).await?;
        ensure!(answer.status == 201, "a blob was answered {}", answer.status);
    }
    let manifest = serde_json::json!({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": { "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": sha256(config.as_bytes()), "size": config.len() },
        "layers": [{ "mediaType": "application/vnd.oci.image.layer.v1.tar",
            "digest": sha256(layer), "size": layer.len() }],
    });
    put_manifest(client, target, tag, &manifest.to_string()).await
}

/// Puts a manifest, and returns its digest.
async fn put_manifest(client: &mut Client, target: &Target, tag: &str, body: &str) -> Result<String> {
    let headers = format!("Content-Type: {MANIFEST}\r\nContent-Length: {}\r\n", body.len());
    let mut put = target.head("PUT", &format!("/v2/sr/manifests/{tag}"), &headers);
    put.extend_from_slice(body.as_bytes());
    let answer = client.ask(&put).await?;
    ensure!(answer.status == 201, "a manifest was answered {}", answer.status);
    Ok(sha256(body.as_bytes()))
}

async fn pull_on(
    mut client: Client,
    target: Rc<Target>,
    layer: String,
    done: Rc<RefCell<Done>>,
    until: Instant,
) {
    let accept = format!("Accept: {MANIFEST}\r\n");
    let manifest = target.head("GET", "/v2/web/manifests/app.1", &accept);
    let layer = target.head("GET", &format!("/v2/web/blobs/{layer}"), "");
    while Instant::now() < until {
        let pulled = async {
            for request in [&manifest, &layer] {
                let answer = client.ask(request).await?;
                ensure!(answer.status == 200, "a pull was answered {}", answer.status);
            }
            Ok(())
        };
        note(&done, pulled.await, |done| done.pulls += 1);
    }
}

/// Asks at a steady pace, and over a new connection every fourth time.
async fn measure_on(
    mut client: Client,
    (api, puller): (Rc<Target>, Rc<Target>),
    layer: String,
    done: Rc<RefCell<Done>>,
    until: Instant,
) {
    let version = puller.head("GET", "/v2/", "");
    let head = puller.head("HEAD", &format!("/v2/web/blobs/{layer}"), "");
    let mut pace = tokio::time::interval(PACE);
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for number in 0_usize.. {
        pace.tick().await;
        if Instant::now() >= until {
            return;
        }
        if number % 4 == 3 {
            client.leave();
        }
        // These are made before the time begins.
        let invocation = hex::encode(random(16).unwrap_or_default());
        let login = api.call("CreateContainerServiceRegistryLogin", "{}", &invocation).unwrap_or_default();
        let (request, name) = [(&version, "GET /v2/"), (&head, "HEAD"), (&login, "a login")][number % 3];
        let start = Instant::now();
        let asked = client.ask(request).await.with_context(|| name.to_owned());
        let asked = asked.and_then(|answer| {
            ensure!(answer.status == 200, "{name} was answered {}", answer.status);
            Ok(())
        });
        done.borrow_mut().latencies.push(start.elapsed());
        note(&done, asked, |_| {});
    }
}
