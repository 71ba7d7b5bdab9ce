//! Clients speak TLS: the load balancer ends it, or it passes connections on and the replicas end it.

use std::path::PathBuf;

use gangplank_testkit::identity::tls_file;
use gangplank_testkit::replicas::TlsAt;
use gangplank_testkit::{Image, TestServer, skip};
use reqwest::Certificate;
use reqwest::blocking::Client;
use reqwest::redirect::Policy;
use serde_json::{Value, json};

use crate::client::{Call, Program};
use crate::world::{Trials, builder};

pub(crate) const TRIALS: Trials = &[
    ("tls::ended_by_the_load_balancer", || pushes_and_pulls(TlsAt::Balancer)),
    ("tls::ended_by_the_replicas", || pushes_and_pulls(TlsAt::Replicas)),
];

fn pushes_and_pulls(at: TlsAt) {
    let server = builder().tls(at).start();
    let authority = tls_file("ca.pem");
    server.api().ensure_service("web");
    let folder = server.home().join("image");
    write_layout(&folder, &Image::of([vec![7; 9 << 20], b"small".to_vec()]));

    let gangplank = Program::at(env!("CARGO_BIN_EXE_gangplank").as_ref()).unwrap();
    let layout = format!("oci:{}", folder.display());
    let push = ["push", layout.as_str(), "--service-name=web", "--label=app"];
    let pushed = with_keys(&server, gangplank.call(server.home(), push));
    let said = pushed.env("SSL_CERT_FILE", &authority).run().ok().stdout;
    assert!(said.contains(":web.app.1"), "{said}");

    if let Some(aws) = aws() {
        let list = ["lightsail", "get-container-images", "--service-name=web", "--output=json"];
        let listed = with_keys(&server, aws.call(server.home(), list));
        let listed = listed.env("AWS_CA_BUNDLE", &authority).run().ok().stdout;
        let listed: Value = serde_json::from_str(&listed).unwrap();
        assert_eq!(listed["containerImages"][0]["image"], ":web.app.1", "{listed}");
    } else {
        skip("the AWS CLI is not installed");
    }

    let login = server.api().registry_login(&json!({ "serviceName": "web" }));
    assert_eq!(login.registry, server.host());
    let Some(skopeo) = Program::find("skopeo") else { return skip("skopeo is not installed") };
    let trusted = server.home().join("trusted");
    std::fs::create_dir(&trusted).unwrap();
    std::fs::copy(&authority, trusted.join("ca.crt")).unwrap();
    let (credentials, trusted) =
        (format!("{}:{}", login.username, login.password), trusted.display().to_string());
    let image = format!("docker://{}/web:app.1", server.host());
    let copied = format!("dir:{}", server.home().join("copied").display());
    let copy = ["copy", "--src-cert-dir", &trusted, "--src-creds", &credentials, &image, &copied];
    skopeo.call(server.home(), copy).run().ok();
    let push = server.push_login();
    let (layout, credentials) = (layout + ":latest", format!("{}:{}", push.username, push.password));
    let image = format!("docker://{}/sr:again", server.host());
    let copy = ["copy", "--dest-cert-dir", &trusted, "--dest-creds", &credentials, &layout, &image];
    skopeo.call(server.home(), copy).run().ok();

    assert!(signs_in(&server).starts_with("__Host-gangplank="), "the cookie is for TLS alone");

    // Each of them answered something.
    let answers = server.proxy().log();
    assert!((0..3).all(|replica| answers.contains(&format!("replicas/r{replica}"))), "{answers}");
}

/// Signs in to the console with a link. Returns the cookie.
fn signs_in(server: &TestServer) -> String {
    let link = server.api().gangplank("CreateConsoleLink", &json!({})).body;
    let secret =
        link["path"].as_str().and_then(|path| path.split_once("t=")).unwrap_or_else(|| panic!("{link}"));
    let authority = Certificate::from_pem(&std::fs::read(tls_file("ca.pem")).unwrap()).unwrap();
    let browser =
        Client::builder().no_proxy().redirect(Policy::none()).tls_certs_merge([authority]).build().unwrap();
    let form = browser.post(format!("{}/console/in", server.endpoint()));
    let form =
        form.header("origin", server.endpoint()).header("content-type", "application/x-www-form-urlencoded");
    let entered = form.body(format!("link={}", secret.1)).send().unwrap();
    assert_eq!(entered.status(), 303);
    entered.headers()["set-cookie"].to_str().unwrap().to_owned()
}

/// A call with the files that name the server and its key.
fn with_keys(server: &TestServer, call: Call) -> Call {
    server.client_variables().into_iter().fold(call, |call, (name, file)| call.env(name, file))
}

fn aws() -> Option<Program> {
    let chosen = std::env::var_os("GANGPLANK_AWS_CLI_V1").map(PathBuf::from);
    chosen.and_then(|venv| Program::at(&venv.join("bin/aws"))).or_else(|| Program::find("aws"))
}

/// Writes an image as an OCI layout, under the reference `latest`.
fn write_layout(folder: &std::path::Path, image: &Image) {
    let blobs = folder.join("blobs/sha256");
    std::fs::create_dir_all(&blobs).unwrap();
    let manifest = gangplank_testkit::Blob::new(image.manifest.clone());
    for blob in image.blobs().chain([&manifest]) {
        std::fs::write(blobs.join(blob.digest.trim_start_matches("sha256:")), &blob.bytes).unwrap();
    }
    let mut entry = manifest.descriptor(gangplank_oci::media_type::OCI_MANIFEST);
    entry["annotations"] = json!({ "org.opencontainers.image.ref.name": "latest" });
    let index = json!({ "schemaVersion": 2, "manifests": [entry] });
    std::fs::write(folder.join("index.json"), index.to_string()).unwrap();
    std::fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
}
