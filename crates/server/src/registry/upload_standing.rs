//! The progress of an upload, in headers that let its client resume.

use gangplank_oci::{RepositoryName, location};
use hyper::StatusCode;
use hyper::header::{HeaderName, LOCATION, RANGE};

use crate::http::response::Answer;

const UPLOAD_UUID: HeaderName = HeaderName::from_static("docker-upload-uuid");

/// The headers that say how much of an upload has been received.
#[derive(Debug)]
pub(super) struct Standing([(HeaderName, String); 3]);

impl Standing {
    /// The progress after `received` bytes. `Range` cannot express "nothing yet", and clients expect `0-0` for
    /// it.
    pub(super) fn new(repository: &RepositoryName, id: &str, received: u64) -> Self {
        Self([
            (LOCATION, location::upload(repository, id)),
            (RANGE, format!("0-{}", received.saturating_sub(1))),
            (UPLOAD_UUID, id.to_owned()),
        ])
    }

    /// An answer with only these headers.
    pub(super) fn answer(self, status: StatusCode) -> Answer {
        self.add_to(Answer::new(status))
    }

    /// Adds the headers to an answer.
    pub(super) fn add_to(self, answer: Answer) -> Answer {
        self.0.into_iter().fold(answer, |answer, (name, value)| answer.header(name, value))
    }
}
