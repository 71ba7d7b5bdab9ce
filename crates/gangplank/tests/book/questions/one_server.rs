//! The questions about one server, and the server that is asked.

use std::fs;

use gangplank_testkit::{Blob, Image, Login, TestServer};

use super::prometheus::Prometheus;
use super::wanted::Wanted;
use super::{Expected, check_all, wait_until};
use crate::PROGRAM;

/// The facts that the answers have to name.
#[derive(Default)]
struct Facts {
    digest: String,
    principal: String,
    login: String,
}

/// The questions that are asked here.
pub(super) fn questions() -> Expected {
    expected(&Facts::default())
}

pub(crate) fn check() -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::builder(PROGRAM)
        .env("GANGPLANK_LOG_FORMAT", "json")
        .env("GANGPLANK_ADMIN_LISTEN", "127.0.0.1:0")
        .arg("--account-metrics")
        .arg("--max-repositories=1")
        .start();
    let login = server.push_login();
    let facts = use_it(&server, &login);
    let target = server.admin_address().unwrap().to_string();
    let prometheus = Prometheus::start(folder.path(), &[target]);
    prometheus.wait_for("count_over_time(up[1h]) >= 2")?;
    // A counter that begins at 1 shows no increase. So the requests are made a second time.
    use_it(&server, &login);
    prometheus.wait_for("increase(gangplank_job_failed_rounds_total{name=\"discarded\"}[1h]) > 0")?;
    prometheus.wait_for("changes(gangplank_http_sent_bytes_total[1h]) >= 1")?;
    fs::write(folder.path().join("gangplank.log"), server.log()).unwrap();
    check_all(expected(&facts), folder.path(), &prometheus)
}

fn expected(facts: &Facts) -> Expected {
    let Facts { digest, principal, login } = facts;
    let line = |texts: &[&str]| Wanted::Line(texts.iter().map(|text| (*text).to_owned()).collect());
    let tab = |text: &str| format!("\t{text}\t");
    let all = f64::INFINITY;
    Expected::from([
        (
            ("Who pushed what?", "sh"),
            line(&[principal, &tab(login), "127.0.0.1", "/v2/sr/manifests/v1", digest]),
        ),
        (("Who changed something else?", "sh"), line(&[principal, "\tCreateContainerServiceRegistryLogin"])),
        (("How many images are pushed in an hour?", "promql"), Wanted::Number(0.1, 100.0)),
        (("Which kinds of logins are in use?", "promql"), Wanted::Series(&["kind=\"push\""])),
        (("Which accounts store most?", "promql"), Wanted::Series(&["account=\"000000000000\""])),
        (
            ("Which known callers were refused?", "sh"),
            line(&[principal, "/v2/sr/tags/list", "\tDENIED\t", "this login can only push"]),
        ),
        (
            ("Which addresses were refused, and how often?", "sh"),
            line(&["127.0.0.1", "\tLoginRefused\tunknown\t"]),
        ),
        (
            ("Which quota refused whom?", "sh"),
            line(&[principal, "\tmax-repositories\t", "1 of the 1 repositories"]),
        ),
        (
            ("What is refused most?", "promql"),
            Wanted::Series(&["kind=\"RequestRefused\"", "reason=\"this login can only push\""]),
        ),
        (("Which quotas are reached?", "promql"), Wanted::Series(&["quota=\"max-repositories\""])),
        (("What were the slowest requests?", "sh"), line(&["\tPutManifest\t/v2/sr/manifests/v1\t"])),
        (("How slow is each operation?", "sh"), line(&["PutManifest\t2\t"])),
        (
            ("Within which time are 95 of 100 requests answered?", "promql"),
            Wanted::Series(&["route=\"PutManifest\""]),
        ),
        (("How much comes in and goes out?", "promql"), Wanted::Number(1.0, all)),
        (("What happened in one request?", "sh"), line(&["\"message\":\"answered\"", "\"request_id\":\""])),
        (("How long does a commit wait for the disk?", "promql"), Wanted::Number(0.000_01, 10.0)),
        (("How long do writes wait for their turn?", "promql"), Wanted::Number(0.000_01, 10.0)),
        (("How much of the disk is free?", "promql"), Wanted::Number(0.000_1, 1.0)),
        (("How much will be free in a week, at this rate?", "promql"), Wanted::Number(-all, all)),
        (("How many bytes does garbage collection free in a day?", "promql"), Wanted::Number(0.0, 0.0)),
        (("How much waits for its deletion, and how long?", "promql"), Wanted::Number(0.0, 1_000.0)),
        (("Is content damaged?", "promql"), Wanted::Number(0.0, 0.0)),
        (("Which job fails, and why?", "sh"), line(&["\tdiscarded\ta job failed", "cannot be deleted"])),
        (("Which job fails, and why?", "promql"), Wanted::Series(&["name=\"discarded\""])),
        (("Which errors did the server log?", "sh"), line(&["a request failed in the store\t"])),
        (
            ("How many requests fail because of the server?", "promql"),
            Wanted::Series(&["route=\"FinishUpload\"", "code=\"503\""]),
        ),
        (("Does the database take writes?", "promql"), Wanted::Number(1.0, 1.0)),
    ])
}

/// Uses a server so that every question has an answer: pushes, is refused, reaches a quota, and loses the disk for a
/// moment.
fn use_it(server: &TestServer, login: &Login) -> Facts {
    let registry = server.registry_as(login);
    let digest = registry.push_image("sr", "v1", &Image::unique(1));
    assert_eq!(registry.status("GET", "sr/tags/list"), 403);
    let unknown = Login { password: "unknown".to_owned(), ..login.clone() };
    assert_eq!(server.registry_as(&unknown).status("GET", ""), 401);
    let operator = server.registry_as(&server.operator_login());
    assert_eq!(operator.push_blob("other", &Blob::unique()), 403);
    let (blobs, away) = (server.data_dir().join("blobs"), server.data_dir().join("away"));
    let (upload, failed_before) = (registry.start_upload("sr"), failures(server));
    fs::rename(&blobs, &away).unwrap();
    assert_eq!(registry.status("DELETE", &upload), 204);
    assert_eq!(registry.push_blob("sr", &Blob::unique()), 503);
    wait_until(|| failures(server) > failed_before).unwrap();
    fs::rename(&away, &blobs).unwrap();
    let line = answered(server, &digest);
    Facts {
        digest,
        principal: line["principal"].as_str().unwrap().to_owned(),
        login: line["login"].to_string(),
    }
}

/// How often the job that deletes bytes has failed.
fn failures(server: &TestServer) -> usize {
    server.log().matches("\"job\":\"discarded\"").count()
}

/// The line of the log about the request that put this manifest. It is written after the answer.
fn answered(server: &TestServer, digest: &str) -> serde_json::Value {
    let find = || {
        let log = server.log();
        let mut lines = log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        lines.find(|line| line["operation"] == "PutManifest" && line["digest"] == digest)
    };
    wait_until(|| find().is_some()).unwrap();
    find().unwrap()
}
