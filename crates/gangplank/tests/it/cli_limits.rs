//! Limited keys and logins, with a scripted server: the requests, and the output.

use serde_json::{Value, json};

use crate::cli::{Ran, home, run};
use crate::fake_server::{self, ask_in};
use crate::fake_sts::FakeSts;

fn server() -> FakeSts {
    FakeSts::start(3_600, |operation, _| match operation {
        "CreateAccessKey" => Some(json!({ "accessKey": {
            "accessKeyId": "GPAKX", "secretAccessKey": "s", "account": "000000000000", "createdAt": 1.7e9,
            "status": "Active", "isRoot": false, "expiresAt": 4e9,
        } })),
        "ListAccessKeys" => Some(json!({ "accessKeys": [
            {
                "accessKeyId": "GPAKX", "account": "000000000000", "status": "Active", "createdAt": 1.7e9,
                "isRoot": false, "lastUsedAt": 1.75e9, "expiresAt": 4e9, "description": "the old CI",
                "createdBy": "GPAKROOT", "policy": "{\"Version\":\"2012-10-17\"}", "repositories": ["sr"],
                "sourceNetworks": ["10.0.0.0/8"], "maxLoginSeconds": 1_800,
            },
            {
                "accessKeyId": "GPAKROOT", "account": "000000000000", "status": "Active", "createdAt": 1.7e9,
                "isRoot": true,
            },
        ] })),
        "UpdateAccessKey" => Some(json!({})),
        "CreateRegistryLogin" => Some(fake_server::login("registry.example")),
        "ListRegistryLogins" => Some(json!({ "registryLogins": [{
            "id": "7", "scope": ["push"], "roleName": "push-web", "repositories": ["sr"],
            "sourceNetworks": ["10.0.0.0/8"], "createdAt": 1.7e9, "expiresAt": 4e9, "status": "Active",
        }] })),
        _ => None,
    })
}

fn ask(server: &FakeSts, args: &[&str]) -> Ran {
    ask_in(&home(), &server.address, args)
}

#[test]
fn a_key_is_made_for_what_it_is_to_do() {
    let server = server();
    let args = [
        "access-key",
        "create",
        "--preset",
        "push",
        "--service",
        "web",
        "--repository",
        "team/*",
        "--from",
        "10.0.0.0/8",
        "--from",
        "192.0.2.1",
        "--max-login",
        "30m",
        "--expires",
        "2100-01-01",
        "--description",
        "the old CI",
    ];
    let made = ask(&server, &args).json();
    assert_eq!(made["expiresAt"], "2096-10-02T07:06:40+00:00");
    assert_eq!(
        server.calls("CreateAccessKey")[0].body,
        json!({
            "preset": "push", "services": ["web"], "repositories": ["team/*"],
            "sourceNetworks": ["10.0.0.0/8", "192.0.2.1"], "maxLoginSeconds": 1_800,
            "expiresAt": 4_102_444_800_i64, "description": "the old CI",
        })
    );
    ask(&server, &["access-key", "create", "--expires", "2020-01-01"]).check_usage(&["that is past"]);
    ask(&server, &["access-key", "create", "--preset", "push", "--policy", "x"]).check_usage(&["--policy"]);
    ask(&server, &["access-key", "create", "--policy", "none"])
        .check_failed(&["cannot read the policy in none"]);
    let stopped = ["access-key", "create", "--preset", "push", "--data-dir", "data"];
    run(home().path(), &stopped, &[]).check_failed(&["is made by the server"]);
}

#[test]
fn lists_show_limits_last_use_and_description() {
    let server = server();
    let table = ask(&server, &["access-key", "list", "--output", "table"]);
    for word in
        ["LAST USED", "2025-06-15", "the old CI", "policy, repository sr, from 10.0.0.0/8, logins of 30m"]
    {
        assert!(table.stdout.contains(word), "{word} is not in {table:?}");
    }
    let keys: Value = ask(&server, &["access-key", "list"]).json();
    let key = &keys["accessKeys"][0];
    assert_eq!((&key["policy"]["Version"], &key["createdBy"]), (&json!("2012-10-17"), &json!("GPAKROOT")));
    assert_eq!(keys["accessKeys"][1].get("policy"), None);
    let logins = ask(&server, &["registry-login", "list"]).json();
    let login = &logins["registryLogins"][0];
    assert_eq!((&login["roleName"], &login["repositories"]), (&json!("push-web"), &json!(["sr"])));
    assert_eq!(login.get("accessKeyId"), None);
}

#[test]
fn a_key_is_disabled_with_all_that_it_made() {
    let server = server();
    let ran = ask(&server, &["access-key", "disable", "GPAKX", "--with-made"]);
    assert!(ran.code == Some(0) && ran.stderr.contains("keys and roles that it made"), "{ran:?}");
    ask(&server, &["access-key", "disable", "GPAKX"]);
    let bodies: Vec<Value> = server.calls("UpdateAccessKey").into_iter().map(|call| call.body).collect();
    assert_eq!(bodies[0], json!({ "accessKeyId": "GPAKX", "status": "Disabled", "withMade": true }));
    assert_eq!(bodies[1], json!({ "accessKeyId": "GPAKX", "status": "Disabled" }));
}

#[test]
fn logins_are_narrower_than_their_maker() {
    let server = server();
    let narrow = ["--life", "10m", "--repository", "team/**", "--from", "10.0.0.0/8"];
    let narrowed = |members: Value| {
        let mut body =
            json!({ "lifeSeconds": 600, "repositories": ["team/**"], "sourceNetworks": ["10.0.0.0/8"] });
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        body
    };
    for (args, expected) in [
        (&["registry-login", "create", "--service-name", "web"][..], json!({ "serviceName": "web" })),
        (&["registry-login", "create", "--scope", "push,pull"], json!({ "scope": ["push", "pull"] })),
        (&["login", "--service-name", "web", "--print"], json!({ "serviceName": "web" })),
        // Lightsail's own call has no such member.
        (&["login", "--print"], json!({ "scope": ["push"] })),
    ] {
        ask(&server, &[args, &narrow].concat()).json();
        assert_eq!(server.calls("CreateRegistryLogin").last().unwrap().body, narrowed(expected), "{args:?}");
    }
    assert!(server.calls("CreateContainerServiceRegistryLogin").is_empty());
    ask(&server, &["login", "--life", "59s"]).check_usage(&["from 60s to 12h"]);
    ask(&server, &["login", "--repository", "Team"]).check_usage(&["lower-case"]);
    ask(&server, &["login", "--print"]).json();
    assert_eq!(server.calls("CreateContainerServiceRegistryLogin").len(), 1);
}
