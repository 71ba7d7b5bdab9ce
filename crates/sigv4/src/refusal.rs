//! Why a request is refused, in the words of the wire.

use crate::timestamp;

/// How the sentence about a region that is not served begins.
pub(crate) const REGION: &str = "Credential should be scoped to a valid region";

/// Why a request is refused. It prints as the message for the wire, and [`code`](Refusal::code) names the exception.
///
/// No text holds a secret, the `Authorization` header, the canonical request or the right signature: whoever can
/// read the answer could sign with the last. Parts of the header are quoted only where they cannot be a secret that
/// landed in the wrong field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No signature at all.
    #[error("Request is missing Authentication Token")]
    MissingToken,
    /// More than one `Authorization` header.
    #[error("Authorization header must be given exactly once.")]
    SeveralAuthorizations,
    /// An `Authorization` header beyond any that a client would send.
    #[error("Authorization header is longer than {0} bytes.")]
    AuthorizationTooLong(usize),
    /// Signed in the header, and in the query too.
    #[error("Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.")]
    HeaderAndQuery,
    /// Signed in the query.
    #[error("Signing in the query string is not supported. Sign with the 'Authorization' header.")]
    QuerySigning,
    /// A query, of which this API has none.
    #[error("Requests with a query string are not supported. Send the input in the body.")]
    Query,
    /// Another algorithm: the name, where it may be shown.
    #[error("Unsupported AWS 'algorithm': '{0}' (only AWS4-HMAC-SHA256 for now).")]
    Algorithm(String),
    /// An `Authorization` header that is no list of the known parameters, each once.
    #[error(
        "Authorization header must have the form 'AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=...'."
    )]
    Malformed,
    /// Parts that every signed request has: a sentence each.
    #[error("{}", .0.join(" "))]
    MissingParts(Vec<&'static str>),
    /// A credential of another number of parts.
    #[error(
        "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got {0}."
    )]
    CredentialParts(usize),
    /// A header that has to be unique: its name in lower case, where it may be shown.
    #[error("Header '{0}' must be given exactly once.")]
    RepeatedHeader(String),
    /// No time in `X-Amz-Date`: the text, where it may be shown.
    #[error("Date must be in ISO-8601 'basic format'. Got '{0}'. See http://en.wikipedia.org/wiki/ISO_8601")]
    DateFormat(String),
    /// A credential scoped to something else: a sentence for each part that is wrong.
    #[error("{}", .0.join(" "))]
    Scope(Vec<String>),
    /// Signed too long ago. Times in Unix seconds, the width of the window in seconds.
    #[error(
        "Signature expired: {} is now earlier than {} ({} - {}.)",
        timestamp::format(*signed),
        timestamp::format(now.saturating_sub(*max_skew)),
        timestamp::format(*now),
        minutes(*max_skew)
    )]
    Expired {
        /// When the request says it was signed.
        signed: i64,
        /// The verifier's clock.
        now: i64,
        /// How far the two may be apart.
        max_skew: i64,
    },
    /// Signed in the future. Times in Unix seconds, the width of the window in seconds.
    #[error(
        "Signature not yet current: {} is still later than {} ({} + {}.)",
        timestamp::format(*signed),
        timestamp::format(now.saturating_add(*max_skew)),
        timestamp::format(*now),
        minutes(*max_skew)
    )]
    NotYetCurrent {
        /// When the request says it was signed.
        signed: i64,
        /// The verifier's clock.
        now: i64,
        /// How far the two may be apart.
        max_skew: i64,
    },
    /// `SignedHeaders` in another form than every signer makes.
    #[error("'SignedHeaders' must be names in lower case, sorted, each once, separated by ';'.")]
    SignedHeadersForm,
    /// A header that must be signed and is not: its name, where it may be shown.
    #[error("'{0}' must be a 'SignedHeader' in the AWS Authorization.")]
    UnsignedHeader(String),
    /// A signed header that did not arrive: its name, where it may be shown.
    #[error("'SignedHeaders' names '{0}', which the request does not have.")]
    AbsentHeader(String),
    /// A signature of another form.
    #[error("'Signature' must be 64 hexadecimal digits in lower case.")]
    SignatureForm,
    /// A payload that the signature would not cover whole.
    #[error(
        "Unsigned and streaming payloads are not supported. 'X-Amz-Content-Sha256' must be the SHA-256 of the body."
    )]
    UnsignedPayload,
    /// An `X-Amz-Content-Sha256` of another form.
    #[error("'X-Amz-Content-Sha256' must be 64 hexadecimal digits in lower case.")]
    PayloadHashForm,
    /// A session token that is not text.
    #[error("'X-Amz-Security-Token' must be printable ASCII.")]
    SessionTokenForm,
    /// No such access key.
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    /// The body is not the one that `X-Amz-Content-Sha256` names.
    #[error("The SHA-256 of the body does not match 'X-Amz-Content-Sha256'.")]
    PayloadMismatch,
    /// The signature is another one.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access \
         Key and signing method. Consult the service documentation for details."
    )]
    SignatureMismatch,
}

impl Refusal {
    /// The exception's name on the wire. What has not the form of a signature is incomplete; what has it and is
    /// Whether the region that the request was signed for is not served, whatever else is wrong.
    pub fn is_of_region(&self) -> bool {
        matches!(self, Refusal::Scope(wrong) if wrong.iter().any(|sentence| sentence.starts_with(REGION)))
    }

    /// wrong is invalid. A wrong clock is `RequestExpired`, the one code on which the Go SDK corrects its own.
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
/// Answers end up in the logs of clients. Secret keys and tokens are long and of mixed case, what we quote is short
/// and of one case; so this loses nothing that helps.
pub(crate) fn shown(text: &str) -> String {
    let of_case = |letter: fn(&u8) -> bool| {
        text.bytes().all(|byte| letter(&byte) || byte.is_ascii_digit() || b"-_:".contains(&byte))
    };
    let harmless = text.len() <= 32 && (of_case(u8::is_ascii_lowercase) || of_case(u8::is_ascii_uppercase));
    if harmless { text.to_owned() } else { "...".to_owned() }
}
