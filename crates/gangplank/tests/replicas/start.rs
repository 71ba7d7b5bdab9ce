//! The start of replicas, and their end.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use gangplank_testkit::replicas::{postgres, s3};
use gangplank_testkit::s3::BUCKET;
use gangplank_testkit::{Api, Blob, MASTER_KEY};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::world::{Trials, builder, until};

pub(crate) const TRIALS: Trials = &[
    ("start::options_that_do_not_fit_are_refused", misfits),
    ("start::a_new_database_needs_a_root_key", no_root_key),
    ("start::who_leaves_says_so_first", leaving),
];

/// The program on a database and a prefix of the bucket, with nothing else in its environment.
pub(crate) struct Alone {
    database: String,
    blobs: String,
}

impl Alone {
    pub(crate) fn on(database: &str, prefix: &str) -> Self {
        Self { database: database.to_owned(), blobs: format!("s3://{BUCKET}/{prefix}") }
    }

    /// A command with the variables of the store.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gangplank"));
        let (id, secret) = s3().keys();
        command
            .args(args)
            .env_clear()
            .env("GANGPLANK_DATABASE", &self.database)
            .env("GANGPLANK_BLOBS", &self.blobs)
            .env("GANGPLANK_S3_ENDPOINT", s3().endpoint())
            .env("GANGPLANK_S3_ACCESS_KEY_ID", id)
            .env("GANGPLANK_S3_SECRET_ACCESS_KEY", secret)
            .env("GANGPLANK_MASTER_KEY", MASTER_KEY);
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

pub(crate) fn new_prefix() -> String {
    Blob::unique().digest.replace(':', "-")
}

const SERVE: [&str; 5] = ["serve", "--listen", "127.0.0.1:0", "--public-address", "registry.example.com"];

fn misfits() {
    let alone = Alone::on(&postgres().create("misfits"), &new_prefix());
    let refused = |more: &[&str], change: fn(&mut Command)| {
        let mut command = alone.command(&[&SERVE[..], more].concat());
        change(&mut command);
        let output = command.output().unwrap();
        assert!(!output.status.success() && output.stdout.is_empty(), "{}", said(&output));
        said(&output)
    };
    let nothing: fn(&mut Command) = |_| ();
    for (more, change, parts) in [
        (&["--data-dir", "elsewhere"][..], nothing, ["--data-dir", "leave out"]),
        (&["--engine", "docker"][..], nothing, ["--engine", "--replica-listen"]),
        (
            &["--engine", "docker", "--replica-listen", "0.0.0.0:0"][..],
            nothing,
            ["--replica-listen 0.0.0.0:0", "--replica-address HOST"],
        ),
        (&["--database", "mysql://host/name"][..], nothing, ["--database", "postgres://"]),
        (
            &[][..],
            |command: &mut Command| {
                command.env_remove("GANGPLANK_BLOBS").env_remove("GANGPLANK_S3_ENDPOINT");
            },
            ["--blobs", "s3://BUCKET/PREFIX"],
        ),
        (
            &[][..],
            |command: &mut Command| {
                command.env_remove("GANGPLANK_MASTER_KEY");
            },
            ["GANGPLANK_MASTER_KEY", "gangplank generate master-key"],
        ),
        (
            &[][..],
            |command: &mut Command| {
                command.env("GANGPLANK_MASTER_KEY", "5ecret");
            },
            ["GANGPLANK_MASTER_KEY", "64 hexadecimal digits"],
        ),
        (
            &[][..],
            |command: &mut Command| {
                command.env("GANGPLANK_DATABASE", "postgres://u:5ecret@127.0.0.1:1/x?sslmode=odd");
            },
            ["GANGPLANK_DATABASE", "sslmode"],
        ),
    ] {
        let said = refused(more, change);
        assert!(parts.iter().all(|part| said.contains(part)), "{said}");
        assert!(!said.contains("5ecret"), "{said}");
    }
    let output = alone.command(&SERVE[..3]).output().unwrap();
    assert!(!output.status.success() && said(&output).contains("--public-address"), "{}", said(&output));
}

/// Without a root key nobody could use a new database, so nothing is made. The command that makes one shows it once.
fn no_root_key() {
    let (name, prefix) = ("no_root_key", new_prefix());
    let alone = Alone::on(&postgres().create(name), &prefix);
    let refused = alone.run(&SERVE);
    assert!(!refused.status.success(), "{}", said(&refused));
    for part in ["GANGPLANK_ROOT_ACCESS_KEY_ID", "gangplank access-key create --root"] {
        assert!(said(&refused).contains(part), "{}", said(&refused));
    }
    let made = "SELECT (SELECT count(*) FROM access_keys), (SELECT key_check IS NULL FROM cluster)";
    assert_eq!(postgres().query(name, made).unwrap(), "0|t");
    assert!(s3().keys_under(&prefix).is_empty());

    assert!(!alone.run(&["access-key", "create"]).status.success(), "an ordinary key cannot be the first");
    let key = alone.run(&["access-key", "create", "--root", "--output", "json"]);
    assert!(key.status.success(), "{}", said(&key));
    let key: Value = serde_json::from_slice(&key.stdout).unwrap();
    let mut server = alone.command(&SERVE).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(server.stdout.take().unwrap()), &mut line)
        .unwrap();
    let endpoint = line.trim().rsplit(' ').next().unwrap().to_owned();
    let text = |name: &str| key[name].as_str().unwrap().to_owned();
    let api = Api::new(&endpoint, &text("accessKeyId"), &text("secretAccessKey"));
    api.ensure_service("web");
    let login = api.lightsail("CreateContainerServiceRegistryLogin", &json!({}));
    let others = alone.run(&["access-key", "create", "--output", "json"]);
    let _ = server.kill();
    let _ = server.wait();
    assert_eq!(login.status, 200, "{login:?}");
    assert_eq!(login.body["registryLogin"]["registry"], "registry.example.com");
    assert!(others.status.success(), "{}", said(&others));
}

/// A replica that was told to stop is not ready, and serves for a while, so that no client finds a closed port.
fn leaving() {
    let mut server = builder().replicas(2).env("GANGPLANK_DRAIN_DELAY", "3s").start();
    let registry = server.replica(1).registry_as(&server.operator_login());
    assert!(server.replica(1).is_ready());
    let told = Instant::now();
    server.replica(1).signal(Signal::TERM);
    until("it says that it leaves", Duration::from_secs(2), || !server.replica(1).is_ready());
    assert_eq!(registry.status("GET", ""), 200);
    assert!(server.wait_for_replica(1).success());
    let took = told.elapsed();
    assert!((Duration::from_secs(3)..Duration::from_secs(10)).contains(&took), "{took:?}");
    assert!(server.replica(0).is_ready());
}
