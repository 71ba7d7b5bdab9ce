//! `gangplank serve`: options, their sources, and reasons for not starting.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Stdio};

use gangplank_testkit::Api;
use serde_json::json;

use crate::cli::{command, home, run};
use crate::raw::Raw;
use crate::{server, server_with};

/// A server started with these arguments. Dropping it ends the server.
struct Started {
    process: Child,
    ready: String,
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn start(home: &Path, args: &[&str], environment: &[(&str, &str)]) -> Started {
    let mut process = command(home, &[&["serve"], args].concat())
        .envs(environment.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    Started { process, ready }
}

/// A port that nothing listens on.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Checks that a server does not start, in an empty home.
#[track_caller]
fn check_refused(args: &[&str], environment: &[(&str, &str)], words: &[&str]) {
    let home = home();
    // A free port, so that a failing test leaves no server on the usual one.
    let with_port = if args.contains(&"--listen") { vec![] } else { vec!["--listen", "127.0.0.1:0"] };
    run(home.path(), &[&["serve"], with_port.as_slice(), args].concat(), environment).check_failed(words);
}

#[test]
fn it_says_where_it_listens_in_one_line() {
    let home = home();
    let started = start(home.path(), &["--listen", "127.0.0.1:0"], &[]);
    let address = started.ready.strip_prefix("gangplank: listening on http://127.0.0.1:").unwrap();
    assert!(address.trim_end().parse::<u16>().is_ok_and(|port| port > 0), "{}", started.ready);
    assert!(home.path().join("gangplank-data/credentials").exists());
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let home = home();
    let ports = [free_port(), free_port(), free_port()];
    let [flag, variable, file] = ports.map(|port| format!("127.0.0.1:{port}"));
    let config = home.path().join("gangplank.toml");
    std::fs::write(
        &config,
        format!("listen = '{file}'\ndata-dir = 'from-file'\nmax-images-per-service = 3\n"),
    )
    .unwrap();
    let config = config.to_str().unwrap();
    let environment = [("GANGPLANK_LISTEN", variable.as_str())];
    let check = |args: &[&str], environment: &[(&str, &str)], expected: &str| {
        let started = start(home.path(), args, environment);
        assert_eq!(started.ready.trim_end(), format!("gangplank: listening on http://{expected}"));
    };
    check(&["--config", config], &[], &file);
    check(&["--config", config], &environment, &variable);
    check(&["--config", config, "--listen", &flag], &environment, &flag);
    check(&[], &[("GANGPLANK_CONFIG", config)], &file);
    assert!(home.path().join("from-file/credentials").exists());
}

#[test]
fn plain_http_stays_on_this_machine_unless_forced() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        check_refused(&["--listen", address], &[], &["loopback", "--tls-cert", "--insecure-http"]);
    }
    check_refused(&["--listen", "0.0.0.0:0", "--insecure-http=false"], &[], &["--insecure-http"]);
    let home = home();
    let started = start(home.path(), &["--listen", "0.0.0.0:0", "--insecure-http"], &[]);
    assert!(started.ready.starts_with("gangplank: listening on http://127.0.0.1:"), "{}", started.ready);
    drop(started);
    let started = start(home.path(), &["--listen", "0.0.0.0:0"], &[("GANGPLANK_INSECURE_HTTP", "true")]);
    assert!(started.ready.starts_with("gangplank: listening on"), "{}", started.ready);
}

#[test]
fn files_of_tls_are_refused_by_name() {
    let home = home();
    let write = |name: &str, text: &str| {
        let path = home.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (empty, nonsense) = (write("empty.pem", ""), write("nonsense.pem", "not a certificate\n"));
    let broken = write("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    check_refused(&["--tls-cert", "cert.pem"], &[], &["--tls-cert and --tls-key belong together"]);
    check_refused(&["--tls-key", "key.pem"], &[], &["--tls-cert and --tls-key belong together"]);
    check_refused(
        &["--tls-cert", "/none/cert.pem", "--tls-key", &empty],
        &[],
        &["cannot read", "/none/cert.pem"],
    );
    for certificate in [&empty, &nonsense] {
        check_refused(
            &["--tls-cert", certificate, "--tls-key", &empty],
            &[],
            &["no PEM certificate", certificate],
        );
    }
    check_refused(
        &["--tls-cert", &broken, "--tls-key", "/none/key.pem"],
        &[],
        &["cannot read", "/none/key.pem"],
    );
    check_refused(&["--tls-cert", &broken, "--tls-key", &nonsense], &[], &["no PEM private key", &nonsense]);
}

#[test]
fn an_address_or_a_data_directory_in_use_is_refused() {
    let server = server();
    check_refused(&["--listen", &server.host()], &[], &["cannot listen on", &server.host(), "in use"]);
    let data_dir = server.data_dir();
    let data_dir = data_dir.to_str().unwrap();
    check_refused(&["--data-dir", data_dir], &[], &["data directory", data_dir, "in use", "--data-dir"]);
    assert_eq!(server.registry().status("GET", ""), 401, "the first goes on");
    check_refused(&["--data-dir", "/proc/none"], &[], &["data directory", "/proc/none"]);
}

#[test]
fn a_flag_makes_up_for_an_empty_variable() {
    let home = home();
    let started = start(home.path(), &["--listen", "127.0.0.1:0"], &[("GANGPLANK_LISTEN", "")]);
    assert!(started.ready.starts_with("gangplank: listening on"), "{}", started.ready);
    for command in [&["access-key", "list"][..], &["registry-login", "list"]] {
        run(home.path(), command, &[("GANGPLANK_DATA_DIR", "")]).check_failed(&["no server is named"]);
    }
    run(home.path(), &["fsck"], &[("GANGPLANK_DATA_DIR", "")]).check_ok("all is well");
}

#[test]
fn nothing_is_made_for_a_server_that_cannot_listen() {
    let (server, home) = (server(), home());
    let refused = run(home.path(), &["serve", "--listen", &server.host()], &[]);
    refused.check_failed(&["cannot listen on", "--listen", "port"]);
    let admin = ["serve", "--listen", "127.0.0.1:0", "--admin-listen", &server.host()];
    run(home.path(), &admin, &[]).check_failed(&["cannot listen on", "--admin-listen"]);
    run(home.path(), &["serve", "--listen", "192.0.2.1:5000", "--insecure-http"], &[])
        .check_failed(&["cannot listen on", "of this machine"]);
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
    let file = home.path().join("app.tar");
    std::fs::write(&file, "").unwrap();
    check_refused(&["--data-dir", file.to_str().unwrap()], &[], &["app.tar", "a file", "--data-dir"]);
}

#[test]
fn a_bad_file_is_refused_by_name() {
    let home = home();
    let check = |text: &str, words: &[&str]| {
        let path = home.path().join("bad.toml");
        std::fs::write(&path, text).unwrap();
        let path = path.to_str().unwrap();
        check_refused(&["--config", path], &[], &[&[path], words].concat());
    };
    check("lisden = '127.0.0.1:0'", &["lisden", "listen", "line 1"]);
    check("\nlisten = 5000", &["line 2", "listen"]);
    check("listen = 'nowhere'", &["line 1", "nowhere"]);
    check("listen = '127.0.0.1:0'\nlisten = '127.0.0.1:1'", &["line 2", "listen"]);
    check("= 1", &["line 1"]);
    check("max-blob-bytes = -1", &["max-blob-bytes"]);
    check_refused(&["--config", "/none/config.toml"], &[], &["cannot read /none/config.toml"]);
    let path = home.path().join("log.toml");
    std::fs::write(&path, "log = 'nonsense'").unwrap();
    check_refused(&["--config", path.to_str().unwrap()], &[], &["\"nonsense\"", "TARGET=LEVEL"]);
}

#[test]
fn a_value_that_cannot_be_is_refused_by_name() {
    let home = home();
    for (args, word) in [
        (["--listen", "nowhere"], "--listen"),
        (["--listen", "127.0.0.1"], "--listen"),
        (["--max-images-per-service", "-1"], "--max-images-per-service"),
        (["--max-images-per-service", "many"], "--max-images-per-service"),
        (["--log-format", "xml"], "--log-format"),
        (["--lisden", "127.0.0.1:0"], "--lisden"),
    ] {
        run(home.path(), &[&["serve"], args.as_slice()].concat(), &[]).check_usage(&[word]);
    }
    for command in ["serve", "quickstart"] {
        run(home.path(), &[command, "--listen", "localhost:5000"], &[])
            .check_usage(&["such as 127.0.0.1:5000"]);
    }
    run(home.path(), &["serve"], &[("GANGPLANK_LISTEN", "nowhere")])
        .check_usage(&["'nowhere' for 'GANGPLANK_LISTEN'"]);
    run(home.path(), &["serve", "--listen", "nowhere"], &[("GANGPLANK_LISTEN", "127.0.0.1:0")])
        .check_usage(&["'nowhere' for '--listen"]);
    for (option, value) in [
        ("--gc-grace", "-1h"),
        ("--upload-timeout", "-1"),
        ("--max-blob-bytes", "-1GiB"),
        ("--disk-reserve", "-5"),
        ("--max-connections", "-1"),
    ] {
        run(home.path(), &["serve", option, value], &[]).check_usage(&[option, "cannot be negative"]);
    }
    run(home.path(), &["serve", "--max-blob-bytes", "10XB"], &[]).check_usage(&["10XB", "10GiB"]);
    run(home.path(), &["serve", "--drain-timeout", "soon"], &[]).check_usage(&["soon", "90s"]);
    check_refused(&["--regions", "us-east-1,mars-1"], &[], &["mars-1"]);
    for (variable, value) in [
        ("GANGPLANK_REGIONS", "mars-1"),
        ("GANGPLANK_TRUSTED_PROXIES", "everybody"),
        ("GANGPLANK_PUBLIC_ADDRESS", "https://x"),
        ("GANGPLANK_LOG", "loud"),
        ("GANGPLANK_IDLE_TIMEOUT", "1000d"),
        ("GANGPLANK_MAX_HEADERS", "1"),
        ("GANGPLANK_GC_INTERVAL", "0"),
    ] {
        check_refused(&[], &[(variable, value)], &[variable]);
    }
    check_refused(&["--log", "a=b=c"], &[], &["a=b=c", "info"]);
    check_refused(&["--log", "info,inof"], &[], &["\"inof\"", "TARGET=LEVEL"]);
    for variable in
        ["GANGPLANK_LOG", "GANGPLANK_LISTEN", "GANGPLANK_DATA_DIR", "GANGPLANK_CONFIG", "GANGPLANK_GC_GRACE"]
    {
        // If a port were given, the server would fail because the port is in use, and not because of the empty
        // variable.
        run(home.path(), &["serve"], &[(variable, "")]).check_usage(&[variable, "empty"]);
    }
    for address in ["", "https://x", "a b", "a/b", "x:y:z", "user@host", "a\"b"] {
        check_refused(&["--public-address", address], &[], &["--public-address", "registry.example.com"]);
    }
}

#[test]
fn half_a_root_access_key_is_refused() {
    let (id, secret) = ("GANGPLANK_ROOT_ACCESS_KEY_ID", "GANGPLANK_ROOT_SECRET_ACCESS_KEY");
    let (good_id, good_secret) = ("AKIAIOSFODNN7EXAMPLE", "0123456789012345678901234567890123456789");
    check_refused(&[], &[(id, good_id)], &[id, secret, "belong together"]);
    check_refused(&[], &[(secret, good_secret)], &[id, secret, "belong together"]);
    check_refused(&[], &[(id, "short"), (secret, good_secret)], &[id, "16 to 128"]);
    check_refused(&[], &[(id, good_id), (secret, "short")], &[secret, "16 to 128"]);
    check_refused(&[], &[(id, ""), (secret, "")], &[id]);
}

#[test]
fn a_root_access_key_is_made_once_and_written_down() {
    let home = home();
    let credentials = || std::fs::read_to_string(home.path().join("gangplank-data/credentials")).unwrap();
    let calls = |started: &Started| {
        let text = credentials();
        let value =
            |name: &str| text.split(name).nth(1).unwrap().lines().next().unwrap().trim_start_matches(" = ");
        let endpoint = started.ready.trim_end().rsplit(' ').next().unwrap();
        let api = Api::new(endpoint, value("aws_access_key_id"), value("aws_secret_access_key"));
        api.gangplank("ListAccessKeys", &json!({})).body["accessKeys"].as_array().map(Vec::len)
    };
    let started = start(home.path(), &["--listen", "127.0.0.1:0"], &[]);
    let made = credentials();
    assert_eq!(calls(&started), Some(1));
    drop(started);
    // A later start neither makes another key nor takes one from the environment.
    let environment = [
        ("GANGPLANK_ROOT_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("GANGPLANK_ROOT_SECRET_ACCESS_KEY", "0123456789012345678901234567890123456789"),
    ];
    let started = start(home.path(), &["--listen", "127.0.0.1:0"], &environment);
    assert_eq!((credentials(), calls(&started)), (made, Some(1)));
    let config = std::fs::read_to_string(home.path().join("gangplank-data/config")).unwrap();
    assert!(config.contains(started.ready.trim_end().rsplit(' ').next().unwrap()), "{config}");
}

#[test]
fn the_secret_of_the_root_key_may_come_as_a_file() {
    let (id, secret) = ("GANGPLANK_ROOT_ACCESS_KEY_ID", "GANGPLANK_ROOT_SECRET_ACCESS_KEY");
    let file = "GANGPLANK_ROOT_SECRET_ACCESS_KEY_FILE";
    let (good_id, good_secret) = ("AKIAIOSFODNN7EXAMPLE", "0123456789012345678901234567890123456789");
    let home = home();
    let path = home.path().join("secret");
    let path_shown = path.to_str().unwrap();
    check_refused(&[], &[(id, good_id), (file, path_shown)], &[file, "cannot read", path_shown]);
    std::fs::write(&path, format!("{good_secret}\n")).unwrap();
    check_refused(&[], &[(file, path_shown)], &[id, file, "belong together"]);
    let both = [(id, good_id), (secret, good_secret), (file, path_shown)];
    check_refused(&[], &both, &[secret, file, "both set"]);
    let started = start(home.path(), &["--listen", "127.0.0.1:0"], &[(id, good_id), (file, path_shown)]);
    let endpoint = started.ready.trim_end().rsplit(' ').next().unwrap();
    let api = Api::new(endpoint, good_id, good_secret);
    assert_eq!(api.gangplank("ListAccessKeys", &json!({})).status, 200);
    let ran = run(home.path(), &["serve", "--check"], &[(id, good_id), (file, path_shown)]);
    assert!(ran.code == Some(0) && !ran.stderr.contains("not known"), "{ran:?}");
}

#[test]
fn a_log_can_be_json_and_nobody_writes_lines_into_it() {
    for format in ["text", "json"] {
        let server = server_with(|builder| builder.env("GANGPLANK_LOG_FORMAT", format));
        let api = server.api();
        for text in ["a\nINJECTED", "a\r\nINJECTED", "a\u{1b}[2JINJECTED", "a\u{2028}INJECTED"] {
            for input in [
                json!({ "serviceName": text }),
                json!({ "serviceName": "web", "containers": { text: { "image": text } } }),
                json!({ "serviceName": "web", "publicDomainNames": { text: [text] } }),
                json!({ text: 1, "serviceName": [text] }),
            ] {
                api.lightsail("UpdateContainerService", &input);
                api.lightsail("CreateContainerServiceDeployment", &input);
            }
            assert_eq!(api.gangplank("DeleteAccessKey", &json!({ "accessKeyId": text })).status, 400);
        }
        let log = server.log();
        assert!(log.contains("InvalidInputException"), "{log}");
        assert!(!log.lines().any(|line| line.starts_with("INJECTED")) && !log.contains('\u{1b}'), "{log}");
        // The last line may be incomplete.
        let (whole, _) = log.rsplit_once('\n').unwrap();
        for line in whole.lines().filter(|_| format == "json") {
            assert!(
                serde_json::from_str::<serde_json::Value>(line).is_ok_and(|line| line.is_object()),
                "{line}"
            );
        }
    }
}

#[test]
fn help_and_version_are_on_standard_output() {
    let home = home();
    for args in [&["--help"][..], &["help"], &["serve", "--help"], &["access-key", "create", "--help"]] {
        let ran = run(home.path(), args, &[]);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{args:?}");
        assert!(ran.stdout.contains("Usage: gangplank"), "{args:?}: {}", ran.stdout);
    }
    let version = run(home.path(), &["--version"], &[]).stdout;
    assert_eq!(version.trim_end(), format!("gangplank {}", env!("CARGO_PKG_VERSION")));
    run(home.path(), &[], &[]).check_usage(&["Usage: gangplank"]);
    run(home.path(), &["sail"], &[]).check_usage(&["sail"]);
}

/// Runs a server with a limit on open files.
fn with_open_files(files: u32, home: &Path) -> (Child, std::net::SocketAddr) {
    let mut process = std::process::Command::new("sh")
        .args([
            "-c",
            &format!("ulimit -n {files}; exec \"$0\" serve --listen 127.0.0.1:0 --data-dir data"),
            crate::PROGRAM,
        ])
        .current_dir(home)
        .env_clear()
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(home.join("log")).unwrap())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    let address = ready.trim().rsplit_once("//").unwrap().1.parse().unwrap();
    (process, address)
}

#[test]
fn a_limit_on_open_files_that_is_too_low_is_told_and_lived_with() {
    let home = tempfile::tempdir().unwrap();
    let (mut process, address) = with_open_files(40, home.path());
    let mut idle: Vec<Raw> = (0..70).map(|_| Raw::connect_to(address)).collect();
    for _ in 0..10 {
        let mut raw = Raw::connect_to(address);
        raw.send("GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(raw.answer().unwrap().status, 401);
    }
    assert!(idle[0].closes());
    let log = std::fs::read_to_string(home.path().join("log")).unwrap();
    assert!(log.contains("raise it to 26708"), "{log}");
    assert!(log.matches("cannot accept connections").count() <= 1, "{log}");
    process.kill().unwrap();
    process.wait().unwrap();
}
