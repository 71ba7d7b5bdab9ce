//! Addresses that a proxy reports: believed from configured proxies only.

use gangplank_testkit::{Login, TestServer};
use serde_json::json;

use crate::audit::events;
use crate::cli::run;
use crate::shutdown::until;
use crate::{server, server_with};

const FORWARDED: [(&str, &str); 4] = [
    ("X-Forwarded-For", "203.0.113.9"),
    ("X-Forwarded-Host", "evil.example"),
    ("X-Forwarded-Proto", "https"),
    ("Forwarded", "for=203.0.113.9;host=evil.example;proto=https"),
];

/// The recorded address of a refused login, and the headers of the refusal.
fn refused_from(server: &TestServer) -> String {
    let login = Login { username: "AWS".into(), password: "wrong".into(), registry: String::new() };
    let mut request = server.registry_as(&login).request("GET", "");
    for (name, value) in FORWARDED {
        request = request.header(name, value);
    }
    let answer = request.send().unwrap();
    let headers = format!("{:?}", answer.headers());
    assert!(!headers.contains("evil.example") && !headers.contains("https"), "{headers}");
    let noted = events(&server.api(), &json!({ "kind": "LoginRefused" }));
    noted[0]["address"].as_str().unwrap().to_owned()
}

#[test]
fn a_stranger_speaks_for_itself() {
    assert_eq!(refused_from(&server()), "127.0.0.1");
    let elsewhere = server_with(|builder| builder.arg("--trusted-proxies").arg("10.0.0.0/8, 192.0.2.1"));
    assert_eq!(refused_from(&elsewhere), "127.0.0.1");
}

#[test]
fn a_proxy_that_is_known_speaks_for_its_clients() {
    let server = server_with(|builder| builder.arg("--trusted-proxies").arg("127.0.0.0/8"));
    assert_eq!(refused_from(&server), "203.0.113.9");
}

#[test]
fn a_location_and_a_registry_are_not_made_of_it() {
    let server = server_with(|builder| builder.arg("--trusted-proxies").arg("127.0.0.1"));
    let registry = server.registry_as(&server.push_login());
    let mut request = registry.request("POST", "sr/blobs/uploads/");
    for (name, value) in FORWARDED {
        request = request.header(name, value);
    }
    let answer = request.send().unwrap();
    assert!(answer.headers()["location"].to_str().unwrap().starts_with("/v2/"), "{answer:?}");
    let login =
        server.api().call("Lightsail_20161128.CreateContainerServiceRegistryLogin", b"{}", &FORWARDED);
    assert_eq!(login.body["registryLogin"]["registry"], server.host());
}

#[test]
fn everybody_is_no_proxy() {
    let home = tempfile::tempdir().unwrap();
    let data_dir = home.path().join("data");
    for all in ["0.0.0.0/0", "::/0", "::ffff:0:0/96"] {
        let serve = ["serve", "--listen", "127.0.0.1:0", "--trusted-proxies", all, "--data-dir"];
        run(home.path(), &[&serve[..], &[data_dir.to_str().unwrap()]].concat(), &[]).check_failed(&[
            "trusted-proxies",
            all,
            "is every address",
        ]);
    }
    let server = server_with(|builder| builder.arg("--trusted-proxies").arg("0.0.0.0/1"));
    until("a warning", || server.log().contains("takes in addresses of strangers"));
}

#[test]
fn a_client_may_be_named_with_its_port() {
    let server = server_with(|builder| builder.arg("--trusted-proxies").arg("127.0.0.1"));
    let login = Login { username: "AWS".into(), password: "wrong".into(), registry: String::new() };
    for (hop, address) in [("203.0.113.9:4711", "203.0.113.9"), ("[2001:db8::9]:4711", "2001:db8::9")] {
        let request = server.registry_as(&login).request("GET", "").header("X-Forwarded-For", hop);
        assert_eq!(request.send().unwrap().status(), 401);
        let noted = events(&server.api(), &json!({ "kind": "LoginRefused" }));
        assert!(noted.iter().any(|event| event["address"] == address), "{noted:?}");
    }
}
