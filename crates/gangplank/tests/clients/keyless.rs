//! A job without a key: a token of its CI's in a file, and a role that trusts it.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use gangplank_testkit::TestServer;
use gangplank_testkit::identity::{FakeIssuer, TestKey, jwks};
use serde_json::json;

use crate::bench::{Bench, SERVICE};
use crate::client::Call;

const AUDIENCE: &str = "sts.amazonaws.com";

/// A bench whose server trusts an issuer, and what a job of that issuer's has.
pub(crate) struct Job {
    pub(crate) bench: Bench,
    /// The role.
    pub(crate) role: String,
    /// The file of the token.
    pub(crate) token: PathBuf,
    /// Answers as long as this is here.
    _issuer: FakeIssuer,
}

impl Job {
    pub(crate) fn new() -> Self {
        let key = TestKey::rsa("k1");
        let issuer = FakeIssuer::start_on_a_thread(jwks(&[key.jwk()]));
        let home = tempfile::tempdir().expect("a home");
        let file = home.path().join("gangplank.toml");
        let text = format!("[[issuer]]\nurl = \"{}\"\naudiences = [\"{AUDIENCE}\"]\n", issuer.url);
        std::fs::write(&file, text).expect("a file");
        let server = TestServer::builder(env!("CARGO_BIN_EXE_gangplank"));
        let server = server.arg("--config").arg(file.display().to_string()).start_in(home);
        let bench = Bench::over(server);
        let api = bench.server.api();
        api.ensure_service(SERVICE);
        let trust =
            json!({ "issuer": issuer.url, "claims": { "repository": "acme/web", "ref": "refs/heads/main" } });
        let role = json!({ "roleName": "push-web", "trust": trust, "preset": "push", "services": [SERVICE] });
        let made = api.gangplank("CreateRole", &role).body;
        let role = made["role"]["arn"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the time").as_secs();
        let claims = json!({
            "iss": issuer.url, "aud": AUDIENCE, "sub": "repo:acme/web:ref:refs/heads/main", "iat": now,
            "exp": now + 300, "repository": "acme/web", "ref": "refs/heads/main", "sha": "c0ffee", "run_id": "1",
        });
        let token = bench.write("token", key.token("RS256", &claims) + "\n");
        Self { bench, role, token, _issuer: issuer }
    }

    /// What a job has in its environment.
    pub(crate) fn given(&self, call: Call) -> Call {
        call.env("AWS_ROLE_ARN", &self.role)
            .env("AWS_WEB_IDENTITY_TOKEN_FILE", &self.token)
            .env("AWS_ENDPOINT_URL", self.bench.server.endpoint())
            .env("AWS_REGION", "us-east-1")
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_PAGER", "")
    }

    /// Holds that the image came from the job.
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
