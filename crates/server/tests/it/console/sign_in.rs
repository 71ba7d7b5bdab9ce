//! Signing in and signing out.

use serde_json::json;

use super::browser::{Browser, PLACE, events, make_key, make_link, secret_of};
use crate::world::{KEY, SECRET, World};

#[test]
fn browsers_are_led_to_the_console_and_others_are_not() {
    let world = World::configured(|_| ());
    let browser = Browser::new(&world);
    assert_eq!(browser.get("/").location(), "/console/");
    assert_eq!(browser.get("/console/").location(), "/console/in");
    assert_eq!(browser.get("/console").location(), "/console/in");
    let page = format!("{PLACE}/logins?after=7");
    let to = browser.get(&page).location().to_owned();
    assert_eq!(to, "/console/in?to=%2Fconsole%2F000000000000%2Fus-east-1%2Flogins%3Fafter%3D7");
    assert!(browser.get(&to).html.contains(&format!("name=\"to\" value=\"{page}\"")));
    let banner = browser.send(browser.request("GET", "/"));
    assert_eq!(banner.status, 200);
    assert!(banner.html.starts_with("gangplank:"), "{}", banner.html);
    let form = browser.get("/console/in");
    form.says("gangplank console --endpoint-url http://127.0.0.1:").says("Secret access key");
}

#[test]
fn the_console_can_be_switched_off() {
    let world = World::configured(|config| config.console = false);
    let browser = Browser::new(&world);
    assert_eq!(browser.get("/").status, 200);
    assert_eq!(browser.get("/console/").status, 404);
    let answer = world.api().gangplank("CreateConsoleLink", &json!({}));
    assert_eq!((answer.status, answer.error()), (400, "InvalidInputException"));
    assert!(answer.message().contains("switched off"), "{}", answer.message());
}

#[test]
fn a_link_signs_in_once_and_by_its_button_alone() {
    let world = World::configured(|_| ());
    let link = make_link(&world);
    let browser = Browser::new(&world);
    for _ in 0..3 {
        let page = browser.get(&link);
        page.says("Open the console");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert!(browser.cookie().is_none(), "a look at a link uses nothing up");
    }
    let entered = browser.post("/console/in", &[("link", secret_of(&link))]);
    assert_eq!(entered.location(), format!("{PLACE}/services"));
    let cookie = entered.header("set-cookie");
    assert!(
        cookie.starts_with("gangplank-plain=") && cookie.contains("; HttpOnly; SameSite=Strict"),
        "{cookie}"
    );
    assert_eq!(browser.get("/console/").location(), format!("{PLACE}/services"));
    browser.get(entered.location()).says(&format!("Root key {KEY}"));

    let other = Browser::new(&world);
    let again = other.post("/console/in", &[("link", secret_of(&link))]);
    assert_eq!(again.status, 403);
    again.says("used already");
    assert!(other.cookie().is_none());
    assert_eq!(events(&world, "CreateConsoleLink").len(), 1);
    let signed_in = events(&world, "ConsoleSignedIn");
    assert_eq!((signed_in.len(), &signed_in[0]["byConsole"]), (1, &json!(true)));
    assert_eq!((&signed_in[0]["accessKeyId"], &signed_in[0]["subject"]), (&json!(KEY), &json!(KEY)));
    assert_eq!(events(&world, "ConsoleRefused")[0]["reason"], "unknown");
}

#[test]
fn a_link_ends_after_a_minute() {
    let world = World::configured(|_| ());
    let link = make_link(&world);
    let mut world = world;
    world.stop();
    world.damage("UPDATE console_links SET ends_at = ends_at - 60001");
    world.start();
    let browser = Browser::new(&world);
    assert_eq!(browser.post("/console/in", &[("link", secret_of(&link))]).status, 403);
}

#[test]
fn an_access_key_signs_in_and_a_wrong_one_does_not() {
    let world = World::configured(|_| ());
    let browser = Browser::new(&world);
    for (id, secret, status) in [
        (KEY, "world/secret/of/forty/characters/0123457", 403),
        ("AKIANOBODYHASTHISKEY", SECRET, 403),
        ("<b>", SECRET, 403),
        (KEY, "", 400),
        ("", SECRET, 400),
    ] {
        let page = browser.sign_in(id, secret);
        assert_eq!(page.status, status, "{id} {secret}");
        assert!(browser.cookie().is_none() && !page.html.contains(SECRET), "{}", page.html);
    }
    assert_eq!(browser.sign_in(&format!(" {KEY} "), SECRET).location(), format!("{PLACE}/services"));
    assert!(browser.cookie().is_some());
    assert!(!events(&world, "ConsoleRefused").is_empty());
    assert!(events(&world, "ConsoleRefused").iter().all(|event| event["byConsole"] == true));
}

#[test]
fn whoever_guesses_waits_and_a_right_key_does_not() {
    let world = World::configured(|config| config.limits.failed_logins_per_minute = 3);
    let browser = Browser::new(&world);
    let statuses: Vec<_> = (0..5).map(|_| browser.sign_in(KEY, "wrong/wrong/wrong").status).collect();
    assert_eq!(statuses, [403, 403, 403, 429, 429]);
    let link = browser.post("/console/in", &[("link", "x")]);
    assert_eq!((link.status, link.header("retry-after")), (429, "60"), "links are guessed by the same rule");
    assert_eq!(browser.sign_in(KEY, SECRET).status, 303);
}

#[test]
fn signing_out_ends_this_browser_or_all_of_the_key() {
    let world = World::configured(|_| ());
    let key = make_key(&world, &json!({}));
    let (one, two, three) =
        (Browser::with_key(&world, &key), Browser::with_key(&world, &key), Browser::with_key(&world, &key));
    let root = Browser::signed_in(&world);
    let is_in = |browser: &Browser| browser.get("/console/").location() != "/console/in";
    let kept = one.cookie().unwrap();
    one.post("/console/out", &[]).says("You are signed out");
    assert!(one.cookie().is_none());
    one.take(&kept);
    assert!(!is_in(&one) && is_in(&two) && is_in(&three) && is_in(&root));
    two.post("/console/out/everywhere", &[]).says("All browsers");
    assert!(!is_in(&two) && !is_in(&three) && is_in(&root));
    assert_eq!(events(&world, "ConsoleSignedOut").len(), 2);
    assert_eq!(root.get("/console/out").status, 404, "a link signs nobody out");
}

#[test]
fn a_key_that_ends_takes_its_logins_along_at_the_next_request() {
    let world = World::configured(|_| ());
    for end in ["disabled", "deleted"] {
        let key = make_key(&world, &json!({}));
        let id = key["accessKeyId"].as_str().unwrap();
        let (browser, other) = (Browser::with_key(&world, &key), Browser::with_key(&world, &key));
        let other_cookie = other.cookie().unwrap();
        let answer = match end {
            "disabled" => {
                world.api().gangplank("UpdateAccessKey", &json!({ "accessKeyId": id, "status": "Disabled" }))
            }
            _ => world.api().gangplank("DeleteAccessKey", &json!({ "accessKeyId": id })),
        };
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        let page = browser.get(&format!("{PLACE}/logins"));
        assert_eq!(page.status, 403);
        page.says("This login to the console has ended").says(end);
        assert!(browser.cookie().is_none());
        if end == "disabled" {
            let enabled = json!({ "accessKeyId": id, "status": "Active" });
            assert_eq!(world.api().gangplank("UpdateAccessKey", &enabled).status, 200);
            other.take(&other_cookie);
            assert_eq!(other.get("/console/").location(), "/console/in", "it does not come to life again");
            let refused = Browser::new(&world);
            assert_eq!(refused.sign_in(id, key["secretAccessKey"].as_str().unwrap()).status, 303);
        }
    }
}

#[test]
fn a_key_that_expires_takes_its_logins_along() {
    let mut world = World::configured(|_| ());
    let key = make_key(&world, &json!({ "expiresAt": 4_000_000_000_u64 }));
    let browser = Browser::with_key(&world, &key);
    let cookie = browser.cookie().unwrap();
    world.stop();
    world.damage("UPDATE access_keys SET expires_at = 1 WHERE is_root = 0");
    world.start();
    let browser = Browser::new(&world);
    browser.take(&cookie);
    let page = browser.get("/console/");
    assert_eq!(page.status, 403);
    page.says("has expired");
    let word = |name: &str| key[name].as_str().unwrap();
    let refused = browser.sign_in(word("accessKeyId"), word("secretAccessKey"));
    assert_eq!(refused.status, 403);
    refused.says("has expired");
}

#[test]
fn a_login_ends_when_it_is_left_alone_and_after_eight_hours() {
    let mut world = World::configured(|_| ());
    let browser = Browser::signed_in(&world);
    let is_in = |world: &World| {
        let other = Browser::new(world);
        other.take(&browser.cookie().unwrap());
        other.get("/console/").location() != "/console/in"
    };
    // Each request makes the login last for another half an hour. This request comes five minutes after the first one.
    world.stop();
    world.damage("UPDATE console_logins SET over_at = over_at - 300000");
    world.start();
    assert!(is_in(&world));
    world.stop();
    world.damage("UPDATE console_logins SET over_at = over_at - 1795000");
    world.start();
    assert!(is_in(&world), "the use before was noted");
    world.stop();
    world.damage("UPDATE console_logins SET over_at = over_at - 1800001");
    world.start();
    assert!(!is_in(&world));
    let browser = Browser::signed_in(&world);
    world.stop();
    let newest = "WHERE id = (SELECT max(id) FROM console_logins)";
    // The login now ends five minutes after it was made.
    world.damage(&format!(
        "UPDATE console_logins SET ends_at = created_at + 300000, over_at = created_at + 120000 {newest}"
    ));
    world.start();
    let other = Browser::new(&world);
    other.take(&browser.cookie().unwrap());
    assert_ne!(other.get("/console/").location(), "/console/in");
    world.stop();
    world.damage(&format!("UPDATE console_logins SET over_at = 0 {newest} AND over_at = ends_at"));
}

#[test]
fn a_key_that_is_bound_to_networks_signs_in_from_there_alone() {
    let world = World::configured(|_| ());
    let key = make_key(&world, &json!({ "sourceNetworks": ["10.0.0.0/8"] }));
    let browser = Browser::new(&world);
    let word = |name: &str| key[name].as_str().unwrap();
    let page = browser.sign_in(word("accessKeyId"), word("secretAccessKey"));
    assert_eq!(page.status, 403);
    page.says("are not taken from 127.0.0.1");
    assert!(browser.cookie().is_none());
}

#[test]
fn whoever_signed_in_comes_to_the_page_that_was_asked_for_and_nowhere_else() {
    let world = World::configured(|_| ());
    let browser = Browser::new(&world);
    let enter = |to: &str| {
        let form = [("key-id", KEY), ("secret", SECRET), ("to", to)];
        browser.post("/console/in", &form).location().to_owned()
    };
    let page = format!("{PLACE}/logins?after=7");
    assert_eq!(enter(&page), page);
    for elsewhere in [
        "https://evil.example/",
        "//evil.example/",
        "/console/../",
        "/console/111122223333/us-east-1/logins",
        "/v2/",
        &format!("{page}\r\nx: y"),
    ] {
        assert_eq!(enter(elsewhere), format!("{PLACE}/services"), "{elsewhere}");
    }
}

#[test]
fn a_link_on_another_site_leads_to_the_page() {
    let world = World::configured(|_| ());
    let browser = Browser::new(&world);
    let page = format!("{PLACE}/logins?after=7");
    // Browsers do not send the cookie with a request from another site.
    let detour = browser.send(browser.request("GET", &page).header("sec-fetch-site", "cross-site"));
    assert_eq!(detour.status, 200);
    assert!(detour.html.contains(&format!("content=\"0; url={page}\"")), "{}", detour.html);
    assert_eq!(
        browser.send(browser.request("GET", &page).header("sec-fetch-site", "same-origin")).status,
        303
    );
}
