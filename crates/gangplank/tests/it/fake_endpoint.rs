//! An endpoint on loopback that gives one answer to every request, and records the requests.

use std::sync::{Arc, Mutex};

use serde::Deserialize;

use crate::handler::{self, Reply, Request};

/// The answer of the endpoint.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Response {
    /// The HTTP status.
    pub(crate) status: u16,
    /// Headers other than the length.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: String,
}

/// The recorded parts of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) target: Option<String>,
    /// The access key and the scope without its date: `AKID/us-west-2/lightsail/aws4_request`.
    pub(crate) scope: Option<String>,
    pub(crate) invocation: Option<String>,
    pub(crate) body: String,
}

/// The endpoint. Its thread ends with the test process.
pub(crate) struct FakeEndpoint {
    /// Host and port.
    pub(crate) address: String,
    answer: Arc<Mutex<Option<Response>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl FakeEndpoint {
    pub(crate) fn start() -> Self {
        let (answer, seen) = (Arc::<Mutex<Option<Response>>>::default(), Arc::<Mutex<Vec<Seen>>>::default());
        let (answers, notes) = (Arc::clone(&answer), Arc::clone(&seen));
        let address = handler::serve(move |request| {
            notes.lock().unwrap().push(Seen::of(request));
            let response = answers.lock().unwrap().clone();
            let Some(response) = response else { return Reply::new(500, r#"{"__type":"ServiceException"}"#) };
            Reply { status: response.status, headers: response.headers, body: response.body.into() }
        });
        Self { address, answer, seen }
    }

    /// Sets the answer. Without one, the answer is a server error.
    pub(crate) fn answer_with(&self, response: Option<Response>) {
        *self.answer.lock().unwrap() = response;
    }

    /// The requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Seen {
    fn of(request: &Request) -> Self {
        let header = |name| request.header(name).map(str::to_owned);
        Self {
            path: request.path.clone(),
            target: header("x-amz-target"),
            scope: request.header("authorization").and_then(scope),
            invocation: header("amz-sdk-invocation-id"),
            body: String::from_utf8_lossy(&request.body).into_owned(),
        }
    }
}

fn scope(authorization: &str) -> Option<String> {
    let credential = authorization.split_once("Credential=")?.1.split(',').next()?;
    let (key, scope) = credential.split_once('/')?;
    let (_, rest) = scope.split_once('/')?;
    Some(format!("{key}/{rest}"))
}
