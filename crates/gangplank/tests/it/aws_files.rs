//! The AWS CLI's files, in every form that the AWS CLI accepts, and in some that it refuses.

use std::fs;
use std::path::Path;

use gangplank_testkit::TestServer;

use crate::cli::{Ran, run};
use crate::server;

const KEYS: &str =
    "aws_access_key_id = GPAKTESTTESTTESTTEST\naws_secret_access_key = test-secret-access-key-0123456789\n";

fn list(server: &TestServer, credentials: &str, config: &str) -> Ran {
    let aws = server.home().join(".aws");
    fs::create_dir_all(&aws).unwrap();
    fs::write(aws.join("credentials"), credentials).unwrap();
    fs::write(aws.join("config"), config).unwrap();
    run(server.home(), &["registry-login", "list"], &[])
}

fn indented(text: &str) -> String {
    format!("    {}\n", text.trim_end().replace('\n', "\n    "))
}

#[test]
fn every_form_that_the_aws_cli_takes_is_taken() {
    let server = server();
    let settings = format!("region = us-east-1\nendpoint_url = {}\n", server.endpoint());
    let (credentials, config) = (format!("[default]\n{KEYS}"), format!("[default]\n{settings}"));
    for (name, credentials, config) in [
        ("plain", credentials.clone(), config.clone()),
        ("an empty token", format!("{credentials}aws_session_token =\n"), config.clone()),
        ("an older empty token", format!("{credentials}aws_security_token=\n"), config.clone()),
        ("keys indented", format!("[default]\n{}", indented(KEYS)), config.clone()),
        ("settings indented", credentials.clone(), format!("[default]\n{}", indented(&settings))),
        ("all indented", indented(&credentials), indented(&config)),
        ("colons", credentials.replace(" =", ":"), config.replace(" =", ":")),
        ("of Windows", credentials.replace('\n', "\r\n"), config.replace('\n', "\r\n")),
        ("marked", format!("\u{feff}{credentials}"), format!("\u{feff}{config}")),
        ("comments", format!("# a\n{credentials}  ; b\n"), format!("[profile other]\n; c\n{config}")),
        ("a profile of the name", credentials.clone(), format!("[profile default]\n{settings}")),
        ("all in one", format!("{credentials}{settings}"), String::new()),
        (
            "an address of the service",
            credentials.clone(),
            format!(
                "[default]\nservices = here\n[services here]\nlightsail =\n  {}",
                settings.replace('\n', "\n  ")
            ),
        ),
    ] {
        let ran = list(&server, &credentials, &config);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{name}: {ran:?}");
    }
}

#[test]
fn a_line_that_is_not_understood_is_named_and_not_shown() {
    let server = server();
    let config = format!("[default]\nendpoint_url = {}\n", server.endpoint());
    let in_aws = |file: &str| Path::new(".aws").join(file).to_str().unwrap().to_owned();
    let broken = format!("[default]\n{KEYS}hunter2\n");
    let ran = list(&server, &broken, &config);
    ran.check_failed(&[&in_aws("credentials"), "line 4", "[section]"]);
    assert!(!ran.stderr.contains("hunter2"), "{ran:?}");
    let twice = format!("{config}[other]\n{config}");
    list(&server, &format!("[default]\n{KEYS}"), &twice).check_failed(&[
        &in_aws("config"),
        "line 4",
        "already",
    ]);
    let before = format!("region = x\n{config}");
    list(&server, &format!("[default]\n{KEYS}"), &before).check_failed(&[&in_aws("config"), "line 1"]);
    let ran = run(server.home(), &["lightsail", "get-container-services"], &[]);
    assert!(ran.code == Some(255) || ran.code == Some(253), "{ran:?}");
    assert!(ran.stderr.contains("line 1"), "{ran:?}");
}

#[test]
fn a_region_that_no_server_can_have_is_named() {
    let server = server();
    let config = format!("[default]\nregion = us-east-1 ; home\nendpoint_url = {}\n", server.endpoint());
    let credentials = format!("[default]\n{KEYS}");
    list(&server, &credentials, &config).check_failed(&["\"us-east-1 ; home\"", "region"]);
    let ran = run(server.home(), &["lightsail", "get-container-services"], &[]);
    assert_eq!(ran.code, Some(255), "{ran:?}");
    assert!(
        ran.stderr.contains("Provided region_name 'us-east-1 ; home' doesn't match a supported format."),
        "{ran:?}"
    );
}

#[test]
fn the_files_are_named_with_variables_as_in_a_shell() {
    let server = server();
    list(&server, "", "");
    let folder = server.home().join("elsewhere");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("keys"), format!("[default]\n{KEYS}")).unwrap();
    let config = format!("[default]\nregion = us-east-1\nendpoint_url = {}\n", server.endpoint());
    fs::write(folder.join("settings"), config).unwrap();
    for (keys, settings) in [
        ("$HOME/elsewhere/keys", "~/elsewhere/settings"),
        ("${HOME}/elsewhere/keys", "$HOME/$FOLDER/settings"),
    ] {
        let variables =
            [("AWS_SHARED_CREDENTIALS_FILE", keys), ("AWS_CONFIG_FILE", settings), ("FOLDER", "elsewhere")];
        let ran = run(server.home(), &["registry-login", "list"], &variables);
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
}

#[test]
fn a_way_to_a_key_that_is_not_followed_is_named() {
    let server = server();
    let config = format!("[default]\nregion = us-east-1\nendpoint_url = {}\n", server.endpoint());
    for way in
        ["source_profile = base\nrole_arn = arn:aws:iam::000000000000:role/x\n", "sso_session = work\n"]
    {
        let name = way.split(' ').next().unwrap();
        list(&server, "", &format!("{config}{way}")).check_failed(&[
            "no access key",
            name,
            "credential_process",
        ]);
        let ran = run(server.home(), &["lightsail", "get-container-services"], &[]);
        assert!(ran.code == Some(253) && ran.stderr.contains(name), "{ran:?}");
    }
}
