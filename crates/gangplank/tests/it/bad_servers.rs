//! Servers that misbehave: none can make a command wait or send without end, or make it print text that it
//! should not print.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use gangplank_testkit::Image;
use serde_json::json;

use crate::cli::{Ran, home};
use crate::fake_server::{ask, ask_in, login, operation, start};
use crate::handler::Reply;
use crate::image_files::write_layout;

fn push(address: &str, more: &[&str]) -> Ran {
    let home = home();
    write_layout(&home.path().join("layout"), &Image::of([vec![7; 40 << 20]]));
    let args = ["push", "oci:layout", "--service-name=web", "--label=app"];
    ask_in(&home, address, &[&args, more].concat())
}

#[test]
fn a_push_that_gets_nowhere_ends_and_tells_why_it_waits() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let address = start(move |request| {
        counted.fetch_add(1, Ordering::SeqCst);
        let session = || Reply::new(202, "").with("Location", "/v2/sr/blobs/uploads/1").with("Range", "0-1");
        matches!(request.method.as_str(), "PATCH" | "GET").then(session)
    });
    let began = Instant::now();
    let ran = push(&address, &["--jobs=1"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("the registry took next to nothing of what was sent, again in "), "{ran:?}");
    assert!(ran.stderr.contains("gave up after 8 attempts"), "{ran:?}");
    assert!(asked.load(Ordering::SeqCst) < 60 && began.elapsed() < Duration::from_mins(3));
}

#[test]
fn a_refusal_that_will_not_pass_ends_at_once() {
    for (status, body, words) in [
        (
            507,
            r#"{"errors":[{"code":"UNKNOWN","message":"the disk is full"}]}"#,
            "507: UNKNOWN: the disk is full",
        ),
        (403, r#"{"errors":[{"code":"DENIED","message":"no"}]}"#, "403: DENIED: no"),
        (413, "<html>\n<head><title>413</title>", "client_max_body_size"),
    ] {
        let address = start(move |request| {
            (request.method == "POST" && operation(request).is_empty()).then(|| Reply::new(status, body))
        });
        let ran = push(&address, &[]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let last = ran.stderr.lines().last().unwrap();
        assert!(last.contains(words) && !last.contains('<') && !ran.stderr.contains("again in"), "{ran:?}");
    }
}

#[test]
fn waits_are_told() {
    let asked = AtomicUsize::new(0);
    let address = start(move |request| {
        let is_first = request.method == "POST"
            && operation(request).is_empty()
            && asked.fetch_add(1, Ordering::SeqCst) == 0;
        is_first.then(|| Reply::new(503, "busy").with("Retry-After", "1"))
    });
    let ran = push(&address, &["--jobs=1"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stderr.contains("the registry answered 503, again in 1 s\n"), "{ran:?}");
    let login = "gangplank login --service-name web";
    let pulled = format!("Pull it as {address}/web:app.1, with a login from `{login}`.\n");
    assert!(ran.stdout.contains(" sent in ") && ran.stdout.ends_with(&pulled), "{ran:?}");
}

#[test]
fn an_error_names_the_host() {
    let address = start(|request| {
        let login = || Reply::new(200, login("registry.invalid:5000").to_string());
        (operation(request) == "CreateContainerServiceRegistryLogin").then(login)
    });
    let began = Instant::now();
    let ran = push(&address, &[]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.lines().last().unwrap().contains("cannot reach registry.invalid:5000: "), "{ran:?}");
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn what_is_no_server_of_ours_is_told_in_one_line() {
    let address = start(|_| Some(Reply::new(501, "<!DOCTYPE HTML>\n<html>\n::add-mask::x")));
    let words =
        [&format!("what answers at http://{address}/ is no Gangplank server"), "501"].map(str::to_owned);
    ask(&address, &["access-key", "list"]).check_failed(&words.each_ref().map(String::as_str));
    let address = start(|_| Some(Reply::new(200, "<html>\n")));
    ask(&address, &["access-key", "list"]).check_failed(&["is no Gangplank server"]);
    let address = start(|_| Some(Reply::new(413, "<html>\n")));
    ask(&address, &["access-key", "list"]).check_failed(&["client_max_body_size"]);
}

#[test]
fn an_answer_without_an_end_is_not_read_on() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n{\"accessKeys\":[");
                while stream.write_all(&[b' '; 1 << 13]).is_ok() {}
            });
        }
    });
    ask(&address, &["access-key", "list"]).check_failed(&["longer than 8 MiB"]);
}

#[test]
fn a_servers_words_neither_move_the_cursor_nor_begin_a_line() {
    let evil = "no\n::add-mask::x\r\u{1b}[2J\u{9b}31m\u{202e}##[error]";
    let address = start(move |request| match operation(request) {
        "GetContainerServices" => Some(Reply::new(
            200,
            json!({ "containerServices": [{ "containerServiceName": evil, "state": "READY" }] }).to_string(),
        )),
        "" => None,
        _ => Some(Reply::new(400, json!({ "__type": evil, "message": evil, "tip": evil }).to_string())),
    });
    let hidden =
        |text: &str| text.contains(|c: char| (c.is_control() && c != '\n' && c != '\t') || c == '\u{202e}');
    let orders =
        |text: &str| text.contains("##[") || text.lines().any(|line| line.trim_start().starts_with("::"));
    let lightsail = |output: &str| {
        let output = format!("--output={output}");
        ask(&address, &["lightsail", "get-container-services", "--region=us-east-1", &output])
    };
    let mut all = vec![ask(&address, &["access-key", "list"]), ask(&address, &["login"])];
    all.extend(["text", "table", "json", "yaml"].map(lightsail));
    all.push(ask(
        &address,
        &["lightsail", "delete-container-service", "--service-name=x", "--region=us-east-1"],
    ));
    for ran in &all {
        for text in [&ran.stdout, &ran.stderr] {
            assert!(!hidden(text) && !orders(text), "{ran:?}");
        }
    }
    for ran in [&all[0], &all[6]] {
        let shown = "no\n  | ::add-mask::x\\x0d\\x1b[2J\\x9b31m\\u{202e}";
        assert!(ran.stderr.contains(shown), "{ran:?}");
    }
    let json: serde_json::Value = serde_json::from_str(&all[4].stdout).unwrap();
    assert_eq!(json["containerServices"][0]["containerServiceName"], evil);
}

#[test]
fn a_command_that_holds_a_key_leaves_no_core_and_cannot_be_looked_into() {
    let (give, taken) = std::sync::mpsc::channel();
    let (asked, go_on) = (std::sync::Mutex::new(give), Arc::new(std::sync::Barrier::new(2)));
    let waiting = Arc::clone(&go_on);
    let address = start(move |_| {
        asked.lock().unwrap().send(()).unwrap();
        waiting.wait();
        None
    });
    let home = home();
    let mut list = crate::cli::command(home.path(), &["access-key", "list", "--endpoint-url"]);
    list.arg(format!("http://{address}")).env("AWS_ACCESS_KEY_ID", "GPAKEXAMPLEEXAMPLEEX");
    list.env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
    let mut child =
        list.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    taken.recv().unwrap();
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap().to_owned();
    // The files of a process without core dumps belong to root.
    let owner =
        std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(format!("/proc/{}/mem", child.id())).unwrap());
    go_on.wait();
    child.wait().unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{core}");
    assert_eq!(owner, 0);
}

#[test]
fn a_made_up_image_name_is_not_handed_to_scripts() {
    let address = start(|request| {
        let image = json!({ "containerImage": { "image": "::set-output name=x::y", "createdAt": 1.5e9 } });
        (operation(request) == "RegisterContainerImage").then(|| Reply::new(200, image.to_string()))
    });
    let ran = push(&address, &["-q"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
}

#[test]
fn a_server_does_not_choose_whose_login_is_replaced() {
    let address = start(|request| {
        let login = || Reply::new(200, login("ghcr.io").to_string());
        (operation(request) == "CreateContainerServiceRegistryLogin").then(login)
    });
    let home = home();
    let file = home.path().join(".docker/config.json");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let before = r#"{"auths":{"ghcr.io":{"auth":"bWU6bWluZQ=="}}}"#;
    std::fs::write(&file, before).unwrap();
    ask_in(&home, &address, &["login"])
        .check_failed(&["names the registry \"ghcr.io\"", "--registry ghcr.io"]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
    let ran = ask_in(&home, &address, &["login", "--registry=ghcr.io"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_ne!(std::fs::read_to_string(&file).unwrap(), before);
}
