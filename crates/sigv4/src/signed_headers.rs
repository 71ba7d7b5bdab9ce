//! The headers that a signature has to cover.
//!
//! An `x-amz-*` header controls the service: `X-Amz-Target` selects the operation. If one could be unsigned, or could
//! be there twice, a man in the middle could change the operation (`RustFS` GHSA-xm99-m3gq-83g8, s3s issue 818).

use crate::shown::shown;
use crate::{Refusal, Request};

/// Parses a `SignedHeaders` parameter and compares it with the request: its form, and whether each header is there,
/// is covered and is unique.
pub(crate) fn parse<'a>(text: &'a str, request: &Request<'_>) -> Result<Vec<&'a str>, Refusal> {
    let names: Vec<&str> = text.split(';').collect();
    if text.bytes().any(|byte| byte.is_ascii_uppercase())
        || names.iter().any(|name| name.is_empty())
        || !names.is_sorted_by(|one, next| one < next)
    {
        return Err(Refusal::SignedHeadersForm);
    }
    // It stops at the first absent name, so the list is never longer than the request's own.
    for name in &names {
        if request.values(name).next().is_none() {
            return Err(Refusal::AbsentHeader(shown(name)));
        }
    }
    let is_signed = |name: &str| names.iter().any(|signed| signed.eq_ignore_ascii_case(name));
    for required in ["Host", "X-Amz-Date"] {
        if !is_signed(required) {
            return Err(Refusal::UnsignedHeader(required.to_owned()));
        }
    }
    for (name, _) in &request.headers {
        if !must_be_unique(name) {
            continue;
        }
        if !is_signed(name) {
            return Err(Refusal::UnsignedHeader(shown(&name.to_ascii_lowercase())));
        }
        only_value(request, name)?;
    }
    Ok(names)
}

/// The value of a header that may not be there twice, without outer white space. `None` if it is absent.
pub(crate) fn only_value<'a>(request: &Request<'a>, name: &str) -> Result<Option<&'a [u8]>, Refusal> {
    let mut values = request.values(name);
    let value = values.next().map(<[u8]>::trim_ascii);
    match values.next() {
        Some(_) => Err(Refusal::RepeatedHeader(shown(&name.to_ascii_lowercase()))),
        None => Ok(value),
    }
}

fn must_be_unique(name: &str) -> bool {
    name.eq_ignore_ascii_case("host")
        || name.split_at_checked(6).is_some_and(|(start, _)| start.eq_ignore_ascii_case("x-amz-"))
}
