//! `gangplank serve --check`, the sample of the server's file, and what the first start says.

use std::path::Path;

use crate::cli::{home, run};
use crate::server;

/// What `gangplank serve --check` says.
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
        ("tls-cert = '/none/a.pem'\ntls-key = '/none/b.pem'", &["cannot read", "/none/a.pem"]),
    ] {
        write(text);
        check(home.path(), &["--config", file], &[]).check_failed(words);
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
    // Lines arrive a moment after they are written.
    let wait_for = |server: &gangplank_testkit::TestServer, part: &str| {
        let is_told = |_| {
            std::thread::sleep(std::time::Duration::from_millis(50));
            server.log().contains(part)
        };
        assert!((0..100).any(is_told), "{part}: {}", server.log());
    };
    for part in [shown, &credentials, &next] {
        wait_for(&server, part);
    }
    assert!(server.terminate().success());
    server.restart();
    wait_for(&server, shown);
    assert_eq!(server.registry().status("GET", ""), 401);
    assert!(!server.log().contains(&next), "{}", server.log());
}
