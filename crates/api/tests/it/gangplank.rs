//! Our own operations.

use gangplank_api::gangplank::{
    AccessKey, AccessKeyStatus, CreateAccessKeyRequest, CreateAccessKeyResult, CreateRegistryLoginRequest,
    DeleteAccessKeyRequest, ListRegistryLoginsResult, RegistryLoginScope, RegistryLoginStatus,
    RegistryLoginSummary, RevokeRegistryLoginRequest, UpdateAccessKeyRequest, UpdateAccessKeyResult,
};
use gangplank_api::{Timestamp, encode};
use serde_json::{Value, json};

use crate::{accept, invalid, unreadable};

#[test]
fn an_account_has_twelve_digits() {
    assert_eq!(accept::<CreateAccessKeyRequest>(&json!({})).account, None);
    accept::<CreateAccessKeyRequest>(&json!({"account": "000000000000"}));
    for account in ["", "1", "0000000000001", "00000000000a", "٠٠٠٠٠٠٠٠٠٠٠٠"] {
        let message = invalid::<CreateAccessKeyRequest>(&json!({"account": account}));
        assert_eq!(message, format!("account {account:?} does not match pattern: ^[0-9]{{12}}$"));
    }
    unreadable::<CreateAccessKeyRequest>(r#"{"account":0}"#);
}

#[test]
fn an_access_key_is_active_or_disabled() {
    let request: UpdateAccessKeyRequest =
        accept(&json!({"accessKeyId": "AKIDEXAMPLE", "status": "Disabled"}));
    assert_eq!(request.status, AccessKeyStatus::Disabled);
    let message =
        invalid::<UpdateAccessKeyRequest>(&json!({"accessKeyId": "AKIDEXAMPLE", "status": "Inactive"}));
    assert_eq!(message, "status \"Inactive\" is not one of: Active, Disabled");
    assert_eq!(
        invalid::<UpdateAccessKeyRequest>(&json!({"accessKeyId": "A"})),
        "status is required and missing."
    );
    assert_eq!(encode(&UpdateAccessKeyResult {}), b"{}");
}

#[test]
fn identifiers_are_plain() {
    for id in ["", "a b", "a/b", "ü", &"a".repeat(129)] {
        invalid::<DeleteAccessKeyRequest>(&json!({"accessKeyId": id}));
        invalid::<RevokeRegistryLoginRequest>(&json!({"id": id}));
    }
    accept::<RevokeRegistryLoginRequest>(&json!({"id": "0459d37f-f6a7-4786-bc26-9e0000000001"}));
}

#[test]
fn a_new_access_key_shows_its_secret_in_the_answer_only() {
    let access_key = AccessKey {
        access_key_id: "AKIDEXAMPLE".into(),
        secret_access_key: "hush".to_owned().into(),
        account: "000000000000".into(),
        created_at: Timestamp(1_603_389_001_500),
        status: AccessKeyStatus::Active,
        is_root: false,
        expires_at: None,
    };
    let answer = CreateAccessKeyResult { access_key };
    assert!(!format!("{answer:?}").contains("hush"));
    let expected = json!({"accessKey": {"accessKeyId": "AKIDEXAMPLE", "secretAccessKey": "hush",
        "account": "000000000000", "createdAt": 1_603_389_001.5, "status": "Active", "isRoot": false}});
    assert_eq!(serde_json::from_slice::<Value>(&encode(&answer)).unwrap(), expected);
}

#[test]
fn a_login_has_a_scope_or_a_service() {
    for good in [
        json!({"scope": ["push"]}),
        json!({"scope": ["pull", "push", "delete"]}),
        json!({"serviceName": "www"}),
        json!({"scope": ["pull"], "serviceName": "www"}),
    ] {
        accept::<CreateRegistryLoginRequest>(&good);
    }
    for (bad, expected) in [
        (json!({}), "At least one of scope and serviceName is required."),
        (json!({"scope": null}), "At least one of scope and serviceName is required."),
        (json!({"scope": []}), "scope is empty; give at least one of: push, pull, delete"),
        (
            json!({"scope": [], "serviceName": "www"}),
            "scope is empty; give at least one of: push, pull, delete",
        ),
        (json!({"scope": ["pull", "push", "pull"]}), "scope has \"pull\" twice."),
        (json!({"scope": ["list"]}), "scope[0] \"list\" is not one of: push, pull, delete"),
    ] {
        assert_eq!(invalid::<CreateRegistryLoginRequest>(&bad), expected);
    }
    invalid::<CreateRegistryLoginRequest>(&json!({"scope": ["pull"], "serviceName": "W"}));
}

#[test]
fn a_login_is_listed_without_its_password() {
    let login = RegistryLoginSummary {
        id: "a".into(),
        scope: vec![RegistryLoginScope::Push],
        service_name: None,
        access_key_id: Some("AKIDEXAMPLE".into()),
        role_name: None,
        session_name: None,
        claims: None,
        repositories: None,
        source_networks: None,
        created_at: Timestamp(0),
        expires_at: Timestamp(43_200_000),
        status: RegistryLoginStatus::Active,
        last_used_at: None,
        last_push_at: None,
        last_push_address: None,
    };
    let text = r#"{"registryLogins":[{"id":"a","scope":["push"],"accessKeyId":"AKIDEXAMPLE","createdAt":0,"expiresAt":43200,"status":"Active"}]}"#;
    let answer = ListRegistryLoginsResult { registry_logins: vec![login], next_token: None };
    assert_eq!(String::from_utf8(encode(&answer)).unwrap(), text);
}
