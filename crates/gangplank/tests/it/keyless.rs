//! A job without an access key, from its identity token to a registered image, by the program alone: a real server, and
//! an issuer on loopback.

use gangplank_testkit::identity::{FakeIssuer, TestKey, jwks};
use gangplank_testkit::{Image, TestServer};
use serde_json::{Value, json};

use crate::builder;
use crate::cli::{Ran, home, run};
use crate::image_files::write_layout;

pub(crate) const AUDIENCE: &str = "https://registry.example";

/// A server that an issuer is configured on, and that issuer.
pub(crate) struct Keyless {
    pub(crate) server: TestServer,
    pub(crate) issuer: FakeIssuer,
    key: TestKey,
}

impl Keyless {
    pub(crate) fn start() -> Self {
        let key = TestKey::p256("ec");
        let issuer = FakeIssuer::start_on_a_thread(jwks(&[key.jwk()]));
        let home = home();
        let file = home.path().join("gangplank.toml");
        let text = format!("[[issuer]]\nurl = \"{}\"\naudiences = [\"{AUDIENCE}\"]\n", issuer.url);
        std::fs::write(&file, text).unwrap();
        let server = builder().arg("--config").arg(file.to_str().unwrap()).start_in(home);
        server.api().ensure_service("web");
        Self { server, issuer, key }
    }

    /// A token of a job of this repository, on this ref.
    pub(crate) fn token(&self, repository: &str, git_ref: &str) -> String {
        let now = jiff::Timestamp::now().as_second();
        self.key.token(
            "ES256",
            &json!({
                "iss": self.issuer.url, "aud": AUDIENCE, "sub": format!("repo:{repository}:ref:{git_ref}"),
                "repository": repository, "ref": git_ref, "sha": "1234abcd", "run_id": "77",
                "event_name": "push", "iat": now, "nbf": now, "exp": now + 300,
            }),
        )
    }

    /// Writes a token where a job has it.
    pub(crate) fn write_token(&self, token: &str) {
        std::fs::write(self.server.home().join("token"), token).unwrap();
    }

    /// Runs a command as the server's operator.
    pub(crate) fn operate(&self, args: &[&str]) -> Ran {
        let data_dir = self.server.data_dir();
        run(self.server.home(), &[args, &["--data-dir", data_dir.to_str().unwrap()]].concat(), &[])
    }

    /// Makes a role for the main branch of a repository; its ARN.
    pub(crate) fn role(&self, name: &str, more: &[&str]) -> String {
        let args = ["role", "create", name, "--github", "acme/web", "--ref", "refs/heads/main", "--issuer"];
        let made = self.operate(&[&args[..], &[self.issuer.url.as_str()], more].concat()).json();
        made["arn"].as_str().unwrap().to_owned()
    }

    /// Runs a command as a job does that has nothing but a role's name and a token's file.
    pub(crate) fn as_role(&self, role: &str, args: &[&str]) -> Ran {
        let token = self.server.home().join("token");
        let environment = [
            ("AWS_ROLE_ARN", role),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap()),
            ("AWS_ROLE_SESSION_NAME", "job-7"),
            ("AWS_ENDPOINT_URL", &self.server.endpoint()),
            ("AWS_REGION", "us-east-1"),
        ];
        run(self.server.home(), args, &environment)
    }
}

#[test]
fn a_job_pushes_and_registers_by_its_token_and_it_is_known_afterwards() {
    let keyless = Keyless::start();
    let role = keyless.role("push-web", &["--preset", "push", "--service", "web", "--max-login", "30m"]);
    keyless.write_token(&keyless.token("acme/web", "refs/heads/main"));
    write_layout(&keyless.server.home().join("layout"), &Image::unique(2));
    let push = ["push", "oci:layout", "--service-name", "web", "--label", "app", "-q"];
    let pushed = keyless.as_role(&role, &push);
    assert_eq!((pushed.code, pushed.stdout.as_str()), (Some(0), ":web.app.1\n"), "{pushed:?}");

    let origin: Value = keyless.operate(&["image", "show", ":web.app.1"]).json();
    for part in ["pushes", "registrations"] {
        let by = &origin[part][0];
        assert_eq!((&by["principal"], &by["sessionName"]), (&json!(role), &json!("job-7")), "{origin}");
        assert_eq!(by["claims"]["sha"], "1234abcd", "{origin}");
        assert_eq!(by["claims"]["run_id"], "77", "{origin}");
    }
    let logins = keyless.operate(&["registry-login", "list"]).json();
    let login = &logins["registryLogins"][0];
    assert_eq!((&login["roleName"], &login["repositories"]), (&json!("push-web"), &json!(["sr"])), "{login}");
    // What it may not do, it cannot.
    for other in [&["access-key", "list"][..], &["role", "list"], &["registry-login", "list"], &["gc"]] {
        keyless.as_role(&role, other).check_failed(&["AccessDeniedException"]);
    }

    keyless.operate(&["role", "disable", "push-web"]);
    keyless.as_role(&role, &push).check_failed(&["AssumeRoleWithWebIdentity was refused with AccessDenied"]);
    let after: Value = keyless.operate(&["image", "show", ":web.app.1"]).json();
    assert_eq!(after, origin, "who did it stays known");
}

#[test]
fn a_token_is_exchanged_for_a_login_that_pushes_until_the_role_is_disabled() {
    let keyless = Keyless::start();
    let role = keyless.role("push-web", &["--preset", "push", "--max-login", "30m"]);
    let token = keyless.token("acme/web", "refs/heads/main");
    let endpoint = format!("--endpoint-url={}", keyless.server.endpoint());
    let login = |token: &str, more: &[&str]| {
        keyless.write_token(token);
        let args = ["login", "--role", &role, "--token-file", "token", "--print", &endpoint];
        run(keyless.server.home(), &[&args[..], more].concat(), &[])
    };
    let printed = login(&token, &["--life", "2m"]).json();
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
    login(&keyless.token("acme/web", "refs/heads/other"), &[]).check_failed(&["AccessDeniedException"]);
    login("a.b.c", &[]).check_failed(&["InvalidIdentityTokenException"]);
    keyless.operate(&["role", "disable", "push-web"]);
    assert_eq!(registry.status("POST", "sr/blobs/uploads/"), 401);
}

#[test]
fn a_token_is_tried_on_a_real_role() {
    let keyless = Keyless::start();
    keyless.role("push-web", &[]);
    let attempt = |token: &str| {
        keyless.write_token(token);
        keyless.operate(&["role", "try", "push-web", "--token-file", "token"])
    };
    let good = attempt(&keyless.token("acme/web", "refs/heads/main"));
    assert_eq!(good.code, Some(0), "{good:?}");
    assert!(good.stdout.ends_with("The token opens the role push-web.\n"), "{good:?}");
    let other = attempt(&keyless.token("acme/web", "refs/heads/other"));
    assert_eq!((other.code, other.stderr.as_str()), (Some(1), ""), "{other:?}");
    assert!(
        other.stdout.contains("wanted refs/heads/main, found refs/heads/other: does not hold"),
        "{other:?}"
    );
    let broken = attempt("a.b.c");
    assert_eq!(broken.code, Some(1), "{broken:?}");
    assert!(broken.stdout.contains("does not open the role push-web"), "{broken:?}");
}

#[test]
fn what_a_role_would_not_protect_is_not_made() {
    let keyless = Keyless::start();
    let issuer = keyless.issuer.url.as_str();
    let create = |args: &[&str]| keyless.operate(&[&["role", "create", "r"], args].concat());
    create(&["--github", "acme/web"])
        .check_failed(&["token.actions.githubusercontent.com", "is not configured"]);
    create(&["--issuer", issuer, "--claim", "ref=refs/heads/main"]).check_failed(&["must fix who comes"]);
    create(&["--github", "*/web", "--issuer", issuer]).check_failed(&["must fix who comes", "the owner"]);
    create(&["--github", "acme/web", "--issuer", issuer, "--audience", "other"])
        .check_failed(&["\"other\" is not configured", AUDIENCE]);
    assert_eq!(keyless.operate(&["role", "list"]).json(), json!({ "roles": [] }));
}

#[test]
fn a_scoped_key_does_what_it_is_for_and_goes_with_all_it_made() {
    let keyless = Keyless::start();
    let create =
        ["access-key", "create", "--preset", "push", "--max-login", "30m", "--description", "old CI"];
    let made = keyless.operate(&create).json();
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
    let origin = keyless.operate(&["image", "show", ":web.app.1"]).json();
    assert_eq!(origin["pushes"][0]["accessKeyId"], id.as_str(), "{origin}");
    assert_eq!(origin["pushes"][0]["description"], "old CI", "{origin}");
    as_key(&["role", "list"]).check_failed(&["AccessDeniedException"]);
    as_key(&["login", "--service-name", "web"]).check_failed(&["AccessDeniedException"]);
    let listed = keyless.operate(&["access-key", "list"]).json();
    let key = listed["accessKeys"].as_array().unwrap().iter().find(|key| key["accessKeyId"] == id.as_str());
    let key = key.unwrap();
    assert_eq!((&key["maxLoginSeconds"], &key["repositories"]), (&json!(1_800), &json!(["sr"])), "{key}");
    let login = as_key(&["login", "--print", "--life", "2m"]).json();
    assert_eq!(login["username"], "AWS");
    keyless.operate(&["access-key", "disable", &id, "--with-made"]);
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
