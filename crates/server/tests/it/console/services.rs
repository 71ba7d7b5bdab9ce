//! The list of services, and the page of one service.

use serde_json::json;

use super::browser::{Browser, PLACE, events};
use crate::world::{World, until};

#[test]
fn where_there_is_no_service_the_page_teaches() {
    let world = World::configured(|config| config.public_address = Some("registry.example".to_owned()));
    let browser = Browser::signed_in(&world);
    let page = browser.get(&format!("{PLACE}/services"));
    page.says("There is no container service in this region yet");
    for command in [
        "gangplank configure --endpoint-url http://registry.example --region us-east-1",
        "gangplank lightsail create-container-service --service-name web --power nano --scale 1",
        "gangplank login",
        "docker push registry.example/sr:app",
        "gangplank lightsail register-container-image --service-name web --label app --digest sha256:",
        "gangplank push app:latest --service-name web --label app",
    ] {
        page.says(command);
    }
}

#[test]
fn a_service_shows_its_images_and_what_runs() {
    let world = World::configured(|_| ());
    world.make_service(1);
    let browser = Browser::signed_in(&world);
    let list = browser.get(&format!("{PLACE}/services"));
    list.says("ready").says("never").says("How to push an image");
    let empty = browser.get(&list.link("web"));
    empty.says("No image is registered on this service yet").says("Nothing of it was deployed yet");
    assert!(!empty.html.contains("create-container-service --service-name"), "it is there already");

    let version = world.deploy_and_wait();
    let spare = world.register();
    let list = browser.get(&format!("{PLACE}/services"));
    list.says("running").says(&format!("version {version} runs"));
    let page = browser.get(&list.link("web"));
    page.says("1 node of power nano").says(":web.app.1").says("in use").says(&spare);
    page.says("docker pull 127.0.0.1:").says("/web:app.2").says("--password-stdin 127.0.0.1:");
    page.says("gangplank registry-login create --service-name web --password-only");
    page.says("AKIAWORLDOFSERVICES1").says("active").says("app, port 80");
    page.says("Processor, the last 6 hours").says("Nothing was measured yet");
    until("the log is shown", || {
        let page = browser.get(&format!("{PLACE}/services/web"));
        page.html.contains("role=\"log\"") && page.text().contains("Log of app")
    });

    assert!(!page.html.contains("aria-label=\"Delete :web.app.1\""), "what is in use has no such link");
    let done = browser.confirm(&page.link(&format!("Delete {spare}")));
    let page = browser.get(done.location());
    page.says("The image was deleted");
    assert!(!page.text().contains(&spare), "{}", page.text());
    let deleted = events(&world, "ImageDeleted");
    assert_eq!((&deleted[0]["subject"], &deleted[0]["byConsole"]), (&json!(spare), &json!(true)));

    // The page has no button to delete this image, and the API refuses it.
    let refused = browser.confirm(&format!("{PLACE}/services/web/delete-image?image=:web.app.1"));
    assert_eq!(refused.status, 400);
    refused.says(":web.app.1");
    let gone = browser.get(&format!("{PLACE}/services/nobody"));
    assert_eq!(gone.status, 404);
}
