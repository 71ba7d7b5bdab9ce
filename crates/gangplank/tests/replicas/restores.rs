//! A database that is restored to a state before a collection finds all its content again, and gives no number twice.

use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::Duration;

use gangplank_testkit::postgres::programs;
use gangplank_testkit::replicas::s3;
use gangplank_testkit::s3::{BUCKET, Program, S3Server};
use gangplank_testkit::{Blob, Image, Postgres, Registry, ServerBuilder, TestServer, skip};
use serde_json::json;

use crate::world::{Trials, until};

pub(crate) const TRIALS: Trials = &[
    ("restores::from_a_dump", from_a_dump),
    ("restores::from_a_base_backup", from_a_base_backup),
    ("restores::from_a_base_backup_of_postgresql_18_beside_seaweedfs", on_others),
    ("restores::a_failover_that_lost_nothing_is_trusted", trusted_failover),
    ("restores::damage_is_marked_at_the_second_look", second_look),
];

const PROGRAM: &str = env!("CARGO_BIN_EXE_gangplank");

/// A cluster of one process: a database, and a prefix of a bucket.
struct Cluster {
    url: String,
    prefix: String,
    s3: &'static S3Server,
}

impl Cluster {
    fn new(url: String) -> Self {
        Self::on(s3(), url)
    }

    fn on(s3: &'static S3Server, url: String) -> Self {
        Self { url, prefix: Blob::unique().digest.replace(':', "-"), s3 }
    }

    /// The same prefix with another database.
    fn at(&self, url: String) -> Self {
        Self { url, prefix: self.prefix.clone(), s3: self.s3 }
    }

    fn builder(&self) -> ServerBuilder {
        TestServer::builder(PROGRAM)
            .on_database(&self.url, "registry.example.com")
            .in_bucket(self.s3, &self.s3.endpoint(), &self.prefix)
            .env("GANGPLANK_GC_INTERVAL", "1h")
    }

    /// Starts a server, and waits until it serves: it listens before it has reached its database.
    fn start(&self) -> TestServer {
        Self::ready(self.builder().start())
    }

    fn ready(server: TestServer) -> TestServer {
        until("the server serves", Duration::from_secs(30), || {
            server.api().lightsail("GetContainerServices", &json!({})).status == 200
        });
        server
    }

    fn objects(&self) -> usize {
        self.s3.keys_under(&format!("{}/content/", self.prefix)).len()
    }

    /// Runs `gangplank database restored`.
    fn restored(&self) -> Output {
        let (id, secret) = self.s3.keys();
        Command::new(PROGRAM)
            .args(["database", "restored", "--s3-endpoint", &self.s3.endpoint()])
            .args(["--blobs", &format!("s3://{BUCKET}/{}", self.prefix)])
            .env("GANGPLANK_DATABASE", &self.url)
            .env("GANGPLANK_S3_ACCESS_KEY_ID", id)
            .env("GANGPLANK_S3_SECRET_ACCESS_KEY", secret)
            .output()
            .unwrap()
    }
}

fn postgres() -> Postgres {
    Postgres::start(&programs(15).expect("PostgreSQL 15"))
}

/// Lets a day and more pass by the steady time.
fn pass_a_day(postgres: &Postgres, database: &str) {
    postgres.query(database, "UPDATE cluster SET steady_time = steady_time + 90000000").unwrap();
    // The server reads the time once a second, and advances it every few seconds.
    std::thread::sleep(Duration::from_secs(2));
}

fn collect(server: &TestServer) {
    let answer = server.api().gangplank("CollectGarbage", &json!({ "graceSeconds": 0 }));
    assert_eq!(answer.status, 200, "{answer:?}");
}

fn registry(server: &TestServer) -> Registry {
    server.registry_as(&server.operator_login())
}

/// Pushes and registers an image. Returns its name.
fn registered(server: &TestServer, image: &Image) -> String {
    let digest = registry(server).push_image("sr", "latest", image);
    server.api().register("web", "app", &digest)
}

#[track_caller]
fn assert_whole(server: &TestServer, image: &Image) {
    let registry = registry(server);
    assert_eq!(registry.status("GET", &format!("sr/manifests/{}", image.digest())), 200);
    for blob in image.blobs() {
        let answer = registry.send("GET", &format!("sr/blobs/{}", blob.digest));
        assert_eq!(answer.status(), 200, "{}", blob.digest);
        assert!(answer.bytes().unwrap() == blob.bytes, "{}", blob.digest);
    }
}

fn from_a_dump() {
    let postgres = postgres();
    let cluster = Cluster::new(postgres.create("first"));
    restored_before_a_collection(
        &cluster,
        || postgres.dump("first"),
        |dump| {
            postgres.load("second", &dump);
            cluster.at(postgres.url("second"))
        },
        |_| pass_a_day(&postgres, "second"),
    );
}

fn from_a_base_backup() {
    let postgres = postgres();
    let cluster = Cluster::new(postgres.create("first"));
    from_a_base_backup_of(&postgres, &cluster);
}

/// The same with the newest PostgreSQL and the other S3 server.
fn on_others() {
    static SEAWEEDFS: OnceLock<Option<S3Server>> = OnceLock::new();
    let Some(programs) = programs(18) else { return skip("PostgreSQL 18 is not installed") };
    let Some(s3) = SEAWEEDFS.get_or_init(|| S3Server::start(Program::SeaweedFs)) else {
        return skip("SeaweedFS is not installed");
    };
    let postgres = Postgres::start(&programs);
    let cluster = Cluster::on(s3, postgres.create("first"));
    from_a_base_backup_of(&postgres, &cluster);
}

fn from_a_base_backup_of(postgres: &Postgres, cluster: &Cluster) {
    let restored = std::cell::RefCell::new(None);
    restored_before_a_collection(
        cluster,
        || postgres.base_backup(),
        |mut backup| {
            backup.restore();
            let url = backup.url("first");
            *restored.borrow_mut() = Some(backup);
            cluster.at(url)
        },
        |_| pass_a_day(restored.borrow().as_ref().unwrap(), "first"),
    );
}

fn restored_before_a_collection<B>(
    first: &Cluster,
    back_up: impl FnOnce() -> B,
    restore: impl FnOnce(B) -> Cluster,
    pass_a_day: impl Fn(&Cluster),
) {
    let mut server = first.start();
    server.api().ensure_service("web");
    let (kept, collected) = (Image::unique(2), Image::unique(2));
    assert_eq!(registered(&server, &kept), ":web.app.1");
    let name = registered(&server, &collected);
    let backup = back_up();
    // After the backup, an image is deleted with all its content, and a number is given out.
    let delete =
        server.api().lightsail("DeleteContainerImage", &json!({ "serviceName": "web", "image": name }));
    assert_eq!(delete.status, 200);
    collect(&server);
    let gone = format!("sr/manifests/{}", collected.digest());
    assert_eq!(registry(&server).status("GET", &gone), 404, "its rows are collected");
    let lost = Image::unique(1);
    assert_eq!(registered(&server, &lost), ":web.app.3");
    server.terminate();

    let second = restore(backup);
    let server = second.start();
    assert_whole(&server, &kept);
    assert_whole(&server, &collected);
    // Nothing is removed until an operator confirms that this is the database to use.
    let extra = Blob::unique();
    assert_eq!(registry(&server).push_blob("sr", &extra), 201);
    assert_eq!(registry(&server).status("DELETE", &format!("sr/blobs/{}", extra.digest)), 202);
    pass_a_day(&second);
    let before = second.objects();
    collect(&server);
    let log = || server.log();
    until("the log says it", Duration::from_secs(10), || log().contains("nothing is removed"));
    assert!(log().contains("gangplank database restored"), "{}", log());
    assert_eq!(second.objects(), before);

    let said = second.restored();
    assert!(said.status.success(), "{said:?}");
    let said = String::from_utf8_lossy(&said.stderr).into_owned() + &String::from_utf8_lossy(&said.stdout);
    assert!(said.contains("1 service") && said.contains("access-key list"), "{said}");
    assert_eq!(registered(&server, &Image::unique(1)), ":web.app.1003", "a server that runs goes on");
    let before = second.objects();
    collect(&server);
    assert_eq!(second.objects(), before - 1, "what was discarded a day ago is removed");
    assert_whole(&server, &kept);
    assert_whole(&server, &collected);

    // The former database would remove what the new one needs.
    let refused = TestServer::refused(&first.builder());
    assert!(
        refused.contains("another incarnation") && refused.contains("gangplank database restored"),
        "{refused}"
    );
}

fn trusted_failover() {
    let postgres = postgres();
    let cluster = Cluster::new(postgres.create("first"));
    let mut server = cluster.start();
    server.api().ensure_service("web");
    let delete = |server: &TestServer| {
        let blob = Blob::unique();
        assert_eq!(registry(server).push_blob("sr", &blob), 201);
        assert_eq!(registry(server).status("DELETE", &format!("sr/blobs/{}", blob.digest)), 202);
        pass_a_day(&postgres, "first");
        collect(server);
    };
    delete(&server);
    assert_eq!(cluster.objects(), 0, "the window is over");
    // As after a failover: the last removal was on an earlier timeline.
    let fail_over = || {
        postgres
            .query("first", "UPDATE progress SET value = value - 1 WHERE name = 'database-timeline'")
            .unwrap();
    };
    fail_over();
    delete(&server);
    assert_eq!(cluster.objects(), 1);
    assert!(server.log().contains("on another timeline"), "{}", server.log());
    // A server that ends gives its claims up.
    server.terminate();
    let trusting = cluster.builder().env("GANGPLANK_TRUST_FAILOVERS", "true").start();
    until("it goes", Duration::from_secs(40), || cluster.objects() == 0);
    drop(trusting);
}

fn second_look() {
    let postgres = postgres();
    let cluster = Cluster::new(postgres.create("first"));
    let mut server = cluster.start();
    let blob = Blob::unique();
    assert_eq!(registry(&server).push_blob("sr", &blob), 201);
    server.terminate();
    let objects = s3().keys_under(&format!("{}/content/", cluster.prefix));
    s3().delete(&objects[0]);
    let part = u8::from_str_radix(&objects[0][objects[0].len() - 2..], 16).unwrap();
    let due = format!(
        "INSERT INTO progress VALUES ('compared-part', {part}), ('comparison-due', 0)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    );
    postgres.query("first", &due).unwrap();
    let server = cluster.start();
    let column = |text: &str| postgres.query("first", text).unwrap();
    until("the first look", Duration::from_secs(20), || {
        column("SELECT value FROM progress WHERE name = 'comparison-due'") != "0"
    });
    let damaged = || column("SELECT count(*) FROM blobs WHERE damaged = 1");
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(damaged(), "0", "one look is not enough");
    postgres.query("first", "UPDATE cluster SET steady_time = steady_time + 600000").unwrap();
    until("the second look", Duration::from_secs(20), || damaged() == "1");
    assert!(server.log().contains("stored content is not in the bucket"), "{}", server.log());
    assert_eq!(registry(&server).push_blob("sr", &blob), 201, "the next push replaces it");
    let answer = registry(&server).send("GET", &format!("sr/blobs/{}", blob.digest));
    assert!(answer.bytes().unwrap() == blob.bytes);
}
