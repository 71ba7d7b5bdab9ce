//! `gangplank-credential-provider`, called as a kubelet calls it.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use gangplank_testkit::{Image, Login};
use serde_json::{Value, json};

use crate::cli::{Ran, home, run_with_input};
use crate::fake_sts::{FakeSts, ROLE, TOKEN};
use crate::{PROGRAM, server};

fn provider(home: &std::path::Path, args: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg0("/var/lib/kubelet/plugins/gangplank-credential-provider").args(args);
    command.env_clear().env("HOME", home);
    command
}

fn request(image: &str) -> Value {
    let version = "credentialprovider.kubelet.k8s.io/v1";
    json!({ "kind": "CredentialProviderRequest", "apiVersion": version, "image": image })
}

#[track_caller]
fn auth(ran: &Ran, image: &str) -> (String, String) {
    let answer = ran.json();
    assert_eq!(answer["kind"], "CredentialProviderResponse");
    let text = |name: &str| answer["auth"][image][name].as_str().unwrap().to_owned();
    (text("username"), text("password"))
}

#[test]
fn an_access_key_of_the_node_makes_a_login_for_the_one_service() {
    let server = server();
    let api = server.api();
    api.ensure_service("web");
    let digest = server.registry_as(&api.push_login()).push_image("sr", "v1", &Image::unique(1));
    api.register("web", "app", &digest);
    let data_dir = server.data_dir();
    let args = ["--data-dir", data_dir.to_str().unwrap()];
    let image = format!("{}/web", server.host());
    let ran = run_with_input(provider(server.home(), &args), &request(&image).to_string());
    let (username, password) = auth(&ran, &image);
    let answer = ran.json();
    assert_eq!(answer["cacheKeyType"], "Image");
    // An hour less than the login's life.
    let seconds: u64 = answer["cacheDuration"].as_str().unwrap().trim_end_matches('s').parse().unwrap();
    assert!((39_500..=39_600).contains(&seconds), "{answer}");
    let machine = server.registry_as(&Login { username, password, registry: server.host() });
    assert_eq!(
        (machine.status("GET", "web/manifests/app.1"), machine.status("GET", "sr/tags/list")),
        (200, 403)
    );

    let none = request(&format!("{}/none", server.host())).to_string();
    run_with_input(provider(server.home(), &args), &none).check_failed(&["NotFoundException", "none"]);
    let elsewhere = request("registry.example/web").to_string();
    run_with_input(provider(server.home(), &args), &elsewhere)
        .check_failed(&["registry.example", "matchImages"]);
    run_with_input(provider(server.home(), &args), "gpl_secret").check_failed(&["CredentialProviderRequest"]);
}

#[test]
fn a_pods_token_opens_the_role_that_is_named_for_it() {
    let (server, home) = (FakeSts::start(3_600, |_, _| None), home());
    let endpoint = format!("--endpoint-url=http://{}", server.address);
    let image = format!("{}/web", server.address);
    let mut asked = request(&image);
    asked["serviceAccountToken"] = json!(TOKEN);
    // A node's own key is not used for a pod whose token is refused.
    let mut command = provider(home.path(), &[&endpoint]);
    command
        .env("AWS_ACCESS_KEY_ID", "GPAKEXAMPLEEXAMPLEEX")
        .env("AWS_SECRET_ACCESS_KEY", "secret-secret-secret");
    run_with_input(command, &asked.to_string()).check_failed(&["no role is named", "gangplank/role-arn"]);
    assert!(server.calls("CreateRegistryLogin").is_empty());

    let ran = run_with_input(provider(home.path(), &[&endpoint, "--role", ROLE]), &asked.to_string());
    assert_eq!(auth(&ran, &image), ("AWS".to_owned(), "gpl_x".to_owned()));
    let own = "arn:aws:iam::000000000000:role/own";
    asked["serviceAccountAnnotations"] = json!({ "gangplank/role-arn": own });
    let ran = run_with_input(provider(home.path(), &[&endpoint, "--role", ROLE]), &asked.to_string());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let calls = server.calls("ExchangeIdentityToken");
    let expected = |role: &str| json!({ "roleArn": role, "identityToken": TOKEN, "region": "us-east-1", "serviceName": "web" });
    assert_eq!((&calls[0].body, &calls[1].body), (&expected(ROLE), &expected(own)));
    assert_eq!(calls[0].authorization, None);
}
