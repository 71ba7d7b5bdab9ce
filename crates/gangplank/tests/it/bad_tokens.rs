//! Every bad token, sent to a real server both with STS and with our own operation. It is refused with the
//! right code, and no wrong host is contacted.

use gangplank_testkit::TestServer;
use gangplank_testkit::identity::bad_tokens::{AUDIENCE, BadToken, BadTokens, Verdict};
use gangplank_testkit::identity::{Decoy, FakeIssuer, tls_file};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::api_wire::{Call, WireAnswer, now};
use crate::builder;
use crate::keyless::{FORM, code, escaped};

/// A server that trusts two issuers, and a decoy host that must not be contacted.
struct Field {
    server: TestServer,
    issuer: FakeIssuer,
    neighbour: FakeIssuer,
    decoy: Decoy,
    role: String,
    /// The runtime of the issuers and the decoy.
    runtime: Runtime,
}

impl Field {
    fn start() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let [set, other] = BadTokens::key_sets();
        let (issuer, neighbour) =
            runtime.block_on(async { (FakeIssuer::start(set).await, FakeIssuer::start(other).await) });
        let decoy = runtime.block_on(Decoy::start());
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("gangplank.toml");
        let entry = |issuer: &FakeIssuer| {
            let authority = tls_file("ca.pem").display().to_string();
            format!(
                "[[issuer]]\nurl = {:?}\naudiences = [{AUDIENCE:?}]\nca-file = {authority:?}\n",
                issuer.url
            )
        };
        std::fs::write(&file, entry(&issuer) + &entry(&neighbour)).unwrap();
        // Each token comes from its own address, because an address with many failures has to wait.
        let server = builder().arg("--trusted-proxies").arg("127.0.0.0/8");
        let server = server.arg("--config").arg(file.display().to_string()).start_in(home);
        server.api().ensure_service("web");
        let trust = json!({ "issuer": issuer.url, "claims": { "sub": "repo:acme/web:ref:refs/heads/main" } });
        let made = server.api().gangplank("CreateRole", &json!({ "roleName": "push-web", "trust": trust }));
        let role = made.body["role"]["arn"].as_str().unwrap_or_else(|| panic!("{made:?}")).to_owned();
        Self { server, issuer, neighbour, decoy, role, runtime }
    }

    /// Bad tokens for the current time.
    fn tokens(&self) -> BadTokens {
        BadTokens {
            issuer: self.issuer.url.clone(),
            neighbour: self.neighbour.url.clone(),
            decoy: self.decoy.address,
            now: now(),
            slack: 600,
            keys: BadTokens::keys(),
        }
    }

    fn assume(&self, token: &str, from: usize) -> WireAnswer {
        let fields = [("RoleArn", self.role.as_str()), ("WebIdentityToken", token)];
        let fields = fields.map(|(name, value)| format!("&{name}={}", escaped(value))).concat();
        let body = format!("Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=ci{fields}");
        let mut call = Call::new(&self.server, "", &body);
        call.remove("x-amz-target");
        call.set("Content-Type", FORM);
        send(call, from)
    }

    fn exchange(&self, token: &str, from: usize) -> WireAnswer {
        let body = json!({ "roleArn": self.role, "identityToken": token }).to_string();
        send(Call::new(&self.server, "Gangplank_20261123.ExchangeIdentityToken", &body), from)
    }

    fn check(&self, bad: &BadToken, from: usize) {
        let BadToken { name, token, verdict } = bad;
        let (assumed, exchanged) = (self.assume(token, from), self.exchange(token, from));
        let [by_form, by_json] = match verdict {
            Verdict::Invalid => ["InvalidIdentityToken", "InvalidIdentityTokenException"],
            Verdict::Expired => ["ExpiredTokenException", "ExpiredTokenException"],
            Verdict::Validation => ["ValidationError", "InvalidInputException"],
        };
        assert_eq!(code(&assumed), (400, by_form.to_owned()), "{name}: {}", assumed.text());
        assert_eq!(
            (exchanged.status, exchanged.error().as_str()),
            (400, by_json),
            "{name}: {}",
            exchanged.text()
        );
        let log = self.server.log();
        for part in token.split('.').filter(|part| part.len() > 40) {
            for said in [assumed.text(), exchanged.text(), log.clone()] {
                assert!(!said.contains(part), "{name}: the token is told");
            }
        }
    }

    /// The number of sessions.
    fn sessions(&self) -> usize {
        let listed = self.server.api().gangplank("ListRoleSessions", &json!({ "roleName": "push-web" })).body;
        listed["roleSessions"].as_array().unwrap_or_else(|| panic!("{listed}")).len()
    }
}

/// Sends a call from its own address.
fn send(mut call: Call, from: usize) -> WireAnswer {
    call.add("X-Forwarded-For", &format!("10.0.{}.{}", from / 250, from % 250 + 1));
    call.send()
}

#[test]
fn every_bad_token_is_refused_with_its_code_and_leads_nowhere() {
    let field = Field::start();
    let mut sent = 0;
    for number in 0..7 {
        // The tokens are made just before they are sent, because some depend on seconds.
        let (group, tokens) = field.tokens().groups()[number].clone();
        assert!(tokens.len() > 5, "{group}");
        for token in tokens {
            field.check(&token, sent);
            sent += 1;
        }
        assert_eq!(field.sessions(), 2 * number, "no token of these began a session: {group}");
        // A valid token still works, so the bad ones were refused for their faults.
        let good = field.tokens().good();
        assert_eq!(field.assume(&good, 0).status, 200, "{group}");
        assert_eq!(field.exchange(&good, 0).status, 200, "{group}");
    }
    assert!(sent > 100, "{sent}");
    assert_eq!(field.runtime.block_on(field.decoy.met()), 0, "a token led to a connection");
    let logins = field.server.api().gangplank("ListRegistryLogins", &json!({})).body;
    assert_eq!(logins["registryLogins"].as_array().map(Vec::len), Some(7), "{logins}");
}
