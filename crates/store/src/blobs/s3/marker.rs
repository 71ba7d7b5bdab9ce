//! The object that says which database owns the keys under a prefix. Two databases under one prefix would each
//! treat the other's content as garbage.

use bytes::Bytes;
use gangplank_s3::Guard;
use serde::{Deserialize, Serialize};

use super::S3;
use super::failure::failed;
use crate::identity::Identity;
use crate::{Result, StoreError};

const NAME: &str = "gangplank.json";
const LONGEST: usize = 4 << 10;
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Marker {
    format: u32,
    /// The number that the bucket and the database share, as 16 hexadecimal digits.
    cluster: String,
    /// The incarnation of the database in the same form. `None` means the incarnation 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    incarnation: Option<String>,
}

impl Marker {
    fn of(Identity { cluster, incarnation }: Identity) -> Self {
        let hex = |number| format!("{number:016x}");
        Self { format: FORMAT, cluster: hex(cluster), incarnation: Some(hex(incarnation)) }
    }

    fn identity(&self) -> Option<Identity> {
        let number = |text: &str| i64::from_str_radix(text, 16).ok();
        let incarnation = self.incarnation.as_deref().map_or(Some(0), number)?;
        (self.format == FORMAT).then_some(Identity { cluster: number(&self.cluster)?, incarnation })
    }
}

impl S3 {
    /// The place of the content for people, such as `s3://bucket/prefix`.
    pub fn shown(&self) -> String {
        self.0.location.to_string()
    }

    /// The database that owns the prefix; `None` if none does.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] if the object is of another version of the program; or another error if the
    /// object cannot be read.
    pub async fn marker(&self) -> Result<Option<Identity>> {
        let name = self.0.location.key(NAME);
        let Some(object) = self.0.client.get_object(&name, None).await.map_err(failed)? else {
            return Ok(None);
        };
        let text = object.content.whole(LONGEST).await.map_err(failed)?;
        let identity = serde_json::from_slice::<Marker>(&text).ok().and_then(|marker| marker.identity());
        let unusable =
            || StoreError::unusable(format!("s3://{}/{name} is not of this version", self.0.location.bucket));
        identity.map(Some).ok_or_else(unusable)
    }

    /// Gives a prefix without an owner to a database. Of several databases that do this at the same time, one
    /// gets the prefix, if the server honours conditions on writes. Otherwise the last one gets it, and the
    /// others learn that before they remove anything.
    ///
    /// # Errors
    /// If the object cannot be written, or [`StoreError::Unusable`] if another database was faster.
    pub async fn belong_to(&self, identity: Identity) -> Result<()> {
        let (name, bytes) = (self.0.location.key(NAME), written(identity));
        let put = self.0.client.put_new_object(&name, bytes.clone().into(), Guard::of(&bytes)).await;
        if put.is_err_and(|error| error.refusal().is_some() && !error.may_pass()) {
            // The server does not know the condition.
            self.put_marker(identity).await?;
        }
        match self.marker().await? {
            Some(owner) if owner == identity => Ok(()),
            Some(owner) => Err(StoreError::unusable(format!(
                "{} was just taken by cluster {owner}; name a prefix that nobody uses",
                self.shown()
            ))),
            None => {
                Err(StoreError::unavailable(format!("{} does not keep its gangplank.json", self.shown())))
            }
        }
    }

    /// Gives the prefix to a database, even if another one owns it.
    ///
    /// # Errors
    /// If the object cannot be written.
    pub async fn put_marker(&self, identity: Identity) -> Result<()> {
        let (name, bytes) = (self.0.location.key(NAME), written(identity));
        self.0.client.put_object(&name, bytes.clone().into(), Guard::of(&bytes)).await.map_err(failed)
    }

    /// Whether there is any content under the prefix.
    ///
    /// # Errors
    /// If the server does not answer.
    pub async fn has_content(&self) -> Result<bool> {
        let prefix = self.0.location.key("content/");
        Ok(!self.0.client.list_objects(&prefix, None).await.map_err(failed)?.objects.is_empty())
    }
}

fn written(identity: Identity) -> Bytes {
    // Texts and numbers can always be serialized.
    serde_json::to_vec(&Marker::of(identity)).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_of_an_older_version_has_the_first_incarnation() {
        let read = |text| serde_json::from_str::<Marker>(text).ok().and_then(|marker| marker.identity());
        let old = read(r#"{"format":1,"cluster":"00000000000000ff"}"#);
        assert_eq!(old, Some(Identity { cluster: 255, incarnation: 0 }));
        let restored = Identity::new().restored();
        let text = String::from_utf8(written(restored).to_vec()).unwrap();
        assert_eq!(read(&text), Some(restored));
        for foreign in [r#"{"format":2,"cluster":"ff"}"#, r#"{"format":1,"cluster":"ff","incarnation":"x"}"#]
        {
            assert_eq!(read(foreign), None);
        }
    }
}
