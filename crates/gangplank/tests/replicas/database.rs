//! The database is out of reach for a while.

use std::time::{Duration, Instant};

use gangplank_testkit::postgres::{Postgres, programs};
use gangplank_testkit::{Image, Registry, TestServer};
use serde_json::json;

use crate::world::{PART, Trials, append, assert_pulled, blob, builder, go_on, until};

pub(crate) const TRIALS: Trials = &[
    ("database::a_crash_is_a_503_and_heals", crash),
    ("database::a_standby_that_takes_over_is_used", standby),
    ("database::away_at_the_start_is_waited_for", away_at_the_start),
];

/// The longest time until a failure is answered, and the longest time until all works again.
const WITHIN: Duration = Duration::from_secs(15);

/// The longest time until another replica continues an upload.
const CONTINUES: Duration = Duration::from_mins(1);

fn own_postgres() -> (Postgres, String) {
    let postgres = Postgres::start(&programs(15).expect("PostgreSQL"));
    let url = postgres.create("away");
    (postgres, url)
}

fn crash() {
    let (mut postgres, url) = own_postgres();
    let server = builder().sharing(&url).start();
    let login = server.operator_login();
    let all: Vec<Registry> = server.all_replicas().map(|replica| replica.registry_as(&login)).collect();
    let kept = Image::unique(2);
    let digest = all[0].push_image("sr", "kept", &kept);
    server.api().ensure_service("web");
    let registered = server.api().register("web", "app", &digest);
    let (open, half) = (all[1].start_upload("sr"), blob(2 * PART + 3));
    let open = append(&all[1], &open, 0, &half.bytes[..PART + 3]);

    postgres.kill();
    refused_in_time(&server, &all, &["sr/manifests/kept", "sr/tags/list"]);
    // A login may be cached for as long as a revocation may take. It opens nothing.
    std::thread::sleep(Duration::from_secs(5));
    refused_in_time(&server, &all, &["sr/manifests/kept", "sr/tags/list", ""]);
    assert_eq!(health(&server, 0), 200, "the process is well");

    postgres.run();
    let back = Instant::now();
    wait_until_healed(&server, &all, &server.registry_as(&login));
    assert!(back.elapsed() < WITHIN, "{:?}", back.elapsed());
    eprintln!("replicas: healed {:?} after the database was back", back.elapsed());

    for registry in &all {
        assert_eq!(registry.status("GET", "sr/manifests/kept"), 200);
        kept.blobs().for_each(|blob| assert_pulled(registry, "sr", blob));
    }
    // The replica that wrote to the upload may have had no time to release its claim.
    assert!(go_on(&all[2], &open, &half, CONTINUES).is_some());
    assert_eq!(registered, ":web.app.1");
    assert_eq!(server.replica(1).api().register("web", "app", &digest), ":web.app.2");
}

/// The primary dies in the middle of an upload, and its standby is promoted.
fn standby() {
    let (mut first, _) = own_postgres();
    let second = first.copy();
    let url = format!("postgres://gangplank@127.0.0.1:{},127.0.0.1:{}/away", first.port(), second.port());
    let server = builder().sharing(&url).start();
    let login = server.operator_login();
    let all: Vec<Registry> = server.all_replicas().map(|replica| replica.registry_as(&login)).collect();
    let kept = Image::unique(2);
    let digest = all[0].push_image("sr", "kept", &kept);
    server.api().ensure_service("web");
    assert_eq!(server.api().register("web", "app", &digest), ":web.app.1");
    let half = blob(2 * PART + 3);
    let open = append(&all[1], &all[1].start_upload("sr"), 0, &half.bytes[..PART + 3]);

    first.wait_for(&second);
    first.kill();
    second.promote();
    let promoted = Instant::now();
    wait_until_healed(&server, &all, &server.registry_as(&login));
    eprintln!("replicas: healed {:?} after the promotion", promoted.elapsed());
    for registry in &all {
        assert_eq!(registry.status("GET", "sr/manifests/kept"), 200);
        kept.blobs().for_each(|blob| assert_pulled(registry, "sr", blob));
    }
    // The replica that wrote to the upload may have had no time to release its claim.
    assert!(go_on(&all[2], &open, &half, CONTINUES).is_some());
    assert_eq!(server.replica(1).api().register("web", "app", &digest), ":web.app.2");
    // Rights are taken away on the new primary as on the old one.
    let list = server.replica(1).api().gangplank("ListRegistryLogins", &json!({})).body;
    let id = &list["registryLogins"][0]["id"];
    let revoked = server.replica(2).api().gangplank("RevokeRegistryLogin", &json!({ "id": id }));
    assert_eq!(revoked.status, 200, "{revoked:?}");
    for registry in &all {
        until("a revoked login opens nothing", WITHIN, || registry.status("GET", "") == 401);
    }
}

/// Waits until each replica and the load balancer serve clients again.
fn wait_until_healed(server: &TestServer, all: &[Registry], through: &Registry) {
    for (number, registry) in all.iter().enumerate() {
        until(&format!("replica {number} is back"), WITHIN, || registry.status("GET", "") == 200);
        until(&format!("replica {number} is ready"), WITHIN, || server.replica(number).is_ready());
    }
    until("the load balancer's clients are served", WITHIN, || through.status("GET", "") == 200);
}

/// Every replica refuses with 503 in time, whatever it is asked.
fn refused_in_time(server: &TestServer, all: &[Registry], reads: &[&str]) {
    std::thread::scope(|scope| {
        for (number, registry) in all.iter().enumerate() {
            let reads = reads.iter().map(|path| ("GET", *path));
            for (method, path) in reads.chain([("POST", "sr/blobs/uploads/")]) {
                scope.spawn(move || {
                    let asked = Instant::now();
                    let answer = registry.request(method, path).timeout(Duration::from_secs(25)).send();
                    let answer =
                        answer.unwrap_or_else(|error| panic!("replica {number}, {method} {path}: {error}"));
                    assert_eq!(answer.status(), 503, "replica {number}, {method} {path}");
                    assert!(
                        answer.headers().contains_key("retry-after"),
                        "replica {number}, {method} {path}"
                    );
                    assert!(asked.elapsed() < WITHIN, "{method} {path}: {:?}", asked.elapsed());
                });
            }
            let api = server.replica(number).api();
            scope.spawn(move || {
                let asked = Instant::now();
                let answer = api.lightsail("GetContainerServices", &json!({}));
                assert_eq!(answer.status, 503, "{answer:?}");
                assert!(asked.elapsed() < WITHIN, "{:?}", asked.elapsed());
            });
        }
    });
}

fn health(server: &TestServer, number: usize) -> u16 {
    let url = format!("{}/healthz", server.replica(number).endpoint());
    reqwest::blocking::Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .get(url)
        .send()
        .unwrap()
        .status()
        .as_u16()
}

/// Replicas that start without the database are unready, and serve when it is there.
fn away_at_the_start() {
    let (mut postgres, url) = own_postgres();
    postgres.kill();
    let server = builder().sharing(&url).start_unready();
    for replica in server.all_replicas() {
        assert!(!replica.is_ready());
    }
    let registry = server.replica(0).registry_as(&gangplank_testkit::Login {
        username: "AWS".to_owned(),
        password: "x".repeat(50),
        registry: server.host(),
    });
    assert_eq!(registry.status("GET", ""), 503);
    postgres.run();
    for number in 0..3 {
        until("ready", WITHIN, || server.replica(number).is_ready());
    }
    let registry =
        server.registry_as(&server.replica(0).api().registry_login(&json!({ "scope": ["push", "pull"] })));
    // The load balancer asks the replicas at intervals.
    until("the load balancer's clients are served", WITHIN, || registry.status("GET", "") == 200);
    registry.push_image("sr", "any", &Image::unique(1));
}
