//! `gangplank login --role`, and commands that act as a role. Each CI is simulated by its variables.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cli::{Ran, home, run};
use crate::fake_sts::{FakeSts, ROLE, TOKEN, refused};
use crate::handler::{self, Reply};

fn ask(server: &FakeSts, home: &Path, args: &[&str], environment: &[(&str, &str)]) -> Ran {
    run(home, &[args, &[&format!("--endpoint-url=http://{}", server.address)]].concat(), environment)
}

fn exchanges() -> FakeSts {
    FakeSts::start(3_600, |_, _| None)
}

fn token_file(home: &TempDir) -> String {
    let file = home.path().join("token");
    fs::write(&file, format!("{TOKEN}\n")).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn a_token_in_a_file_is_exchanged_for_a_login_where_docker_looks() {
    let (server, home) = (exchanges(), home());
    let file = token_file(&home);
    let narrow = ["--life", "10m", "--repository", "team/*", "--from", "10.0.0.0/8"];
    let args = [&["login", "--role", ROLE, "--token-file", &file][..], &narrow].concat();
    let ran = ask(&server, home.path(), &args, &[]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    assert!(ran.stdout.contains("A push login for") && !ran.stdout.contains("gpl_x"), "{ran:?}");
    let config = fs::read_to_string(home.path().join(".docker/config.json")).unwrap();
    let config: Value = serde_json::from_str(&config).unwrap();
    assert_eq!(config["auths"][&server.address]["auth"], "QVdTOmdwbF94");
    let call = &server.calls("ExchangeIdentityToken")[0];
    assert_eq!((&call.authorization, &call.session_token), (&None, &None));
    assert_eq!(
        call.body,
        json!({
            "roleArn": ROLE, "identityToken": TOKEN, "region": "us-east-1", "lifeSeconds": 600,
            "repositories": ["team/*"], "sourceNetworks": ["10.0.0.0/8"],
        })
    );
    let args = ["login", "--role", ROLE, "--token-file", &file, "--service-name", "web", "--print"];
    let printed = ask(&server, home.path(), &args, &[("AWS_REGION", "eu-west-1")]).json();
    assert_eq!(printed["password"], "gpl_x");
    let body = &server.calls("ExchangeIdentityToken")[1].body;
    assert_eq!((&body["serviceName"], &body["region"]), (&json!("web"), &json!("eu-west-1")));
}

#[test]
fn github_and_forgejo_are_asked_for_a_token_and_told_what_to_hide() {
    let (server, home) = (exchanges(), home());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&asked);
    let ci = handler::serve(move |request| {
        let bearer = request.header("authorization").unwrap_or_default().to_owned();
        let mut asked = noted.lock().unwrap();
        asked.push((request.path.clone(), bearer));
        // The first attempt fails.
        if asked.len() == 1 {
            return Reply::new(503, "busy");
        }
        Reply::new(200, json!({ "count": 1, "value": TOKEN }).to_string())
    });
    let url = format!("http://{ci}/token?api-version=2.0");
    let environment = [
        ("GITHUB_ACTIONS", "true"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", url.as_str()),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "runner"),
    ];
    let ran = ask(&server, home.path(), &["login", "--role", ROLE, "--password-only"], &environment);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "gpl_x\n"), "{ran:?}");
    let masks: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(masks, [format!("::add-mask::{TOKEN}"), "::add-mask::gpl_x".to_owned()]);
    let audience = format!("http%3A%2F%2F{}", server.address.replace(':', "%3A"));
    let expected = (format!("/token?api-version=2.0&audience={audience}"), "Bearer runner".to_owned());
    assert_eq!(*asked.lock().unwrap(), [expected.clone(), expected]);
    let args = ["login", "--role", ROLE, "--audience", "sts.amazonaws.com", "--print"];
    assert_eq!(ask(&server, home.path(), &args, &environment).code, Some(0));
    assert!(asked.lock().unwrap()[2].0.ends_with("&audience=sts.amazonaws.com"));
    let denied = [("GITHUB_ACTIONS", "true")];
    let ran = ask(&server, home.path(), &["login", "--role", ROLE], &denied);
    ran.check_failed(&["permissions: id-token: write"]);
}

#[test]
fn other_cis_have_the_token_in_a_variable_or_print_it() {
    let (server, home) = (exchanges(), home());
    let bin = home.path().join("bin");
    fs::create_dir(&bin).unwrap();
    let program = bin.join("buildkite-agent");
    let script = format!("#!/bin/sh\n[ \"$1 $2 $3\" = 'oidc request-token --audience' ] && echo {TOKEN}\n");
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = bin.to_str().unwrap();
    let file = token_file(&home);
    for environment in [
        &[("GITLAB_CI", "true"), ("GANGPLANK_ID_TOKEN", TOKEN)][..],
        &[("CIRCLECI", "true"), ("CIRCLE_OIDC_TOKEN_V2", TOKEN)],
        &[("BUILDKITE", "true"), ("PATH", path)],
        &[("AWS_WEB_IDENTITY_TOKEN_FILE", &file)],
    ] {
        let ran = ask(&server, home.path(), &["login", "--role", ROLE, "--password-only"], environment);
        assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "gpl_x\n", ""), "{ran:?}");
    }
    let calls = server.calls("ExchangeIdentityToken");
    assert!(calls.len() == 4 && calls.iter().all(|call| call.body["identityToken"] == TOKEN));
    let ran = ask(&server, home.path(), &["login", "--role", ROLE], &[]);
    ran.check_failed(&["no identity token", "--token-file"]);
}

#[test]
fn every_command_works_as_a_role_by_a_token_file() {
    let server = FakeSts::start(3_600, |operation, _| match operation {
        "GetContainerServices" => Some(json!({ "containerServices": [] })),
        "ListRoles" => Some(json!({ "roles": [] })),
        _ => None,
    });
    let home = home();
    let file = token_file(&home);
    let environment = [
        ("AWS_ROLE_ARN", ROLE),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", file.as_str()),
        ("AWS_ROLE_SESSION_NAME", "job-7"),
        ("AWS_REGION", "us-east-1"),
        // Empty variables count as unset.
        ("AWS_ACCESS_KEY_ID", ""),
        ("AWS_SESSION_TOKEN", ""),
    ];
    ask(&server, home.path(), &["role", "list"], &environment).json();
    ask(&server, home.path(), &["lightsail", "get-container-services"], &environment).json();
    let assumed = server.calls("AssumeRoleWithWebIdentity");
    assert_eq!(assumed.len(), 2);
    assert_eq!(
        assumed[0].body,
        json!({
            "Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "RoleArn": ROLE,
            "RoleSessionName": "job-7", "WebIdentityToken": TOKEN,
        })
    );
    assert_eq!(assumed[0].authorization, None);
    let call = &server.calls("GetContainerServices")[0];
    let authorization = call.authorization.as_deref().unwrap();
    assert!(authorization.contains("Credential=GPASEXAMPLEEXAMPL01/"), "{authorization}");
    assert!(authorization.contains("x-amz-security-token"), "the session token is signed: {authorization}");
    assert_eq!(call.session_token.as_deref(), Some("session-token-1"));

    // Now the role and the file are in a profile.
    let config = format!("[profile ci]\nrole_arn = {ROLE}\nweb_identity_token_file = {file}\n");
    fs::create_dir_all(home.path().join(".aws")).unwrap();
    fs::write(home.path().join(".aws/config"), config).unwrap();
    let key =
        [("AWS_ACCESS_KEY_ID", "GPAKEXAMPLEEXAMPLEEX"), ("AWS_SECRET_ACCESS_KEY", "secret-secret-secret")];
    ask(&server, home.path(), &["role", "list", "--profile", "ci"], &key).json();
    assert_eq!(server.calls("AssumeRoleWithWebIdentity").len(), 3);
    // Without a profile, a key in the environment comes first.
    ask(&server, home.path(), &["role", "list"], &[&key[..], &environment[..3]].concat()).json();
    assert_eq!(server.calls("AssumeRoleWithWebIdentity").len(), 3);
    let alone = [("AWS_WEB_IDENTITY_TOKEN_FILE", file.as_str())];
    ask(&server, home.path(), &["role", "list"], &alone).check_failed(&["AWS_ROLE_ARN"]);
}

#[test]
fn a_session_is_kept_while_it_lasts_and_had_anew_before_it_ends() {
    for (seconds, sessions) in [(3_600, 1), (60, 2)] {
        let server = FakeSts::start(seconds, |operation, body| match operation {
            "ListRoles" if body.get("nextToken").is_none() => Some(json!({ "roles": [], "nextToken": "2" })),
            "ListRoles" => Some(json!({ "roles": [] })),
            _ => None,
        });
        let home = home();
        let file = token_file(&home);
        let environment = [("AWS_ROLE_ARN", ROLE), ("AWS_WEB_IDENTITY_TOKEN_FILE", file.as_str())];
        ask(&server, home.path(), &["role", "list"], &environment).json();
        assert_eq!(server.calls("ListRoles").len(), 2);
        assert_eq!(server.calls("AssumeRoleWithWebIdentity").len(), sessions);
    }
}

#[test]
fn a_role_that_is_not_opened_is_told_in_the_servers_words() {
    let address = handler::serve(|_| {
        let error = "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
                     <Code>AccessDenied</Code><Message>Not authorized to perform \
                     sts:AssumeRoleWithWebIdentity</Message></Error><RequestId>1</RequestId></ErrorResponse>";
        Reply::new(403, error)
    });
    let home = home();
    let file = token_file(&home);
    let environment =
        [("AWS_ROLE_ARN", ROLE), ("AWS_WEB_IDENTITY_TOKEN_FILE", &file), ("AWS_REGION", "us-east-1")];
    let endpoint = format!("--endpoint-url=http://{address}");
    let ran = run(home.path(), &["services", &endpoint], &environment);
    ran.check_failed(&["AssumeRoleWithWebIdentity was refused with AccessDenied: Not authorized to perform"]);
    let ran = run(home.path(), &["lightsail", "get-container-services", &endpoint], &environment);
    assert_eq!(ran.code, Some(254), "{ran:?}");
    assert!(ran.stderr.contains("(AccessDenied)"), "{ran:?}");

    let denied = FakeSts::start(3_600, |_, _| Some(refused("AccessDeniedException", "No.")));
    let missing = [("AWS_ROLE_ARN", ROLE), ("AWS_WEB_IDENTITY_TOKEN_FILE", "/none")];
    ask(&denied, home.path(), &["services"], &missing)
        .check_failed(&["cannot read the identity token in /none"]);
}
