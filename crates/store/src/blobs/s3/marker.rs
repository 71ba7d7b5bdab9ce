//! The object that says which database owns the keys under a prefix. Two databases under one prefix would each
//! treat the other's content as garbage.

use bytes::Bytes;
use gangplank_s3::Guard;
use serde::{Deserialize, Serialize};

use super::S3;
use super::failure::failed;
use crate::{Result, StoreError};

const NAME: &str = "gangplank.json";
const LONGEST: usize = 4 << 10;
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Marker {
    format: u32,
    /// The number that the bucket and the database share, as 16 hexadecimal digits.
    cluster: String,
}

impl S3 {
    /// The place of the content for people, such as `s3://bucket/prefix`.
    pub fn shown(&self) -> String {
        self.0.location.to_string()
    }

    /// The number of the database that owns the prefix; `None` if none does.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] if the object is of another version of the program; and if it cannot be read.
    pub async fn owner(&self) -> Result<Option<i64>> {
        let name = self.0.location.key(NAME);
        let Some(object) = self.0.client.get_object(&name, None).await.map_err(failed)? else {
            return Ok(None);
        };
        let text = object.content.whole(LONGEST).await.map_err(failed)?;
        let read = serde_json::from_slice::<Marker>(&text).ok().filter(|marker| marker.format == FORMAT);
        let number = read.and_then(|marker| i64::from_str_radix(&marker.cluster, 16).ok());
        let unusable =
            || StoreError::unusable(format!("s3://{}/{name} is not of this version", self.0.location.bucket));
        number.map(Some).ok_or_else(unusable)
    }

    /// Gives the prefix to a database. If several do this at the same time, the last one owns it. A database
    /// that finds another number afterwards fails.
    ///
    /// # Errors
    /// If the object cannot be written, or [`StoreError::Unavailable`] if another database was faster.
    pub async fn belong_to(&self, number: i64) -> Result<()> {
        let marker = Marker { format: FORMAT, cluster: format!("{number:016x}") };
        let text = serde_json::to_vec(&marker).unwrap_or_default();
        let guard = Guard::of(&text);
        let name = self.0.location.key(NAME);
        self.0.client.put_object(&name, Bytes::from(text).into(), guard).await.map_err(failed)?;
        match self.owner().await? {
            Some(owner) if owner == number => Ok(()),
            _ => Err(StoreError::unavailable(format!("another database has taken {}", self.shown()))),
        }
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
