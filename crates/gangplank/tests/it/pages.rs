//! Lists come in pages, and the commands read all of them.

use gangplank_testkit::Api;
use serde_json::{Value, json};

use crate::cli::run;
use crate::{server, server_with};

/// The ids of a list, read in pages of two.
fn in_pages(api: &Api, operation: &str, list: &str, id: &str) -> Vec<String> {
    let (mut ids, mut request) = (Vec::new(), json!({ "maxResults": 2 }));
    loop {
        let page = api.gangplank(operation, &request);
        assert_eq!(page.status, 200, "{page:?}");
        let found = page.body[list].as_array().unwrap();
        assert!(found.len() <= 2);
        ids.extend(found.iter().map(|it| it[id].as_str().unwrap().to_owned()));
        match page.body.get("nextToken") {
            Some(token) => request["nextToken"] = token.clone(),
            None => return ids,
        }
    }
}

fn whole(api: &Api, operation: &str, list: &str, id: &str) -> Vec<String> {
    let whole = api.gangplank(operation, &json!({})).body;
    whole[list].as_array().unwrap().iter().map(|it| it[id].as_str().unwrap().to_owned()).collect()
}

#[test]
fn logins_and_keys_are_told_in_pages() {
    let server = server();
    let api = server.api();
    for _ in 0..5 {
        api.registry_login(&json!({ "scope": ["pull"] }));
        assert_eq!(api.gangplank("CreateAccessKey", &json!({})).status, 200);
    }
    for (operation, list, id, count) in [
        ("ListRegistryLogins", "registryLogins", "id", 5),
        ("ListAccessKeys", "accessKeys", "accessKeyId", 6),
    ] {
        let all = whole(&api, operation, list, id);
        assert_eq!(all.len(), count, "{operation}");
        assert_eq!(in_pages(&api, operation, list, id), all, "{operation}");
        for bad in [
            json!({ "maxResults": 0 }),
            json!({ "maxResults": 1_001 }),
            json!({ "nextToken": "nonsense" }),
            json!({ "nextToken": "7-short" }),
        ] {
            assert_eq!(api.gangplank(operation, &bad).error(), "InvalidInputException", "{operation} {bad}");
        }
    }
}

#[test]
fn commands_read_all_pages() {
    let server = server_with(|builder| builder.arg("--max-registry-logins").arg("10000"));
    let api = server.api();
    for _ in 0..1_003 {
        api.registry_login(&json!({ "scope": ["pull"] }));
    }
    assert_eq!(whole(&api, "ListRegistryLogins", "registryLogins", "id").len(), 1_000);
    let dir = server.data_dir();
    let listed = run(server.home(), &["registry-login", "list", "--data-dir", dir.to_str().unwrap()], &[]);
    let listed: Value = listed.json();
    assert_eq!(listed["registryLogins"].as_array().unwrap().len(), 1_003);
    assert!(listed.get("nextToken").is_none());
}
