//! The screen of the server's health.

use serde_json::json;

use super::browser::{Browser, PLACE, make_key};
use crate::updates::certificate;
use crate::world::{KEY, SECRET, World};

#[test]
fn root_keys_see_how_the_server_is() {
    let folder = tempfile::tempdir().unwrap();
    let files = certificate(folder.path(), "localhost");
    let tls = files.clone();
    let world = World::configured(move |config| config.tls = Some(tls.clone()));
    let browser = Browser::over_tls(&world, &files.certificate);
    browser.sign_in(KEY, SECRET).location();
    let page = browser.get(&format!("{PLACE}/health"));
    page.says(env!("CARGO_PKG_VERSION"))
        .says("takes writes")
        .says("are free for pushes")
        .says("no damage is known");
    page.says("0 manifests and 0 holds on blobs wait")
        .says("kept 24.0 hours")
        .says("the server itself: localhost");
    page.says("gangplank health --endpoint-url https://localhost:");
}

#[test]
fn damage_is_shown_and_figures_are_the_apis() {
    let mut world = World::configured(|_| ());
    world.make_service(1);
    world.register();
    world.stop();
    world.damage("UPDATE blobs SET damaged = 1 WHERE id = (SELECT min(id) FROM blobs)");
    world.start();
    let page = Browser::signed_in(&world).get(&format!("{PLACE}/health"));
    page.says("1 damaged; the next push of each replaces it").says("The server has no certificate");
    let told = world.api().gangplank("GetServerHealth", &json!({})).body;
    assert_eq!((&told["damagedContents"], &told["databaseTakesWrites"]), (&json!(1), &json!(true)), "{told}");
    let total = told["diskTotalBytes"].as_f64().unwrap();
    assert!(total > 0.0 && page.html.contains(&format!("<span title=\"{total} bytes\">")), "{told}");
}

#[test]
fn nobody_else_sees_it() {
    let world = World::configured(|_| ());
    for input in [json!({}), json!({ "preset": "all" }), json!({ "preset": "read" })] {
        let page = Browser::with_key(&world, &make_key(&world, &input)).get(&format!("{PLACE}/health"));
        assert_eq!(page.status, 403, "{input}");
    }
    let other = Browser::with_key(&world, &make_key(&world, &json!({ "account": "111122223333" })));
    assert_eq!(other.get("/console/111122223333/us-east-1/health").status, 403);
}
