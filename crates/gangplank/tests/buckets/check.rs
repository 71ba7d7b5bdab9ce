//! `gangplank s3 check`.

use std::process::{Command, Output};

use gangplank_testkit::s3::{BUCKET, Fault, FaultProxy, Program, S3Server};

use crate::world::s3;

fn check(s3: &S3Server, endpoint: &str, args: &[&str]) -> Output {
    let home = tempfile::tempdir().unwrap();
    let (id, secret) = s3.keys();
    Command::new(env!("CARGO_BIN_EXE_gangplank"))
        .args(["s3", "check", "--s3-endpoint", endpoint])
        .args(args)
        .env_clear()
        .env("HOME", home.path())
        .env("AWS_ACCESS_KEY_ID", id)
        .env("AWS_SECRET_ACCESS_KEY", secret)
        .output()
        .unwrap()
}

#[test]
fn a_bucket_that_will_do_is_told_step_by_step() {
    for program in Program::ALL {
        let Some(s3) = s3(program) else { continue };
        let done = check(s3, &s3.endpoint(), &[&format!("s3://{BUCKET}/checked")]);
        let said = String::from_utf8(done.stdout).unwrap();
        assert_eq!(done.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&done.stderr));
        for line in [
            "credentials: the environment or the AWS CLI's files",
            "works    join parts to an object",
            "The bucket can keep blobs.",
        ] {
            assert!(said.contains(line), "{line}: {said}");
        }
        assert_eq!(s3.keys_under("checked/"), Vec::<String>::new());
    }
}

#[test]
fn a_bucket_that_will_not_do_is_told_with_the_reason() {
    let Some(s3) = s3(Program::Versitygw) else { return };
    let done = check(s3, &s3.endpoint(), &["s3://no-such-bucket/x", "--output", "json"]);
    assert_eq!(done.status.code(), Some(1));
    let said: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!((&said["usable"], &said["bucket"]), (&false.into(), &"no-such-bucket".into()));
    assert!(said["checks"][0]["detail"].as_str().unwrap().contains("NoSuchBucket"), "{said}");
    let proxy = FaultProxy::before(&s3.address());
    proxy.decide(|seen| {
        if seen.call == "DeleteObjects" { Fault::Refuse(501, "NotImplemented") } else { Fault::None }
    });
    let done = check(s3, &proxy.endpoint(), &[&format!("s3://{BUCKET}/without")]);
    let said = String::from_utf8(done.stdout).unwrap();
    assert_eq!(done.status.code(), Some(0), "{said}");
    assert!(said.contains("missing  delete many objects at once: they are deleted one by one"), "{said}");
}

#[test]
fn what_is_no_bucket_is_refused_in_words() {
    let Some(s3) = s3(Program::Versitygw) else { return };
    for (args, words) in [
        (&[][..], "no bucket is named"),
        (&["registry/blobs"], "write s3://bucket/prefix"),
        (&["s3://Registry/blobs"], "cannot be a bucket's name"),
        (&["s3://registry/a b"], "has an empty or a dotted part"),
    ] {
        let done = check(s3, &s3.endpoint(), args);
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(!done.status.success() && said.contains(words), "{args:?}: {said}");
    }
    let done = check(s3, "http://s3.example.com", &["s3://registry/blobs"]);
    assert!(String::from_utf8_lossy(&done.stderr).contains("speaks no TLS"));
}
