//! Tests the operator's questions: each line of jq runs on the log of a server that was used, and each line of PromQL
//! in a Prometheus that scrapes this server. Every answer has to name what really happened.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use gangplank_testkit::{Blob, Image, Login, TestServer};

use crate::page::{Kind, Page};
use crate::{PROGRAM, clients, top};

const PAGE: &str = "docs/book/src/operate/questions.md";

/// The longest wait for the log and for Prometheus.
const PATIENCE: Duration = Duration::from_secs(60);

/// Programs that are missing here.
pub(crate) fn missing() -> Vec<String> {
    clients::missing(&["jq", "prometheus", "promtool"].map(str::to_owned))
}

/// The facts that the answers have to name.
struct Facts {
    digest: String,
    principal: String,
    login: String,
}

pub(crate) fn check() -> Result<(), String> {
    let questions = questions();
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::builder(PROGRAM)
        .env("GANGPLANK_LOG_FORMAT", "json")
        .env("GANGPLANK_ADMIN_LISTEN", "127.0.0.1:0")
        .arg("--account-metrics")
        .arg("--max-repositories=1")
        .start();
    let login = server.push_login();
    let facts = use_it(&server, &login);
    let prometheus = Prometheus::start(folder.path(), &server.admin_address().unwrap().to_string());
    prometheus.wait_for("count_over_time(up[1h]) >= 2")?;
    // A counter that begins at 1 shows no increase. So everything happens again.
    use_it(&server, &login);
    prometheus.wait_for("increase(gangplank_job_failed_rounds_total{name=\"discarded\"}[1h]) > 0")?;
    prometheus.wait_for("changes(gangplank_http_sent_bytes_total[1h]) >= 1")?;
    fs::write(folder.path().join("gangplank.log"), server.log()).unwrap();
    let mut faults = Vec::new();
    let mut expected = expected(&facts);
    for ((question, language), lines) in &questions {
        let Some(wanted) = expected.remove(&(question.as_str(), language.as_str())) else {
            faults.push(format!("{question}: nobody checks its {language}"));
            continue;
        };
        for line in lines {
            let answer = match language.as_str() {
                "sh" => shell(folder.path(), line),
                _ => prometheus.ask(line),
            };
            if let Some(fault) = answer.and_then(|answer| wanted.check(&answer)).err() {
                faults.push(format!("{question}\n  {line}\n  {fault}"));
            }
        }
    }
    faults.extend(
        expected.into_keys().map(|(question, language)| format!("{question}: no {language} asks it")),
    );
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}

/// The lines of the page by their question and language.
fn questions() -> BTreeMap<(String, String), Vec<String>> {
    let page = Page::all(&top()).into_iter().find(|page| page.name == PAGE).unwrap();
    let mut question = String::new();
    let mut found = BTreeMap::<_, Vec<String>>::new();
    for part in page.parts {
        match part.kind {
            Kind::Heading(text) => question = text,
            Kind::Block { language, text } => {
                let line = text.trim().to_owned();
                assert_eq!(line.lines().count(), 1, "{question} is answered in one line");
                found.entry((question.clone(), language)).or_default().push(line);
            }
            _ => {}
        }
    }
    found
}

/// What an answer has to contain.
enum Wanted {
    /// A line with all of these texts.
    Line(Vec<String>),
    /// A number in this range, and nothing else.
    Number(f64, f64),
    /// A series with these labels, whose value is above zero.
    Series(&'static [&'static str]),
}

impl Wanted {
    fn check(&self, answer: &str) -> Result<(), String> {
        let value = |line: &str| line.split(" => ").nth(1)?.split(' ').next()?.parse::<f64>().ok();
        let is_right = match self {
            Self::Line(texts) => answer.lines().any(|line| texts.iter().all(|text| line.contains(text))),
            Self::Number(least, most) => {
                let values: Vec<_> = answer.lines().map(value).collect();
                matches!(values[..], [Some(value)] if (*least..=*most).contains(&value))
            }
            Self::Series(labels) => answer.lines().any(|line| {
                labels.iter().all(|label| line.contains(label))
                    && value(line).is_some_and(|value| value > 0.0)
            }),
        };
        if is_right { Ok(()) } else { Err(format!("answers {answer:?}")) }
    }
}

fn expected(facts: &Facts) -> BTreeMap<(&'static str, &'static str), Wanted> {
    let Facts { digest, principal, login } = facts;
    let line = |texts: &[&str]| Wanted::Line(texts.iter().map(|text| (*text).to_owned()).collect());
    let tab = |text: &str| format!("\t{text}\t");
    let all = f64::INFINITY;
    BTreeMap::from([
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

fn wait_until(is_so: impl Fn() -> bool) -> Result<(), String> {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        if Instant::now() > end {
            return Err("it does not come".to_owned());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn shell(folder: &Path, line: &str) -> Result<String, String> {
    output(Command::new("sh").args(["-euc", line]).current_dir(folder))
}

fn output(command: &mut Command) -> Result<String, String> {
    let done = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if done.status.success() { Ok(said(&done.stdout)) } else { Err(said(&done.stderr)) }
}

/// A Prometheus that scrapes one server.
struct Prometheus {
    process: Child,
    url: String,
}

impl Prometheus {
    fn start(folder: &Path, target: &str) -> Self {
        let config = format!(
            "global: {{scrape_interval: 500ms}}\nscrape_configs:\n  - job_name: gangplank\n    static_configs:\n      \
             - targets: [\"{target}\"]\n"
        );
        fs::write(folder.join("prometheus.yml"), config).unwrap();
        // The port is free again, and Prometheus takes it.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let process = Command::new("prometheus")
            .arg("--config.file=prometheus.yml")
            .arg("--storage.tsdb.path=prometheus")
            .arg(format!("--web.listen-address={address}"))
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.join("prometheus.log")).unwrap())
            .spawn()
            .unwrap();
        Self { process, url: format!("http://{address}") }
    }

    fn ask(&self, query: &str) -> Result<String, String> {
        output(Command::new("promtool").args(["query", "instant", &self.url, query]))
    }

    fn wait_for(&self, query: &str) -> Result<(), String> {
        let is_so = || self.ask(query).is_ok_and(|answer| !answer.trim().is_empty());
        wait_until(is_so).map_err(|_| format!("Prometheus does not answer {query}: {:?}", self.ask(query)))
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
