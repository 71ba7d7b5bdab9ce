//! The configurations of issuers that are accepted.

use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::config::{Issuer, IssuerKeys};
use gangplank_testkit::identity::tls_file;

fn refused(configured: &[Issuer], words: &[&str]) {
    let error = format!("{:#}", Issuers::open(configured).unwrap_err());
    for word in words {
        assert!(error.contains(word), "{error:?} does not say {word:?}");
    }
}

#[test]
fn what_cannot_be_meant_stops_the_start() {
    let good = Issuer::new("https://ci.example", ["a"]);
    refused(&[Issuer::new("http://ci.example", ["a"])], &["http://ci.example", "loopback"]);
    refused(&[Issuer::new("https://ci.example?a=b", ["a"])], &["query"]);
    refused(&[Issuer::new("https://ci.example", [""; 0])], &["https://ci.example", "no audiences", "`aud`"]);
    refused(&[Issuer::new("https://ci.example", [""])], &["no audiences"]);
    refused(&[Issuer::new("https://ci.example", ["a", ""])], &["empty audience"]);
    refused(&[good.clone(), good.clone()], &["https://ci.example", "listed twice"]);
    let twins =
        [("http://localhost:1", "https://localhost:1"), ("https://ci.example/a", "https://ci.example/A")];
    for (one, other) in twins {
        refused(&[Issuer::new(one, ["a"]), Issuer::new(other, ["a"])], &[one, other, "tell them apart"]);
    }
    refused(&[Issuer { max_token_life: Duration::ZERO, ..good }], &["no life"]);
}

#[test]
fn issuers_that_differ_are_several() {
    let urls =
        ["https://ci.example", "https://ci.example/", "https://ci.example/a", "https://ci.example:8443"];
    let issuers = Issuers::open(&urls.map(|url| Issuer::new(url, [url]))).unwrap();
    for url in urls {
        assert_eq!(issuers.audiences(url).unwrap(), [url]);
    }
    assert_eq!(issuers.audiences("https://other.example"), None);
    assert!(!issuers.is_empty() && Issuers::open(&[]).unwrap().is_empty());
}

#[test]
fn files_that_cannot_be_used_stop_the_start() {
    let home = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = home.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let with_keys =
        |path: PathBuf| Issuer { keys: IssuerKeys::File(path), ..Issuer::new("https://ci.example", ["a"]) };
    let with_ca = |path: PathBuf| Issuer { ca_file: Some(path), ..Issuer::new("https://ci.example", ["a"]) };
    refused(&[with_keys(home.path().join("gone.json"))], &["cannot read", "gone.json"]);
    refused(&[with_keys(file("bad.json", "nothing"))], &["bad.json", "no JSON"]);
    refused(&[with_keys(file("list.json", "[]"))], &["list.json", "`keys`"]);
    refused(&[with_keys(file("large.json", &" ".repeat((1 << 20) + 1)))], &["large.json", "larger than"]);
    refused(&[with_ca(home.path().join("gone.pem"))], &["cannot read", "gone.pem"]);
    refused(&[with_ca(file("bad.pem", "nothing"))], &["bad.pem", "no PEM certificate"]);
    let both = Issuer { ca_file: Some(tls_file("ca.pem")), ..with_keys(file("good.json", "{\"keys\": []}")) };
    refused(&[both], &["CA file", "no connection"]);
    Issuers::open(&[with_ca(tls_file("ca.pem"))]).unwrap();
    Issuers::open(&[with_keys(file("good.json", "{\"keys\": []}"))]).unwrap();
}
