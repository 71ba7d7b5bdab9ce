//! The web console in a real browser: Chromium, controlled by the programs in `e2e/console/`. Node runs them with the
//! packages in the folder of `GANGPLANK_BROWSER`. Each has its own server with typical content.

use std::path::{Path, PathBuf};

use gangplank_oci::media_type;
use gangplank_testkit::{Image, Login, ServerBuilder};
use serde_json::{Value, json};

use crate::client::Program;
use crate::js_sdk;
use crate::keyless::Job;
use crate::suite::Suite;

/// A hostile text that is written wherever text is accepted.
const EVIL: &str = "<img src=x onerror=\"window.ran=true\"><script>window.ran=true</script>";

/// Adds the trials of the console.
pub(crate) fn add(suite: &mut Suite) {
    let openssl = Program::find("openssl").is_some();
    let is_new =
        |node: &Program| node.version.split('.').next().and_then(|major| major.parse().ok()) >= Some(22);
    let browser = chromium()
        .filter(|_| openssl && folder().is_some() && js_sdk::node().is_some_and(|node| is_new(&node)));
    suite.client(
        "console_chromium",
        "apt-get install chromium openssl; .ci/run fetches node and what drives it, see GANGPLANK_BROWSER there",
        browser,
        &[
            ("signing_in", |chromium| look(chromium, "signing-in", |server| server)),
            ("screens", |chromium| look(chromium, "screens", |server| server)),
            ("sizes", |chromium| look(chromium, "sizes", |server| server)),
            ("keyboard", |chromium| look(chromium, "keyboard", |server| server)),
            ("without_script", |chromium| look(chromium, "without-script", |server| server)),
            ("figures", |chromium| look(chromium, "figures", |server| server)),
            ("attacks", |chromium| look(chromium, "attacks", |server| server)),
            ("far_away", |chromium| look(chromium, "far-away", |server| server.arg("--trusted-proxies").arg("127.0.0.1"))),
            ("tls", over_tls),
        ],
    );
}

/// Debian's program, under the name that other systems use too.
fn chromium() -> Option<Program> {
    Program::find("chromium").or_else(|| Program::find("chromium-browser"))
}

fn folder() -> Option<PathBuf> {
    std::env::var_os("GANGPLANK_BROWSER")
        .map(PathBuf::from)
        .filter(|folder| folder.join("node_modules").is_dir())
}

/// Runs a program against a server with this configuration.
fn look(chromium: &Program, name: &str, configure: impl FnOnce(ServerBuilder) -> ServerBuilder) {
    let job = Job::at(&["127.0.0.1"], configure);
    let world = furnish(&job);
    run(chromium, &job, name, &world);
}

/// Over TLS, with an empty server, because the client that signs calls for these tests only speaks plain HTTP.
fn over_tls(chromium: &Program) {
    let folder = crate::tls::certificates();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let job = Job::over_tls(&["127.0.0.1"], &file("ca.crt"), &file("key.pem"));
    let (id, secret) = job.bench.access_key();
    let mut world = told(&job, json!({ "id": id, "secret": secret }));
    world["endpoint"] = json!(format!("https://{}", job.bench.server.host()));
    run(chromium, &job, "tls", &world);
}

fn run(chromium: &Program, job: &Job, name: &str, world: &Value) {
    let node = js_sdk::node().expect("node");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../e2e/console/{name}.test.mjs"));
    let script = script.display().to_string();
    let call = job.bench.call(&node, ["--test-reporter=spec", script.as_str()]);
    let done = call
        .env("GANGPLANK", env!("CARGO_BIN_EXE_gangplank"))
        .env("GANGPLANK_BROWSER", folder().expect("what drives the browser"))
        .env("GANGPLANK_CHROMIUM", &chromium.path)
        .env("GANGPLANK_WORLD", world.to_string())
        .run()
        .ok();
    assert!(!done.stdout.contains("ℹ tests 0"), "it tried something: {done}");
}

/// The facts about the server for the program. `root` is its root key.
fn told(job: &Job, root: Value) -> Value {
    json!({
        "endpoint": job.bench.server.endpoint(),
        "data": job.bench.server.data_dir(),
        "account": "000000000000",
        "evil": EVIL,
        "root": root,
    })
}

/// Two services, images from push logins, logins of all kinds, keys and roles. Many names are HTML.
fn furnish(job: &Job) -> Value {
    let server = &job.bench.server;
    let api = server.api();
    api.ensure_service("shop");
    let key = |description: &str| {
        let made = api.gangplank("CreateAccessKey", &json!({ "description": description }));
        assert_eq!(made.status, 200, "{made:?}");
        made.body["accessKey"].clone()
    };
    let (machine, evil, spare) = (key("the build machine"), key(EVIL), key("to be disabled"));

    let mut pushed = serde_json::Map::new();
    let pushes = server.registry_as(&api.as_key(&machine).push_login());
    for (service, label, tag) in [("web", "app", "web"), ("web", "app", "web-2"), ("shop", "cart", "cart")] {
        let digest = pushes.push_image("sr", tag, &Image::unique(2));
        api.register(service, label, &digest);
        pushed.insert(tag.to_owned(), json!(digest));
    }
    let login = api.as_key(&evil).push_login();
    let registry = server.registry_as(&login);
    let image = evil_image();
    for blob in image.blobs() {
        assert_eq!(registry.push_blob("sr", blob), 201);
    }
    let put = registry.request("PUT", "sr/manifests/evil").header("user-agent", EVIL);
    let put = put.header("content-type", media_type::OCI_MANIFEST).body(image.manifest.clone());
    assert_eq!(put.send().expect("an answer").status(), 201);
    api.as_key(&evil).register("shop", "evil", &image.digest());
    pushed.insert("evil".to_owned(), json!(image.digest()));

    for input in [
        json!({ "serviceName": "web" }),
        json!({ "scope": ["push", "pull", "delete"] }),
        json!({ "scope": ["push"], "repositories": ["sr"] }),
    ] {
        api.registry_login(&input);
    }
    for _ in 0..2 {
        api.as_key(&machine).push_login();
    }
    // One login was revoked, and a job without a key made another.
    let logins = api.gangplank("ListRegistryLogins", &json!({})).body;
    let newest = &logins["registryLogins"][0]["id"];
    assert_eq!(api.gangplank("RevokeRegistryLogin", &json!({ "id": newest })).status, 200);
    let gangplank = Program::at(env!("CARGO_BIN_EXE_gangplank").as_ref()).expect("gangplank");
    let create = ["registry-login", "create", "--scope=push", "--password-only"];
    let done = job.given(job.bench.call(&gangplank, create)).run().ok();
    let by_job = Login {
        username: "AWS".to_owned(),
        password: done.stdout.trim().to_owned(),
        registry: server.host(),
    };
    let digest = server.registry_as(&by_job).push_image("sr", "by-job", &Image::unique(1));
    pushed.insert("by-job".to_owned(), json!(digest));

    let named = |key: &Value| json!({ "id": key["accessKeyId"], "secret": key["secretAccessKey"] });
    let (id, secret) = job.bench.access_key();
    let mut world = told(job, json!({ "id": id, "secret": secret }));
    world["machine"] = named(&machine);
    world["spare"] = named(&spare);
    world["pushed"] = Value::Object(pushed);
    world
}

/// An image with HTML and a script's URL wherever its maker can write text.
fn evil_image() -> Image {
    let labels = json!({ "Labels": { "org.opencontainers.image.source": "javascript:window.ran=true" }, "Cmd": [EVIL] });
    let mut image = Image::configured([b"evil".to_vec()], &labels);
    let mut config: Value = serde_json::from_slice(&image.config.bytes).expect("a configuration");
    config["history"] = json!([{ "created_by": EVIL, "comment": EVIL, "author": EVIL }]);
    config["author"] = json!(EVIL);
    image.config = gangplank_testkit::Blob::new(config.to_string());
    let mut manifest: Value = serde_json::from_slice(&image.manifest).expect("a manifest");
    manifest["config"] = image.config.descriptor(media_type::OCI_CONFIG);
    manifest["annotations"] = json!({
        "org.opencontainers.image.source": "javascript:window.ran=true",
        "org.opencontainers.image.url": "javascript:window.ran=true",
        "org.opencontainers.image.title": EVIL,
        EVIL: EVIL,
    });
    image.manifest = manifest.to_string().into_bytes();
    image
}
