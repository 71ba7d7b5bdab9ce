//! `gangplank serve --check`, the sample of the server's file, and the first start's messages.

use std::path::Path;

use crate::cli::{home, run};
use crate::server;

/// The output of `gangplank serve --check`.
#[track_caller]
fn check(home: &Path, args: &[&str], environment: &[(&str, &str)]) -> crate::cli::Ran {
    let ran = run(home, &[&["serve", "--check"], args].concat(), environment);
    assert_eq!(ran.stdout, "", "{ran:?}");
    assert!(!home.join("gangplank-data").exists(), "nothing is made");
    ran
}

#[test]
fn options_are_checked_without_a_start() {
    let home = home();
    let file = home.path().join("gangplank.toml");
    let file = file.to_str().unwrap();
    let write = |text: &str| std::fs::write(file, text).unwrap();
    let right = "listen = '127.0.0.1:0'\nmax-blob-bytes = '10 GiB'\nmax-header-bytes = 8192\nregions = ['eu-west-1']\n\
                 idle-timeout = '90s'\nbody-timeout = 60\ntrusted-proxies = ['10.0.0.0/8']\naudit-days = '30d'\n";
    write(right);
    let ran = check(home.path(), &["--config", file], &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stderr.contains("gangplank: the options are right"), "{ran:?}");
    for (text, words) in [
        ("listne = '127.0.0.1:0'", &["listne", "did you mean \"listen\""][..]),
        ("data_dir = 'x'", &["line 1", "did you mean \"data-dir\""]),
        ("listen = 127.0.0.1:0", &["quotes", "listen = \"127.0.0.1:0\""]),
        ("idle-timeout = '1000d'", &["idle-timeout"]),
        ("tls-cert = 'a.pem'", &["--tls-key"]),
        ("listen = '0.0.0.0:0'", &["loopback"]),
        ("[certificates.web]\ncert = 'a.pem'", &["line 1", "it has no key"]),
        ("engine-memory = '1 MiB'", &["engine-memory is at least 512 MiB"]),
        ("tls-cert = '/none/a.pem'\ntls-key = '/none/b.pem'", &["cannot read", "/none/a.pem"]),
    ] {
        write(text);
        check(home.path(), &["--config", file], &[]).check_failed(words);
    }
}

/// Containers can reach an address that listens on everything, so health and metrics may not do so.
#[test]
fn health_is_not_answered_on_all_addresses_beside_an_engine() {
    let home = home();
    for (engine, admin) in
        [("docker", "0.0.0.0:9000"), ("podman", "[::]:9000"), ("docker", "[::ffff:0.0.0.0]:9000")]
    {
        let args = ["--engine", engine, "--admin-listen", admin];
        check(home.path(), &args, &[]).check_failed(&[admin, engine, "127.0.0.1:9000", "--engine none"]);
    }
    for args in [
        ["--engine", "none", "--admin-listen", "0.0.0.0:9000"],
        ["--engine", "docker", "--admin-listen", "127.0.0.1:9000"],
    ] {
        assert_eq!(check(home.path(), &args, &[]).code, Some(0), "{args:?}");
    }
}

#[test]
fn docker_host_is_read_where_docker_is_asked() {
    let home = home();
    let environment = [("DOCKER_HOST", "ssh://elsewhere")];
    check(home.path(), &["--engine", "docker"], &environment).check_failed(&[
        "DOCKER_HOST",
        "ssh://elsewhere",
        "--engine-host",
    ]);
    let auto = check(home.path(), &["--engine", "auto"], &environment);
    assert!(auto.code == Some(0) && auto.stderr.contains("DOCKER_HOST names no unix://"), "{auto:?}");
    for args in
        [&["--engine", "podman"][..], &["--engine", "none"], &["--engine=docker", "--engine-host=unix:///x"]]
    {
        let ran = check(home.path(), args, &environment);
        assert!(ran.code == Some(0) && !ran.stderr.contains("DOCKER_HOST"), "{ran:?}");
    }
}

#[test]
fn a_variable_that_nothing_reads_is_told_at_the_start() {
    let home = home();
    let environment = [("GANGPLANK_LISTN", "127.0.0.1:0"), ("GANGPLANK_PORT", "tcp://10.0.0.1:5000")];
    let ran = check(home.path(), &[], &environment);
    assert!(ran.stderr.contains("WARN") && ran.stderr.contains("did you mean GANGPLANK_LISTEN?"), "{ran:?}");
    assert!(!ran.stderr.contains("GANGPLANK_PORT"), "Kubernetes sets it: {ran:?}");
}

#[test]
fn the_sample_file_can_be_used_as_it_is() {
    let home = home();
    let sample = run(home.path(), &["generate", "config"], &[]);
    let file = home.path().join("sample.toml");
    std::fs::write(&file, &sample.stdout).unwrap();
    assert_eq!(check(home.path(), &["--config", file.to_str().unwrap()], &[]).code, Some(0), "{sample:?}");
    for part in
        ["#max-blob-bytes = \"10 GiB\"", "#idle-timeout = \"75s\"", "#regions = [", "# Address of the API"]
    {
        assert!(sample.stdout.contains(part), "{part}: {sample:?}");
    }
}

#[test]
fn the_first_start_says_where_everything_is_and_what_to_type() {
    let mut server = server();
    let dir = server.data_dir();
    let shown = dir.to_str().unwrap();
    let credentials = format!("{shown}/credentials");
    let next = format!("gangplank configure --data-dir {shown}");
    // Lines arrive a little after they are written.
    let wait_for = |server: &gangplank_testkit::TestServer, part: &str| {
        let is_told = |_| {
            std::thread::sleep(std::time::Duration::from_millis(50));
            server.log().contains(part)
        };
        assert!((0..100).any(is_told), "{part}: {}", server.log());
    };
    for part in [shown, &credentials, &next, "nothing runs images: --engine is none"] {
        wait_for(&server, part);
    }
    assert!(server.terminate().success());
    server.restart();
    wait_for(&server, shown);
    assert_eq!(server.registry().status("GET", ""), 401);
    assert!(!server.log().contains(&next), "{}", server.log());
}
