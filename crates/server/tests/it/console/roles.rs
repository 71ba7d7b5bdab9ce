//! Roles: the tokens that they trust, their sessions, and refused tokens.

use gangplank_server::Issuer;
use gangplank_testkit::identity::{FakeIssuer, TestKey, jwks};
use serde_json::{Value, json};

use super::browser::{Browser, PLACE, events, make_key};
use crate::world::World;

const AUDIENCE: &str = "https://registry.example";

/// A server that trusts an issuer, with a role for the jobs of `acme/web`.
struct Keyless {
    world: World,
    issuer: FakeIssuer,
    key: TestKey,
}

impl Keyless {
    fn start() -> Self {
        let key = TestKey::p256("k1");
        let issuer = FakeIssuer::start_on_a_thread(jwks(&[key.jwk()]));
        let url = issuer.url.clone();
        let world =
            World::configured(move |config| config.issuers = vec![Issuer::new(url.as_str(), [AUDIENCE])]);
        world.make_service(1);
        let role = json!({
            "roleName": "ci", "preset": "push", "services": ["web"], "description": "<b>jobs</b>",
            "trust": { "issuer": issuer.url, "claims": { "repository": "acme/web" },
                       "refusedClaims": { "event_name": ["pull_request_target"] } },
        });
        let made = world.api().gangplank("CreateRole", &role);
        assert_eq!(made.status, 200, "{made:?}");
        Self { world, issuer, key }
    }

    /// Exchanges a token of a repository's job. Returns the status.
    fn exchange(&self, repository: &str) -> u16 {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let token = self.key.token("ES256", &json!({
            "iss": self.issuer.url, "aud": AUDIENCE, "sub": format!("repo:{repository}"), "iat": now, "nbf": now - 5,
            "exp": now + 300, "repository": repository, "run_id": "4711", "event_name": "push",
        }));
        let body: Value = json!({ "roleArn": "arn:aws:iam::000000000000:role/ci", "identityToken": token });
        let request = reqwest::blocking::Client::new().post(format!("http://{}/", self.world.address()));
        let request = request.header("content-type", "application/x-amz-json-1.1");
        let request = request.header("x-amz-target", "Gangplank_20261123.ExchangeIdentityToken");
        request.body(body.to_string()).send().unwrap().status().as_u16()
    }
}

#[test]
fn a_role_shows_whom_it_trusts_who_came_and_who_was_refused() {
    let keyless = Keyless::start();
    let world = &keyless.world;
    assert_eq!(keyless.exchange("acme/web"), 200);
    assert_ne!(keyless.exchange("evil/web"), 200);
    let browser = Browser::signed_in(world);
    let list = browser.get(&format!("{PLACE}/roles"));
    let host = keyless.issuer.url.split("://").nth(1).unwrap();
    list.says(&format!("tokens of {host} where repository is acme/web and aud is {AUDIENCE}"));
    list.says("but none where event_name is pull_request_target").says("<b>jobs</b>");
    list.says("push: log in, push and register images").says("services web");

    let page = browser.get(&list.link("ci"));
    page.says("arn:aws:iam::000000000000:role/ci").says("run_id 4711").says("repository acme/web");
    page.says("ExchangeIdentityToken").says("TrustPolicy");
    let listed = world.api().gangplank("ListRoleSessions", &json!({ "roleName": "ci" })).body;
    let id = listed["roleSessions"][0]["accessKeyId"].as_str().unwrap();
    page.says(id).says("gangplank role try ci --token-file token.jwt");
    // The page shows the refusals that the API lists for this role.
    let refused =
        world.api().gangplank("ListAuditEvents", &json!({ "kind": "CallRefused", "roleName": "ci" })).body;
    assert_eq!(refused["auditEvents"].as_array().unwrap().len(), 1, "{refused}");
    let other = world.api().gangplank("ListAuditEvents", &json!({ "roleName": "c" })).body;
    assert_eq!(other["auditEvents"], json!([]), "a name is not the beginning of one");
    let all = world.api().gangplank("ListAuditEvents", &json!({ "roleName": "ci" })).body;
    let kinds: Vec<&Value> =
        all["auditEvents"].as_array().unwrap().iter().map(|event| &event["kind"]).collect();
    assert!(kinds.contains(&&json!("CreateRole")) && kinds.contains(&&json!("LoginIssued")), "{all}");

    let question = browser.get(&page.link(&format!("Revoke the session {id}")));
    question.says("with its logins");
    let page = browser.get(browser.post(&question.action(), &[]).location());
    page.says("The session was revoked").says("There are none here that have not ended");
    assert_eq!(events(world, "RevokeRoleSession")[0]["byConsole"], true);
}

#[test]
fn a_role_is_disabled_enabled_and_deleted() {
    let keyless = Keyless::start();
    let browser = Browser::signed_in(&keyless.world);
    let page = browser.get(&format!("{PLACE}/roles/show?name=ci"));
    let page = browser.get(browser.confirm(&page.link("Disable")).location());
    page.says("The role was disabled").says("disabled");
    assert_ne!(keyless.exchange("acme/web"), 200);
    let page = browser.get(browser.confirm(&page.link("Enable")).location());
    page.says("The role was enabled");
    assert_eq!(keyless.exchange("acme/web"), 200);
    let list = browser.get(browser.confirm(&page.link("Delete")).location());
    list.says("The role was deleted")
        .says("There are no roles here yet")
        .says("gangplank role create ci --github");
    assert_eq!(browser.get(&format!("{PLACE}/roles/show?name=ci")).status, 404);
}

#[test]
fn roles_are_shown_to_whoever_may_see_them_in_their_account() {
    let keyless = Keyless::start();
    let world = &keyless.world;
    let reader = Browser::with_key(world, &make_key(world, &json!({ "preset": "read" })));
    for path in ["roles", "roles/show?name=ci"] {
        let page = reader.get(&format!("{PLACE}/{path}"));
        assert_eq!(page.status, 403);
        assert!(!page.text().contains("acme/web"), "{}", page.text());
    }
    assert_eq!(reader.confirm(&format!("{PLACE}/roles/delete?name=ci")).status, 403);
    let policy = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": ["gangplank:GetRole", "gangplank:ListRoles"], "Resource": "*" }] });
    let key = make_key(world, &json!({ "policy": policy.to_string() }));
    let page = Browser::with_key(world, &key).get(&format!("{PLACE}/roles/show?name=ci"));
    page.says("acme/web").says("gangplank:ListRoleSessions").says("gangplank:ListAuditEvents");
    let other = Browser::with_key(world, &make_key(world, &json!({ "account": "111122223333" })));
    let place = "/console/111122223333/us-east-1";
    assert_eq!(other.get(&format!("{place}/roles/show?name=ci")).status, 404);
    other.get(&format!("{place}/roles")).says("There are no roles here yet");
}
