//! Keeps an access key until shortly before it expires, then gets the next one.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{Keys, Source};
use crate::clock;

/// How many seconds before its expiry a key is replaced.
const EARLY: i64 = 300;

/// How often a key without an expiry is read again, since files change.
const ANEW: Duration = Duration::from_mins(5);

/// The pause after a failure, while the old key is still valid.
const AFTER_FAILURE: Duration = Duration::from_secs(30);

/// The access key in use.
pub(crate) struct Kept {
    sources: Vec<Arc<dyn Source>>,
    held: RwLock<Option<Held>>,
    /// This lock is held during a request for a key, so that there is one request at a time.
    asking: Mutex<()>,
}

#[derive(Clone)]
struct Held {
    keys: Arc<Keys>,
    from: &'static str,
    /// When the key is replaced.
    until: Instant,
}

impl Kept {
    pub(crate) fn new(sources: Vec<Arc<dyn Source>>) -> Self {
        Self { sources, held: RwLock::default(), asking: Mutex::default() }
    }

    /// The name of the source of the key.
    pub(crate) fn from(&self) -> Option<&'static str> {
        self.held().map(|held| held.from)
    }

    /// Returns a key that is valid now, and asks the sources for one if need be.
    pub(crate) async fn get(&self) -> Result<Arc<Keys>, String> {
        let fresh =
            |held: Option<Held>| held.filter(|held| held.until > Instant::now()).map(|held| held.keys);
        if let Some(keys) = fresh(self.held()) {
            return Ok(keys);
        }
        let _asking = self.asking.lock().await;
        match fresh(self.held()) {
            Some(keys) => Ok(keys),
            None => self.ask().await,
        }
    }

    /// Asks for a new key, since the server refuses the present one. Returns whether there is another one now.
    pub(crate) async fn renewed(&self) -> bool {
        let refused = self.held().map(|held| held.keys);
        let _asking = self.asking.lock().await;
        let now = self.held().map(|held| held.keys);
        if now != refused {
            return true;
        }
        self.ask().await.is_ok_and(|keys| Some(keys) != refused)
    }

    fn held(&self) -> Option<Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn hold(&self, held: Held) {
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Some(held);
    }

    async fn ask(&self) -> Result<Arc<Keys>, String> {
        let mut failures = Vec::new();
        for source in &self.sources {
            match source.fetch().await {
                Ok(None) => {}
                Ok(Some(keys)) => {
                    let left = keys.expires.map(|end| end - clock::now());
                    if left.is_some_and(|left| left <= 0) {
                        failures.push(format!("{}: the key has ended", source.name()));
                        continue;
                    }
                    let early = left.map(|left| (left - EARLY).max(left / 2).max(1));
                    let for_long = early.map_or(ANEW, |left| Duration::from_secs(left.unsigned_abs()));
                    let keys = Arc::new(keys);
                    self.hold(Held {
                        keys: Arc::clone(&keys),
                        from: source.name(),
                        until: Instant::now() + for_long,
                    });
                    return Ok(keys);
                }
                // Do not skip a source that is set up but fails: the key of the next one may open another
                // bucket.
                Err(why) => {
                    failures.push(format!("{}: {why}", source.name()));
                    break;
                }
            }
        }
        let why = if failures.is_empty() {
            "none of the places where an access key may be has one".to_owned()
        } else {
            failures.join("; ")
        };
        match self.held() {
            // Use the old key as long as it is valid.
            Some(held) if held.keys.expires.is_none_or(|end| end > clock::now()) => {
                tracing::warn!(why, "cannot renew the credentials for S3; goes on with the old ones");
                let keys = Arc::clone(&held.keys);
                self.hold(Held { until: Instant::now() + AFTER_FAILURE, ..held });
                Ok(keys)
            }
            _ => Err(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex as Std;

    use async_trait::async_trait;

    use super::*;

    type Told = Result<Option<Keys>, String>;

    /// Answers with one entry after another, and then always with the last.
    struct Script(Std<Vec<Told>>);

    #[async_trait]
    impl Source for Script {
        fn name(&self) -> &'static str {
            "the script"
        }

        async fn fetch(&self) -> Told {
            let mut left = self.0.lock().unwrap();
            if left.len() > 1 { left.remove(0) } else { left[0].clone() }
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "as a source tells them")]
    fn keys(id: &str, life: Option<i64>) -> Told {
        Ok(Some(Keys {
            access_key_id: id.to_owned(),
            secret_access_key: "secret".to_owned(),
            session_token: None,
            expires: life.map(|life| clock::now() + life),
        }))
    }

    fn kept(scripts: impl IntoIterator<Item = Vec<Told>>) -> Kept {
        let script = |told| Arc::new(Script(Std::new(told))) as Arc<dyn Source>;
        Kept::new(scripts.into_iter().map(script).collect())
    }

    async fn id(kept: &Kept) -> Result<String, String> {
        kept.get().await.map(|keys| keys.access_key_id.clone())
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_is_replaced_before_it_ends() {
        let kept = kept([vec![Ok(None)], vec![keys("one", Some(3600)), keys("two", None)]]);
        assert_eq!(id(&kept).await.unwrap(), "one");
        tokio::time::advance(Duration::from_secs(3_200)).await;
        assert_eq!(id(&kept).await.unwrap(), "one");
        tokio::time::advance(Duration::from_secs(200)).await;
        assert_eq!(id(&kept).await.unwrap(), "two");
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_is_used_on_when_the_next_cannot_be_had() {
        let kept = kept([vec![keys("one", Some(3600)), Err("away".into()), keys("two", None)]]);
        assert_eq!(id(&kept).await.unwrap(), "one");
        tokio::time::advance(Duration::from_secs(3_400)).await;
        assert_eq!(id(&kept).await.unwrap(), "one");
        tokio::time::advance(AFTER_FAILURE).await;
        assert_eq!(id(&kept).await.unwrap(), "two");
    }

    #[tokio::test]
    async fn a_refused_key_is_replaced_once() {
        let kept = kept([vec![keys("one", None), keys("two", None)]]);
        assert_eq!(id(&kept).await.unwrap(), "one");
        assert!(kept.renewed().await);
        assert_eq!(id(&kept).await.unwrap(), "two");
        assert!(!kept.renewed().await, "there is no other");
    }

    #[tokio::test]
    async fn a_source_that_fails_is_not_passed_over() {
        let failed = kept([vec![Err("no such file".into())], vec![keys("other", None)]]);
        assert_eq!(id(&failed).await.unwrap_err(), "the script: no such file");
        let none = kept([vec![Ok(None)]]);
        assert!(id(&none).await.unwrap_err().contains("none of the places"));
        let ended = kept([vec![keys("one", Some(-1))]]);
        assert!(id(&ended).await.unwrap_err().contains("has ended"));
    }
}
