//! `ListObjectsV2`.

use hyper::Method;
use hyper::header::DATE;

use crate::client::Client;
use crate::clock;
use crate::error::{Error, Result};
use crate::request::Call;
use crate::xml;

/// An object of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// Its length in bytes.
    pub length: u64,
    /// When it was last changed, in Unix seconds by the server's clock. Of a joined object, Amazon gives the
    /// start of its upload.
    pub modified: i64,
}

/// A page of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Objects, in the order of their keys.
    pub objects: Vec<Listed>,
    /// The token for the next page, if there is one.
    pub next: Option<String>,
    /// The server's clock at the answer, in Unix seconds.
    pub now: Option<i64>,
}

impl Client {
    /// Lists objects whose keys begin with `prefix`, up to 1,000 a page. `after` is the token of the page
    /// before.
    ///
    /// # Errors
    /// If the server refuses or does not answer, or if a page has no token although more pages follow.
    pub async fn list_objects(&self, prefix: &str, after: Option<&str>) -> Result<Page> {
        const NAME: &str = "ListObjectsV2";
        let mut call = Call::new(NAME, Method::GET, "").query("list-type", "2").query("prefix", prefix);
        if let Some(after) = after {
            call = call.query("continuation-token", after);
        }
        let answer = self.whole(&call).await?;
        let now = answer.headers.get(DATE).and_then(|value| clock::of_date_header(value.to_str().ok()?));
        let page = xml::read(NAME, &answer.text, "ListBucketResult", |root| {
            let objects = xml::children(root, "Contents").map(|object| {
                Some(Listed {
                    key: xml::child(object, "Key")?.to_owned(),
                    length: xml::child(object, "Size")?.parse().ok()?,
                    modified: clock::of_timestamp(xml::child(object, "LastModified")?)?,
                })
            });
            let is_cut = xml::child(root, "IsTruncated").is_some_and(|text| text.trim() == "true");
            let next = xml::child(root, "NextContinuationToken").filter(|token| !token.is_empty());
            Some((objects.collect::<Option<Vec<_>>>()?, is_cut, next.map(str::to_owned)))
        })?;
        let (objects, is_cut, next) = page;
        if is_cut && (next.is_none() || next.as_deref() == after) {
            return Err(Error::NotS3 {
                call: NAME,
                why: "it is cut and does not say how to go on".to_owned(),
            });
        }
        Ok(Page { objects, next: next.filter(|_| is_cut), now })
    }
}
