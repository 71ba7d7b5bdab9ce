//! `gangplank logs`.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tempfile::TempDir;

use crate::cli::{command, home};
use crate::fake_server::{KEY, ask};
use crate::fake_service::{BEGIN, FakeService};
use crate::handler::Reply;

const START: f64 = 1_500_000_000.0;

/// A service whose container `app` has printed `line 0` to `line 9`, two in each second.
fn printing() -> FakeService {
    let service = FakeService::start();
    let mut played = service.played();
    played.deploy("app", ":web.app.1", "ACTIVE");
    for number in 0..10 {
        played.print("app", START + f64::from(number) / 2.0, &format!("line {number}"));
    }
    drop(played);
    service
}

fn lines(numbers: impl IntoIterator<Item = u32>) -> String {
    numbers.into_iter().fold(String::new(), |lines, number| lines + &format!("line {number}\n"))
}

#[test]
fn the_newest_lines_are_shown_and_no_more_than_wanted() {
    let service = printing();
    let shown = |args: &[&str]| {
        let ran = ask(&service.address, &[&["logs", "web"], args].concat());
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
        ran.stdout
    };
    assert_eq!(shown(&[]), lines(0..10), "more than a page");
    assert_eq!(shown(&["--tail", "3"]), lines(7..10));
    assert_eq!(shown(&["-n", "6"]), lines(4..10), "more than a page");
    assert_eq!(shown(&["--tail", "0"]), "");
    assert_eq!(shown(&["app", "--filter", "line 7"]), lines([7]));
    let since = format!("{}.4", BEGIN + 3);
    assert_eq!(shown(&["--since", &since]), lines(7..10), "the server knows whole seconds");
    assert_eq!(shown(&["--since", &since, "--tail=2"]), lines(8..10));
    assert_eq!(shown(&["--tail", "1", "--timestamps"]), "2017-07-14T02:40:04.500+00:00 line 9\n");
    let json: serde_json::Value = serde_json::from_str(&shown(&["--tail=1", "--output=json"])).unwrap();
    let expected =
        json!({ "logEvents": [{ "createdAt": "2017-07-14T02:40:04.500+00:00", "message": "line 9" }] });
    assert_eq!(json, expected);
    // Pages have four lines. One page is not requested twice.
    service.played().calls.clear();
    shown(&["app", "--tail", "4"]);
    assert_eq!(service.bodies("GetContainerLog").len(), 1);
}

#[test]
fn the_container_is_the_endpoints_unless_one_is_named() {
    let service = printing();
    service.played().print("db", START, "of db");
    assert_eq!(ask(&service.address, &["logs", "web", "db"]).stdout, "of db\n");
    service.played().deployments[0]["containers"] = json!({ "app": {}, "db": {} });
    assert_eq!(ask(&service.address, &["logs", "web", "-n1"]).stdout, lines([9]));
    service.played().deployments[0]["publicEndpoint"] = json!(null);
    ask(&service.address, &["logs", "web"]).check_failed(&["2 containers, app, db; name one"]);
    service.played().deployments.clear();
    ask(&service.address, &["logs", "web"])
        .check_failed(&["nothing was deployed", "gangplank deploy web --image IMAGE"]);
    ask(&service.address, &["logs", "none"]).check_failed(&["does not exist", "create-container-service"]);
    ask(&service.address, &["logs", "web", "other"]).check_failed(&["GetContainerLog", "No such container"]);
    ask(&service.address, &["logs", "web", "--tail", "-1"]).check_usage(&["cannot be negative"]);
    ask(&service.address, &["logs", "web", "--output", "table"]).check_usage(&["json, text"]);
}

#[test]
fn nothing_hidden_passes_and_no_job_is_given_orders() {
    let service = printing();
    let text = "::add-mask::x \u{1b}[2J ##[error] one\ntwo\u{202e}";
    service.played().print("app", START + 60.0, text);
    let shown = ask(&service.address, &["logs", "web", "--tail", "1"]).stdout;
    assert_eq!(shown, "\\x3a:add-mask::x \\x1b[2J #\\x23[error] one\\x0atwo\\u{202e}\n");
    let json = ask(&service.address, &["logs", "web", "--tail", "1", "--output", "json"]);
    assert!(!json.stdout.contains(['\u{1b}', '\u{202e}']), "{json:?}");
    assert_eq!(json.json()["logEvents"][0]["message"], text);
}

/// A running `gangplank logs --follow`. Dropping it ends the command.
struct Following {
    process: Child,
    lines: Receiver<String>,
    complaints: Receiver<String>,
    _home: TempDir,
}

impl Following {
    fn start(service: &FakeService, args: &[&str]) -> Self {
        let home = home();
        let endpoint = format!("--endpoint-url=http://{}", service.address);
        let mut process = command(home.path(), &[&["logs", "web", "--follow", &endpoint], args].concat())
            .envs(KEY)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = read(process.stdout.take().unwrap());
        let complaints = read(process.stderr.take().unwrap());
        Self { process, lines, complaints, _home: home }
    }

    /// The next `count` lines.
    #[track_caller]
    fn next(&self, count: usize) -> String {
        let next = |_| self.lines.recv_timeout(Duration::from_secs(30)).expect("a line") + "\n";
        (0..count).map(next).collect()
    }

    /// Checks that no line comes for a while.
    #[track_caller]
    fn check_silent(&self) {
        let next = self.lines.recv_timeout(Duration::from_secs(3));
        assert!(next.is_err(), "{next:?}");
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn read(from: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (give, take) = channel();
    std::thread::spawn(move || {
        BufReader::new(from).lines().map_while(Result::ok).try_for_each(|line| give.send(line))
    });
    take
}

#[test]
fn a_log_is_followed_and_no_line_comes_twice_though_times_are_whole_seconds() {
    let service = printing();
    let following = Following::start(&service, &["--tail", "2"]);
    assert_eq!(following.next(2), lines(8..10));
    following.check_silent();
    // A line equal to the last one in time and text, other lines of the same second, and a late one.
    for (at, text) in [(4.5, "line 9"), (4.75, "x"), (4.75, "x"), (4.25, "late"), (9.0, "y")] {
        service.played().print("app", START + at, text);
        assert_eq!(following.next(1), format!("{text}\n"));
    }
    following.check_silent();
    // More than a page at once.
    (10..30).for_each(|number| service.played().print("app", START + 10.5, &format!("line {number}")));
    assert_eq!(following.next(20), lines(10..30));
    following.check_silent();
}

#[test]
fn only_new_lines_are_followed_where_none_is_wanted_and_an_empty_log_is_followed_too() {
    let service = printing();
    let following = Following::start(&service, &["--tail=0", "--output=json"]);
    std::thread::sleep(Duration::from_secs(2));
    service.played().print("app", START + 4.5, "new");
    let line: serde_json::Value = serde_json::from_str(&following.next(1)).unwrap();
    assert_eq!(line, json!({ "createdAt": "2017-07-14T02:40:04.500+00:00", "message": "new" }));

    service.played().logs.insert("app".to_owned(), Vec::new());
    let following = Following::start(&service, &[]);
    std::thread::sleep(Duration::from_secs(2));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    service.played().print("app", now, "first");
    assert_eq!(following.next(1), "first\n");
}

#[test]
fn a_server_that_is_away_for_a_while_is_waited_for() {
    let service = printing();
    let following = Following::start(&service, &["--tail", "1"]);
    assert_eq!(following.next(1), lines([9]));
    let away = || ("GetContainerLog", Reply::new(503, r#"{"__type":"ServiceUnavailable"}"#));
    service.played().other.extend((0..6).map(|_| away()));
    let told = following.complaints.recv_timeout(Duration::from_secs(30)).unwrap();
    assert!(told.contains("goes on when the server answers again"), "{told}");
    service.played().print("app", START + 5.0, "after");
    assert_eq!(following.next(1), "after\n");
    let told = following.complaints.recv_timeout(Duration::from_secs(30)).unwrap();
    assert_eq!(told, "gangplank: the server answers again");
    // A permanent refusal ends it.
    let refused = Reply::new(400, r#"{"__type":"AccessDeniedException","message":"Not yours."}"#);
    service.played().other.push_back(("GetContainerLog", refused));
    let told = following.complaints.recv_timeout(Duration::from_secs(30)).unwrap();
    assert!(told.contains("AccessDeniedException: Not yours."), "{told}");
}

#[test]
fn the_containers_of_later_deployments_are_followed_too() {
    let service = printing();
    let following = Following::start(&service, &["--tail", "1"]);
    assert_eq!(following.next(1), lines([9]));
    service.played().print("site", START + 6.0, "[deployment:2] Creating your deployment");
    service.played().deploy("site", ":web.site.2", "ACTIVATING");
    assert_eq!(following.next(1), "[deployment:2] Creating your deployment\n");
    // Until the new deployment is active, both versions are followed. Then only the new one is followed.
    service.played().print("app", START + 7.0, "still here");
    assert_eq!(following.next(1), "still here\n");
    service.played().deployments[0]["state"] = json!("ACTIVE");
    service.played().deployments[1]["state"] = json!("INACTIVE");
    std::thread::sleep(Duration::from_secs(8));
    service.played().calls.clear();
    service.played().print("site", START + 8.0, "on");
    assert_eq!(following.next(1), "on\n");
    let asked = service.bodies("GetContainerLog");
    assert!(!asked.is_empty() && asked.iter().all(|body| body["containerName"] == "site"), "{asked:?}");
}

#[test]
fn following_ends_when_it_is_stopped_and_when_nobody_reads_on() {
    let service = printing();
    let mut following = Following::start(&service, &["--tail", "1"]);
    following.next(1);
    let id = Pid::from_raw(i32::try_from(following.process.id()).unwrap()).unwrap();
    kill_process(id, Signal::INT).unwrap();
    let status = following.process.wait().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(2), "as shells expect of Ctrl-C");

    let home = home();
    let endpoint = format!("--endpoint-url=http://{}", service.address);
    let mut process = command(home.path(), &["logs", "web", "-f", &endpoint])
        .envs(KEY)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert_eq!(first, "line 0\n");
    assert_eq!(process.wait().unwrap().code(), Some(0));
}
