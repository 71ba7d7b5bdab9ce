//! `gangplank quickstart`: each step is shown and succeeds, and nothing is left behind.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use crate::cli::{command, home, run};

fn leftovers(home: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(home).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn every_step_is_told_and_nothing_is_left() {
    let home = home();
    // The caller's environment has no effect on quickstart.
    let environment = [
        ("http_proxy", "http://127.0.0.1:1"),
        ("AWS_PROFILE", "work"),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
    ];
    let ran = run(home.path(), &["quickstart", "--exit"], &environment);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{}", ran.stdout);
    for step in [
        "gangplank serve",
        "listening on http://127.0.0.1:",
        "create-container-service",
        "is READY",
        "create-container-service-registry-login",
        "ends in 12 hours",
        "docker login",
        "docker push",
        "sha256:",
        "register-container-image",
        ":hello.1",
        "get-container-images",
        "403 DENIED",
        "docker pull",
        "registry-login create",
        "byte for byte",
    ] {
        assert!(ran.stdout.contains(step), "{step} is not in {}", ran.stdout);
    }
    let held = ran.stdout.lines().filter(|line| line.starts_with("  ok ")).count();
    let steps = (1..20).take_while(|step| ran.stdout.contains(&format!("\n{step}. "))).count();
    assert_eq!((steps, held), (7, 7), "{}", ran.stdout);
    assert!(!ran.stdout.contains("FAILED") && !ran.stdout.contains('\x1b'), "{}", ran.stdout);
    let password = ran.stdout.split("gpl_").nth(1).unwrap();
    assert!(password.starts_with("***"), "a password is shown: {}", ran.stdout);
    assert!(leftovers(home.path()).is_empty(), "{:?}", leftovers(home.path()));
}

#[test]
fn a_data_directory_of_ones_own_is_kept_and_used_again() {
    let home = home();
    let args = ["quickstart", "--exit", "--data-dir", "mine"];
    for _ in 0..2 {
        let ran = run(home.path(), &args, &[]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
    assert_eq!(leftovers(home.path()), ["mine"]);
}

#[test]
fn it_stays_up_until_it_is_told_to_stop() {
    let home = home();
    let mut process =
        command(home.path(), &["quickstart"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
    let staying = lines.into_iter().find(|line| line.contains("stays up on"));
    assert!(staying.is_some_and(|line| line.contains("http://127.0.0.1:")));
    assert!(!leftovers(home.path()).is_empty());
    kill_process(Pid::from_raw(i32::try_from(process.id()).unwrap()).unwrap(), Signal::INT).unwrap();
    assert_eq!(process.wait().unwrap().code(), Some(0));
    assert!(leftovers(home.path()).is_empty(), "{:?}", leftovers(home.path()));
}

#[test]
fn a_failure_is_told_and_exits_1() {
    let home = home();
    let ran = run(home.path(), &["quickstart", "--exit", "--listen", "192.0.2.1:1"], &[]);
    ran.check_failed(&["192.0.2.1:1"]);
    assert!(leftovers(home.path()).is_empty(), "{:?}", leftovers(home.path()));
}
