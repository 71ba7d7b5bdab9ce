//! Access keys: made, shown, disabled.

use serde_json::json;

use super::browser::{Browser, PLACE, events, make_key};
use crate::world::{KEY, World};

/// The secret on the page of a new key.
fn secret_on(page: &str) -> &str {
    let after = page.split("<dt>Secret access key</dt><dd>").nth(1).unwrap();
    after.split("data-copy=\"").nth(1).unwrap().split('"').next().unwrap()
}

#[test]
fn a_key_is_made_and_its_secret_is_shown_once() {
    let world = World::configured(|_| ());
    world.make_service(1);
    let browser = Browser::signed_in(&world);
    let form = browser.get(&format!("{PLACE}/access-keys/new"));
    form.says("What it may do").says("A root key");
    let filled = [
        ("description", "CI of <web>"),
        ("preset", "push"),
        ("services", "web, api-*"),
        ("repositories", "team/**"),
        ("networks", "127.0.0.0/8"),
        ("days", "30"),
    ];
    let made = browser.post(&form.action(), &filled);
    assert_eq!((made.status, made.header("cache-control")), (200, "no-store"));
    made.says("This page alone shows its secret").says("Ends");
    let secret = secret_on(&made.html).to_owned();
    let all = world.api().gangplank("ListAccessKeys", &json!({})).body;
    let key = &all["accessKeys"][0];
    let id = key["accessKeyId"].as_str().unwrap();
    made.says(id).says("gangplank configure --endpoint-url http://127.0.0.1:");
    assert_eq!(key["description"], "CI of <web>");
    assert_eq!(
        (&key["repositories"], &key["sourceNetworks"]),
        (&json!(["team/**"]), &json!(["127.0.0.0/8"]))
    );
    let life = key["expiresAt"].as_f64().unwrap() - key["createdAt"].as_f64().unwrap();
    assert!((life - 30.0 * 86_400.0).abs() < 5.0, "{life}");
    // The key can sign calls, and has the permissions that were chosen in the form.
    let api = world
        .api()
        .as_key(&json!({ "accessKeyId": id, "secretAccessKey": secret, "account": "000000000000" }));
    assert_eq!(api.lightsail("GetContainerServices", &json!({ "serviceName": "web" })).status, 200);
    assert_eq!(
        api.lightsail("GetContainerServices", &json!({ "serviceName": "other" })).error(),
        "AccessDeniedException"
    );

    let list = browser.get(&format!("{PLACE}/access-keys"));
    list.says(id)
        .says("CI of <web>")
        .says("push: log in, push and register images")
        .says("services api-*, web");
    list.says("logins for team/**")
        .says("only from 127.0.0.0/8")
        .says("administer the server")
        .says(&format!("by {KEY}"));
    assert!(!list.html.contains(&secret));
    assert!(!browser.get(&format!("{PLACE}/access-keys/new")).html.contains(&secret));
    let noted = events(&world, "AccessKeyCreated");
    assert_eq!((&noted[0]["subject"], &noted[0]["byConsole"]), (&json!(id), &json!(true)));
}

#[test]
fn what_cannot_be_made_says_why_and_keeps_what_was_filled_in() {
    let world = World::configured(|_| ());
    let browser = Browser::signed_in(&world);
    let path = format!("{PLACE}/access-keys/new");
    for (name, value, words) in [
        ("days", "0", "whole number"),
        ("days", "soon", "whole number"),
        ("networks", "elsewhere", "elsewhere"),
        ("preset", "admin", "none of those that are offered"),
        ("account", "12", "account"),
    ] {
        let page = browser.post(&path, &[("description", "kept \"words\""), (name, value)]);
        assert_eq!(page.status, 400, "{name}={value}");
        page.says(words);
        assert!(page.html.contains("value=\"kept &#34;words&#34;\""), "{}", page.html);
    }
    let limited = browser.post(&path, &[("root", "yes"), ("services", "web")]);
    limited.says("A root key is limited by nothing");
    assert!(limited.html.contains("value=\"yes\" checked"), "{}", limited.html);
    assert_eq!(events(&world, "AccessKeyCreated").len(), 1, "the root key's own");
}

#[test]
fn a_key_is_disabled_enabled_and_deleted() {
    let world = World::configured(|_| ());
    let key = make_key(&world, &json!({}));
    let id = key["accessKeyId"].as_str().unwrap();
    let (browser, own) = (Browser::signed_in(&world), Browser::with_key(&world, &key));
    let status = || own.get(&format!("{PLACE}/services")).status;
    assert_eq!(status(), 200);
    let list = browser.get(&format!("{PLACE}/access-keys"));
    let question = browser.get(&list.link(&format!("Disable {id}")));
    question.says("refused from the next request on").says("--with-made");
    assert_eq!(status(), 200, "a question does nothing");
    let list = browser.get(browser.post(&question.action(), &[]).location());
    list.says("The key was disabled").says("disabled");
    assert_eq!(status(), 403, "whoever is signed in with it is signed out");
    let list = browser.get(browser.confirm(&list.link(&format!("Enable {id}"))).location());
    list.says("The key was enabled");
    let list = browser.get(browser.confirm(&list.link(&format!("Delete {id}"))).location());
    list.says("The key was deleted");
    assert!(!list.text().contains(id));
    assert_eq!(browser.confirm(&format!("{PLACE}/access-keys/delete?id={id}")).status, 404);
    for kind in ["AccessKeyDisabled", "AccessKeyEnabled", "AccessKeyDeleted"] {
        assert_eq!(events(&world, kind)[0]["byConsole"], true, "{kind}");
    }
    // No root key would be left, so the API refuses the deletion, with its own message.
    let last = browser.confirm(&format!("{PLACE}/access-keys/delete?id={KEY}"));
    assert_eq!(last.status, 400);
    last.says("is the last enabled root key");
    assert_eq!(browser.post(&format!("{PLACE}/access-keys/forget?id={KEY}"), &[]).status, 404);
}

#[test]
fn a_key_that_may_only_read_makes_none_and_sees_none() {
    let world = World::configured(|_| ());
    let reader = Browser::with_key(&world, &make_key(&world, &json!({ "preset": "read" })));
    let list = reader.get(&format!("{PLACE}/access-keys"));
    assert_eq!(list.status, 403);
    assert!(!list.text().contains(KEY));
    let made = reader.post(&format!("{PLACE}/access-keys/new"), &[("root", "yes")]);
    assert_eq!(made.status, 403);
    let deleted = reader.confirm(&format!("{PLACE}/access-keys/delete?id={KEY}"));
    assert_eq!(deleted.status, 403);
    assert!(events(&world, "AccessKeyDeleted").is_empty());
}

#[test]
fn another_account_sees_its_own_keys_alone() {
    let world = World::configured(|_| ());
    let key = make_key(&world, &json!({ "account": "111122223333" }));
    let browser = Browser::with_key(&world, &key);
    let place = "/console/111122223333/us-east-1";
    let list = browser.get(&format!("{place}/access-keys"));
    list.says(key["accessKeyId"].as_str().unwrap());
    assert!(!list.html.contains(&format!("id={KEY}")), "{}", list.html);
    assert!(!browser.get(&format!("{place}/access-keys/new")).text().contains("A root key"));
    assert_eq!(browser.confirm(&format!("{place}/access-keys/delete?id={KEY}")).status, 404);
    assert_eq!(browser.post(&format!("{place}/access-keys/new"), &[("root", "yes")]).status, 403);
    assert_eq!(browser.post(&format!("{place}/access-keys/new"), &[("account", "000000000000")]).status, 403);
}
