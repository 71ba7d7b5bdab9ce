//! A job without an access key, from its identity token to a registered image. The job only uses our program,
//! and calls a real server and an issuer on loopback.

use gangplank_testkit::Image;
use serde_json::{Value, json};

use crate::cli::{Ran, home, run};
use crate::image_files::write_layout;
use crate::keyless::{AUDIENCE, Keyless};

/// A server with a service, and an issuer that it trusts.
fn ready() -> Keyless {
    let keyless = Keyless::start();
    keyless.server.api().ensure_service("web");
    keyless
}

/// Writes the token of a job on a ref to the job's file.
fn write_token(keyless: &Keyless, git_ref: &str) {
    let token = keyless.token_with(|claims| claims["ref"] = json!(git_ref));
    std::fs::write(keyless.server.home().join("token"), token).unwrap();
}

/// Runs a command as the server's operator.
fn operate(keyless: &Keyless, args: &[&str]) -> Ran {
    let data_dir = keyless.server.data_dir();
    run(keyless.server.home(), &[args, &["--data-dir", data_dir.to_str().unwrap()]].concat(), &[])
}

/// Makes a role for the main branch of a repository. Returns its ARN.
fn role(keyless: &Keyless, name: &str, more: &[&str]) -> String {
    let args = ["role", "create", name, "--github", "acme/web", "--ref", "refs/heads/main", "--issuer"];
    let made = operate(keyless, &[&args[..], &[keyless.issuer.url.as_str()], more].concat()).json();
    made["arn"].as_str().unwrap().to_owned()
}

/// Runs a command as a job with only a role's name and a token's file.
fn as_role(keyless: &Keyless, role: &str, args: &[&str]) -> Ran {
    let token = keyless.server.home().join("token");
    let environment = [
        ("AWS_ROLE_ARN", role),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap()),
        ("AWS_ROLE_SESSION_NAME", "job-7"),
        ("AWS_ENDPOINT_URL", &keyless.server.endpoint()),
        ("AWS_REGION", "us-east-1"),
    ];
    run(keyless.server.home(), args, &environment)
}

#[test]
fn a_job_pushes_and_registers_by_its_token_and_it_is_known_afterwards() {
    let keyless = ready();
    let role = role(&keyless, "push-web", &["--preset", "push", "--service", "web", "--max-login", "30m"]);
    write_token(&keyless, "refs/heads/main");
    write_layout(&keyless.server.home().join("layout"), &Image::unique(2));
    let push = ["push", "oci:layout", "--service-name", "web", "--label", "app", "-q"];
    let pushed = as_role(&keyless, &role, &push);
    assert_eq!((pushed.code, pushed.stdout.as_str()), (Some(0), ":web.app.1\n"), "{pushed:?}");

    let origin: Value = operate(&keyless, &["image", "show", ":web.app.1"]).json();
    for part in ["pushes", "registrations"] {
        let by = &origin[part][0];
        assert_eq!((&by["principal"], &by["sessionName"]), (&json!(role), &json!("job-7")), "{origin}");
        assert_eq!(by["claims"]["sha"], "a".repeat(40), "{origin}");
        assert_eq!(by["claims"]["run_id"], "4711", "{origin}");
    }
    let logins = operate(&keyless, &["registry-login", "list"]).json();
    let login = &logins["registryLogins"][0];
    assert_eq!((&login["roleName"], &login["repositories"]), (&json!("push-web"), &json!(["sr"])), "{login}");
    let trail: Value = operate(&keyless, &["audit", "--kind", "ManifestPushed", "--output", "json"]).json();
    let event = &trail["auditEvents"][0];
    assert_eq!((&event["roleName"], &event["sessionName"]), (&json!("push-web"), &json!("job-7")), "{trail}");
    assert_eq!(event["claims"]["run_id"], "4711", "{trail}");
    // The job cannot do anything that the role does not allow.
    for other in [&["access-key", "list"][..], &["role", "list"], &["registry-login", "list"], &["gc"]] {
        as_role(&keyless, &role, other).check_failed(&["AccessDeniedException"]);
    }

    let sessions = operate(&keyless, &["role", "sessions", "push-web"]).json();
    let session = &sessions["roleSessions"][0];
    assert_eq!((&session["sessionName"], &session["claims"]["run_id"]), (&json!("job-7"), &json!("4711")));
    let key = session["accessKeyId"].as_str().unwrap();
    let revoked = operate(&keyless, &["role", "revoke-session", "push-web", key]);
    assert!(revoked.stderr.contains("revoked the session"), "{revoked:?}");
    let left = operate(&keyless, &["role", "sessions", "push-web", "--output", "text"]);
    assert!(!left.stdout.contains(key), "{left:?}");
    let none = run(
        keyless.server.home(),
        &["role", "revoke-session", "push-web", "GPASNOBODYNOBODYNOBO", "--data-dir", "data"],
        &[],
    );
    none.check_failed(&["has no session GPASNOBODYNOBODYNOBO"]);

    operate(&keyless, &["role", "disable", "push-web"]);
    as_role(&keyless, &role, &push)
        .check_failed(&["AssumeRoleWithWebIdentity was refused with AccessDenied"]);
    let after: Value = operate(&keyless, &["image", "show", ":web.app.1"]).json();
    assert_eq!(after, origin, "who did it stays known");
}

#[test]
fn a_token_is_exchanged_for_a_login_that_pushes_until_the_role_is_disabled() {
    let keyless = ready();
    let role = role(&keyless, "push-web", &["--preset", "push", "--max-login", "30m"]);
    let endpoint = format!("--endpoint-url={}", keyless.server.endpoint());
    let login = |more: &[&str]| {
        let args = ["login", "--role", &role, "--token-file", "token", "--print", &endpoint];
        run(keyless.server.home(), &[&args[..], more].concat(), &[])
    };
    write_token(&keyless, "refs/heads/main");
    let printed = login(&["--life", "2m"]).json();
    let text = |name: &str| printed[name].as_str().unwrap().to_owned();
    let made = gangplank_testkit::Login {
        username: text("username"),
        password: text("password"),
        registry: text("registry"),
    };
    let ends: jiff::Timestamp = text("expiresAt").parse().unwrap();
    let left = ends.as_second() - jiff::Timestamp::now().as_second();
    assert!((60..=120).contains(&left), "{left}");
    let registry = keyless.server.registry_as(&made);
    assert_eq!(registry.status("POST", "sr/blobs/uploads/"), 202);
    assert_eq!(registry.status("POST", "other/blobs/uploads/"), 403);
    write_token(&keyless, "refs/heads/other");
    login(&[]).check_failed(&["AccessDeniedException"]);
    std::fs::write(keyless.server.home().join("token"), "a.b.c").unwrap();
    login(&[]).check_failed(&["InvalidIdentityTokenException"]);
    operate(&keyless, &["role", "disable", "push-web"]);
    assert_eq!(registry.status("POST", "sr/blobs/uploads/"), 401);
}

#[test]
fn a_token_is_tried_on_a_real_role() {
    let keyless = ready();
    role(&keyless, "push-web", &[]);
    let attempt = || operate(&keyless, &["role", "try", "push-web", "--token-file", "token"]);
    write_token(&keyless, "refs/heads/main");
    let good = attempt();
    assert_eq!(good.code, Some(0), "{good:?}");
    assert!(good.stdout.ends_with("The token opens the role push-web.\n"), "{good:?}");
    write_token(&keyless, "refs/heads/other");
    let other = attempt();
    assert_eq!((other.code, other.stderr.as_str()), (Some(1), ""), "{other:?}");
    assert!(
        other.stdout.contains("wanted refs/heads/main, found refs/heads/other: does not hold"),
        "{other:?}"
    );
    std::fs::write(keyless.server.home().join("token"), "a.b.c").unwrap();
    let broken = attempt();
    assert_eq!(broken.code, Some(1), "{broken:?}");
    assert!(broken.stdout.contains("does not open the role push-web"), "{broken:?}");
}

#[test]
fn what_a_role_would_not_protect_is_not_made() {
    let keyless = ready();
    let issuer = keyless.issuer.url.as_str();
    let create = |args: &[&str]| operate(&keyless, &[&["role", "create", "r"], args].concat());
    create(&["--github", "acme/web"])
        .check_failed(&["token.actions.githubusercontent.com", "is not configured"]);
    create(&["--issuer", issuer, "--claim", "ref=refs/heads/main"]).check_failed(&["must fix who comes"]);
    create(&["--github", "*/web", "--issuer", issuer])
        .check_failed(&["must fix who comes", "begins with a wildcard"]);
    create(&["--github", "acme/web", "--issuer", issuer, "--audience", "other"])
        .check_failed(&["\"other\" is not configured", AUDIENCE]);
    assert_eq!(operate(&keyless, &["role", "list"]).json(), json!({ "roles": [] }));
}

#[test]
fn a_scoped_key_does_what_it_is_for_and_goes_with_all_it_made() {
    let keyless = ready();
    let create =
        ["access-key", "create", "--preset", "push", "--max-login", "30m", "--description", "old CI"];
    let made = operate(&keyless, &create).json();
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    let (id, secret) = (text("accessKeyId"), text("secretAccessKey"));
    let endpoint = keyless.server.endpoint();
    let environment = [
        ("AWS_ACCESS_KEY_ID", id.as_str()),
        ("AWS_SECRET_ACCESS_KEY", secret.as_str()),
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
    ];
    let as_key = |args: &[&str]| run(keyless.server.home(), args, &environment);
    write_layout(&keyless.server.home().join("layout"), &Image::unique(1));
    let push = ["push", "oci:layout", "--service-name", "web", "--label", "app", "-q"];
    let pushed = as_key(&push);
    assert_eq!((pushed.code, pushed.stdout.as_str()), (Some(0), ":web.app.1\n"), "{pushed:?}");
    let origin = operate(&keyless, &["image", "show", ":web.app.1"]).json();
    assert_eq!(origin["pushes"][0]["accessKeyId"], id.as_str(), "{origin}");
    assert_eq!(origin["pushes"][0]["description"], "old CI", "{origin}");
    as_key(&["role", "list"]).check_failed(&["AccessDeniedException"]);
    as_key(&["login", "--service-name", "web"]).check_failed(&["AccessDeniedException"]);
    let listed = operate(&keyless, &["access-key", "list"]).json();
    let key = listed["accessKeys"].as_array().unwrap().iter().find(|key| key["accessKeyId"] == id.as_str());
    let key = key.unwrap();
    assert_eq!((&key["maxLoginSeconds"], &key["repositories"]), (&json!(1_800), &json!(["sr"])), "{key}");
    let login = as_key(&["login", "--print", "--life", "2m"]).json();
    assert_eq!(login["username"], "AWS");
    operate(&keyless, &["access-key", "disable", &id, "--with-made"]);
    assert_eq!(as_key(&push).code, Some(1));
}

#[test]
fn the_configuration_is_checked_with_its_issuers() {
    let home = home();
    for (text, words) in [
        ("url = 'http://ci.example'\naudiences = ['a']", &["http://ci.example", "loopback"][..]),
        ("url = 'https://ci.example'\naudiences = []", &["https://ci.example", "audience"]),
        ("url = 'https://ci.example'\naudiences = ['a']\njwks-file = '/none'", &["/none"]),
    ] {
        std::fs::write(home.path().join("g.toml"), format!("[[issuer]]\n{text}\n")).unwrap();
        run(home.path(), &["serve", "--check", "--config", "g.toml"], &[]).check_failed(words);
    }
    let good = "[[issuer]]\nurl = 'https://ci.example'\naudiences = ['a']\nmax-token-life = '1h'\n";
    std::fs::write(home.path().join("g.toml"), good).unwrap();
    assert_eq!(run(home.path(), &["serve", "--check", "--config", "g.toml"], &[]).code, Some(0));
}
