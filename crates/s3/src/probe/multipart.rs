//! Checks of multipart uploads: begin, upload parts, complete, list, abort.

use bytes::Bytes;

use super::objects::{absent, other};
use super::trial::{Trial, is_refused};
use crate::calls::complete::{OnlyNew, Part, WholeChecksum};
use crate::checksum::Crc64;
use crate::error::{Error, Result};
use crate::payload::Guard;

/// The smallest part that S3 allows, apart from the last part, in bytes.
const PART: usize = 5 << 20;

pub(super) async fn run(trial: &mut Trial) {
    const JOIN: &str = "join parts to an object";
    let key = trial.key("joined");
    if trial.abilities.crc64 {
        const WHAT: &str = "check CRC-64/NVME of parts and of what they are joined to";
        match joined(trial, &key, WholeChecksum::Crc64).await {
            Ok(true) => trial.works(WHAT),
            Ok(false) => {
                trial.abilities.crc64 = false;
                trial.missing(WHAT, "a wrong one of a part is taken; parts are signed");
            }
            Err(error) => {
                trial.abilities.crc64 = false;
                trial.missing(WHAT, format!("parts are signed: {error}"));
            }
        }
    }
    let done = if trial.abilities.crc64 { Ok(true) } else { joined(trial, &key, WholeChecksum::None).await };
    if trial.needed(JOIN, done).is_some() {
        only_new(trial, &key).await;
    }
    given_up(trial).await;
}

/// Joins two parts. Returns `false`, without joining them, if the server accepts a wrong checksum of a part.
async fn joined(trial: &mut Trial, key: &str, checksum: WholeChecksum) -> Result<bool> {
    let client = trial.client.clone();
    let upload = client.create_multipart_upload(key, checksum).await?;
    let done = async {
        let (first, second) = (Bytes::from(vec![b'1'; PART]), Bytes::from_static(b"2"));
        if checksum == WholeChecksum::Crc64 {
            let wrong = Guard::Crc64(Crc64::of(b"other"));
            let taken = client.upload_part(key, &upload, 2, second.clone().into(), wrong).await;
            if !is_refused(&taken) {
                return Ok(false);
            }
        }
        let mut parts = Vec::new();
        for (number, bytes) in (1..).zip([first, second]) {
            let crc = (checksum == WholeChecksum::Crc64).then(|| Crc64::of(&bytes));
            let guard = crc.map_or_else(|| Guard::of(&bytes), Guard::Crc64);
            let length = bytes.len() as u64;
            let etag = client.upload_part(key, &upload, number, bytes.into(), guard).await?;
            parts.push(Part { etag, length, crc });
        }
        end(trial, key, &upload, &parts).await.map(|()| true)
    };
    let done: Result<bool> = done.await;
    if !matches!(done, Ok(true)) {
        let _ = client.abort_multipart_upload(key, &upload).await;
    }
    done
}

/// Completes an upload, and records whether the server takes the condition that the key is new.
async fn end(trial: &mut Trial, key: &str, upload: &str, parts: &[Part]) -> Result<()> {
    const WHAT: &str = "take If-None-Match at the end of an upload";
    let client = trial.client.clone();
    match client.complete_multipart_upload(key, upload, parts, OnlyNew::Asked).await {
        Ok(_) => trial.abilities.only_new = true,
        Err(error) if error.refusal().is_some() => {
            client.complete_multipart_upload(key, upload, parts, OnlyNew::NotAsked).await?;
            trial.missing(WHAT, format!("the condition is left out: {error}"));
        }
        Err(error) => return Err(error),
    }
    let head = client.head_object(key).await?.ok_or_else(|| absent("HeadObject"))?;
    let length: u64 = parts.iter().map(|part| part.length).sum();
    if head.length == length { Ok(()) } else { Err(other("HeadObject")) }
}

/// Checks that the server applies the condition to a key that has an object.
async fn only_new(trial: &mut Trial, key: &str) {
    const WHAT: &str = "refuse to join parts to a key that has an object";
    if !trial.abilities.only_new {
        return;
    }
    let client = trial.client.clone();
    let tried = async {
        let upload = client.create_multipart_upload(key, WholeChecksum::None).await?;
        let bytes = Bytes::from_static(b"another");
        let (guard, length) = (Guard::of(&bytes), bytes.len() as u64);
        let etag = client.upload_part(key, &upload, 1, bytes.into(), guard).await?;
        let parts = [Part { etag, length, crc: None }];
        let taken = client.complete_multipart_upload(key, &upload, &parts, OnlyNew::Asked).await;
        let _ = client.abort_multipart_upload(key, &upload).await;
        Ok::<_, Error>(
            taken.is_err_and(|error| error.is_status(412) || error.is_code(&["PreconditionFailed"])),
        )
    };
    match tried.await {
        Ok(true) => trial.works(WHAT),
        Ok(false) => trial.missing(WHAT, "two writers of one upload are told apart by the database alone"),
        Err(error) => trial.missing(WHAT, error.to_string()),
    }
}

async fn given_up(trial: &mut Trial) {
    let key = trial.key("given-up");
    let client = trial.client.clone();
    let Some(upload) =
        trial.needed("begin an upload", client.create_multipart_upload(&key, WholeChecksum::None).await)
    else {
        return;
    };
    let listed = client.list_multipart_uploads(trial.prefix(), None).await;
    let is_found =
        |uploads: &[crate::OpenUpload]| uploads.iter().any(|open| open.key == key && open.id == upload);
    trial.abilities.lists_uploads = listed.as_ref().is_ok_and(|page| is_found(&page.uploads));
    if trial.abilities.lists_uploads {
        trial.works("list open uploads by prefix");
    } else {
        let why = listed.err().map(|error| format!(": {error}")).unwrap_or_default();
        let detail = format!("a rule of the bucket has to remove uploads that were given up{why}");
        trial.missing("list open uploads by prefix", detail);
    }
    let aborted = client.abort_multipart_upload(&key, &upload).await;
    let gone = match aborted {
        Ok(()) => match client.is_upload_open(&key, &upload).await {
            Ok(true) => Err(other("AbortMultipartUpload")),
            // Some servers cannot list parts. Then the outcome is unknown.
            Ok(false) | Err(_) => Ok(()),
        },
        Err(error) => Err(error),
    };
    trial.needed("give an upload up", gone);
}
