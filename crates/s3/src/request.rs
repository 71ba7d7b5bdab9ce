//! A call, and the signed request that it becomes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gangplank_sigv4::{Credentials, encode, sign_s3};
use hyper::header::{CONTENT_LENGTH, HOST, USER_AGENT};
use hyper::{Method, Request};

use crate::credentials::Keys;
use crate::deadlines::Progress;
use crate::endpoint::Target;
use crate::payload::{Guard, Payload};
use crate::sending::Sending;
use crate::tries;

/// A call to the server.
#[derive(Clone)]
pub(crate) struct Call {
    /// Its name in the documents of S3.
    pub(crate) name: &'static str,
    pub(crate) method: Method,
    /// The key; empty for the bucket itself.
    pub(crate) key: String,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) payload: Payload,
    pub(crate) guard: Guard,
    /// How much longer than usual the server may be silent before it answers.
    pub(crate) longer: Duration,
    pub(crate) tries: u32,
}

impl Call {
    /// A call without a body.
    pub(crate) fn new(name: &'static str, method: Method, key: &str) -> Self {
        Self {
            name,
            method,
            key: key.to_owned(),
            query: Vec::new(),
            headers: Vec::new(),
            payload: Payload::Bytes(Bytes::new()),
            guard: Guard::of(b""),
            longer: Duration::ZERO,
            tries: tries::TRIES,
        }
    }

    pub(crate) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Adds a small body in memory.
    pub(crate) fn text(self, text: String) -> Self {
        let guard = Guard::of(text.as_bytes());
        self.payload(Bytes::from(text).into(), guard)
    }

    pub(crate) fn payload(mut self, payload: Payload, guard: Guard) -> Self {
        if let Guard::Crc64(crc) = guard {
            self.headers.push(("x-amz-checksum-crc64nvme", crc.header()));
        }
        (self.payload, self.guard) = (payload, guard);
        self
    }

    /// Whether it does no harm if the server gets the call twice at the same time.
    pub(crate) fn may_be_doubled(&self) -> bool {
        self.tries > 1 && self.method != Method::POST && self.payload.length() == 0
    }

    /// Makes the request, signed for a moment.
    ///
    /// # Errors
    /// If a value has characters that a header or a URL cannot have.
    pub(crate) fn signed(
        &self,
        target: &Target,
        keys: &Keys,
        region: &str,
        now: i64,
        progress: &Arc<Progress>,
    ) -> Result<Request<Sending>, hyper::http::Error> {
        let pairs: Vec<String> =
            self.query.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let query = pairs.join("&");
        let signed = self.guard.signed();
        let content_hash = signed.header();
        let mut headers: Vec<(&str, &[u8])> =
            vec![("host", target.host.as_bytes()), ("x-amz-content-sha256", content_hash.as_bytes())];
        headers.extend(self.headers.iter().map(|(name, value)| (*name, value.as_bytes())));
        let request = gangplank_sigv4::Request {
            method: self.method.as_str(),
            path: &target.path,
            query: (!query.is_empty()).then_some(&query),
            headers,
        };
        let credentials = Credentials {
            access_key_id: &keys.access_key_id,
            secret_access_key: &keys.secret_access_key,
            session_token: keys.session_token.as_deref(),
        };
        let added = sign_s3(&request, &credentials, region, now, signed);
        let Target { scheme, host, path } = target;
        let mark = if query.is_empty() { "" } else { "?" };
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(format!("{scheme}://{host}{path}{mark}{query}"))
            .header(HOST, host)
            .header(USER_AGENT, concat!("gangplank/", env!("CARGO_PKG_VERSION")))
            .header("x-amz-content-sha256", content_hash);
        if self.method == Method::PUT || self.method == Method::POST {
            request = request.header(CONTENT_LENGTH, self.payload.length());
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        for (name, value) in added {
            request = request.header(name, value);
        }
        request.body(Sending::new(self.payload.clone(), Arc::clone(progress)))
    }
}
