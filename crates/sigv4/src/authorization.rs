//! The `Authorization` header: finds it, limits its length, takes it apart, and checks each part against the
//! policy and the request.

use crate::refusal::{REGION, shown};
use crate::{ALGORITHM, Policy, Refusal, Request, TERMINATOR};

/// Clients send 300 bytes. An upper bound keeps the work for an unauthenticated client small.
const MAX_LEN: usize = 4096;

/// The parameters of the header, as they are written there.
pub(crate) struct Authorization<'a> {
    pub(crate) credential: &'a str,
    pub(crate) signed_headers: &'a str,
    pub(crate) signature: &'a str,
}

impl<'a> Authorization<'a> {
    /// The parameters of a request's only `Authorization` header.
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

/// The header's value, if there is exactly one header and no query.
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
        // AWS accepts a `Date` header, and its message asks for one. This server does not, so the message says so.
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

/// The `Credential` parameter: the key, and the scope of the signature, as `keyid/yyyymmdd/region/service/aws4_request`.
/// Keeps the text, because signing needs the scope exactly as the client wrote it.
pub(crate) struct Credential(String);

impl Credential {
    /// Reads a credential. Its scope has to be one that the policy accepts, on the day of `time` (basic
    /// format).
    pub(crate) fn parse(text: &str, policy: &Policy<'_>, time: &str) -> Result<Credential, Refusal> {
        let parts: Vec<&str> = text.split('/').collect();
        let [_, date, region, service, terminator] = parts[..] else {
            return Err(Refusal::CredentialParts(parts.len()));
        };
        let mut wrong = Vec::new();
        if !(policy.serves_region)(region) {
            wrong.push(format!("{REGION}, not '{}'.", shown(region)));
        }
        if service != policy.service {
            wrong.push(format!("Credential should be scoped to correct service: '{}'.", policy.service));
        }
        if terminator != TERMINATOR {
            let terminator = shown(terminator);
            wrong.push(format!(
                "Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{terminator}'."
            ));
        }
        let day = &time[..8];
        if date != day {
            let date = shown(date);
            wrong.push(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
                 '{date}' != '{day}', from '{time}'."
            ));
        }
        if wrong.is_empty() { Ok(Credential(text.to_owned())) } else { Err(Refusal::Scope(wrong)) }
    }

    pub(crate) fn access_key_id(&self) -> &str {
        self.split().0
    }

    /// The scope, which follows the key: `yyyymmdd/region/service/aws4_request`.
    pub(crate) fn scope(&self) -> &str {
        self.split().1
    }

    pub(crate) fn region(&self) -> &str {
        self.scope().split('/').nth(1).unwrap_or_default()
    }

    fn split(&self) -> (&str, &str) {
        self.0.split_once('/').unwrap_or_default()
    }
}

/// Reads the names of a `SignedHeaders` parameter, and checks them against the request: form, presence,
/// coverage, uniqueness.
///
/// An `x-amz-*` header controls the service: `X-Amz-Target` selects the operation. If such a header could be
/// unsigned or repeated, a man in the middle could swap the operation (`RustFS` GHSA-xm99-m3gq-83g8, s3s issue
/// 818).
pub(crate) fn signed_headers<'a>(text: &'a str, request: &Request<'_>) -> Result<Vec<&'a str>, Refusal> {
    let names: Vec<&str> = text.split(';').collect();
    if text.bytes().any(|byte| byte.is_ascii_uppercase())
        || names.iter().any(|name| name.is_empty())
        || !names.is_sorted_by(|one, next| one < next)
    {
        return Err(Refusal::SignedHeadersForm);
    }
    // The loop ends at the first name that the request does not have, so it never runs longer than over the request's
    // headers.
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

/// The value of a header that may not occur twice, without the white space around it. `None` if it does not occur.
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
