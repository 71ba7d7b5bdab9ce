//! `CompleteMultipartUpload`.

use std::fmt::Write as _;

use hyper::Method;
use hyper::header::IF_NONE_MATCH;
use serde::{Deserialize, Serialize};

use crate::checksum::Crc64;
use crate::client::Client;
use crate::error::Result;
use crate::request::Call;
use crate::{deadlines, xml};

/// Whether a multipart upload has a checksum of the whole object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WholeChecksum {
    /// None; each part is signed.
    None,
    /// A CRC-64/NVME, and one of each part.
    Crc64,
}

/// A part that was uploaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its entity tag.
    pub etag: String,
    /// How many bytes it has.
    pub length: u64,
    /// Its checksum, if the upload has one.
    pub crc: Option<Crc64>,
}

/// What a server says of an object that it joined. It can be untrue: look at the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completed {
    /// The object's entity tag, if the answer has one.
    pub etag: Option<String>,
    /// The checksum of the object that the server assembled, in base64, if it says it.
    pub crc64: Option<String>,
}

impl Client {
    /// Joins parts, numbered from 1 in this order, to the object.
    ///
    /// It is sent once: whether it was done after all can be seen in the object.
    ///
    /// # Errors
    /// If the server refuses or does not answer; then the object may be there all the same.
    pub async fn complete_multipart_upload(
        &self,
        key: &str,
        upload: &str,
        parts: &[Part],
        only_new: OnlyNew,
    ) -> Result<Completed> {
        const NAME: &str = "CompleteMultipartUpload";
        let mut body =
            String::from("<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
        for (number, part) in (1..).zip(parts) {
            let number: u32 = number;
            let etag = xml::escaped(&part.etag);
            let crc = part.crc.map(|crc| format!("<ChecksumCRC64NVME>{}</ChecksumCRC64NVME>", crc.header()));
            let crc = crc.unwrap_or_default();
            let _ = write!(body, "<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag>{crc}</Part>");
        }
        body.push_str("</CompleteMultipartUpload>");
        let mut call = Call::new(NAME, Method::POST, key).query("uploadId", upload).text(body);
        call.tries = 1;
        call.head = deadlines::joining(parts.iter().map(|part| part.length).sum());
        if let Some(whole) = whole_crc(parts) {
            call = call
                .header("x-amz-checksum-crc64nvme", whole.header())
                .header("x-amz-checksum-type", "FULL_OBJECT");
        }
        if only_new == OnlyNew::Asked {
            call = call.header(IF_NONE_MATCH.as_str(), "*");
        }
        let answer = self.whole(&call).await?;
        xml::read(NAME, &answer.text, "CompleteMultipartUploadResult", |root| {
            let of = |name| xml::child(root, name).filter(|text| !text.is_empty()).map(str::to_owned);
            Some(Completed { etag: of("ETag"), crc64: of("ChecksumCRC64NVME") })
        })
    }
}

/// Whether the server is asked to join parts only if the key has no object yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnlyNew {
    /// It is.
    Asked,
    /// It is not, since it refuses to be asked.
    NotAsked,
}

/// The checksum of the whole, if every part has one.
pub(crate) fn whole_crc(parts: &[Part]) -> Option<Crc64> {
    parts.iter().try_fold(Crc64::EMPTY, |crc, part| Some(crc.and(part.crc?)))
}
