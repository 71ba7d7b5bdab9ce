//! The audit trail on the console.

use gangplank_testkit::{Image, Registry};
use serde_json::{Value, json};

use super::browser::{Browser, PLACE, make_key};
use crate::world::{KEY, World};

#[test]
fn events_are_shown_and_lead_to_what_they_are_about() {
    let world = World::configured(|_| ());
    world.make_service(1);
    let key = make_key(&world, &json!({ "description": "CI" }));
    let id = key["accessKeyId"].as_str().unwrap();
    let api = world.api().as_key(&key);
    let registry = Registry::new(&format!("http://{}", world.address()), Some(api.push_login()));
    let digest = registry.push_image("team/app", "v1", &Image::unique(1));
    let image = api.register("web", "app", &digest);
    let browser = Browser::signed_in(&world);
    let page = browser.get(&format!("{PLACE}/audit"));
    page.says("ManifestPushed")
        .says("ImageRegistered")
        .says("team/app")
        .says("login 1")
        .says("on the console");
    let first = page.html.find("<th scope=\"row\" data-label=\"What\">").unwrap();
    assert!(
        page.html[first..].starts_with("<th scope=\"row\" data-label=\"What\">ConsoleSignedIn"),
        "the newest first"
    );
    browser.get(&page.link("the manifest")).says(&digest);

    // The pages of keys, logins, repositories, manifests and services link to their events.
    let shown = |path: &str, link: &str| browser.get(&browser.get(&format!("{PLACE}/{path}")).link(link));
    let of_key = shown("access-keys", &format!("Events of {id}"));
    of_key.says("AccessKeyCreated").says("ImageRegistered");
    assert!(!of_key.html.contains("\"What\">ServiceCreated<"), "{}", of_key.html);
    shown("logins", "Events of login 1").says("ManifestPushed");
    shown("repositories/show?name=team/app", "Events in this repository").says("ManifestPushed");
    shown("repositories/manifest?name=team/app&ref=v1", "Events of this content").says("ImageRegistered");
    shown("services/web", "Events of this service").says("ServiceCreated");
    let of_image = browser.get(&format!("{PLACE}/audit?subject={image}&kind=ImageRegistered"));
    of_image.says(&format!("gangplank audit --subject {image} --kind ImageRegistered --endpoint-url"));
    assert_eq!(of_image.html.matches("<th scope=\"row\"").count(), 1);
    browser.get(&format!("{PLACE}/audit?address=192.0.2.1")).says("No event here fits");
    browser.get(&format!("{PLACE}/audit?since=2020-01-01&until=2020-01-02T10:00")).says("No event here fits");
    browser.get(&format!("{PLACE}/audit?since=2020-01-01&key={KEY}")).says("ServiceCreated");
    for wrong in ["since=soon", "kind=Nothing", "address=here", "login=x", "key=x"] {
        assert_eq!(browser.get(&format!("{PLACE}/audit?{wrong}")).status, 400, "{wrong}");
    }
}

#[test]
fn events_are_told_page_by_page_and_had_as_a_file() {
    let world = World::configured(|_| ());
    world.make_service(1);
    for number in 0..105 {
        let tags = json!([{ "key": format!("k{number}"), "value": "v" }]);
        world.done("TagResource", json!({ "resourceName": "web", "tags": tags }));
        world.done("UntagResource", json!({ "resourceName": "web", "tagKeys": [format!("k{number}")] }));
    }
    let browser = Browser::signed_in(&world);
    let rows = |page: &super::browser::Page| page.html.matches("<th scope=\"row\"").count();
    let first = browser.get(&format!("{PLACE}/audit?kind=TagResource"));
    let second = browser.get(&first.link("Older events"));
    assert_eq!((rows(&first), rows(&second)), (100, 5));
    assert!(!second.html.contains("\"What\">UntagResource<"), "the next page asks for the same");

    let file = browser.get(&first.link("Download as JSON lines"));
    assert_eq!((file.status, file.header("content-type")), (200, "application/octet-stream"));
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"audit.jsonl\"");
    assert_eq!(file.header("cache-control"), "no-store");
    let lines: Vec<Value> = file.html.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told = world.api().gangplank("ListAuditEvents", &json!({ "kind": "TagResource" })).body;
    assert_eq!(lines.len(), 105);
    assert_eq!(json!(lines), told["auditEvents"], "a line is what the API tells");
}

#[test]
fn the_trail_is_for_whoever_may_read_it() {
    let world = World::configured(|_| ());
    world.make_service(1);
    let reader = Browser::with_key(&world, &make_key(&world, &json!({ "preset": "read" })));
    for path in ["audit", "audit/export"] {
        let page = reader.get(&format!("{PLACE}/{path}"));
        assert_eq!(page.status, 403);
        assert!(!page.html.contains("ServiceCreated"));
    }
    let other = Browser::with_key(&world, &make_key(&world, &json!({ "account": "111122223333" })));
    let place = "/console/111122223333/us-east-1";
    for path in ["audit", "audit/export"] {
        let page = other.get(&format!("{place}/{path}"));
        assert_eq!(page.status, 200);
        assert!(page.html.contains("ConsoleSignedIn") && !page.html.contains("\"What\">ServiceCreated<"));
        assert!(!page.html.contains("\"kind\":\"ServiceCreated\""), "{}", page.html);
        assert_eq!(other.get(&format!("{place}/{path}?account=000000000000")).status, 403);
    }
}
