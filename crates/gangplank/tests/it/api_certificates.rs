//! Certificates come from files and not from calls.

use gangplank_testkit::Api;
use serde_json::{Value, json};

use crate::server;

#[test]
fn certificates_are_not_made_by_calls() {
    let server = server();
    let api = server.api();
    let refused = |api: &Api, operation: &str, input: &Value, error: &str| {
        let answer = api.lightsail(operation, input);
        assert_eq!((answer.status, answer.error()), (400, error), "{operation} {input}: {answer:?}");
        answer.message().to_owned()
    };
    let input = json!({ "certificateName": "shop", "domainName": "shop.example.com" });
    let name = json!({ "certificateName": "shop" });
    for (operation, input) in [("CreateCertificate", &input), ("DeleteCertificate", &name)] {
        let message = refused(&api, operation, input, "InvalidInputException");
        assert!(message.contains("\"shop\"") && message.contains("[certificates.NAME]"), "{message}");
    }
    let wildcard = json!({ "certificateName": "shop", "domainName": "*.example.com" });
    refused(&api, "CreateCertificate", &wildcard, "InvalidInputException");
    refused(&api, "GetCertificates", &name, "NotFoundException");
    let list = api.lightsail("GetCertificates", &json!({ "includeCertificateDetails": true }));
    assert_eq!((list.status, list.body), (200, json!({ "certificates": [] })));
}
