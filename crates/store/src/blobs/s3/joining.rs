//! Joins the parts of a multipart upload. The server's answer alone proves nothing: a server that is killed
//! while it joins may report success afterwards and have no object. And if an answer is lost, the parts may
//! have been joined.

use std::time::Duration;

use gangplank_s3::Part;
use md5::{Digest as _, Md5};
use tokio::time::timeout;

use super::Inner;
use super::failure::{failed, failed_upload};
use super::state::Upload;
use crate::blobs::ContentKey;
use crate::{Result, StoreError};

/// How often the server is asked to join the parts.
const TRIES: u32 = 3;

/// How long to look for the outcome after a call without an answer.
const LOOK: Duration = Duration::from_secs(4);

/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(500);

impl Inner {
    /// Joins the parts of an upload to the object of a key. When this returns, the object exists.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if the object will never exist: the upload is over, or the key has another
    /// object.
    pub(super) async fn join(&self, key: &ContentKey, upload: &Upload, parts: &[Part]) -> Result<()> {
        let object = self.object(key);
        let mut tried = 0;
        loop {
            tried += 1;
            let asked = self.abilities.ask_only_new();
            let completed = self.client.complete_multipart_upload(&object, &upload.id, parts, asked).await;
            if let Ok(completed) = &completed
                && let Some(ours) = completed.sent
                && completed.crc64.as_ref().is_some_and(|theirs| *theirs != ours.header())
            {
                return Err(StoreError::damaged(format!("{key} was not joined to what was sent")));
            }
            let looked = timeout(LOOK, self.is_joined(key, parts)).await;
            let looked = looked.unwrap_or_else(|_| Err(unanswered()));
            if completed.is_err() && matches!(looked, Ok(true) | Err(StoreError::Damaged(_))) {
                // A part that arrives after the join can bring the upload back.
                let _ = timeout(LOOK, self.client.abort_multipart_upload(&object, &upload.id)).await;
            }
            // If the outcome is unknown, the next request finds it out.
            if looked? {
                return Ok(());
            }
            if let Err(error) = completed {
                let never = error.is_code(&[
                    "InvalidPart",
                    "InvalidPartOrder",
                    "EntityTooSmall",
                    "PreconditionFailed",
                ]);
                if never || error.is_no_upload() {
                    return Err(StoreError::damaged(format!("the parts of {key} cannot be joined: {error}")));
                }
                if tried >= TRIES || !error.may_pass() {
                    return Err(failed_upload(error));
                }
            } else if tried >= TRIES {
                return Err(StoreError::unavailable(format!(
                    "the server says that it has joined {key}, and has nothing"
                )));
            }
            let is_open = timeout(LOOK, self.client.is_upload_open(&object, &upload.id)).await;
            if !is_open.map_err(|_| unanswered())?.map_err(failed)? {
                return Err(StoreError::damaged(format!(
                    "the upload of {key} is over, and nothing came of it"
                )));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Whether the object of a key consists of these parts. Its existence alone proves nothing.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if the object has other content.
    pub(super) async fn is_joined(&self, key: &ContentKey, parts: &[Part]) -> Result<bool> {
        let Some(head) = self.client.head_object(&self.object(key)).await.map_err(failed)? else {
            return Ok(false);
        };
        let length: u64 = parts.iter().map(|part| part.length).sum();
        let expected = self.abilities.md5_etags.then(|| joined_etag(parts)).flatten();
        let is_same = expected.is_none_or(|etag| head.etag.trim_matches('"') == etag);
        if head.length == length && is_same {
            self.seen.note(key, length);
            return Ok(true);
        }
        Err(StoreError::damaged(format!(
            "{key} has {} bytes, and not the {length} that were sent",
            head.length
        )))
    }
}

fn unanswered() -> StoreError {
    StoreError::unavailable("the S3 server does not say what became of an upload".to_owned())
}

/// The entity tag of an object joined from these parts, if the tags of the parts are MD5s.
fn joined_etag(parts: &[Part]) -> Option<String> {
    let mut hash = Md5::new();
    for part in parts {
        let bytes = hex::decode(part.etag.trim_matches('"')).ok().filter(|bytes| bytes.len() == 16)?;
        hash.update(bytes);
    }
    Some(format!("{}-{}", hex::encode(hash.finalize()), parts.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_of_a_joined_object_follows_from_those_of_its_parts() {
        let part = |etag: &str| Part { etag: etag.to_owned(), length: 1, crc: None };
        let parts = [part("\"c4ca4238a0b923820dcc509a6f75849b\""), part("c81e728d9d4c2f636f067f89cc14862c")];
        assert_eq!(joined_etag(&parts).unwrap(), format!("{}-2", both()));
        assert_eq!(joined_etag(&[part("\"not-an-md5\"")]), None);
    }

    fn both() -> String {
        let parts: Vec<u8> = [Md5::digest(b"1"), Md5::digest(b"2")].concat();
        hex::encode(Md5::digest(parts))
    }
}
