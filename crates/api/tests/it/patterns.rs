//! The forms of strings.

use gangplank_api::lightsail::{
    DeleteContainerImageRequest, GetContainerServicesRequest, TagResourceRequest,
};
use gangplank_api::{decode, image_name, is_digest, is_name};
use serde_json::json;

/// Whether a request with these members is accepted.
macro_rules! accepts {
    ($request:ty, $($json:tt)+) => {
        decode::<$request>(json!({$($json)+}).to_string().as_bytes()).is_ok()
    };
}

#[test]
fn names() {
    for name in ["a", "1", "ab", "0-0", "a--b", "my-service-1", &"a".repeat(63)] {
        assert!(is_name(name), "{name}");
        assert!(accepts!(GetContainerServicesRequest, "serviceName": name), "{name}");
    }
    for name in
        ["", "-", "-a", "a-", "a-b-", "A", "a_b", "a.b", "ab!!", "!!abc", "a b", "ab\n", "é", "a\u{0}b"]
    {
        assert!(!is_name(name), "{name}");
        assert!(!accepts!(GetContainerServicesRequest, "serviceName": name), "{name}");
    }
    assert!(!accepts!(GetContainerServicesRequest, "serviceName": "a".repeat(64)));
}

#[test]
fn digests() {
    assert!(is_digest(&format!("sha256:{}", "0a".repeat(32))));
    assert!(is_digest(&format!("sha512:{}", "f9".repeat(64))));
    for digest in [
        String::new(),
        "a".repeat(64),
        format!("sha256:{}", "A".repeat(64)),
        format!("sha256:{}", "g".repeat(64)),
        format!("sha256:{}", "a".repeat(63)),
        format!("sha256:{}", "a".repeat(65)),
        format!("sha512:{}", "a".repeat(64)),
        format!("sha256:{}", "a".repeat(128)),
        format!("SHA256:{}", "a".repeat(64)),
        format!("md5:{}", "a".repeat(32)),
        format!("sha256:{}\n", "a".repeat(64)),
        format!(" sha256:{}", "a".repeat(64)),
        format!("sha256:{}", "é".repeat(32)),
    ] {
        assert!(!is_digest(&digest), "{digest}");
    }
}

#[test]
fn image_names() {
    assert_eq!(image_name(":hello.www.73"), Some(("hello", "www", 73)));
    assert_eq!(image_name(":a.b.1"), Some(("a", "b", 1)));
    for image in [
        "",
        ":",
        ":a",
        ":a.b",
        ":a.b.",
        ":a.b.0",
        ":a.b.01",
        ":a.b.+1",
        ":a.b.-1",
        ":a.b.c",
        ":a.b.latest",
        ":a.b.1.2",
        "a.b.1",
        ":A.b.1",
        ":a.B.1",
        ":-a.b.1",
        ":a..1",
        "::a.b.1",
        ":a.b.1000000000000000000",
        ":a.b.1 ",
        ":a.b.١",
    ] {
        assert_eq!(image_name(image), None, "{image}");
        assert!(!accepts!(DeleteContainerImageRequest, "serviceName": "a", "image": image), "{image}");
    }
    assert!(accepts!(DeleteContainerImageRequest, "serviceName": "a", "image": ":a.b.1"));
    assert!(image_name(&format!(":{}.{}.1", "a".repeat(63), "b".repeat(53))).is_some());
    assert!(image_name(&format!(":{}.b.1", "a".repeat(64))).is_none());
    assert!(image_name(&format!(":a.{}.1", "b".repeat(54))).is_none());
}

#[test]
fn resource_names() {
    for (name, good) in [
        ("ab", true),
        ("a-b", true),
        ("A_9", true),
        ("__", true),
        ("a", false),
        ("", false),
        ("-ab", false),
        ("ab-", false),
        ("a b", false),
        ("äb", false),
    ] {
        assert_eq!(accepts!(TagResourceRequest, "resourceName": name, "tags": []), good, "{name}");
    }
}

#[test]
fn resource_arns() {
    let good =
        "arn:aws:lightsail:us-east-1:000000000000:ContainerService/0459d37f-f6a7-4786-bc26-9e0000000001";
    for (arn, accepted) in [
        (good, true),
        ("arn:aws-cn:lightsail:cn-north-1:1:Bucket/a", true),
        ("", false),
        ("arn:aws:lightsail:us-east-1:0:ContainerService", false),
        ("arn:aws:lightsail:us-east-1:0:ContainerService/", false),
        ("arn:aws:lightsail:us-east-1:0:ContainerService/a/b", false),
        ("arn:aws:lightsail:us-east-1:x:ContainerService/a", false),
        ("arn:aws:lightsail:US:0:ContainerService/a", false),
        ("arn:gcp:lightsail:us-east-1:0:ContainerService/a", false),
        ("arn:aws:lightsail:us-east-1:0:Container-Service/a", false),
        (" arn:aws:lightsail:us-east-1:0:ContainerService/a", false),
    ] {
        let found = accepts!(TagResourceRequest, "resourceName": "ab", "resourceArn": arn, "tags": []);
        assert_eq!(found, accepted, "{arn}");
    }
}
