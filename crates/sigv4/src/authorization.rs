//! Finds the `Authorization` header and parses it.

use crate::shown::shown;
use crate::{ALGORITHM, Refusal, Request};

/// The longest header, in bytes. Clients send about 300. The limit keeps the work for a stranger small.
const MAX_LEN: usize = 4096;

/// The parameters of the header, as texts.
pub(crate) struct Authorization<'a> {
    pub(crate) credential: &'a str,
    pub(crate) signed_headers: &'a str,
    pub(crate) signature: &'a str,
}

impl<'a> Authorization<'a> {
    /// Parses a request's only `Authorization` header.
    pub(crate) fn of(request: &Request<'a>) -> Result<Authorization<'a>, Refusal> {
        let value = find(request)?;
        let Some((b"AWS4-", _)) = value.split_at_checked(5) else { return Err(Refusal::MissingToken) };
        if !value.iter().all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(Refusal::Malformed);
        }
        let value = str::from_utf8(value).map_err(|_| Refusal::Malformed)?;
        let (algorithm, parameters) = value.split_once(' ').unwrap_or((value, ""));
        if algorithm != ALGORITHM {
            return Err(Refusal::Algorithm(shown(algorithm)));
        }
        parse(parameters, request)
    }
}

/// The header's value, if there is exactly one and the query has no signature.
fn find<'a>(request: &Request<'a>) -> Result<&'a [u8], Refusal> {
    let query = request.query.unwrap_or_default();
    let signed_in_query = query.split(['&', '=']).any(|text| text.eq_ignore_ascii_case("X-Amz-Algorithm"));
    let mut values = request.values("authorization");
    let value = match (values.next(), signed_in_query) {
        (None, false) => return Err(Refusal::MissingToken),
        (None, true) => return Err(Refusal::QuerySigning),
        (Some(value), _) => value.trim_ascii(),
    };
    if values.next().is_some() {
        return Err(Refusal::SeveralAuthorizations);
    }
    if value.len() > MAX_LEN {
        return Err(Refusal::AuthorizationTooLong(MAX_LEN));
    }
    match (signed_in_query, query.is_empty()) {
        (true, _) => Err(Refusal::HeaderAndQuery),
        (false, false) => Err(Refusal::Query),
        (false, true) => Ok(value),
    }
}

fn parse<'a>(parameters: &'a str, request: &Request<'a>) -> Result<Authorization<'a>, Refusal> {
    let (mut credential, mut signed_headers, mut signature) = ("", "", "");
    for parameter in parameters.split(',').map(|parameter| parameter.trim_matches(' ')) {
        if parameter.is_empty() {
            continue;
        }
        let (name, value) = parameter.split_once('=').ok_or(Refusal::Malformed)?;
        let slot = match name {
            "Credential" => &mut credential,
            "SignedHeaders" => &mut signed_headers,
            "Signature" => &mut signature,
            _ => return Err(Refusal::Malformed),
        };
        if !slot.is_empty() {
            return Err(Refusal::Malformed);
        }
        *slot = value;
    }
    let date = if request.values("x-amz-date").next().is_some() {
        ""
    } else if request.values("date").next().is_some() {
        // AWS accepts it and we do not, so AWS's message would mislead.
        "Authorization header requires existence of a 'X-Amz-Date' header, a 'Date' header is not enough."
    } else {
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
    };
    let missing: Vec<&str> = [
        (credential.is_empty(), "Authorization header requires 'Credential' parameter."),
        (signature.is_empty(), "Authorization header requires 'Signature' parameter."),
        (signed_headers.is_empty(), "Authorization header requires 'SignedHeaders' parameter."),
        (!date.is_empty(), date),
    ]
    .into_iter()
    .filter_map(|(missing, sentence)| missing.then_some(sentence))
    .collect();
    if missing.is_empty() {
        Ok(Authorization { credential, signed_headers, signature })
    } else {
        Err(Refusal::MissingParts(missing))
    }
}
