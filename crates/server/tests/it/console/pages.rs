//! The parts that every page has, and the list of logins.

use gangplank_testkit::{Image, Registry};
use serde_json::json;

use super::browser::{Browser, PLACE, events, make_key};
use crate::world::World;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

#[test]
fn every_answer_is_fenced_and_pages_are_not_kept() {
    let world = World::configured(|_| ());
    let (stranger, browser) = (Browser::new(&world), Browser::signed_in(&world));
    let answers = [
        stranger.get("/console/in"),
        stranger.get("/console/"),
        stranger.get("/console/in?t=x"),
        stranger.post("/console/in", &[]),
        stranger.send(stranger.request("PUT", "/console/")),
        stranger.send(stranger.request("POST", "/console/in")),
        browser.get(&format!("{PLACE}/services")),
        browser.get(&format!("{PLACE}/logins")),
        browser.get(&format!("{PLACE}/nothing")),
        browser.get("/console/a/0/app.css"),
    ];
    for answer in answers {
        assert_eq!(answer.header("content-security-policy"), POLICY, "{answer:?}");
        assert_eq!(answer.header("cache-control"), "no-store");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
        ] {
            assert_eq!(answer.header(name), value, "{name}");
        }
    }
}

#[test]
fn what_pages_load_is_there_and_kept_for_good() {
    let world = World::configured(|_| ());
    let browser = Browser::new(&world);
    let form = browser.get("/console/in");
    let mut kinds = Vec::new();
    for part in form.html.split('"').filter(|part| part.starts_with("/console/a/")) {
        let asset = browser.get(part);
        assert_eq!(
            (asset.status, asset.header("cache-control")),
            (200, "public, max-age=31536000, immutable")
        );
        kinds.push(asset.header("content-type").to_owned());
        let tag = asset.header("etag");
        let known = browser.send(browser.request("GET", part).header("if-none-match", tag));
        assert_eq!((known.status, known.html.as_str()), (304, ""));
    }
    let expected =
        ["image/svg+xml", "text/css; charset=utf-8", "text/javascript; charset=utf-8", "image/svg+xml"];
    assert_eq!(kinds, expected, "{}", form.html);
    assert_eq!(browser.send(browser.request("HEAD", "/console/in")).status, 200);
}

#[test]
fn navigation_leads_to_every_screen_and_marks_the_one_that_is_shown() {
    let world = World::configured(|_| ());
    let browser = Browser::signed_in(&world);
    let page = browser.get(&format!("{PLACE}/services"));
    for screen in ["Services", "Logins", "Access keys", "Roles", "Audit", "Repositories", "Health"] {
        let shown = browser.get(&page.link(screen));
        assert_eq!(shown.status, 200);
        let marked =
            format!("{PLACE}/{}\" aria-current=\"page\">{screen}<", screen.to_lowercase().replace(' ', "-"));
        assert!(shown.html.contains(&marked), "{marked} is not in {}", shown.html);
    }
    let elsewhere = browser.get("/console/go?region=eu-west-1");
    assert_eq!(elsewhere.location(), "/console/000000000000/eu-west-1/services");
    assert!(browser.get(elsewhere.location()).html.contains("<option selected>eu-west-1"));
    for nowhere in ["/console/go?region=mars-1", "/console/000000000000/mars-1/services", "/console/x"] {
        assert_eq!(browser.get(nowhere).status, 404, "{nowhere}");
    }
}

#[test]
fn logins_show_what_each_is_and_are_revoked() {
    let world = World::configured(|_| ());
    world.make_service(1);
    let key = make_key(&world, &json!({}));
    let id = key["accessKeyId"].as_str().unwrap();
    let other = world.api().as_key(&key);
    let pushing = world.api().push_login();
    world.api().registry_login(&json!({ "serviceName": "web", "sourceNetworks": ["10.0.0.0/8"] }));
    for _ in 0..3 {
        other.registry_login(&json!({ "scope": ["push", "pull", "delete"] }));
    }
    let registry = Registry::new(&format!("http://{}", world.address()), Some(pushing.clone()));
    registry.push_image("sr", "new", &Image::unique(1));
    let browser = Browser::signed_in(&world);
    let list = browser.get(&format!("{PLACE}/logins"));
    list.says("pull images of web only from 10.0.0.0/8").says("operator may push, pull, delete");
    list.says(id).says("127.0.0.1").says("gangplank registry-login list --endpoint-url http://127.0.0.1:");
    assert_eq!(list.html.matches(">active<").count(), 5);

    // Then one login is revoked.
    let question = browser.get(&list.link("Revoke login 1"));
    question.says("Revoke login 1?").says("refused from the next request on");
    assert_eq!(registry.status("GET", "/v2/"), 200, "a question does nothing");
    let done = browser.post(&question.action(), &[]);
    browser.get(done.location()).says("The login was revoked");
    assert_eq!(registry.status("GET", "/v2/"), 401);
    let again = browser.confirm(&format!("{PLACE}/logins/revoke?id=99"));
    assert_eq!(again.status, 404);
    again.says("There is no registry login 99");

    // Revoke all logins of a key.
    let all = list.link(&format!("Revoke all logins of {id}"));
    let done = browser.confirm(&all);
    let list = browser.get(done.location());
    list.says("3 logins were revoked");
    assert_eq!((list.html.matches(">active<").count(), list.html.matches(">revoked<").count()), (1, 4));
    let first = list.html.find(">active<").unwrap();
    assert!(first < list.html.find(">revoked<").unwrap(), "live ones come first");
    let revoked = events(&world, "LoginRevoked");
    assert_eq!(revoked.len(), 4);
    assert!(revoked.iter().all(|event| event["byConsole"] == true && event["accessKeyId"] != id));
    let issued = events(&world, "LoginIssued");
    assert!(issued.iter().all(|event| event.get("byConsole").is_none()), "{issued:?}");
}

#[test]
fn a_key_with_a_policy_may_do_here_what_it_may_do_anywhere() {
    let world = World::configured(|_| ());
    world.make_service(1);
    let image = world.register();
    let reader = make_key(&world, &json!({ "preset": "read" }));
    let browser = Browser::with_key(&world, &reader);
    let list = browser.get(&format!("{PLACE}/services"));
    assert_eq!(list.status, 200);
    let page = browser.get(&list.link("web"));
    page.says(&image);
    let refused = browser.confirm(&page.link(&format!("Delete {image}")));
    assert_eq!(refused.status, 403);
    refused.says("is not authorized to perform: lightsail:DeleteContainerImage");
    let logins = browser.get(&format!("{PLACE}/logins"));
    assert_eq!(logins.status, 403);
    logins.says("is not authorized to perform: gangplank:ListRegistryLogins");
    let refused = events(&world, "RequestRefused");
    assert!(refused.iter().all(|event| event["byConsole"] == true), "{refused:?}");
    assert!(refused.iter().any(|event| event["action"] == "DeleteContainerImage"), "{refused:?}");
    let images = world.done("GetContainerImages", json!({ "serviceName": "web" }));
    assert_eq!(images["containerImages"].as_array().unwrap().len(), 1);
}

#[test]
fn an_access_key_of_another_account_sees_its_own_account_alone() {
    let world = World::configured(|_| ());
    world.make_service(1);
    let key = make_key(&world, &json!({ "account": "111122223333" }));
    let browser = Browser::with_key(&world, &key);
    let place = "/console/111122223333/us-east-1";
    browser.get(&format!("{place}/services")).says("There is no container service in this region yet");
    let other = browser.get(&format!("{PLACE}/services/web"));
    assert_eq!(other.status, 403);
    other.says("of the account 000000000000, and you are signed in to the account 111122223333");
}
