//! The number of round trips to the database that the rules of a push make. With a database server, each takes
//! a part of a millisecond. So their number must not depend on the number of layers, children or tags.

use gangplank_core::ImageName;
use gangplank_store::metadata::Manifests as _;
use gangplank_store::metadata::container_images::{ImageDeleted, ImageOutcome};
use gangplank_store::metadata::manifests::{ManifestDeleted, ManifestOutcome, NewManifest};

use crate::backends::{self, Recording};
use crate::world::{
    At, Document, NOW, PLENTY, by, create_login, create_service, delete_image, here, image_of, push_login,
    register_on, tag,
};

/// Fails if the last rule made more round trips than `most`. The beginning, the commit and the statements that are sent
/// with the commit do not count.
fn assert_round_trips(db: &Recording, most: usize, what: &str) {
    let asked = db.last_round_trips();
    assert!(asked.len() <= most, "{what}: {} round trips, not {most}: {asked:#?}", asked.len());
}

/// Pushes the blobs `0` to `count - 1`.
async fn pushed(db: &Recording, at: &At<'_>, count: usize) -> Vec<String> {
    let names: Vec<String> = (0..count).map(|number| number.to_string()).collect();
    for (number, name) in names.iter().enumerate() {
        at.add(name).await;
        // The first blob also makes the repository.
        assert_round_trips(db, if number == 0 { 7 } else { 3 }, "a blob");
    }
    names
}

async fn put(at: &At<'_>, document: &Document, tags: usize) {
    let tags = (0..tags).map(|number| tag(&format!("t{number}"))).collect();
    assert_eq!(at.put(NewManifest { tags, ..document.put() }).await, ManifestOutcome::Stored);
}

#[tokio::test]
async fn layers_and_tags_cost_no_round_trips() {
    let scratch = backends::recording().unwrap();
    let db = scratch.database();
    create_service(db, &here(), "web").await;
    let login = create_login(db, push_login(&here(), 1)).await;
    assert_round_trips(db, 2, "a login");
    let at = At::sr(db).with(login);
    let names = pushed(db, &at, 101).await;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for (number, layers) in [1, 2, 100].into_iter().enumerate() {
        let image = Document::image(&names[..=layers]);
        put(&at, &image, layers).await;
        // The first put also records its source.
        assert_round_trips(db, if number == 0 { 5 } else { 4 }, "a manifest");
        put(&at, &image, layers).await;
        assert_round_trips(db, 4, "the same again");
        let registered = register_on(db, &here(), "web", image_of("app", image.digest()), PLENTY).await;
        assert!(matches!(registered, ImageOutcome::Registered(_)));
        assert_round_trips(db, 3, "a registration");
        let number = i64::try_from(number).unwrap() + 1;
        let name = ImageName { service: "web".to_owned(), label: "app".to_owned(), number };
        assert_eq!(delete_image(db, &here(), &name, NOW).await, ImageDeleted::Deleted);
        assert_round_trips(db, 12, "its end");
        let deleted = db.delete_manifest(&by(), &here(), &at.repository, &image.digest(), NOW).await.unwrap();
        assert_eq!(deleted, ManifestDeleted::Deleted);
        assert_round_trips(db, 17, "the end of a manifest");
    }
}

#[tokio::test]
async fn children_cost_no_round_trips() {
    let scratch = backends::recording().unwrap();
    let db = scratch.database();
    create_service(db, &here(), "web").await;
    let at = At::sr(db);
    let names = pushed(db, &at, 41).await;
    let mut images = Vec::new();
    for name in &names[1..] {
        let image = Document::image(&["0", name]);
        put(&at, &image, 0).await;
        images.push(image);
    }
    for children in [2, 40] {
        let index = Document::index(&images[..children].iter().collect::<Vec<_>>());
        put(&at, &index, 1).await;
        assert_round_trips(db, 5, "an index");
        register_on(db, &here(), "web", image_of("app", index.digest()), PLENTY).await;
        assert_round_trips(db, 4, "its registration");
    }
}
