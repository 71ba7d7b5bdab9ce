//! The state that all checks share: the client, the keys of their objects, and the results.

use std::collections::BTreeSet;

use super::report::{Abilities, Check, Report, Verdict};
use crate::client::Client;
use crate::error::Error;
use crate::location::Location;

pub(super) struct Trial {
    pub(super) client: Client,
    /// The beginning of the keys of all objects of this probe.
    prefix: String,
    pub(super) abilities: Abilities,
    pub(super) clock_ahead: Option<i64>,
    /// The keys of objects that may exist.
    pub(super) left: BTreeSet<String>,
    checks: Vec<Check>,
}

impl Trial {
    pub(super) fn new(client: &Client, location: &Location) -> Self {
        Self {
            client: client.clone(),
            prefix: location.key(&format!("probe/{}", uuid::Uuid::now_v7().simple())),
            abilities: Abilities::LEAST,
            clock_ahead: None,
            left: BTreeSet::new(),
            checks: Vec::new(),
        }
    }

    /// Makes a key for an object of this probe, and records that the object has to be removed.
    pub(super) fn key(&mut self, name: &str) -> String {
        let key = format!("{}/{name}", self.prefix);
        self.left.insert(key.clone());
        key
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(super) fn works(&mut self, what: &'static str) {
        self.note(what, Verdict::Works, String::new(), false);
    }

    pub(super) fn missing(&mut self, what: &'static str, detail: impl Into<String>) {
        self.note(what, Verdict::Missing, detail.into(), false);
    }

    pub(super) fn broken(&mut self, what: &'static str, detail: impl Into<String>) {
        self.note(what, Verdict::Broken, detail.into(), false);
    }

    fn note(&mut self, what: &'static str, verdict: Verdict, detail: String, may_pass: bool) {
        self.checks.push(Check { what, verdict, detail, may_pass });
    }

    /// Records the outcome of a check that the store needs. Returns its value if it works.
    pub(super) fn needed<T>(&mut self, what: &'static str, found: Result<T, Error>) -> Option<T> {
        match found {
            Ok(found) => {
                self.works(what);
                Some(found)
            }
            Err(error) => {
                // An answer that is not one of S3 is more likely from a wrong server than from a fault that passes.
                let may_pass = error.may_pass() && !matches!(error, Error::NotS3 { .. });
                self.note(what, Verdict::Broken, error.to_string(), may_pass);
                None
            }
        }
    }

    pub(super) fn report(self) -> Report {
        Report { checks: self.checks, abilities: self.abilities, clock_ahead: self.clock_ahead }
    }
}

/// Whether the server refused a deliberate mistake, and not for another reason.
pub(super) fn is_refused<T>(answer: &Result<T, Error>) -> bool {
    let refusal = answer.as_ref().err().and_then(Error::refusal);
    refusal.is_some_and(|refusal| {
        (400..500).contains(&refusal.status) && !matches!(refusal.status, 401 | 403 | 404)
    })
}
