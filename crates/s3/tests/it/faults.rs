//! The client against a server or a network that fails.

use std::time::{Duration, Instant};

use bytes::Bytes;
use gangplank_s3::{Client, Error, Guard, OnlyNew, Part, Style, WholeChecksum};
use gangplank_testkit::s3::{Fault, FaultProxy, Program};

use crate::world::{client, key, server};

fn world() -> Option<(FaultProxy, Client)> {
    let server = server(Program::Versitygw)?;
    let proxy = FaultProxy::before(&server.address());
    let client = client(server, Some(&proxy.endpoint()), Style::Path);
    Some((proxy, client))
}

async fn put(client: &Client, key: &str, bytes: &[u8]) -> gangplank_s3::Result<()> {
    client.put_object(key, Bytes::copy_from_slice(bytes).into(), Guard::of(bytes)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_is_tried_again() {
    let Some((proxy, client)) = world() else { return };
    for fault in [
        Fault::Refuse(503, "SlowDown"),
        Fault::Refuse(500, "InternalError"),
        Fault::Refuse(429, "TooManyRequests"),
        Fault::ErrorIn200("InternalError"),
        Fault::SwallowAnswer,
        Fault::CutRequest(3),
    ] {
        let (key, first) = (key("again"), fault.clone());
        proxy.decide(
            move |seen| if seen.call == "PutObject" && seen.before < 2 { first.clone() } else { Fault::None },
        );
        put(&client, &key, b"content").await.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
        assert_eq!(proxy.count("PutObject"), 3, "{fault:?}");
        assert_eq!(client.head_object(&key).await.unwrap().unwrap().length, 7);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stays_is_told_after_three_tries() {
    let Some((proxy, client)) = world() else { return };
    proxy.decide(|_| Fault::Refuse(503, "SlowDown"));
    let error = put(&client, &key("never"), b"content").await.unwrap_err();
    assert!(error.may_pass() && error.to_string().contains("SlowDown"), "{error}");
    assert_eq!(proxy.count("PutObject"), 3);
    proxy.decide(|_| Fault::Refuse(403, "AccessDenied"));
    let error = put(&client, &key("never"), b"content").await.unwrap_err();
    assert!(!error.may_pass(), "{error}");
    assert_eq!(proxy.count("PutObject"), 1, "a refusal is not asked for twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_server_says_that_nothing_is_there() {
    let Some((proxy, client)) = world() else { return };
    let key = key("there");
    put(&client, &key, b"content").await.unwrap();
    assert!(client.get_object("never-put", None).await.unwrap().is_none());
    // A load balancer without a server answers like this.
    proxy.decide(|_| Fault::Refuse(404, ""));
    assert!(client.get_object(&key, None).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_in_a_200_is_an_error() {
    let Some((proxy, client)) = world() else { return };
    let key = key("in-200");
    let upload = client.create_multipart_upload(&key, WholeChecksum::None).await.unwrap();
    let etag =
        client.upload_part(&key, &upload, 1, Bytes::from_static(b"1").into(), Guard::of(b"1")).await.unwrap();
    let parts = [Part { etag, length: 1, crc: None }];
    proxy.decide(|_| Fault::ErrorIn200("InternalError"));
    let error = client.complete_multipart_upload(&key, &upload, &parts, OnlyNew::Asked).await.unwrap_err();
    assert!(
        matches!(&error, Error::Refused(said) if said.status == 200 && said.code == "InternalError"),
        "{error}"
    );
    assert_eq!(proxy.count("CompleteMultipartUpload"), 1, "whoever asked finds out first what became of it");
    proxy.mend();
    client.complete_multipart_upload(&key, &upload, &parts, OnlyNew::Asked).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_off_is_read_on() {
    let Some((proxy, client)) = world() else { return };
    let key = key("broken");
    let content: Vec<u8> = (0..3_000_000_u32).map(|at| (at % 253) as u8).collect();
    put(&client, &key, &content).await.unwrap();
    proxy.decide(|seen| match seen.call {
        "GetObject" if seen.before < 6 => Fault::CutAnswer(400_000),
        _ => Fault::None,
    });
    let object = client.get_object(&key, None).await.unwrap().unwrap();
    assert!(object.content.whole(4_000_000).await.unwrap() == content);
    assert_eq!(proxy.count("GetObject"), 7);
    let ranges: Vec<_> = proxy.seen().into_iter().filter_map(|seen| seen.range).collect();
    assert_eq!(ranges.len(), 6, "each goes on where the one before broke off");
    let object = client.get_object(&key, Some(100..2_900_000)).await.unwrap().unwrap();
    assert!(object.content.whole(4_000_000).await.unwrap() == content[100..2_900_000]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_never_read_on_from_another_object() {
    let Some((proxy, client)) = world() else { return };
    let key = key("changed");
    put(&client, &key, &vec![1; 2_000_000]).await.unwrap();
    proxy.decide(|seen| {
        if seen.call == "GetObject" && seen.before == 0 { Fault::CutAnswer(400_000) } else { Fault::None }
    });
    let mut object = client.get_object(&key, None).await.unwrap().unwrap();
    assert!(object.content.next().await.unwrap().is_some());
    put(&client, &key, &vec![2; 2_000_000]).await.unwrap();
    let error = object.content.whole(4_000_000).await.unwrap_err();
    assert!(error.is_status(412), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_slowly_is_not_cut() {
    let Some((_proxy, client)) = world() else { return };
    let key = key("slow");
    put(&client, &key, &vec![7; 4_000_000]).await.unwrap();
    let mut object = client.get_object(&key, None).await.unwrap().unwrap();
    let mut read = 0;
    let begun = Instant::now();
    while let Some(piece) = object.content.next().await.unwrap() {
        read += piece.len();
        if begun.elapsed() < Duration::from_secs(2) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    assert_eq!(read, 4_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn few_ask_a_server_that_does_not_answer() {
    const CALLERS: usize = 40;
    let Some((proxy, client)) = world() else { return };
    proxy.decide(|_| Fault::SwallowAnswer);
    let begun = Instant::now();
    let key = key("away");
    let all = futures_util::future::join_all((0..CALLERS).map(|_| client.head_object(&key))).await;
    assert!(all.iter().all(|answer| answer.as_ref().is_err_and(Error::may_pass)));
    let asked = proxy.count("HeadObject");
    assert!(asked < CALLERS + CALLERS / 2, "all together asked {asked} times, and not {CALLERS} times 3");
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    proxy.mend();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let all = futures_util::future::join_all((0..CALLERS).map(|_| client.head_object(&key))).await;
    assert!(all.iter().all(|answer| matches!(answer, Ok(None))), "and then they ask again");
}
