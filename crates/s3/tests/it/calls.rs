//! Each call against each server.

use bytes::Bytes;
use gangplank_s3::{Client, Crc64, Error, Guard, OnlyNew, Part, Style, WholeChecksum};
use gangplank_testkit::s3::{Program, S3Server};

use crate::world::{client, key, server};

/// Makes a test on each server of each of these functions, which take a client.
macro_rules! on_each_server {
    ($($test:ident),* $(,)?) => {
        mod versitygw {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                let Some(server) = super::server(super::Program::Versitygw) else { return };
                super::$test(server).await;
            })*
        }

        mod seaweedfs {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                let Some(server) = super::server(super::Program::SeaweedFs) else { return };
                super::$test(server).await;
            })*
        }
    };
}

on_each_server! {
    an_object_is_put_read_and_deleted,
    an_empty_object_is_an_object,
    a_key_may_have_odd_letters,
    a_range_is_read,
    a_listing_has_pages,
    many_are_deleted_at_once,
    parts_from_a_file_are_joined,
    an_upload_goes_on_in_another_client,
    a_bucket_that_is_not_there_is_no_missing_object,
}

const PART: usize = 5 << 20;

fn of(server: &S3Server) -> Client {
    client(server, None, Style::Path)
}

async fn put(client: &Client, key: &str, bytes: &'static [u8]) {
    client.put_object(key, Bytes::from_static(bytes).into(), Guard::of(bytes)).await.unwrap();
}

async fn read(client: &Client, key: &str) -> Option<Vec<u8>> {
    Some(client.get_object(key, None).await.unwrap()?.content.whole(64 << 20).await.unwrap())
}

async fn an_object_is_put_read_and_deleted(server: &S3Server) {
    let (client, key) = (of(server), key("object"));
    assert_eq!(client.head_object(&key).await.unwrap(), None);
    assert_eq!(read(&client, &key).await, None);
    put(&client, &key, b"one").await;
    put(&client, &key, b"another").await;
    assert_eq!(read(&client, &key).await.unwrap(), b"another");
    assert_eq!(client.head_object(&key).await.unwrap().unwrap().length, 7);
    for _ in 0..2 {
        client.delete_object(&key).await.unwrap();
        assert_eq!(client.head_object(&key).await.unwrap(), None);
    }
}

async fn an_empty_object_is_an_object(server: &S3Server) {
    let (client, key) = (of(server), key("empty"));
    put(&client, &key, b"").await;
    assert_eq!(client.head_object(&key).await.unwrap().unwrap().length, 0);
    assert_eq!(read(&client, &key).await.unwrap(), b"");
}

async fn a_key_may_have_odd_letters(server: &S3Server) {
    let (client, prefix) = (of(server), key("odd"));
    for name in ["a=b", "a+b", "a b", "a&b", "a~b@c:d", "ü"] {
        let key = format!("{prefix}/{name}");
        put(&client, &key, b"odd").await;
        assert_eq!(read(&client, &key).await.unwrap(), b"odd", "{name}");
        let page = client.list_objects(&format!("{prefix}/"), None).await.unwrap();
        assert_eq!(page.objects.iter().map(|object| object.key.as_str()).collect::<Vec<_>>(), [key.as_str()]);
        client.delete_object(&key).await.unwrap();
    }
}

async fn a_range_is_read(server: &S3Server) {
    let (client, key) = (of(server), key("range"));
    put(&client, &key, b"0123456789").await;
    for (range, expected) in
        [(0..10, "0123456789"), (0..1, "0"), (3..7, "3456"), (9..10, "9"), (7..99, "789")]
    {
        let object = client.get_object(&key, Some(range)).await.unwrap().unwrap();
        assert_eq!(object.length, 10);
        assert_eq!(object.content.whole(99).await.unwrap(), expected.as_bytes());
    }
    let behind = client.get_object(&key, Some(10..12)).await.map(drop).unwrap_err();
    assert!(behind.is_status(416), "{behind}");
}

async fn a_listing_has_pages(server: &S3Server) {
    const OBJECTS: usize = 1_005;
    let (client, prefix) = (of(server), key("pages"));
    let names: Vec<String> = (0..OBJECTS).map(|number| format!("{prefix}/{number:06}")).collect();
    let puts = names.iter().map(|key| put(&client, key, b"x"));
    let mut waiting: Vec<_> = puts.collect();
    while !waiting.is_empty() {
        let some = waiting.split_off(waiting.len().saturating_sub(16));
        futures_util::future::join_all(some).await;
    }
    let mut found = Vec::new();
    let (mut after, mut pages) = (None, 0);
    loop {
        let page = client.list_objects(&format!("{prefix}/"), after.as_deref()).await.unwrap();
        assert!(page.now.is_some());
        found.extend(page.objects);
        pages += 1;
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert_eq!(found.iter().map(|object| object.key.clone()).collect::<Vec<_>>(), names);
    assert!(found.iter().all(|object| object.length == 1 && object.modified > 1_700_000_000));
    assert_eq!(pages, 2);
    let (some, rest) = names.split_at(1_000);
    assert_eq!(client.delete_objects(some).await.unwrap(), []);
    assert_eq!(client.delete_objects(rest).await.unwrap(), []);
    assert_eq!(client.list_objects(&format!("{prefix}/"), None).await.unwrap().objects, []);
}

async fn many_are_deleted_at_once(server: &S3Server) {
    let (client, prefix) = (of(server), key("many"));
    let keys = ["a", "b&c", "never put"].map(|name| format!("{prefix}/{name}"));
    put(&client, &keys[0], b"x").await;
    put(&client, &keys[1], b"x").await;
    assert_eq!(client.delete_objects(&keys).await.unwrap(), []);
    for key in &keys {
        assert_eq!(client.head_object(key).await.unwrap(), None);
    }
}

async fn parts_from_a_file_are_joined(server: &S3Server) {
    for checksum in [WholeChecksum::None, WholeChecksum::Crc64] {
        let (client, key) = (of(server), key("joined"));
        let content: Vec<u8> = (0..PART * 2 + 17).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let mut file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut file, &content).unwrap();
        let file = std::sync::Arc::new(file);
        let upload = client.create_multipart_upload(&key, checksum).await.unwrap();
        let mut parts = Vec::new();
        for (number, bytes) in (1..).zip(content.chunks(PART)) {
            let crc = (checksum == WholeChecksum::Crc64).then(|| Crc64::of(bytes));
            let guard = crc.map_or_else(|| Guard::of(bytes), Guard::Crc64);
            let (offset, length) = ((u64::from(number) - 1) * PART as u64, bytes.len() as u64);
            let payload = gangplank_s3::Payload::File { file: file.clone(), offset, length };
            let etag = client.upload_part(&key, &upload, number, payload, guard).await.unwrap();
            parts.push(Part { etag, length, crc });
        }
        assert_eq!(client.head_object(&key).await.unwrap(), None, "not before its end");
        let done = client.complete_multipart_upload(&key, &upload, &parts, OnlyNew::Asked).await.unwrap();
        if checksum == WholeChecksum::Crc64 {
            assert_eq!(done.crc64.unwrap(), Crc64::of(&content).header());
        }
        assert_eq!(read(&client, &key).await.unwrap(), content);
        assert!(!client.is_upload_open(&key, &upload).await.unwrap());
    }
}

async fn an_upload_goes_on_in_another_client(server: &S3Server) {
    let (one, two, key) = (of(server), of(server), key("resumed"));
    let first = Bytes::from(vec![1; PART]);
    let upload = one.create_multipart_upload(&key, WholeChecksum::None).await.unwrap();
    let guard = Guard::of(&first);
    let etag = one.upload_part(&key, &upload, 1, first.into(), guard).await.unwrap();
    drop(one);
    let mut parts = vec![Part { etag, length: PART as u64, crc: None }];
    let etag =
        two.upload_part(&key, &upload, 2, Bytes::from_static(b"2").into(), Guard::of(b"2")).await.unwrap();
    parts.push(Part { etag, length: 1, crc: None });
    two.complete_multipart_upload(&key, &upload, &parts, OnlyNew::Asked).await.unwrap();
    assert_eq!(two.head_object(&key).await.unwrap().unwrap().length, PART as u64 + 1);
    two.abort_multipart_upload(&key, &upload).await.unwrap();
    let late =
        two.upload_part(&key, "no-such-upload", 1, Bytes::new().into(), Guard::of(b"")).await.unwrap_err();
    assert!(late.is_no_upload() || late.is_status(400), "{late}");
}

async fn a_bucket_that_is_not_there_is_no_missing_object(server: &S3Server) {
    let (id, secret) = server.keys();
    let client = Client::new(gangplank_s3::Settings {
        bucket: "no-such-bucket".to_owned(),
        endpoint: Some(gangplank_s3::Endpoint::parse(&server.endpoint()).unwrap()),
        region: "us-east-1".to_owned(),
        style: None,
        ca_file: None,
        credentials: vec![std::sync::Arc::new(crate::world::Fixed(id, secret))],
    })
    .unwrap();
    let refused = client.get_object("x", None).await.map(drop).unwrap_err();
    assert!(matches!(&refused, Error::Refused(said) if said.code == "NoSuchBucket"), "{refused}");
}
