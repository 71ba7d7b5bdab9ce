//! The reasons for which a request is refused, with the messages for the wire.

use crate::timestamp;

/// The beginning of the message about a region that is not served.
pub(crate) const REGION: &str = "Credential should be scoped to a valid region";

/// The reason for which a request is refused. It prints as the message for the wire. [`code`](Refusal::code) names
/// the exception.
///
/// No message has a secret, the `Authorization` header, the canonical request or the right signature: with the
/// right signature, a reader could send the request. Parts of the header are quoted only if they cannot be a
/// secret in the wrong field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no signature.
    #[error("Request is missing Authentication Token")]
    MissingToken,
    /// There are several `Authorization` headers.
    #[error("Authorization header must be given exactly once.")]
    SeveralAuthorizations,
    /// The `Authorization` header is longer than the header of any client. Holds its length in bytes.
    #[error("Authorization header is longer than {0} bytes.")]
    AuthorizationTooLong(usize),
    /// There are signatures in the header and in the query.
    #[error("Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.")]
    HeaderAndQuery,
    /// The signature is in the query.
    #[error("Signing in the query string is not supported. Sign with the 'Authorization' header.")]
    QuerySigning,
    /// There is a query. This API has none.
    #[error("Requests with a query string are not supported. Send the input in the body.")]
    Query,
    /// The algorithm is not the one that is supported. Holds its name, if it may be shown.
    #[error("Unsupported AWS 'algorithm': '{0}' (only AWS4-HMAC-SHA256 for now).")]
    Algorithm(String),
    /// The `Authorization` header is not a list of the known parameters, each once.
    #[error(
        "Authorization header must have the form 'AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=...'."
    )]
    Malformed,
    /// Parts that every signed request has are missing. Holds a sentence for each.
    #[error("{}", .0.join(" "))]
    MissingParts(Vec<&'static str>),
    /// The credential has a wrong number of parts.
    #[error(
        "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got {0}."
    )]
    CredentialParts(usize),
    /// A header that has to be unique is there twice. Holds its name in lower case, if it may be shown.
    #[error("Header '{0}' must be given exactly once.")]
    RepeatedHeader(String),
    /// `X-Amz-Date` is no time. Holds the text, if it may be shown.
    #[error("Date must be in ISO-8601 'basic format'. Got '{0}'. See http://en.wikipedia.org/wiki/ISO_8601")]
    DateFormat(String),
    /// The credential's scope is not accepted. Holds a sentence for each wrong part.
    #[error("{}", .0.join(" "))]
    Scope(Vec<String>),
    /// The signature is too old. Times are in Unix seconds, the allowed difference is in seconds.
    #[error(
        "Signature expired: {} is now earlier than {} ({} - {}.)",
        timestamp::format(*signed),
        timestamp::format(now.saturating_sub(*max_skew)),
        timestamp::format(*now),
        minutes(*max_skew)
    )]
    Expired {
        /// The date of the signature.
        signed: i64,
        /// The verifier's clock.
        now: i64,
        /// The allowed difference.
        max_skew: i64,
    },
    /// The date of the signature is in the future. Times are in Unix seconds, the allowed difference is in seconds.
    #[error(
        "Signature not yet current: {} is still later than {} ({} + {}.)",
        timestamp::format(*signed),
        timestamp::format(now.saturating_add(*max_skew)),
        timestamp::format(*now),
        minutes(*max_skew)
    )]
    NotYetCurrent {
        /// The date of the signature.
        signed: i64,
        /// The verifier's clock.
        now: i64,
        /// The allowed difference.
        max_skew: i64,
    },
    /// `SignedHeaders` does not have the form that every signer makes.
    #[error("'SignedHeaders' must be names in lower case, sorted, each once, separated by ';'.")]
    SignedHeadersForm,
    /// A header that must be signed is not. Holds its name, if it may be shown.
    #[error("'{0}' must be a 'SignedHeader' in the AWS Authorization.")]
    UnsignedHeader(String),
    /// A signed header is missing. Holds its name, if it may be shown.
    #[error("'SignedHeaders' names '{0}', which the request does not have.")]
    AbsentHeader(String),
    /// The signature has a wrong form.
    #[error("'Signature' must be 64 hexadecimal digits in lower case.")]
    SignatureForm,
    /// The signature would not cover the payload completely.
    #[error(
        "Unsigned and streaming payloads are not supported. 'X-Amz-Content-Sha256' must be the SHA-256 of the body."
    )]
    UnsignedPayload,
    /// `X-Amz-Content-Sha256` has a wrong form.
    #[error("'X-Amz-Content-Sha256' must be 64 hexadecimal digits in lower case.")]
    PayloadHashForm,
    /// The session token is no text.
    #[error("'X-Amz-Security-Token' must be printable ASCII.")]
    SessionTokenForm,
    /// The access key does not exist.
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    /// The body does not match `X-Amz-Content-Sha256`.
    #[error("The SHA-256 of the body does not match 'X-Amz-Content-Sha256'.")]
    PayloadMismatch,
    /// The signature does not match.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access \
         Key and signing method. Consult the service documentation for details."
    )]
    SignatureMismatch,
}

impl Refusal {
    /// Whether the region of the request is not served, whatever else is wrong.
    pub fn is_of_region(&self) -> bool {
        matches!(self, Refusal::Scope(wrong) if wrong.iter().any(|sentence| sentence.starts_with(REGION)))
    }

    /// The exception's name on the wire. A signature with a wrong form is "incomplete", one with a wrong value is
    /// "invalid". A wrong clock is `RequestExpired`, the only code after which the Go SDK corrects its clock.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::MissingToken => "MissingAuthenticationTokenException",
            Refusal::SeveralAuthorizations
            | Refusal::AuthorizationTooLong(_)
            | Refusal::QuerySigning
            | Refusal::Query
            | Refusal::Algorithm(_)
            | Refusal::Malformed
            | Refusal::MissingParts(_)
            | Refusal::CredentialParts(_)
            | Refusal::DateFormat(_)
            | Refusal::SignedHeadersForm
            | Refusal::SignatureForm
            | Refusal::PayloadHashForm
            | Refusal::SessionTokenForm => "IncompleteSignatureException",
            Refusal::HeaderAndQuery
            | Refusal::RepeatedHeader(_)
            | Refusal::Scope(_)
            | Refusal::UnsignedHeader(_)
            | Refusal::AbsentHeader(_)
            | Refusal::UnsignedPayload
            | Refusal::PayloadMismatch
            | Refusal::SignatureMismatch => "InvalidSignatureException",
            Refusal::Expired { .. } | Refusal::NotYetCurrent { .. } => "RequestExpired",
            Refusal::UnknownKey => "UnrecognizedClientException",
        }
    }
}

fn minutes(seconds: i64) -> String {
    if seconds % 60 == 0 { format!("{} min", seconds / 60) } else { format!("{seconds} sec") }
}

/// The text, if it cannot be a secret that landed in the wrong field, else `...`.
///
/// Answers end up in the logs of clients. Secret keys and tokens are long and of mixed case. The parts that
/// help a reader are short and of one case, so they are still quoted.
pub(crate) fn shown(text: &str) -> String {
    let of_case = |letter: fn(&u8) -> bool| {
        text.bytes().all(|byte| letter(&byte) || byte.is_ascii_digit() || b"-_:".contains(&byte))
    };
    let harmless = text.len() <= 32 && (of_case(u8::is_ascii_lowercase) || of_case(u8::is_ascii_uppercase));
    if harmless { text.to_owned() } else { "...".to_owned() }
}
