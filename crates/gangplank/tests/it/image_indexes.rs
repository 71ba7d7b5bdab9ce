//! Images that several jobs pushed become one index. The login that puts the index needs no permission to read
//! them.

use gangplank_oci::media_type::{
    DOCKER_CONFIG, DOCKER_MANIFEST, DOCKER_MANIFEST_LIST, OCI_CONFIG, OCI_INDEX, OCI_MANIFEST,
};
use gangplank_testkit::{Api, Blob, Registry, TestServer};
use serde_json::{Value, json};

use crate::cli::{Ran, run};
use crate::server;

/// Pushes an image for a platform with a new login. Returns its descriptor for an index.
fn push(server: &TestServer, repository: &str, platform: &Value, docker: bool) -> Value {
    let (media_type, config_type) =
        if docker { (DOCKER_MANIFEST, DOCKER_CONFIG) } else { (OCI_MANIFEST, OCI_CONFIG) };
    let registry = server.registry_as(&server.push_login());
    let mut config = platform.clone();
    config["rootfs"] = json!({ "type": "layers", "diff_ids": [] });
    let config = Blob::new(config.to_string());
    assert_eq!(registry.push_blob(repository, &config), 201);
    let manifest = json!({
        "schemaVersion": 2, "mediaType": media_type, "config": config.descriptor(config_type), "layers": [],
    });
    let manifest = Blob::new(manifest.to_string());
    assert_eq!(
        registry.put_manifest(repository, &manifest.digest, media_type, &manifest.bytes).status(),
        201
    );
    let mut descriptor = manifest.descriptor(media_type);
    descriptor["platform"] = platform.clone();
    descriptor
}

fn create(api: &Api, input: &Value) -> Value {
    let answer = api.gangplank("CreateImageIndex", input);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

/// The content of an index, read as an operator.
fn read(operator: &Registry, path: &str) -> Value {
    operator.send("GET", path).json().unwrap()
}

#[test]
fn platforms_are_joined_and_told_from_the_configurations() {
    let server = server();
    let api = server.api();
    let amd64 = push(&server, "team/app", &json!({ "architecture": "amd64", "os": "linux" }), false);
    let arm =
        push(&server, "team/app", &json!({ "architecture": "arm", "os": "linux", "variant": "v7" }), true);
    let digests = json!([amd64["digest"], arm["digest"], amd64["digest"]]);
    let input = json!({ "repository": "team/app", "tags": ["v1", "latest"], "digests": digests });
    let made = create(&api, &input);
    let operator = server.registry_as(&server.operator_login());
    let body = operator.send("GET", "team/app/manifests/v1").bytes().unwrap();
    assert_eq!(
        made,
        json!({ "digest": Blob::new(body.clone()).digest, "mediaType": OCI_INDEX, "size": body.len() })
    );
    let index: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(index, json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [amd64, arm] }));
    assert_eq!(operator.status("GET", "team/app/manifests/latest"), 200);
    assert_eq!(create(&api, &input), made, "the same again is the same");

    let events = api.gangplank("ListAuditEvents", &json!({ "kind": "ManifestPushed" })).body;
    let told = &events["auditEvents"][0];
    assert_eq!((&told["digest"], &told["repository"]), (&made["digest"], &json!("team/app")));
    assert_eq!((&told["accessKeyId"], told.get("registryLoginId")), (&json!("GPAKTESTTESTTESTTEST"), None));

    // The new index is an ordinary image.
    api.ensure_service("web");
    assert_eq!(api.register("web", "app", made["digest"].as_str().unwrap()), ":web.app.1");
    let machine = server.registry_as(&api.registry_login(&json!({ "serviceName": "web" })));
    let path = format!("web/manifests/{}", arm["digest"].as_str().unwrap());
    assert_eq!(machine.status("GET", &path), 200);
}

#[test]
fn an_index_gives_its_entries_and_docker_images_alone_a_manifest_list() {
    let server = server();
    let api = server.api();
    let operator = server.registry_as(&server.operator_login());
    let platform = |architecture: &str| json!({ "architecture": architecture, "os": "linux" });
    let one = push(&server, "sr", &platform("amd64"), true);
    let two = push(&server, "sr", &platform("arm64"), true);
    let list = create(&api, &json!({ "repository": "sr", "digests": [one["digest"], two["digest"]] }));
    assert_eq!(list["mediaType"], DOCKER_MANIFEST_LIST);
    let three = push(&server, "sr", &platform("s390x"), false);
    let all = create(&api, &json!({ "repository": "sr", "digests": [three["digest"], list["digest"]] }));
    let index = read(&operator, &format!("sr/manifests/{}", all["digest"].as_str().unwrap()));
    assert_eq!((&index["mediaType"], &index["manifests"]), (&json!(OCI_INDEX), &json!([three, one, two])));
}

#[test]
fn what_is_not_in_the_repository_is_named() {
    let server = server();
    let api = server.api();
    let platform = json!({ "architecture": "amd64", "os": "linux" });
    let here = push(&server, "sr", &platform, false);
    let elsewhere = push(&server, "other", &json!({ "architecture": "arm64", "os": "linux" }), false);
    let key =
        api.gangplank("CreateAccessKey", &json!({ "account": "111111111111" })).body["accessKey"].clone();
    let stranger = api.as_key(&key);
    let absent = json!(Blob::unique().digest);
    for (api, repository, digests, digest) in [
        (&api, "sr", json!([here["digest"], elsewhere["digest"]]), &elsewhere["digest"]),
        (&api, "sr", json!([here["digest"], absent]), &absent),
        (&api, "none", json!([here["digest"]]), &here["digest"]),
        (&stranger, "sr", json!([here["digest"]]), &here["digest"]),
    ] {
        let input = json!({ "repository": repository, "tags": ["v1"], "digests": digests });
        let refused = api.gangplank("CreateImageIndex", &input);
        assert_eq!((refused.status, refused.error()), (400, "NotFoundException"), "{refused:?}");
        assert!(refused.message().contains(digest.as_str().unwrap()), "{refused:?}");
    }
    let operator = server.registry_as(&server.operator_login());
    assert_eq!(operator.status("GET", "sr/manifests/v1"), 404, "what is refused changes nothing");
    let many: Vec<&Value> = vec![&here["digest"]; 101];
    for bad in [
        json!({ "repository": "sr", "digests": [] }),
        json!({ "repository": "sr", "digests": many }),
        json!({ "repository": "sr", "digests": ["latest"] }),
        json!({ "repository": "sr" }),
        json!({ "repository": "SR", "digests": [here["digest"]] }),
        json!({ "repository": "sr", "digests": [here["digest"]], "tags": ["a b"] }),
    ] {
        let refused = api.gangplank("CreateImageIndex", &bad);
        assert_eq!((refused.status, refused.error()), (400, "InvalidInputException"), "{bad}");
    }
    create(&api, &json!({ "repository": "sr", "digests": many[..100] }));
}

#[test]
fn the_command_prints_the_digest() {
    if crate::are_replicas("the command is told a data directory") {
        return;
    }
    let server = server();
    let digest = |architecture: &str| {
        let platform = json!({ "architecture": architecture, "os": "linux" });
        push(&server, "sr", &platform, false)["digest"].as_str().unwrap().to_owned()
    };
    let (one, two) = (digest("amd64"), digest("arm64"));
    let index = |args: &[&str]| -> Ran {
        let data_dir = server.data_dir();
        let args = [&["index", "create"], args, &["--data-dir", data_dir.to_str().unwrap()]].concat();
        run(server.home(), &args, &[])
    };
    let made = index(&["sr:v1", "--digest", &one, "--digest", &two]).json();
    let operator = server.registry_as(&server.operator_login());
    let body = operator.send("GET", "sr/manifests/v1").bytes().unwrap();
    assert_eq!(made["digest"], Blob::new(body).digest);
    assert_eq!(index(&["sr", "--digest", &one, "--digest", &two]).json(), made);
    index(&["sr:v1"]).check_usage(&["--digest"]);
    index(&["none:v1", "--digest", &one]).check_failed(&["none", &one]);
    let whole = format!("{}/sr:v1", server.host());
    index(&[&whole, "--digest", &one]).check_failed(&[&server.host(), "leave it out"]);
}
