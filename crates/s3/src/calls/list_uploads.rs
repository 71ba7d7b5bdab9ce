//! `ListMultipartUploads`. Some servers lack it, and in some it is wrong.

use hyper::Method;
use hyper::header::DATE;

use crate::client::Client;
use crate::clock;
use crate::error::{Error, Result};
use crate::request::Call;
use crate::xml;

/// A multipart upload that is neither completed nor aborted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenUpload {
    /// The key of its object.
    pub key: String,
    /// Its id.
    pub id: String,
    /// When it began, in Unix seconds by the server's clock.
    pub begun: Option<i64>,
}

/// A page of open uploads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenUploads {
    /// Uploads, in the order of their keys.
    pub uploads: Vec<OpenUpload>,
    /// The key after which the next page begins, if there is one.
    pub next: Option<String>,
    /// The server's clock at the answer, in Unix seconds.
    pub now: Option<i64>,
}

impl Client {
    /// Lists open uploads whose keys begin with `prefix`. Pages continue by key alone, since some servers
    /// refuse their own upload markers. No upload is lost between pages: each of our keys has one upload.
    ///
    /// # Errors
    /// If the server refuses or does not answer, or if a page has no next key although more pages follow.
    pub async fn list_multipart_uploads(&self, prefix: &str, after: Option<&str>) -> Result<OpenUploads> {
        const NAME: &str = "ListMultipartUploads";
        let mut call = Call::new(NAME, Method::GET, "").query("uploads", "").query("prefix", prefix);
        if let Some(after) = after {
            call = call.query("key-marker", after);
        }
        let answer = self.whole(&call).await?;
        let now = answer.headers.get(DATE).and_then(|value| clock::of_date_header(value.to_str().ok()?));
        let page = xml::read(NAME, &answer.text, "ListMultipartUploadsResult", |root| {
            let uploads = xml::children(root, "Upload").map(|upload| {
                Some(OpenUpload {
                    key: xml::child(upload, "Key")?.to_owned(),
                    id: xml::child(upload, "UploadId")?.to_owned(),
                    begun: xml::child(upload, "Initiated").and_then(clock::of_timestamp),
                })
            });
            let is_cut = xml::child(root, "IsTruncated").is_some_and(|text| text.trim() == "true");
            Some((uploads.collect::<Option<Vec<_>>>()?, is_cut))
        })?;
        let (uploads, is_cut) = page;
        let next = uploads.last().map(|upload| upload.key.clone()).filter(|_| is_cut);
        if is_cut && (next.is_none() || next.as_deref() == after) {
            return Err(Error::NotS3 {
                call: NAME,
                why: "it is cut and does not say how to go on".to_owned(),
            });
        }
        Ok(OpenUploads { uploads, next, now })
    }
}
