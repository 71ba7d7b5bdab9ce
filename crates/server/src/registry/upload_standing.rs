//! Where an upload stands, in the headers that its client goes on by.

use gangplank_oci::{RepositoryName, location};
use hyper::StatusCode;
use hyper::header::{HeaderName, LOCATION, RANGE};

use crate::http::response::Answer;

const UPLOAD_UUID: HeaderName = HeaderName::from_static("docker-upload-uuid");

/// Where an upload stands.
#[derive(Debug)]
pub(super) struct Standing([(HeaderName, String); 3]);

impl Standing {
    /// After `received` bytes. `Range` cannot say "nothing yet"; clients expect `0-0` for it.
    pub(super) fn new(repository: &RepositoryName, id: &str, received: u64) -> Self {
        Self([
            (LOCATION, location::upload(repository, id)),
            (RANGE, format!("0-{}", received.saturating_sub(1))),
            (UPLOAD_UUID, id.to_owned()),
        ])
    }

    /// An answer that says nothing else.
    pub(super) fn answer(self, status: StatusCode) -> Answer {
        self.add_to(Answer::new(status))
    }

    /// Adds its headers.
    pub(super) fn add_to(self, answer: Answer) -> Answer {
        self.0.into_iter().fold(answer, |answer, (name, value)| answer.header(name, value))
    }
}
