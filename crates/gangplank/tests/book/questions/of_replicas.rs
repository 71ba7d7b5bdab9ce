//! The questions about replicas, and two replicas that are asked.

use std::fs;
use std::path::Path;

use gangplank_testkit::postgres::programs;
use gangplank_testkit::replicas::s3;
use gangplank_testkit::s3::{Fault, FaultProxy, Seen};
use gangplank_testkit::{Blob, Postgres, Registry, Replica, TestServer};

use super::prometheus::Prometheus;
use super::wanted::Wanted;
use super::{Expected, check_all, shell, wait_until};
use crate::PROGRAM;

/// Bytes of a blob that is uploaded in parts.
const IN_PARTS: usize = 9 << 20;

/// Programs that are missing here.
pub(crate) fn missing() -> Vec<String> {
    let replicas = gangplank_testkit::replicas::missing();
    super::missing().into_iter().chain(replicas).collect()
}

/// The questions that are asked here.
pub(super) fn questions() -> Expected {
    Expected::from([
        (("Is a replica behind?", "promql"), Wanted::All(2, 0.0, 4.0)),
        (("Is a clock wrong?", "promql"), Wanted::All(2, 0.0, 1.0)),
        (("How often do transactions conflict?", "promql"), Wanted::Number(0.0, 100.0)),
        (
            ("Which calls to the bucket fail, and how?", "promql"),
            Wanted::Series(&["call=\"GetObject\"", "kind=\"server-error\""]),
        ),
        (("How slow is the bucket?", "promql"), Wanted::Series(&["call=\"PutObject\""])),
        (("How many parts are on their way to the bucket?", "promql"), Wanted::Number(0.0, 0.0)),
    ])
}

pub(crate) fn check() -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let mut postgres = Postgres::start(&programs(15).expect("PostgreSQL 15"));
    let proxy = FaultProxy::before(&s3().address());
    let server = TestServer::builder(PROGRAM)
        .replicas(2)
        .sharing(&postgres.create("questions"))
        .in_bucket(s3(), &proxy.endpoint(), "questions")
        .env("GANGPLANK_ADMIN_LISTEN", "127.0.0.1:0")
        .start();
    let registry = server.registry_as(&server.operator_login());
    use_them(&registry, &proxy);
    let targets: Vec<_> = server.all_replicas().map(admin_address).collect();
    let prometheus = Prometheus::start(folder.path(), &targets);
    prometheus.wait_for("count(count_over_time(up[1h]) >= 2) == 2")?;
    // A counter that begins at 1 shows no increase. So the requests are made a second time.
    use_them(&registry, &proxy);
    prometheus.wait_for("sum(increase(gangplank_s3_errors_total[1h])) > 0")?;
    check_conventions(folder.path(), &targets[0])?;
    check_all(questions(), folder.path(), &prometheus)?;
    postgres.kill();
    wait_until(|| metrics(&targets[0]).contains("\ngangplank_database_up 0\n"))?;
    // Only the gauges that count rows are missing.
    let metrics = metrics(&targets[0]);
    assert!(!metrics.contains("\ngangplank_open_uploads "), "{metrics}");
    assert!(metrics.contains("\ngangplank_s3_calls_total{"), "{metrics}");
    Ok(())
}

fn metrics(target: &str) -> String {
    reqwest::blocking::get(format!("http://{target}/metrics")).unwrap().text().unwrap()
}

/// Checks the metrics of replicas, which a single server does not have. Uses Prometheus' own tool.
fn check_conventions(folder: &Path, target: &str) -> Result<(), String> {
    let metrics = metrics(target);
    for name in ["database_poll_age_seconds", "clock_ahead_seconds", "s3_errors_total", "s3_calls_under_way"]
    {
        assert!(metrics.contains(&format!("\ngangplank_{name}")), "{name} is not in {metrics}");
    }
    fs::write(folder.join("metrics"), metrics).unwrap();
    match shell(folder, "promtool check metrics < metrics 2>&1")?.as_str() {
        "" => Ok(()),
        faults => Err(faults.to_owned()),
    }
}

/// Pushes and pulls by every replica, while the bucket's server fails the first read of each blob.
fn use_them(registry: &Registry, proxy: &FaultProxy) {
    proxy.decide(|seen: &Seen| match seen.call {
        "GetObject" if seen.before < 2 => Fault::Refuse(500, "InternalError"),
        _ => Fault::None,
    });
    for length in [100, IN_PARTS] {
        let mut bytes = Blob::unique().bytes;
        bytes.resize(length, 7);
        let blob = Blob::new(bytes);
        assert_eq!(registry.push_blob("sr", &blob), 201);
        for _ in 0..2 {
            assert_eq!(registry.status("GET", &format!("sr/blobs/{}", blob.digest)), 200);
        }
    }
    proxy.mend();
}

/// The address of a replica's `/metrics`.
fn admin_address(replica: Replica<'_>) -> String {
    let log = replica.log();
    let (_, rest) = log.split_once("health is answered on http://").expect("an admin listener");
    rest.split('/').next().unwrap().to_owned()
}
