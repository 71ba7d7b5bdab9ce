//! `gangplank image show`, against a scripted server.

use serde_json::{Value, json};

use crate::cli::{Ran, home};
use crate::fake_server::ask_in;
use crate::fake_sts::FakeSts;

fn show(form: &str) -> Ran {
    let server = FakeSts::start(3_600, |operation, body| {
        assert_eq!((operation, &body["image"]), ("GetImageOrigin", &json!(":web.app.3")));
        Some(json!({
            "digest": format!("sha256:{}", "a".repeat(64)),
            "pushes": [{
                "at": 1.7e9, "repository": "sr", "principal": "arn:aws:iam::000000000000:role/push-web",
                "roleName": "push-web", "sessionName": "GitHubActions",
                "claims": {
                    "iss": "https://ci.example", "sub": "repo:acme/web", "repository": "acme/web",
                    "ref": "refs/heads/main", "sha": "1234abcd", "run_id": "77",
                },
            }],
            "registrations": [{
                "at": 1.7e9, "image": ":web.app.3", "principal": "arn:aws:iam::000000000000:user/GPAKX",
                "accessKeyId": "GPAKX", "description": "release\u{1b}[2J",
            }],
        }))
    });
    ask_in(&home(), &server.address, &["image", "show", ":web.app.3", "--output", form])
}

#[test]
fn it_is_shown_which_job_pushed_an_image_and_which_key_registered_it() {
    let table = show("table");
    table.check_ok("Pushed:");
    for word in ["sr", "GitHubActions", "acme/web", "refs/heads/main", "1234abcd", "77", "GPAKX", "release"] {
        assert!(table.stdout.contains(word), "{word} is not in {table:?}");
    }
    assert!(!table.stdout.contains('\u{1b}'), "{table:?}");
    let json: Value = show("json").json();
    assert_eq!(json["pushes"][0]["claims"]["run_id"], "77");
    assert_eq!(json["registrations"][0]["accessKeyId"], "GPAKX");
    let text = show("text");
    let lines: Vec<&str> = text.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{text:?}");
    assert!(lines[1].starts_with("pushed at=20") && lines[2].starts_with("registered at=20"), "{text:?}");
}
