//! AWS's test suite for signing, from the source of the aws-sigv4 crate that these tests are compiled with.

use std::fs;
use std::path::{Path, PathBuf};

use gangplank_sigv4::{Credentials, Refusal, canonical_request, sign};
use serde::Deserialize;

use crate::wire::{Wire, sha256, unix};

#[derive(Deserialize)]
struct Context {
    credentials: Keys,
    normalize: bool,
    #[serde(default)]
    omit_session_token: bool,
    region: String,
    service: String,
    sign_body: bool,
    timestamp: String,
}

#[derive(Deserialize)]
struct Keys {
    access_key_id: String,
    secret_access_key: String,
    token: Option<String>,
}

struct Case {
    name: String,
    directory: PathBuf,
    context: Context,
}

impl Case {
    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.directory.join(file)).unwrap()
    }

    fn now(&self) -> i64 {
        unix(&self.context.timestamp.replace(['-', ':'], ""))
    }
}

/// The suite's directory. rustc's list of sources beside this test binary shows where aws-sigv4 came from: the
/// registry's cache or a vendored copy.
fn suite() -> PathBuf {
    let binaries = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    fs::read_dir(&binaries)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            name.starts_with("aws_sigv4-") && name.ends_with(".d")
        })
        .filter_map(|path| {
            let list = fs::read_to_string(path).unwrap();
            let source = list.lines().find_map(|line| line.strip_suffix("/src/lib.rs:"))?;
            Some(Path::new(source).join("aws-signing-test-suite/v4"))
        })
        .find(|suite| suite.is_dir())
        .unwrap_or_else(|| {
            panic!("no source of aws-sigv4 with its test suite is named in {}", binaries.display())
        })
}

/// The cases that have a context. Cases called "unnormalized" are left out: their paths are signed unchanged.
/// Our code does so for S3 only, and these cases are not for S3.
fn cases() -> Vec<Case> {
    let mut unnormalized = 0;
    let mut cases: Vec<Case> = Vec::new();
    for entry in fs::read_dir(suite()).unwrap() {
        let directory = entry.unwrap().path();
        let Ok(context) = fs::read_to_string(directory.join("context.json")) else { continue };
        let context: Context = serde_json::from_str(&context).unwrap();
        if context.normalize {
            let name = directory.file_name().unwrap().to_string_lossy().into_owned();
            cases.push(Case { name, directory, context });
        } else {
            unnormalized += 1;
        }
    }
    assert_eq!((cases.len(), unnormalized), (31, 7));
    cases
}

/// The request before signing, but with the hash of the body. AWS counts the hash as a part of signing.
fn unsigned(case: &Case) -> Wire {
    let mut wire = Wire::parse(&case.read("request.txt"));
    // One request has its space escaped here and unescaped in the signed form. The signature is for the unescaped
    // form.
    wire.path = Wire::parse(&case.read("header-signed-request.txt")).path;
    if case.context.sign_body {
        let hash = hex::encode(sha256(&wire.body));
        wire.add("x-amz-content-sha256", &hash);
    }
    wire
}

#[test]
fn we_sign_as_aws_does() {
    for case in cases() {
        let mut wire = unsigned(&case);
        let Context { credentials, region, service, omit_session_token, .. } = &case.context;
        let payload = sha256(&wire.body);
        let credentials = Credentials {
            access_key_id: &credentials.access_key_id,
            secret_access_key: &credentials.secret_access_key,
            session_token: credentials.token.as_deref().filter(|_| !omit_session_token),
        };
        let added = sign(&wire.request(), &credentials, region, service, case.now(), &payload);
        for (name, value) in &added {
            wire.add(name, value);
        }
        let canonical = canonical_request(&wire.request(), wire.parameter("SignedHeaders"), &payload);
        let expected = case.read("header-canonical-request.txt");
        assert_eq!(String::from_utf8(canonical).unwrap(), expected, "{}", case.name);
        assert_eq!(wire.parameter("Signature"), case.read("header-signature.txt"), "{}", case.name);
    }
}

#[test]
fn we_verify_what_aws_signed() {
    let (mut verified, mut with_query) = (0, 0);
    for case in cases() {
        let wire = Wire::parse(&case.read("header-signed-request.txt"));
        let claim = wire.claim(&case.context.service, case.now());
        if wire.query.is_some() {
            assert_eq!(claim.unwrap_err(), Refusal::Query, "{}", case.name);
            with_query += 1;
        } else if case.context.omit_session_token {
            let unsigned_token = Refusal::UnsignedHeader("x-amz-security-token".to_owned());
            assert_eq!(claim.unwrap_err(), unsigned_token, "{}", case.name);
        } else {
            let claim = claim.unwrap();
            let secret = case.context.credentials.secret_access_key.as_bytes();
            assert_eq!(claim.verify(Some(secret), &sha256(&wire.body)), Ok(()), "{}", case.name);
            assert_eq!(claim.session_token(), case.context.credentials.token.as_deref(), "{}", case.name);
            verified += 1;
        }
    }
    assert_eq!((verified, with_query), (23, 7));
}

/// Two old cases have no context, so their signatures are not valid.
#[test]
fn encoded_paths_are_encoded_once_more() {
    for name in ["double-encode-path", "double-url-encode"] {
        let read = |file| fs::read_to_string(suite().join(name).join(file)).unwrap();
        let mut wire = Wire::parse(&read("request.txt"));
        wire.set("x-amz-date", "20210511T154045Z");
        let canonical = canonical_request(&wire.request(), "host;x-amz-date", &sha256(""));
        assert_eq!(String::from_utf8(canonical).unwrap(), read("header-canonical-request.txt"), "{name}");
    }
}
