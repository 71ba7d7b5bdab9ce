//! A job without an access key: the token of its CI in a file, and a role that trusts it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use gangplank_testkit::identity::{FakeIssuer, TestKey, TokenEndpoint, jwks};
use gangplank_testkit::{Image, Login, ServerBuilder, TestServer};
use serde_json::{Value, json};

use crate::bench::{Bench, SERVICE};
use crate::client::{Call, Program};

const AUDIENCE: &str = "sts.amazonaws.com";

/// A bench whose server trusts an issuer, with the environment of a job.
pub(crate) struct Job {
    pub(crate) bench: Bench,
    /// The role.
    pub(crate) role: String,
    /// The file of the token.
    pub(crate) token: PathBuf,
    key: Arc<TestKey>,
    /// The issuer. The issuer answers while this value exists.
    issuer: FakeIssuer,
}

impl Job {
    pub(crate) fn new() -> Self {
        Self::at(&[AUDIENCE], |server| server)
    }

    /// A job whose server accepts tokens for these audiences and has this configuration.
    pub(crate) fn at(audiences: &[&str], configure: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Self {
        Self::made(audiences, configure, |call| call)
    }

    /// A job whose server has this self-signed certificate.
    pub(crate) fn over_tls(audiences: &[&str], certificate: &str, key: &str) -> Self {
        let configure =
            |server: ServerBuilder| server.arg("--tls-cert").arg(certificate).arg("--tls-key").arg(key);
        Self::made(audiences, configure, |call| call.env("SSL_CERT_FILE", certificate))
    }

    fn made(
        audiences: &[&str],
        configure: impl FnOnce(ServerBuilder) -> ServerBuilder,
        trusting: impl Fn(Call) -> Call,
    ) -> Self {
        let key = Arc::new(TestKey::rsa("k1"));
        let issuer = FakeIssuer::start_on_a_thread(jwks(&[key.jwk()]));
        let home = tempfile::tempdir().expect("a home");
        let file = home.path().join("gangplank.toml");
        let text = format!("[[issuer]]\nurl = \"{}\"\naudiences = {audiences:?}\n", issuer.url);
        std::fs::write(&file, text).expect("a file");
        let server = configure(TestServer::builder(env!("CARGO_BIN_EXE_gangplank")));
        let bench = Bench::over(server.arg("--config").arg(file.display().to_string()).start_in(home));
        let gangplank = Program::at(env!("CARGO_BIN_EXE_gangplank").as_ref()).expect("gangplank");
        let operate = |args: &[&str]| {
            let done = trusting(bench.call_with_keys(&gangplank, args.iter().copied())).run().ok();
            serde_json::from_str::<Value>(&done.stdout).unwrap_or_else(|_| panic!("{done}"))
        };
        let service =
            ["lightsail", "create-container-service", "--power=nano", "--scale=1", "--service-name"];
        operate(&[&service[..], &[SERVICE]].concat());
        let pins = ["--claim=repository=acme/web", "--claim=ref=refs/heads/main"];
        let create = ["role", "create", "push-web", "--preset=push", "--service", SERVICE, "--issuer"];
        let made = operate(&[&create[..], &[&issuer.url, "--audience", audiences[0]], &pins].concat());
        let role = made["arn"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
        let token = bench.write("token", made_for(&key, &issuer.url, audiences[0]) + "\n");
        Self { bench, role, token, key, issuer }
    }

    /// The endpoint where a GitHub runner gives this job its tokens.
    pub(crate) fn token_endpoint(&self) -> TokenEndpoint {
        self.token_endpoint_for(str::to_owned)
    }

    /// That endpoint, with a function that makes the token for an audience.
    pub(crate) fn token_endpoint_for(
        &self,
        audience: impl Fn(&str) -> String + Send + 'static,
    ) -> TokenEndpoint {
        let (key, issuer) = (Arc::clone(&self.key), self.issuer.url.clone());
        TokenEndpoint::start(move |asked| made_for(&key, &issuer, &audience(asked)))
    }

    /// Sets the environment of a job.
    pub(crate) fn given(&self, call: Call) -> Call {
        call.env("AWS_ROLE_ARN", &self.role)
            .env("AWS_WEB_IDENTITY_TOKEN_FILE", &self.token)
            .env("AWS_ENDPOINT_URL", self.bench.server.endpoint())
            .env("AWS_REGION", "us-east-1")
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_PAGER", "")
    }

    /// Makes a login with only the token, pushes with it, and registers the image, through a program with an
    /// SDK. `run` runs this program: with `login` it prints a password, and with `register` it registers a
    /// digest.
    pub(crate) fn push_by(&self, run: impl Fn(&[&str]) -> Call) {
        let run = |args: &[&str]| self.given(run(args)).run().ok().stdout.trim().to_owned();
        let registry = self.bench.server.host();
        let login = Login { username: "AWS".to_owned(), password: run(&["login"]), registry };
        let digest = self.bench.server.registry_as(&login).push_image("sr", "job", &Image::unique(1));
        assert_eq!(run(&["register", &digest]), ":web.app.1");
        self.check_origin(":web.app.1");
    }

    /// Checks that the image's origin is the job.
    pub(crate) fn check_origin(&self, image: &str) {
        let origin = self.bench.server.api().gangplank("GetImageOrigin", &json!({ "image": image })).body;
        for list in ["pushes", "registrations"] {
            let origin = &origin[list][0];
            assert_eq!(
                (&origin["principal"], &origin["claims"]["sha"]),
                (&json!(self.role), &json!("c0ffee")),
                "{origin}"
            );
        }
    }
}

/// A token of the job for an audience.
fn made_for(key: &TestKey, issuer: &str, audience: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the time").as_secs();
    let claims = json!({
        "iss": issuer, "aud": audience, "sub": "repo:acme/web:ref:refs/heads/main", "iat": now, "exp": now + 300,
        "repository": "acme/web", "ref": "refs/heads/main", "sha": "c0ffee", "run_id": "1",
    });
    key.token("RS256", &claims)
}
