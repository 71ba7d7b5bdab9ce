//! `gangplank configure`.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use gangplank_testkit::TestServer;
use serde_json::{Value, json};

use crate::cli::{Ran, command, run, run_with_input};
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

    // Docker's file only has the registry's name.
    let docker = fs::read_to_string(server.home().join(".docker/config.json")).unwrap();
    let docker: Value = serde_json::from_str(&docker).unwrap();
    assert_eq!(docker["credHelpers"], json!({ server.host(): "gangplank" }));
    let mut helper = Command::new(bin_dir.join("docker-credential-gangplank"));
    helper.arg("get").env_clear().env("HOME", server.home());
    assert_eq!(run_with_input(helper, &server.host()).json()["Username"], "AWS");
    assert!(fs::canonicalize(bin_dir.join("lightsailctl")).unwrap().ends_with("gangplank"));

    // Run again with the known values, it changes nothing.
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

fn files(server: &TestServer) -> (String, String) {
    let read = |file: &str| fs::read_to_string(server.home().join(".aws").join(file)).unwrap();
    (read("config"), read("credentials"))
}

/// Configures the profile `mine` without the helper.
fn profile(server: &TestServer, args: &[&str], environment: &[(&str, &str)]) -> Ran {
    let (id, secret) = key(server);
    let endpoint = server.endpoint();
    let all = ["configure", "--endpoint-url", &endpoint, "--profile", "mine", "--access-key-id", &id];
    let all = [&all[..], &["--secret-access-key-stdin", "--no-helper"], args].concat();
    let mut command = command(server.home(), &all);
    command.envs(environment.iter().copied());
    run_with_input(command, &secret)
}

#[test]
fn what_would_stand_against_the_key_is_taken_out_and_told() {
    let server = server();
    let aws = server.home().join(".aws");
    fs::create_dir_all(&aws).unwrap();
    fs::write(
        aws.join("credentials"),
        "[mine]\naws_access_key_id = OLD\naws_secret_access_key = old\naws_session_token = stale\n\
         region = eu-west-1\nendpoint_url = http://127.0.0.1:1\n[other]\naws_session_token = stays\n",
    )
    .unwrap();
    fs::write(
        aws.join("config"),
        "[profile mine]\nrole_arn = arn\nsource_profile = other\nsso_session = s\nsso_account_id = 1\n\
         web_identity_token_file = /t\ncredential_process = /bin/false\nservices = amazon\noutput = text\n\
         ignore_configured_endpoint_urls = true\n[services amazon]\nlightsail =\n  endpoint_url = http://127.0.0.1:1\n\
         [profile other]\nrole_arn = stays\n",
    )
    .unwrap();
    let ran = profile(&server, &[], &[]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    for gone in [
        "aws_session_token",
        "role_arn",
        "sso_session",
        "credential_process",
        "web_identity_token_file",
        "services",
    ] {
        assert!(ran.stdout.contains(gone), "{gone}: {ran:?}");
    }
    let (config, credentials) = files(&server);
    assert!(config.contains("[profile mine]\noutput = text\nregion = eu-west-1\nendpoint_url"), "{config}");
    assert!(config.contains("[services amazon]") && config.contains("role_arn = stays"), "{config}");
    assert!(credentials.contains("aws_session_token = stays"), "{credentials}");
    assert!(!credentials.contains("stale") && !credentials.contains("127.0.0.1:1"), "{credentials}");
    let list = ["registry-login", "list", "--profile", "mine"];
    assert_eq!(run(server.home(), &list, &[]).code, Some(0));
    assert!(!profile(&server, &[], &[]).stdout.contains("Taken out"), "nothing is left to be told");
}

#[test]
fn a_file_that_is_not_understood_is_left_as_it_is() {
    let server = server();
    let aws = server.home().join(".aws");
    fs::create_dir_all(&aws).unwrap();
    for broken in ["config", "credentials"] {
        fs::write(aws.join(broken), "[mine]\nhunter2\n").unwrap();
        let data_dir = server.data_dir();
        let args = ["configure", "--no-helper", "--data-dir", data_dir.to_str().unwrap()];
        let ran = run(server.home(), &args, &[]);
        ran.check_failed(&[broken, "line 2"]);
        assert!(!ran.stderr.contains("hunter2"), "{ran:?}");
        assert_eq!(fs::read_to_string(aws.join(broken)).unwrap(), "[mine]\nhunter2\n");
        assert_eq!(fs::read_dir(&aws).unwrap().count(), 1, "the other file was not made");
        fs::remove_file(aws.join(broken)).unwrap();
    }
}

#[test]
fn an_address_and_a_region_are_looked_at_before_anything_else_is_asked() {
    let server = server();
    for address in ["127.0.0.1:5000", "localhost:5000", "ftp://here/", ""] {
        configure(&server, &["--endpoint-url", address], "").check_failed(&["http://host:port"]);
    }
    configure(&server, &["--region", "mars-1"], "").check_failed(&["mars-1", "us-east-1"]);
    let endpoint = server.endpoint();
    let (id, secret) = key(&server);
    let args = ["--endpoint-url", &endpoint, "--access-key-id", &id, "--secret-access-key-stdin"];
    let mut command = command(server.home(), &[&["configure"], &args[..]].concat());
    command.env("AWS_REGION", "mars-1");
    run_with_input(command, &secret).check_failed(&["mars-1", "us-east-1"]);
}

#[test]
fn the_authority_goes_into_the_profile() {
    let Some((server, home)) = crate::tls::tls_server() else { return };
    fs::copy(home.path().join("cert.pem"), server.home().join("ca.pem")).unwrap();
    let data_dir = server.data_dir();
    let args = ["configure", "--no-helper", "--profile", "mine", "--data-dir", data_dir.to_str().unwrap()];
    let ran = run(server.home(), &args, &[("AWS_CA_BUNDLE", "ca.pem")]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let bundle = format!("ca_bundle = {}\n", server.home().join("ca.pem").display());
    assert!(files(&server).0.contains(&bundle), "{}", files(&server).0);
    let list = ["registry-login", "list", "--profile", "mine"];
    assert_eq!(run(server.home(), &list, &[]).code, Some(0), "without the variable");
}

#[test]
fn files_keep_their_owner_and_their_mode() {
    let server = server();
    let aws = server.home().join(".aws");
    fs::create_dir_all(&aws).unwrap();
    let is_root = rustix::process::geteuid().is_root();
    for (file, before, after) in [("config", 0o644, 0o644), ("credentials", 0o644, 0o600)] {
        fs::write(aws.join(file), "[other]\nregion = us-east-1\n").unwrap();
        fs::set_permissions(aws.join(file), fs::Permissions::from_mode(before)).unwrap();
        if is_root {
            std::os::unix::fs::chown(aws.join(file), Some(1234), Some(1235)).unwrap();
        }
        assert_eq!(profile(&server, &[], &[]).code, Some(0));
        assert_eq!(mode(&aws.join(file)), after, "{file}");
        if is_root {
            let owner = fs::metadata(aws.join(file)).unwrap();
            assert_eq!((owner.uid(), owner.gid()), (1234, 1235), "{file}");
        }
    }
}
