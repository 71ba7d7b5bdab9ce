//! Forms and queries.

use std::net::IpAddr;

use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::{HeaderMap, StatusCode};

use crate::app::App;
use crate::http::small_body::Unread;

/// The most bytes of a form. The longest policy of a role fits.
const LONGEST: u64 = 64 << 10;
const MEDIA_TYPE: &str = "application/x-www-form-urlencoded";

/// The names and values of a form or a query.
#[derive(Debug, Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads names and values.
    pub(super) fn parse(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    /// The value of a name. `None` if the name is missing, empty or repeated.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.trim());
        match (found.next(), found.next()) {
            (Some(value), None) if !value.is_empty() => Some(value),
            _ => None,
        }
    }
}

/// Reads the form in the body of a request.
///
/// # Errors
/// The reason, for people, and the status of the answer.
pub(super) async fn read(
    app: &App,
    peer: IpAddr,
    headers: &HeaderMap,
    body: Incoming,
) -> Result<Form, (StatusCode, &'static str)> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    // A form without fields has no content type.
    if !kind.is_empty() && !kind.eq_ignore_ascii_case(MEDIA_TYPE) {
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, "This is no form of the console."));
    }
    let read = app.unverified.read(peer, body, LONGEST, app.limits.body_stall).await;
    match read {
        Ok(body) => Ok(Form::parse(&body)),
        Err(Unread::TooLong { .. }) => {
            Err((StatusCode::PAYLOAD_TOO_LARGE, "The form is too long: 64 KiB are read."))
        }
        Err(Unread::Stalled) => Err((StatusCode::REQUEST_TIMEOUT, "The form stopped coming.")),
        Err(Unread::Broken) => Err((StatusCode::BAD_REQUEST, "The form ended early.")),
        Err(Unread::NoRoom) => {
            Err((StatusCode::SERVICE_UNAVAILABLE, "The server is reading too much at once; try again."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_had_if_it_is_one() {
        let form = Form::parse(b"a=+x%2B1+&b=&c=1&c=2&d=%ff");
        assert_eq!(form.get("a"), Some("x+1"));
        assert_eq!((form.get("b"), form.get("c"), form.get("e")), (None, None, None));
        assert_eq!(form.get("d"), Some("\u{fffd}"));
    }
}
