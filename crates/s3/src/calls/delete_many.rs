//! `DeleteObjects`. Some servers lack it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::Method;
use md5::{Digest as _, Md5};

use crate::client::Client;
use crate::error::{Result, plain};
use crate::request::Call;
use crate::xml;

/// An object that was not deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotDeleted {
    /// Its key.
    pub key: String,
    /// The server's code and message.
    pub why: String,
}

impl Client {
    /// Deletes up to 1,000 objects. Returns those that are left. Missing objects count as deleted.
    ///
    /// # Errors
    /// If the server refuses or does not answer. Any of the objects may be deleted even then.
    pub async fn delete_objects(&self, keys: &[String]) -> Result<Vec<NotDeleted>> {
        const NAME: &str = "DeleteObjects";
        let mut objects = String::new();
        for key in keys {
            objects.extend(["<Object><Key>", &xml::escaped(key), "</Key></Object>"]);
        }
        let body = format!(
            "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>{objects}</Delete>"
        );
        let call = Call::new(NAME, Method::POST, "")
            .query("delete", "")
            .header("content-md5", BASE64_STANDARD.encode(Md5::digest(body.as_bytes())))
            .text(body);
        let answer = self.whole(&call).await?;
        xml::read(NAME, &answer.text, "DeleteResult", |root| {
            let failed = xml::children(root, "Error");
            let failed = failed.filter(|error| xml::child(*error, "Code") != Some("NoSuchKey"));
            failed
                .map(|error| {
                    let of = |name| xml::child(error, name);
                    let why = plain(&format!(
                        "{} {}",
                        of("Code").unwrap_or_default(),
                        of("Message").unwrap_or_default()
                    ));
                    Some(NotDeleted { key: of("Key")?.to_owned(), why })
                })
                .collect()
        })
    }
}
