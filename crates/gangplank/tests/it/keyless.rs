//! A server that trusts an issuer on this machine, and tokens of that issuer's jobs.

use gangplank_testkit::identity::{FakeIssuer, TestKey, jwks};
use gangplank_testkit::{Api, ApiAnswer, TestServer};
use serde_json::{Value, json};

use crate::api_wire::{Call, WireAnswer, now};
use crate::builder;

/// The audience of tokens.
pub(crate) const AUDIENCE: &str = "https://registry.example";

/// The media type of a form, as botocore writes it.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

/// A server, an issuer that it trusts, and the issuer's key.
pub(crate) struct Keyless {
    pub(crate) server: TestServer,
    pub(crate) issuer: FakeIssuer,
    pub(crate) key: TestKey,
}

/// The keys of a session.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) token: String,
}

impl Keyless {
    pub(crate) fn start() -> Self {
        Self::start_with("")
    }

    /// A server with additional settings in its file, before the issuer's settings.
    pub(crate) fn start_with(settings: &str) -> Self {
        let key = TestKey::p256("k1");
        let issuer = FakeIssuer::start_on_a_thread(jwks(&[key.jwk()]));
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("gangplank.toml");
        let text =
            format!("{settings}\n[[issuer]]\nurl = \"{}\"\naudiences = [\"{AUDIENCE}\"]\n", issuer.url);
        std::fs::write(&file, text).unwrap();
        let server = builder().arg("--config").arg(file.display().to_string()).start_in(home);
        Self { server, issuer, key }
    }

    /// The claims of a job of `acme/web` on its main branch.
    pub(crate) fn claims(&self) -> Value {
        json!({
            "iss": self.issuer.url, "aud": AUDIENCE, "sub": "repo:acme/web:ref:refs/heads/main",
            "iat": now(), "nbf": now() - 5, "exp": now() + 300, "jti": "j-1",
            "repository": "acme/web", "repository_id": "88", "repository_owner_id": "77",
            "ref": "refs/heads/main", "sha": "a".repeat(40), "run_id": "4711", "event_name": "push",
        })
    }

    pub(crate) fn token(&self) -> String {
        self.token_with(|_| {})
    }

    /// A token with changed claims.
    pub(crate) fn token_with(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = self.claims();
        change(&mut claims);
        self.key.token("ES256", &claims)
    }

    /// Makes a role for jobs of `acme/web`, with additional members.
    pub(crate) fn role(&self, name: &str, more: &Value) -> String {
        let answer = self.try_role(name, more);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body["role"]["arn"].as_str().unwrap().to_owned()
    }

    pub(crate) fn try_role(&self, name: &str, more: &Value) -> ApiAnswer {
        let mut input = json!({
            "roleName": name,
            "trust": { "issuer": self.issuer.url, "claims": { "repository": "acme/web" } },
        });
        for (member, value) in more.as_object().unwrap() {
            input[member] = value.clone();
        }
        self.server.api().gangplank("CreateRole", &input)
    }

    /// Requests a session from STS.
    pub(crate) fn assume(&self, role_arn: &str, token: &str, more: &str) -> WireAnswer {
        let fields = [("RoleArn", role_arn), ("WebIdentityToken", token)];
        let fields = fields.map(|(name, value)| format!("&{name}={}", escaped(value))).concat();
        let name = if more.contains("RoleSessionName") { "" } else { "&RoleSessionName=ci" };
        let body = format!("Action=AssumeRoleWithWebIdentity&Version=2011-06-15{name}{fields}{more}");
        let mut call = Call::new(&self.server, "", &body);
        call.remove("x-amz-target");
        call.set("Content-Type", FORM);
        call.send()
    }

    /// A session of a role.
    pub(crate) fn session(&self, role_arn: &str) -> Session {
        let answer = self.assume(role_arn, &self.token(), "");
        assert_eq!(answer.status, 200, "{}", answer.text());
        Session::of(&answer)
    }

    pub(crate) fn api_of(&self, session: &Session) -> Api {
        self.server.api().as_session(&session.id, &session.secret, &session.token)
    }

    /// Requests a login without a session.
    pub(crate) fn exchange(&self, role_arn: &str, token: &str, more: &Value) -> WireAnswer {
        let mut input = json!({ "roleArn": role_arn, "identityToken": token });
        for (member, value) in more.as_object().unwrap() {
            input[member] = value.clone();
        }
        Call::new(&self.server, "Gangplank_20261123.ExchangeIdentityToken", &input.to_string()).send()
    }
}

impl Session {
    pub(crate) fn of(answer: &WireAnswer) -> Self {
        let body = String::from_utf8(answer.body.clone()).unwrap();
        let text = |name| element(&body, name).to_owned();
        Self { id: text("AccessKeyId"), secret: text("SecretAccessKey"), token: text("SessionToken") }
    }
}

/// The text of the first element with this name.
pub(crate) fn element<'a>(body: &'a str, name: &str) -> &'a str {
    let rest = body.split_once(&format!("<{name}>")).map_or("", |(_, rest)| rest);
    rest.split_once(&format!("</{name}>")).map_or("", |(text, _)| text)
}

/// The status and code of an STS error.
pub(crate) fn code(answer: &WireAnswer) -> (u16, String) {
    (answer.status, element(&String::from_utf8_lossy(&answer.body), "Code").to_owned())
}

/// A value for a form.
pub(crate) fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
