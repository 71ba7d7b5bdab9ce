//! Finds and removes orphaned content. Its age is judged by the server's clock and by the time in its key. The
//! server's dates alone do not suffice: some servers date a joined object by the beginning of its upload, and
//! one says that every upload began in 2010.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use gangplank_s3::Listed;

use super::failure::failed;
use super::state::State;
use super::{Inner, S3};
use crate::blobs::{BlobSweeper, ContentKey, Owner, Published, Staged};
use crate::{Result, StoreError};

/// How many keys one call deletes.
const AT_ONCE: usize = 1_000;

/// How many deletions run at once, if each needs its own call.
const SINGLE: usize = 16;

/// How old content without a row must be before it counts as an orphan: three times the longest life of an upload
/// session.
pub(crate) const SETTLED: Duration = Duration::from_hours(72);

#[async_trait]
impl BlobSweeper for S3 {
    fn settles_after(&self) -> Duration {
        SETTLED
    }

    async fn owner(&self) -> Result<Owner> {
        Ok(self.marker().await?.map_or(Owner::Nobody, Owner::Database))
    }

    async fn published(&self, part: u8, older_than: Duration) -> Result<Vec<ContentKey>> {
        let found = self.0.list(part, |inner, object, now| {
            inner.old(&object.key, Age { now, since: Some(object.modified) }, older_than)
        });
        found.await
    }

    async fn inventory(&self, part: u8) -> Result<Vec<Published>> {
        let found = self.0.list(part, |inner, object, _| {
            inner.content_key(&object.key).map(|key| Published { key, size: object.length })
        });
        found.await
    }

    async fn staged(&self, older_than: Duration) -> Result<Vec<Staged>> {
        let inner = &self.0;
        let mut staged = Vec::new();
        if !inner.abilities.lists_uploads {
            return Ok(staged);
        }
        let prefix = inner.location.key("content/");
        let mut after = None;
        loop {
            let page =
                inner.client.list_multipart_uploads(&prefix, after.as_deref()).await.map_err(failed)?;
            for upload in page.uploads {
                let age = Age { now: page.now, since: upload.begun };
                let found = inner.old(&upload.key, age, older_than);
                staged.extend(found.map(|key| Staged { key, checkpoint: State::to_cancel(upload.id) }));
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(staged),
            }
        }
    }

    async fn remove(&self, keys: &[ContentKey]) -> Vec<Result<()>> {
        for key in keys {
            self.0.seen.forget(key);
        }
        if self.0.abilities.delete_many && keys.len() > 1 {
            let mut removed = Vec::with_capacity(keys.len());
            for some in keys.chunks(AT_ONCE) {
                removed.extend(self.0.remove_many(some).await);
            }
            return removed;
        }
        // Owned values, so that the future borrows nothing.
        let objects: Vec<String> = keys.iter().map(|key| self.0.object(key)).collect();
        let client = self.0.client.clone();
        let removed = stream::iter(objects).map(move |object| {
            let client = client.clone();
            async move { client.delete_object(&object).await.map_err(failed) }
        });
        removed.buffered(SINGLE).collect().await
    }
}

/// The server's present time and the time at which something was made, in seconds since 1970.
struct Age {
    now: Option<i64>,
    since: Option<i64>,
}

impl Inner {
    async fn remove_many(&self, keys: &[ContentKey]) -> Vec<Result<()>> {
        let objects: Vec<String> = keys.iter().map(|key| self.object(key)).collect();
        match self.client.delete_objects(&objects).await {
            Ok(left) => {
                let why = |object: &String| left.iter().find(|it| it.key == *object).map(|it| it.why.clone());
                objects
                    .iter()
                    .map(|object| why(object).map_or(Ok(()), |why| Err(StoreError::unavailable(why))))
                    .collect()
            }
            Err(error) => {
                let error = failed(error);
                objects.iter().map(|_| Err(error.clone())).collect()
            }
        }
    }

    /// Lists the objects of a part, page by page. `read` gets each object and the server's present time.
    async fn list<T>(
        &self,
        part: u8,
        read: impl Fn(&Self, &Listed, Option<i64>) -> Option<T> + Send,
    ) -> Result<Vec<T>> {
        let prefix = self.location.key(&format!("content/{part:02x}/"));
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self.client.list_objects(&prefix, after.as_deref()).await.map_err(failed)?;
            found.extend(page.objects.iter().filter_map(|object| read(self, object, page.now)));
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(found),
            }
        }
    }

    /// The content key of an object, if this store made it.
    fn content_key(&self, object: &str) -> Option<ContentKey> {
        let key = ContentKey::parse(object.rsplit('/').next()?)?;
        (self.object(&key) == object).then_some(key)
    }

    /// The content key of an object, if this store made it and it is at least `older_than` old. An object
    /// without a date counts as young.
    fn old(&self, object: &str, age: Age, older_than: Duration) -> Option<ContentKey> {
        let key = self.content_key(object)?;
        let older_than = i64::try_from(older_than.as_secs()).unwrap_or(i64::MAX);
        let now = age.now?;
        // The date of the answer may be a second before the date of the object.
        let is_old = |since: i64| now.saturating_sub(since).max(0) >= older_than;
        (is_old(age.since?) && is_old(key.made()?)).then_some(key)
    }
}
