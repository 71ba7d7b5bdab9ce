//! `gangplank role`, with a scripted server: the requests, and the output.

use serde_json::{Value, json};

use crate::cli::{Ran, home};
use crate::fake_server::ask_in;
use crate::fake_sts::{FakeSts, ROLE, TOKEN, refused};

fn role() -> Value {
    json!({
        "roleName": "push-web", "arn": ROLE, "account": "000000000000", "status": "Active", "createdAt": 1.7e9,
        "trustPolicy": "{\"Version\":\"2012-10-17\",\"Statement\":[]}", "policy": "{\"Version\":\"2012-10-17\"}",
        "repositories": ["sr"], "maxSessionSeconds": 3600, "maxLoginSeconds": 1800,
        "rememberedClaims": { "repository_id": "88" },
    })
}

fn server() -> FakeSts {
    FakeSts::start(3_600, |operation, body| match operation {
        "CreateRole" if body["roleName"] == "refused" => Some(refused("AccessDeniedException", "No.")),
        "CreateRole" | "GetRole" => Some(json!({ "role": role() })),
        "ListRoles" if body.get("nextToken").is_none() => {
            Some(json!({ "roles": [role()], "nextToken": "2" }))
        }
        "ListRoles" => Some(json!({ "roles": [role()] })),
        "UpdateRole" | "DeleteRole" => Some(json!({})),
        "TryRole" => Some(json!({
            "trusted": body["roleName"] == "push-web",
            "reason": "the statement 1 does not hold",
            "checks": [
                {
                    "effect": "Allow", "statement": 1, "subject": "ci.example:repository",
                    "operator": "StringEquals", "wanted": ["acme/web"], "found": "acme/api", "holds": false,
                },
                {
                    "effect": "Allow", "statement": 1, "subject": "ci.example:ref", "operator": "StringLike",
                    "wanted": ["refs/tags/*", "refs/heads/main"], "holds": true,
                },
            ],
            "claims": { "repository": "acme/api" },
        })),
        _ => None,
    })
}

fn run(server: &FakeSts, args: &[&str]) -> Ran {
    ask_in(&home(), &server.address, &[&["role"], args].concat())
}

#[test]
fn what_is_said_of_a_job_reaches_the_server() {
    let server = server();
    let args = [
        "create",
        "push-web",
        "--github",
        "acme/web",
        "--ref",
        "refs/heads/main",
        "--claim",
        "job_workflow_ref=acme/ci/*",
        "--preset",
        "push",
        "--service",
        "web",
        "--service",
        "api-*",
        "--repository",
        "sr",
        "--max-login",
        "30m",
        "--max-session",
        "15m",
        "--from",
        "10.0.0.0/8",
        "--description",
        "builds",
    ];
    let shown = run(&server, &args).json();
    assert_eq!((&shown["arn"], &shown["maxLoginSeconds"]), (&json!(ROLE), &json!(1_800)));
    // Policies are JSON inside JSON.
    assert_eq!(shown["trustPolicy"]["Version"], "2012-10-17");
    assert_eq!(
        server.calls("CreateRole")[0].body,
        json!({
            "roleName": "push-web",
            "trust": {
                "issuer": "https://token.actions.githubusercontent.com",
                "claims": {
                    "job_workflow_ref": "acme/ci/*", "ref": "refs/heads/main", "repository": "acme/web",
                },
                "refusedClaims": { "event_name": ["pull_request_target", "workflow_run"] },
            },
            "preset": "push",
            "services": ["web", "api-*"],
            "repositories": ["sr"],
            "sourceNetworks": ["10.0.0.0/8"],
            "maxSessionSeconds": 900,
            "maxLoginSeconds": 1_800,
            "description": "builds",
        })
    );
}

#[test]
fn policies_come_from_files() {
    let (server, home) = (server(), home());
    for (name, text) in [("trust.json", "{\"a\": 1}"), ("policy.json", "{\"b\": 2}")] {
        std::fs::write(home.path().join(name), text).unwrap();
    }
    let args = ["role", "create", "r", "--trust-policy", "trust.json", "--policy", "policy.json"];
    ask_in(&home, &server.address, &args).json();
    let expected = json!({ "roleName": "r", "trustPolicy": "{\"a\": 1}", "policy": "{\"b\": 2}" });
    assert_eq!(server.calls("CreateRole")[0].body, expected);
    let args = ["role", "create", "r", "--trust-policy", "none.json"];
    ask_in(&home, &server.address, &args).check_failed(&["cannot read the policy in none.json"]);
}

#[test]
fn what_cannot_be_meant_is_refused_before_a_call() {
    let server = server();
    run(&server, &["create", "r"]).check_usage(&["--github", "--trust-policy"]);
    run(&server, &["create", "r", "--github", "a/b", "--gitlab", "a/b"]).check_usage(&["--gitlab"]);
    run(&server, &["create", "r", "--kubernetes", "a/b"]).check_usage(&["--issuer"]);
    run(&server, &["create", "r", "--github", "a/b", "--trust-policy", "x"]).check_usage(&["--trust-policy"]);
    run(&server, &["create", "r", "--github", "a/b", "--preset", "admin"]).check_usage(&["push", "deploy"]);
    run(&server, &["create", "r", "--github", "a/b", "--max-login", "13h"]).check_usage(&["60s to 12h"]);
    run(&server, &["create", "r", "--github", "a/b", "--max-session", "5m"]).check_usage(&["15m to 12h"]);
    run(&server, &["create", "r", "--github", "a/b", "--from", "here"]).check_usage(&["10.0.0.0/8"]);
    run(&server, &["create", "r", "--github", "a"]).check_failed(&["\"a\" is not OWNER/REPO"]);
    run(&server, &["create", "r", "--github", "a/b", "--ref", "main"]).check_failed(&["refs/heads/main"]);
    assert!(server.calls("CreateRole").is_empty());
    run(&server, &["create", "refused", "--github", "a/b"]).check_failed(&["AccessDeniedException: No."]);
}

#[test]
fn roles_are_listed_page_by_page_shown_and_changed() {
    let server = server();
    let roles = run(&server, &["list"]).json()["roles"].as_array().unwrap().clone();
    assert_eq!((roles.len(), roles[0]["roleName"].as_str()), (2, Some("push-web")));
    let table = run(&server, &["list", "--output", "table"]);
    table.check_ok("push-web");
    assert!(table.stdout.contains("30m") && !table.stdout.contains("2012-10-17"), "{table:?}");
    let shown = run(&server, &["show", "push-web", "--output", "text"]);
    shown.check_ok("rememberedClaims=\"repository_id=88\"");
    for (action, operation, said) in [
        ("disable", "UpdateRole", "its sessions and logins have ended"),
        ("enable", "UpdateRole", "enabled the role push-web"),
        ("delete", "DeleteRole", "its sessions and logins have ended"),
    ] {
        let ran = run(&server, &[action, "push-web"]);
        assert!(ran.code == Some(0) && ran.stderr.contains(said), "{ran:?}");
        assert_eq!(server.calls(operation).last().unwrap().body["roleName"], "push-web");
    }
    let status = |number: usize| server.calls("UpdateRole")[number].body["status"].clone();
    assert_eq!((status(0), status(1)), (json!("Disabled"), json!("Active")));
}

#[test]
fn a_token_is_tried_claim_by_claim() {
    let (server, home) = (server(), home());
    std::fs::write(home.path().join("token"), format!("{TOKEN}\n")).unwrap();
    let try_on = |role: &str, form: &str| {
        let args = ["role", "try", role, "--token-file", "token", "--output", form];
        ask_in(&home, &server.address, &args)
    };
    let trusted = try_on("push-web", "text");
    assert_eq!((trusted.code, trusted.stderr.as_str()), (Some(0), ""), "{trusted:?}");
    let lines: Vec<&str> = trusted.stdout.lines().collect();
    assert_eq!(
        lines,
        [
            "Allow 1: ci.example:repository StringEquals: wanted acme/web, found acme/api: does not hold",
            "Allow 1: ci.example:ref StringLike: wanted refs/tags/* or refs/heads/main, it is missing: holds",
            "The token opens the role push-web.",
        ]
    );
    assert_eq!(server.calls("TryRole")[0].body["identityToken"], TOKEN);
    let other = try_on("other", "table");
    assert_eq!((other.code, other.stderr.as_str()), (Some(1), ""), "{other:?}");
    assert!(
        other.stdout.contains("does not open the role other: the statement 1 does not hold"),
        "{other:?}"
    );
    let json: Value = serde_json::from_str(&try_on("other", "json").stdout).unwrap();
    assert_eq!((&json["trusted"], &json["claims"]["repository"]), (&json!(false), &json!("acme/api")));
    for ran in [trusted, other] {
        assert!(!ran.stdout.contains(TOKEN) && !ran.stderr.contains(TOKEN));
    }
}
