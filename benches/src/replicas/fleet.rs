//! Replicas on an empty database and an empty prefix of the bucket.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::bucket::{BUCKET, KEYS};
use crate::content::random;
use crate::digest::sha256;
use crate::http::{Blocking, expect};
use crate::meter;
use crate::servers::{self, Programs, Started};
use crate::target::Target;
use crate::work::{Parts, push_blob, put_request, repository};

/// The address that clients sign. It belongs to a load balancer, which is the benchmark itself.
const PUBLIC_ADDRESS: &str = "127.0.0.1:5000";

const MASTER_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// How long a replica may take until it is ready.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long replicas rest before their memory is measured.
const REST: Duration = Duration::from_secs(1);

/// Where a fleet keeps everything.
pub(super) struct Place<'a> {
    /// The name of the database, and of the prefix.
    pub(super) name: &'a str,
    /// The port of PostgreSQL.
    pub(super) database: u16,
    /// The port of the S3 server.
    pub(super) bucket: u16,
}

/// An account with content.
pub(super) struct Account {
    /// A target with a key and a login of the account. It is the first replica, but any other would do.
    pub(super) target: Target,
    pub(super) repository: String,
    pub(super) parts: Parts,
    /// The digest of an image to register.
    pub(super) image: String,
    /// The digest of a blob to ask for.
    pub(super) blob: String,
}

/// Running replicas.
pub(super) struct Fleet {
    pub(super) replicas: Vec<Target>,
    pub(super) accounts: Vec<Account>,
    /// For each replica the time from its start until it was ready, one after the other.
    pub(super) ready: Vec<Duration>,
    /// The resident memory of each before the first request, in bytes.
    pub(super) idle: Vec<u64>,
}

impl Fleet {
    /// Starts replicas one after the other, and makes accounts.
    pub(super) fn start(
        programs: &Programs,
        place: &Place<'_>,
        replicas: usize,
        accounts: usize,
    ) -> Result<Self> {
        let mut fleet =
            Self { replicas: Vec::new(), accounts: Vec::new(), ready: Vec::new(), idle: Vec::new() };
        for number in 0..replicas {
            let folder = programs.home.join(format!("{}-{number}", place.name));
            fs::create_dir(&folder)?;
            let since = Instant::now();
            let (child, target) = start(programs, place, &folder)?;
            fleet.ready.push(wait_until_ready(&target, since)?);
            fleet.replicas.push(Target { pid: Some(child.0.id()), started: Some(child), ..target });
        }
        sleep(REST);
        fleet.idle.extend(fleet.replicas.iter().filter_map(meter::resident));
        for number in 1..=accounts {
            fleet.accounts.push(account(&fleet.replicas[0], number)?);
        }
        Ok(fleet)
    }
}

/// Makes an account.
fn account(root: &Target, number: usize) -> Result<Account> {
    let mut owner = Target::at(&root.name, root.address, root.host.clone());
    let input = json!({ "account": format!("{number:012}") });
    let made = call(root, "CreateAccessKey", &input.to_string())?;
    let key = &made["accessKey"];
    owner.access_key = pair(key, "accessKeyId", "secretAccessKey");
    let made = call(&owner, "CreateRegistryLogin", r#"{"scope":["push","pull","delete"]}"#)?;
    owner.login = pair(&made["registryLogin"], "username", "password");
    ensure!(owner.access_key.is_some() && owner.login.is_some(), "no key or no login");
    create_service(&owner)?;
    let repository = repository("replicas")?;
    let parts = Parts::push(&owner, &repository)?;
    let manifest = parts.manifest("to be registered");
    let put = put_request(&owner, &repository, "latest", &manifest);
    expect(&Blocking::open(&owner)?.ask(&put)?, 201, "PUT of a manifest")?;
    let blob = push_blob(&owner, &repository, &random(1024)?)?;
    Ok(Account { target: owner, repository, parts, image: sha256(manifest.as_bytes()), blob })
}

fn pair(of: &Value, first: &str, second: &str) -> Option<(String, String)> {
    let text = |name: &str| of[name].as_str().map(str::to_owned);
    text(first).zip(text(second))
}

/// Makes a service. Returns its name.
pub(super) fn create_service(target: &Target) -> Result<String> {
    let service = format!("bench-{}", hex::encode(random(6)?));
    let input = json!({ "serviceName": service, "power": "nano", "scale": 1 }).to_string();
    call(target, "CreateContainerService", &input)?;
    Ok(service)
}

/// Makes a signed call, and returns the answer.
fn call(target: &Target, operation: &str, body: &str) -> Result<Value> {
    let call = target.call(operation, body, &hex::encode(random(16)?)).context("no access key")?;
    let answer = Blocking::open(target)?.ask(&call)?;
    expect(&answer, 200, operation)?;
    Ok(serde_json::from_slice(&answer.body)?)
}

fn start(programs: &Programs, place: &Place<'_>, folder: &Path) -> Result<(Started, Target)> {
    let Place { name, database, bucket } = place;
    let (child, address) = servers::serve(&programs.gangplank, &folder.join("log"), |command| {
        command
            .args(["--public-address", PUBLIC_ADDRESS, "--blobs", &format!("s3://{BUCKET}/{name}")])
            .args(["--s3-endpoint", &format!("http://127.0.0.1:{bucket}")])
            .arg("--scratch-dir")
            .arg(folder)
            .env("GANGPLANK_DATABASE", format!("postgres://gangplank@127.0.0.1:{database}/{name}"))
            .env("GANGPLANK_MASTER_KEY", MASTER_KEY)
            .env("GANGPLANK_S3_ACCESS_KEY_ID", KEYS.0)
            .env("GANGPLANK_S3_SECRET_ACCESS_KEY", KEYS.1);
    })?;
    let mut target = Target::at(name, address, PUBLIC_ADDRESS.to_owned());
    target.access_key = Some((servers::ACCESS_KEY.0.to_owned(), servers::ACCESS_KEY.1.to_owned()));
    Ok((child, target))
}

/// Waits until a replica is ready. Returns the time since its start.
fn wait_until_ready(replica: &Target, since: Instant) -> Result<Duration> {
    loop {
        let answer = Blocking::open(replica)?.ask(&replica.head("GET", "/readyz", ""))?;
        if answer.status == 200 {
            return Ok(since.elapsed());
        }
        let said = String::from_utf8_lossy(&answer.body);
        ensure!(since.elapsed() < PATIENCE, "a replica is not ready: {said}");
        sleep(Duration::from_millis(5));
    }
}
