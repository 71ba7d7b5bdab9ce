//! Claims for a store that one process has to itself. They end with the process.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::{Claim, Coordinator, Epoch, Work};
use crate::Result;

/// A map in memory. Claims end by the process's monotonic clock, so a change of the wall clock does not matter.
#[derive(Debug, Default)]
pub struct InProcess(Mutex<Claims>);

#[derive(Debug, Default)]
struct Claims {
    /// The last epoch, shared by all work. So the epochs of released claims need not be kept.
    last: i64,
    taken: HashMap<Work, Taken>,
}

#[derive(Clone, Copy, Debug)]
struct Taken {
    epoch: Epoch,
    until: Instant,
}

impl InProcess {
    /// A coordinator without claims. All epochs that it grants are greater than `last`, an epoch that an
    /// earlier process left in a row.
    pub fn after(last: Epoch) -> Self {
        Self(Mutex::new(Claims { last: last.0, taken: HashMap::new() }))
    }

    fn claims(&self) -> MutexGuard<'_, Claims> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claims {
    /// The entry of a claim, if the claim is the last one on its work.
    fn last_of(&mut self, claim: &Claim) -> Option<&mut Taken> {
        self.taken.get_mut(&claim.work).filter(|taken| taken.epoch == claim.epoch)
    }
}

#[async_trait]
impl Coordinator for InProcess {
    fn is_shared(&self) -> bool {
        false
    }

    async fn claim(&self, work: &Work, holder: &str, lasts: Duration) -> Result<Option<Claim>> {
        let (mut claims, now) = (self.claims(), Instant::now());
        if claims.taken.get(work).is_some_and(|taken| now < taken.until) {
            return Ok(None);
        }
        claims.last += 1;
        let epoch = Epoch(claims.last);
        claims.taken.insert(work.clone(), Taken { epoch, until: now + lasts });
        Ok(Some(Claim { work: work.clone(), holder: holder.to_owned(), epoch }))
    }

    async fn renew(&self, claim: &Claim, lasts: Duration) -> Result<bool> {
        let mut claims = self.claims();
        let Some(taken) = claims.last_of(claim) else { return Ok(false) };
        taken.until = Instant::now() + lasts;
        Ok(true)
    }

    async fn release(&self, claim: &Claim) -> Result<()> {
        let mut claims = self.claims();
        if claims.last_of(claim).is_some() {
            claims.taken.remove(&claim.work);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_is_over_takes_no_memory() {
        let claims = InProcess::default();
        for number in 0..100 {
            let work = Work::Upload(number.to_string());
            let claim = claims.claim(&work, "a", Duration::from_secs(30)).await.unwrap().unwrap();
            claims.release(&claim).await.unwrap();
        }
        assert!(claims.claims().taken.is_empty());
    }
}
