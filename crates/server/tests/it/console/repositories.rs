//! The pages of repositories, of their manifests, and of one manifest.

use gangplank_oci::media_type;
use gangplank_testkit::{Blob, Image, Registry};
use serde_json::{Value, json};

use super::browser::{Browser, PLACE, make_key};
use crate::world::World;

const EVIL: &str = "<img src=x onerror=alert(1)>\"'";

/// A client of the registry that may push and pull everything.
fn registry(world: &World) -> Registry {
    let login = world.api().registry_login(&json!({ "scope": ["push", "pull"] }));
    Registry::new(&format!("http://{}", world.address()), Some(login))
}

fn descriptor(digest: &str, size: usize) -> Value {
    json!({ "mediaType": media_type::OCI_MANIFEST, "digest": digest, "size": size })
}

/// Puts a manifest. Returns its digest.
fn put(registry: &Registry, repository: &str, reference: &str, kind: &str, manifest: &Value) -> String {
    let body = manifest.to_string().into_bytes();
    let digest = Blob::new(body.clone()).digest;
    let reference = if reference.is_empty() { digest.clone() } else { reference.to_owned() };
    assert_eq!(registry.put_manifest(repository, &reference, kind, &body).status(), 201);
    digest
}

/// The content of the repository: an image with a history, an index of two, and a referrer of the image.
struct Pushed {
    image: Image,
    index: String,
    note: String,
}

fn push(world: &World, repository: &str) -> Pushed {
    let registry = registry(world);
    let mut image = Image::unique(2);
    let config = json!({
        "os": "linux", "architecture": "arm64", "variant": "v8",
        "config": { "Entrypoint": ["/bin/app"], "Cmd": ["--serve"], "Env": ["A=<b>"], "ExposedPorts": { "8080/tcp": {} },
                    "Labels": { "org.opencontainers.image.source": "javascript:alert(1)" } },
        "rootfs": { "type": "layers", "diff_ids": image.layers.iter().map(|it| it.digest.clone()).collect::<Vec<_>>() },
        "history": [{ "created_by": EVIL }, { "created_by": "ENV A=b", "empty_layer": true }, { "created_by": "COPY app" }],
    });
    image.config = Blob::new(config.to_string());
    let manifest = json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
        "config": image.config.descriptor(media_type::OCI_CONFIG),
        "layers": image.layers.iter().map(|layer| layer.descriptor(media_type::OCI_LAYER)).collect::<Vec<_>>(),
        "annotations": { "org.opencontainers.image.url": "https://example.com/app", "note": EVIL },
    });
    image.manifest = manifest.to_string().into_bytes();
    registry.push_image(repository, "v1.0", &image);
    let other = Image::unique(1);
    registry.push_image(repository, &other.digest(), &other);
    let child = |image: &Image, architecture: &str| {
        let mut child = descriptor(&image.digest(), image.manifest.len());
        child["platform"] = json!({ "os": "linux", "architecture": architecture });
        child
    };
    let index = json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_INDEX,
        "manifests": [child(&image, "arm64"), child(&other, "amd64")],
    });
    let index = put(&registry, repository, "latest", media_type::OCI_INDEX, &index);
    let empty = Blob::new("{}");
    registry.push_blob(repository, &empty);
    let note = json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "artifactType": "application/vnd.note",
        "config": empty.descriptor("application/vnd.oci.empty.v1+json"),
        "layers": [empty.descriptor("application/vnd.oci.empty.v1+json")],
        "subject": descriptor(&image.digest(), image.manifest.len()),
    });
    let note = put(&registry, repository, "", media_type::OCI_MANIFEST, &note);
    Pushed { image, index, note }
}

fn short(digest: &str) -> &str {
    &digest[..19]
}

#[test]
fn repositories_lead_to_manifests_the_newest_first() {
    let world = World::configured(|config| config.public_address = Some("registry.example".to_owned()));
    let browser = Browser::signed_in(&world);
    browser.get(&format!("{PLACE}/repositories")).says("There are no repositories here that you may read");
    let pushed = push(&world, "team/app");
    push(&world, "other");
    let list = browser.get(&format!("{PLACE}/repositories?prefix=team"));
    assert!(!list.text().contains("other"), "{}", list.text());
    list.says("gangplank repository list --endpoint-url http://registry.example");
    let page = browser.get(&list.link("team/app"));
    page.says("index of 2 manifests").says("image").says("docker push registry.example/team/app:app");
    let places: Vec<Option<usize>> = [&pushed.index, &pushed.image.digest(), &pushed.note]
        .map(|digest| page.html.find(&format!("data-copy=\"{digest}\"")))
        .to_vec();
    assert!(places[0] < places[1] && places[0].is_some(), "the newest first: {places:?}");
    assert_eq!(places[2], None, "what is about another is folded under it");
    let parts = browser.get(&format!("{PLACE}/repositories/show?name=team/app&parts=yes"));
    parts.says("artifact application/vnd.note, about another manifest");
    let filtered = browser.get(&format!("{PLACE}/repositories/show?name=team/app&prefix=v1"));
    filtered.says("v1.0");
    assert!(!filtered.html.contains("<code>latest</code>"));
    browser.get(&format!("{PLACE}/repositories/show?name=team/app&prefix=x")).says("No manifest here fits");
    assert_eq!(browser.get(&format!("{PLACE}/repositories/show?name=nowhere")).status, 404);
    assert_eq!(browser.get(&format!("{PLACE}/repositories/show?name=..")).status, 400);
}

#[test]
fn long_lists_are_told_page_by_page() {
    let world = World::configured(|_| ());
    let registry = registry(&world);
    let mut image = Image::unique(1);
    registry.push_image("sr", "n0", &image);
    let manifest: Value = serde_json::from_slice(&image.manifest).unwrap();
    for number in 1..55 {
        let mut manifest = manifest.clone();
        manifest["annotations"] = json!({ "number": number.to_string() });
        image.manifest = manifest.to_string().into_bytes();
        put(&registry, "sr", &format!("n{number}"), media_type::OCI_MANIFEST, &manifest);
    }
    let browser = Browser::signed_in(&world);
    let first = browser.get(&format!("{PLACE}/repositories/show?name=sr&prefix=n"));
    first.says("n54").says("n5 ");
    assert!(!first.html.contains("<code>n4<"), "{}", first.html);
    let second = browser.get(&first.link("Older manifests"));
    second.says("n4").says("n0");
    assert!(!second.html.contains("<code>n5<") && !second.html.contains("Older manifests"));
    let pages = [&first, &second].map(|page| page.html.matches("aria-label=\"Show sha256").count());
    assert_eq!(pages, [50, 5]);
}

#[test]
fn a_manifest_shows_what_it_is_made_of_and_what_holds_it() {
    let world = World::configured(|config| config.public_address = Some("registry.example".to_owned()));
    world.make_service(1);
    let pushed = push(&world, "sr");
    let digest = pushed.image.digest();
    let browser = Browser::signed_in(&world);
    let of = |reference: &str| format!("{PLACE}/repositories/manifest?name=sr&ref={reference}");
    let page = browser.get(&of("v1.0"));
    page.says(&digest).says("linux/arm64/v8").says("/bin/app").says("--serve").says("8080/tcp").says("A=<b>");
    page.says(EVIL).says("ENV A=b").says("COPY app").says("no layer").says("javascript:alert(1)");
    assert_eq!(
        page.html.matches("<a href=\"https://example.com/app\" rel=\"noopener noreferrer nofollow\"").count(),
        1
    );
    assert!(!page.html.contains("href=\"javascript:") && !page.html.contains("<img src=x"));
    page.says(&format!("the index {}", short(&pushed.index)));
    let layers: usize = pushed.image.layers.iter().map(|layer| layer.bytes.len()).sum();
    assert!(page.html.contains(&format!("<span title=\"{layers} bytes\">")), "{}", page.html);
    page.says(&format!("docker pull registry.example/sr@{digest}"));
    page.says("gangplank registry-login create --scope pull --repository sr --password-only");

    // All figures on the page equal the API's.
    let told = world.api().gangplank("GetManifest", &json!({ "repository": "sr", "reference": "v1.0" })).body;
    let told = &told["manifest"];
    assert_eq!(told["layersSize"].to_string(), format!("{layers}.0"));
    assert_eq!(told["layers"].as_array().unwrap().len(), 2);
    assert_eq!(told["heldByIndexes"], json!([pushed.index]));
    assert_eq!(told["referrers"][0]["artifactType"], "application/vnd.note");

    let note = browser.get(&page.link(&format!("Show {}", pushed.note)));
    note.says("artifact application/vnd.note, about another manifest").says("its subject");
    assert_eq!(browser.get(&note.link("Show what it is about")).status, 200);

    let index = browser.get(&of("latest"));
    index
        .says("linux/arm64")
        .says("linux/amd64")
        .says("nothing; tags hold nothing")
        .says("may be collected in 2");
    assert!(index.html.contains(&format!("<span title=\"{layers} bytes\">")), "the size of one platform");
    world.api().register("web", "app", &pushed.index);
    let index = browser.get(&of(&pushed.index));
    index.says("registered as :web.app.1");
    assert!(!index.text().contains("Garbage"));
    assert_eq!(browser.get(&index.link("registered as :web.app.1")).status, 200);
    browser.get(&of(&digest)).says("registered as :web.app.1");
    for (reference, status) in [("v9", 404), ("sha256:0", 404), (&*format!("sha256:{}", "0".repeat(64)), 404)]
    {
        assert_eq!(browser.get(&of(reference)).status, status, "{reference}");
    }
}

#[test]
fn whoever_may_not_pull_sees_nothing() {
    let world = World::configured(|_| ());
    let pushed = push(&world, "sr");
    push(&world, "team/app");
    let paths = [
        "repositories".to_owned(),
        "repositories/show?name=sr".to_owned(),
        "repositories/manifest?name=sr&ref=v1.0".to_owned(),
    ];
    for preset in ["read", "push", "deploy"] {
        let browser = Browser::with_key(&world, &make_key(&world, &json!({ "preset": preset })));
        for path in &paths {
            let page = browser.get(&format!("{PLACE}/{path}"));
            assert_eq!(page.status, 403, "{preset} {path}");
            assert!(!page.html.contains(&pushed.index) && !page.text().contains("/bin/app"));
        }
    }
    // A key that is limited to some repositories, with a preset or with a policy.
    let policy = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "gangplank:*", "Resource": "*" }] });
    for limits in [json!({ "preset": "all" }), json!({ "policy": policy.to_string() })] {
        let mut input = limits.clone();
        input["repositories"] = json!(["team/*"]);
        let browser = Browser::with_key(&world, &make_key(&world, &input));
        let list = browser.get(&format!("{PLACE}/repositories"));
        assert!(list.text().contains("team/app") && !list.html.contains("name=sr"), "{}", list.text());
        assert_eq!(browser.get(&list.link("team/app")).status, 200);
        for path in &paths[1..] {
            assert_eq!(browser.get(&format!("{PLACE}/{path}")).status, 403, "{limits} {path}");
        }
    }
    let other = Browser::with_key(&world, &make_key(&world, &json!({ "account": "111122223333" })));
    let place = "/console/111122223333/us-east-1";
    other.get(&format!("{place}/repositories")).says("There are no repositories here that you may read");
    for path in &paths[1..] {
        assert_eq!(other.get(&format!("{place}/{path}")).status, 404);
    }
}
