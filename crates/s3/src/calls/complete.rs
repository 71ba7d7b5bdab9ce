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

/// The checksum of a multipart upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WholeChecksum {
    /// The request carries no checksum of the object, because each part is signed with its SHA-256.
    None,
    /// A CRC-64/NVME of the object and of each part.
    Crc64,
}

/// A part that was uploaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its entity tag.
    pub etag: String,
    /// Its length in bytes.
    pub length: u64,
    /// Its checksum, if the upload has one.
    pub crc: Option<Crc64>,
}

/// The server's answer about a joined object. It can be untrue, so look at the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completed {
    /// The object's entity tag, if the answer has one.
    pub etag: Option<String>,
    /// The server's CRC-64/NVME of the object, in base64, if the answer has one.
    pub crc64: Option<String>,
    /// The CRC-64/NVME of the joined parts, if each part has one.
    pub sent: Option<Crc64>,
}

impl Client {
    /// Joins parts to the object. The parts are numbered from 1 in this order.
    ///
    /// The call is sent only once. Look at the object to see whether it took effect.
    ///
    /// # Errors
    /// If the server refuses or does not answer. The object may exist even then.
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
        call.longer = deadlines::joining(parts.iter().map(|part| part.length).sum());
        let sent = whole_crc(parts);
        if let Some(whole) = sent {
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
            Some(Completed { etag: of("ETag"), crc64: of("ChecksumCRC64NVME"), sent })
        })
    }
}

/// Whether the server may join parts only if the key has no object yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnlyNew {
    /// The request has the condition `If-None-Match: *`.
    Asked,
    /// The server has not been asked, because it refuses the condition.
    NotAsked,
}

/// The CRC-64/NVME of the whole object, if every part has one.
pub(crate) fn whole_crc(parts: &[Part]) -> Option<Crc64> {
    parts.iter().try_fold(Crc64::EMPTY, |crc, part| Some(crc.and(part.crc?)))
}
