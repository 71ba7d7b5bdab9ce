//! The figures that a client measures about its calls, for metrics.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::Error;

/// The figures of all calls since the client was made, by the name of the call.
#[derive(Debug, Default)]
pub struct Statistics(Mutex<BTreeMap<&'static str, Figures>>);

/// The figures of one kind of call. A call that is repeated counts each time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// How many calls are under way.
    pub under_way: u64,
    /// How many calls have ended, failed or not.
    pub ended: u64,
    /// How long the ended calls took together. A call is measured until the head of its answer, or until its
    /// whole answer if that is short.
    pub took: Duration,
    /// How many failed, by the kind of failure. See [`Error::kind`].
    pub failed: BTreeMap<&'static str, u64>,
}

impl Statistics {
    /// The figures of each kind of call that was made.
    pub fn read(&self) -> BTreeMap<&'static str, Figures> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Records that a call begins. The call is under way until the returned value is dropped.
    pub(crate) fn begin(&self, call: &'static str) -> UnderWay<'_> {
        self.change(call, |figures| figures.under_way += 1);
        UnderWay { statistics: self, call, begun: Instant::now(), failed: None }
    }

    fn change(&self, call: &'static str, change: impl FnOnce(&mut Figures)) {
        change(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(call).or_default());
    }
}

/// A call that is under way.
pub(crate) struct UnderWay<'a> {
    statistics: &'a Statistics,
    call: &'static str,
    begun: Instant,
    failed: Option<&'static str>,
}

impl UnderWay<'_> {
    /// Records the outcome of the call. A call without an outcome was given up by its caller.
    pub(crate) fn ends<T>(mut self, outcome: &Result<T, Error>) {
        self.failed = outcome.as_ref().err().and_then(Error::kind);
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let (failed, took) = (self.failed, self.begun.elapsed());
        self.statistics.change(self.call, |figures| {
            figures.under_way -= 1;
            figures.ended += 1;
            figures.took += took;
            if let Some(kind) = failed {
                *figures.failed.entry(kind).or_default() += 1;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_name_and_by_the_kind_of_failure() {
        let statistics = Statistics::default();
        let call = statistics.begin("PutObject");
        assert_eq!(statistics.read()["PutObject"].under_way, 1);
        call.ends(&Ok(()));
        let away = Error::NoAnswer { call: "PutObject", server: String::new(), why: String::new() };
        statistics.begin("PutObject").ends::<()>(&Err(away));
        drop(statistics.begin("HeadObject"));
        let read = statistics.read();
        let put = &read["PutObject"];
        assert_eq!((put.under_way, put.ended, &put.failed), (0, 2, &BTreeMap::from([("no-answer", 1)])));
        assert_eq!((read["HeadObject"].ended, read["HeadObject"].failed.len()), (1, 0));
    }
}
