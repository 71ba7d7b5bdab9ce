//! Checks of objects: put, inspect, read, list, and refuse wrong checksums.

use bytes::Bytes;
use md5::{Digest as _, Md5};

use super::trial::{Trial, is_refused};
use crate::checksum::Crc64;
use crate::clock;
use crate::error::{Error, Result};
use crate::payload::Guard;

const CONTENT: &[u8] = b"Gangplank puts this to see what the server of this bucket can do.";

/// Runs the checks. Returns whether further checks make sense.
pub(super) async fn run(trial: &mut Trial) -> bool {
    let key = trial.key("object");
    let client = trial.client.clone();
    let put = client.put_object(&key, Bytes::from_static(CONTENT).into(), Guard::of(CONTENT)).await;
    if trial.needed("put an object", put).is_none() {
        return false;
    }
    let head = client.head_object(&key).await.and_then(|head| head.ok_or_else(|| absent("HeadObject")));
    if let Some(head) = trial.needed("look at an object", head) {
        if head.length != CONTENT.len() as u64 {
            trial.broken("know the length of an object", format!("{} of {}", head.length, CONTENT.len()));
        }
        trial.abilities.md5_etags = head.etag.trim_matches('"') == hex::encode(Md5::digest(CONTENT));
    }
    let whole = read(trial, &key, None).await;
    let same = whole.and_then(|read| if read == CONTENT { Ok(()) } else { Err(other("GetObject")) });
    if trial.needed("read an object", same).is_none() {
        return false;
    }
    let part = read(trial, &key, Some(4..9)).await;
    let same = part.and_then(|read| if read == CONTENT[4..9] { Ok(()) } else { Err(other("GetObject")) });
    trial.needed("read a range of an object", same);
    list(trial, &key).await;
    let missing = client.head_object(&trial.key("never-put")).await;
    let none = missing.and_then(|head| if head.is_none() { Ok(()) } else { Err(other("HeadObject")) });
    trial.needed("know what is not there", none);
    wrong_hash(trial).await;
    wrong_checksum(trial).await;
    true
}

async fn read(trial: &Trial, key: &str, range: Option<std::ops::Range<u64>>) -> Result<Vec<u8>> {
    let object = trial.client.get_object(key, range).await?.ok_or_else(|| absent("GetObject"))?;
    object.content.whole(CONTENT.len()).await
}

async fn list(trial: &mut Trial, key: &str) {
    let page = trial.client.list_objects(trial.prefix(), None).await;
    let page = page.and_then(|page| {
        let is_there =
            page.objects.iter().any(|object| object.key == key && object.length == CONTENT.len() as u64);
        if is_there { Ok(page) } else { Err(absent("ListObjectsV2")) }
    });
    if let Some(page) = trial.needed("list objects by prefix", page) {
        trial.clock_ahead = page.now.map(|now| now - clock::now());
    }
}

async fn wrong_hash(trial: &mut Trial) {
    const WHAT: &str = "refuse a body that is not as signed";
    let key = trial.key("wrong-hash");
    let put = trial.client.put_object(&key, Bytes::from_static(CONTENT).into(), Guard::of(b"other")).await;
    if is_refused(&put) {
        trial.works(WHAT);
    } else {
        trial.missing(WHAT, "bytes that change on the way to the server are noticed only when they are read");
    }
}

async fn wrong_checksum(trial: &mut Trial) {
    const WHAT: &str = "refuse an object whose CRC-64/NVME is wrong";
    let key = trial.key("wrong-crc");
    let wrong = Guard::Crc64(Crc64::of(b"other"));
    let refused = is_refused(&trial.client.put_object(&key, Bytes::from_static(CONTENT).into(), wrong).await);
    let right = Guard::Crc64(Crc64::of(CONTENT));
    let taken = trial.client.put_object(&key, Bytes::from_static(CONTENT).into(), right).await;
    trial.abilities.crc64 = refused && taken.is_ok();
    if trial.abilities.crc64 {
        trial.works(WHAT);
    } else {
        trial.missing(WHAT, "parts of uploads are signed, which costs a second SHA-256");
    }
}

pub(super) fn absent(call: &'static str) -> Error {
    Error::NotS3 { call, why: "what was put is not there".to_owned() }
}

pub(super) fn other(call: &'static str) -> Error {
    Error::NotS3 { call, why: "it is not what was put".to_owned() }
}
