//! The probe reports the abilities of servers, and removes its objects.

use std::fmt::Write as _;

use gangplank_s3::probe::{Abilities, Report, probe};
use gangplank_s3::{Location, Style};
use gangplank_testkit::s3::{BUCKET, Fault, FaultProxy, Program};

use crate::world::{client, key, server};

fn location() -> Location {
    format!("s3://{BUCKET}/{}", key("probed")).parse().unwrap()
}

fn shown(report: &Report) -> String {
    report.checks.iter().fold(String::new(), |mut text, check| {
        let _ = writeln!(text, "{:?} {} {}", check.verdict, check.what, check.detail);
        text
    })
}

async fn is_known(program: Program, expected: Abilities) {
    let Some(server) = server(program) else { return };
    let location = location();
    let report = probe(&client(server, None, Style::Path), &location).await;
    assert!(report.is_usable(), "{}", shown(&report));
    assert_eq!(report.abilities, expected, "{}", shown(&report));
    assert!(report.clock_ahead.unwrap().abs() <= 1);
    let left = tokio::task::spawn_blocking(move || {
        let begin = |key: &String| key.starts_with(&location.prefix);
        (
            server.keys_under(&location.prefix),
            server.open_uploads().into_iter().filter(begin).collect::<Vec<_>>(),
        )
    });
    assert_eq!(left.await.unwrap(), (vec![], vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn versitygw_can_do_all() {
    let all =
        Abilities { crc64: true, only_new: true, delete_many: true, lists_uploads: true, md5_etags: true };
    is_known(Program::Versitygw, all).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn seaweedfs_can_do_all() {
    let all =
        Abilities { crc64: true, only_new: true, delete_many: true, lists_uploads: true, md5_etags: true };
    is_known(Program::SeaweedFs, all).await;
}

/// A server that cannot delete many objects at once, and cannot list uploads.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_do_much_is_enough() {
    let Some(server) = server(Program::Versitygw) else { return };
    let proxy = FaultProxy::before(&server.address());
    proxy.decide(|seen| match seen.call {
        "DeleteObjects" | "ListMultipartUploads" => Fault::Refuse(501, "NotImplemented"),
        _ => Fault::None,
    });
    let report = probe(&client(server, Some(&proxy.endpoint()), Style::Path), &location()).await;
    assert!(report.is_usable(), "{}", shown(&report));
    assert!(!report.abilities.delete_many && !report.abilities.lists_uploads, "{}", shown(&report));
    assert_eq!(report.missing().count(), 2, "{}", shown(&report));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_do_enough_is_told() {
    let Some(server) = server(Program::Versitygw) else { return };
    for call in ["PutObject", "GetObject", "UploadPart", "CompleteMultipartUpload", "DeleteObject"] {
        let proxy = FaultProxy::before(&server.address());
        proxy.decide(
            move |seen| if seen.call == call { Fault::Refuse(403, "AccessDenied") } else { Fault::None },
        );
        let report = probe(&client(server, Some(&proxy.endpoint()), Style::Path), &location()).await;
        assert!(!report.is_usable(), "{call}: {}", shown(&report));
        let said = &report.broken().next().unwrap().detail;
        assert!(said.contains("AccessDenied"), "{call}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_told() {
    let Some(server) = server(Program::Versitygw) else { return };
    let client = gangplank_s3::Client::new(gangplank_s3::Settings {
        bucket: BUCKET.to_owned(),
        endpoint: Some(gangplank_s3::Endpoint::parse(&server.endpoint()).unwrap()),
        region: "us-east-1".to_owned(),
        style: None,
        ca_file: None,
        credentials: vec![std::sync::Arc::new(crate::world::Fixed(server.keys().0, "another-secret"))],
    })
    .unwrap();
    let report = probe(&client, &location()).await;
    assert_eq!(report.checks.len(), 1);
    assert!(report.checks[0].detail.contains("SignatureDoesNotMatch"), "{}", shown(&report));
    assert!(!report.checks[0].detail.contains("another-secret"));
}
