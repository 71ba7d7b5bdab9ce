//! `gangplank configure`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use gangplank_testkit::TestServer;
use serde_json::{Value, json};

use crate::cli::{Ran, command, run_with_input};
use crate::server;

fn configure(server: &TestServer, args: &[&str], input: &str) -> Ran {
    let mut command = command(server.home(), &[&["configure"], args].concat());
    command.env("PATH", bin(server));
    run_with_input(command, input)
}

fn bin(server: &TestServer) -> PathBuf {
    server.home().join("bin")
}

/// The access key in the files of the data directory.
fn key(server: &TestServer) -> (String, String) {
    let text = fs::read_to_string(server.data_dir().join("credentials")).unwrap();
    let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(&format!("{name} = "))).unwrap();
    (value("aws_access_key_id").to_owned(), value("aws_secret_access_key").to_owned())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_profile_and_the_helper_are_set_up_and_work() {
    let server = server();
    server.api().ensure_service("web");
    let (id, secret) = key(&server);
    let aws = server.home().join(".aws");
    fs::create_dir_all(&aws).unwrap();
    fs::write(aws.join("config"), "[default]\nregion = eu-west-1\n").unwrap();
    let (endpoint, bin_dir) = (server.endpoint(), bin(&server));
    let args = ["--endpoint-url", &endpoint, "--access-key-id", &id, "--secret-access-key-stdin"];
    let bin_option = format!("--bin-dir={}", bin_dir.display());
    let ran = configure(&server, &[args.as_slice(), &[&bin_option]].concat(), &format!("{secret}\n"));
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    assert!(ran.stdout.contains("AWS_PROFILE=gangplank") && !ran.stdout.contains(&secret), "{ran:?}");

    let config = fs::read_to_string(aws.join("config")).unwrap();
    assert!(config.starts_with("[default]\nregion = eu-west-1\n\n[profile gangplank]\n"), "{config}");
    assert_eq!(mode(&aws.join("credentials")), 0o600);
    let mut call = command(
        server.home(),
        &["lightsail", "get-container-services", "--query", "containerServices[].state"],
    );
    call.env("AWS_PROFILE", "gangplank");
    assert_eq!(run_with_input(call, "").json(), json!(["READY"]));

    // docker knows nothing but the registry's name.
    let docker = fs::read_to_string(server.home().join(".docker/config.json")).unwrap();
    let docker: Value = serde_json::from_str(&docker).unwrap();
    assert_eq!(docker["credHelpers"], json!({ server.host(): "gangplank" }));
    let mut helper = Command::new(bin_dir.join("docker-credential-gangplank"));
    helper.arg("get").env_clear().env("HOME", server.home());
    assert_eq!(run_with_input(helper, &server.host()).json()["Username"], "AWS");
    assert!(fs::canonicalize(bin_dir.join("lightsailctl")).unwrap().ends_with("gangplank"));

    // Again, with what is known: nothing doubles.
    let before = fs::read_to_string(aws.join("config")).unwrap();
    assert_eq!(configure(&server, &[&bin_option], "").code, Some(0));
    assert_eq!(fs::read_to_string(aws.join("config")).unwrap(), before);
}

#[test]
fn a_data_directory_is_all_that_is_needed_and_others_programs_stay() {
    let server = server();
    fs::create_dir_all(bin(&server)).unwrap();
    fs::write(bin(&server).join("lightsailctl"), "amazon's").unwrap();
    let data_dir = server.data_dir();
    let bin_dir = bin(&server);
    let args = [
        "--data-dir",
        data_dir.to_str().unwrap(),
        "--profile",
        "mine",
        "--bin-dir",
        bin_dir.to_str().unwrap(),
    ];
    let ran = configure(&server, &args, "");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("is another program, and stays"), "{ran:?}");
    assert_eq!(fs::read_to_string(bin(&server).join("lightsailctl")).unwrap(), "amazon's");
    let config = fs::read_to_string(server.home().join(".aws/config")).unwrap();
    assert!(config.contains("[profile mine]") && config.contains(&server.endpoint()), "{config}");
}

#[test]
fn what_does_not_work_is_not_written() {
    let mut server = server();
    let (id, secret) = key(&server);
    let endpoint = server.endpoint();
    configure(&server, &[], "").check_failed(&["--endpoint-url is missing"]);
    let address = ["--endpoint-url", endpoint.as_str()];
    configure(&server, &address, "").check_failed(&["--access-key-id is missing"]);
    let args = [&address[..], &["--access-key-id", &id]].concat();
    configure(&server, &args, "").check_failed(&["--secret-access-key-stdin is missing"]);
    let args = [&args[..], &["--secret-access-key-stdin"]].concat();
    configure(&server, &args, "").check_failed(&["standard input"]);
    let wrong = secret.chars().rev().collect::<String>();
    configure(&server, &args, &wrong).check_failed(&["nothing was written", "InvalidSignatureException"]);
    server.kill();
    configure(&server, &args, &secret).check_failed(&["nothing was written", "cannot reach"]);
    assert!(!server.home().join(".aws").exists() && !server.home().join(".docker").exists());
}
