//! Recognizes the protocol of a call, and so the service that it has to be signed for.

use gangplank_api::{Protocol, Traits};
use gangplank_sigv4::claimed_service;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Method, Request};

use super::TARGET;
use crate::app::App;

const SMITHY_PROTOCOL: HeaderName = HeaderName::from_static("smithy-protocol");

/// The prefixes of the targets that are served here.
const TARGETS: [&str; 2] = ["Lightsail_", "Gangplank_"];

/// A service that is served here. A call of one must not be signed for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// Lightsail. Our own operations are signed for it, too, so that one profile serves both.
    Lightsail,
    /// The Security Token Service.
    Sts,
}

impl Service {
    /// The service's name in the scope of a signature.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Lightsail => "lightsail",
            Self::Sts => "sts",
        }
    }

    /// The longest body of a call, in bytes. A form of 64 KiB has room for the longest token and the longest
    /// policy.
    pub(super) fn body_limit(self, app: &App) -> u64 {
        match self {
            Self::Lightsail => app.limits.api_body_bytes,
            Self::Sts => app.limits.api_body_bytes.min(64 << 10),
        }
    }
}

/// The protocol of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Spoken {
    /// The protocol of a service that is served here.
    Served(Service),
    /// The protocol of another AWS service.
    Unserved {
        /// The name of the service.
        service: String,
        /// The protocol in which its client reads errors.
        protocol: Protocol,
    },
}

impl Spoken {
    /// The protocol of a request. `None` if the request is no API call. None of it is verified. It only decides
    /// the form of the answer, and the service that the signature is checked against.
    pub(crate) fn of<B>(request: &Request<B>) -> Option<Self> {
        let is_post = *request.method() == Method::POST;
        let headers = request.headers();
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let target = text(TARGET);
        let traits = Traits {
            content_type: text(CONTENT_TYPE).unwrap_or_default(),
            has_target: target.is_some(),
            smithy: text(SMITHY_PROTOCOL).unwrap_or_default(),
        };
        if is_post && target.is_some_and(|target| TARGETS.iter().any(|ours| target.starts_with(ours))) {
            return Some(Self::Served(Service::Lightsail));
        }
        let authorization = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
        match claimed_service(authorization, request.uri().query()) {
            Some("sts") if !traits.has_target => Some(Self::Served(Service::Sts)),
            // A call that is signed for the other service is refused in a form that its client can read.
            Some("lightsail") | None if is_post && traits.is_form() && !traits.has_target => {
                Some(Self::Served(Service::Sts))
            }
            Some("sts" | "lightsail") | None => is_post.then_some(Self::Served(Service::Lightsail)),
            Some(service) => {
                let protocol = Protocol::of(service, traits);
                Some(Self::Unserved { service: service.to_owned(), protocol })
            }
        }
    }
}
