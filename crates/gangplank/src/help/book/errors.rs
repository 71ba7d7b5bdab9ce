//! The page about errors: the meaning of each, and what to do. The matches have no default arm, so that a new error
//! does not compile before it is explained here.

use gangplank_api::{ErrorCode, sts::StsErrorCode};
use gangplank_oci::ErrorCode as RegistryCode;

use super::markdown::{Page, code, prose};

const HEAD: &str = "
Each refusal says in words what was refused, why, and what to do; this page is about the codes.
[Troubleshooting](../operate/troubleshooting.md) goes by the messages.
";

const API: &str = "
The status is 400 unless the table says another. The body is `{\"__type\":\"CODE\",\"message\":\"...\"}`, and `tip` where there is
more to say. AWS SDKs and `aws` show code and message.
";

const REGISTRY: &str = "
The body is `{\"errors\":[{\"code\":\"CODE\",\"message\":\"...\"}]}`, and the status line has the reason too, since the answer to a
HEAD has no body. docker and podman show the message.
";

const STS: &str = "
STS answers in XML with names of its own. A code that AWS JSON has too lacks \"Exception\" here.
";

pub(super) fn page() -> Page {
    let mut page = Page::new("Errors");
    page.text(HEAD);
    page.heading(2, "Of the API");
    page.text(API);
    let row = |error: &ErrorCode| {
        [
            code(error.as_str()),
            error.status().to_string(),
            prose(error.documentation()),
            to_do(*error).to_owned(),
        ]
    };
    page.table(
        ["code", "status", "meaning", "what to do"],
        &ErrorCode::ALL.iter().map(row).collect::<Vec<_>>(),
    );
    page.heading(2, "Of the registry");
    page.text(REGISTRY);
    let row = |error: &RegistryCode| {
        let (status, meaning, to_do) = in_registry(*error);
        [code(error.as_str()), status.to_owned(), meaning.to_owned(), to_do.to_owned()]
    };
    page.table(
        ["code", "status", "meaning", "what to do"],
        &RegistryCode::ALL.iter().map(row).collect::<Vec<_>>(),
    );
    page.heading(2, "Of STS");
    page.text(STS);
    let row = |error: &StsErrorCode| {
        [code(error.as_str()), error.status().to_string(), prose(error.documentation())]
    };
    page.table(["code", "status", "meaning"], &StsErrorCode::ALL.iter().map(row).collect::<Vec<_>>());
    page
}

fn to_do(error: ErrorCode) -> &'static str {
    match error {
        ErrorCode::AccessDeniedException => {
            "The message names the action. Use a key or role that may do it, or ask for a wider policy."
        }
        ErrorCode::AccountSetupInProgressException | ErrorCode::RegionSetupInProgressException => {
            "This server never answers it."
        }
        ErrorCode::InvalidInputException => "Change the member that the message names.",
        ErrorCode::NotFoundException => "Check account and region first: nothing of another one is visible.",
        ErrorCode::OperationFailureException => "The message names the obstacle; remove it, and try again.",
        ErrorCode::UnauthenticatedException => "Sign with a key that the server knows.",
        ErrorCode::ServiceException => "The server's log has the cause. If the disk is full, make room.",
        ErrorCode::SerializationException => "Send a JSON object with members of the described types.",
        ErrorCode::UnknownOperationException => "Check the header `X-Amz-Target`, and the server's version.",
        ErrorCode::MissingAuthenticationTokenException => "Sign the call; a browser or plain curl does not.",
        ErrorCode::IncompleteSignatureException => "Let an SDK sign; the message names the part.",
        ErrorCode::InvalidSignatureException => {
            "Check the secret key. Behind a proxy, check that it keeps the `Host` header, which is signed."
        }
        ErrorCode::UnrecognizedClientException => {
            "The key is of another server, disabled, deleted or expired."
        }
        ErrorCode::RequestExpired => "Set the clocks: they may differ by `--signature-skew`, 15 minutes.",
        ErrorCode::ThrottlingException => "Wait as long as `Retry-After` says, as SDKs do.",
        ErrorCode::RequestEntityTooLarge => "Send less, or raise `--max-api-body-bytes`.",
        ErrorCode::RequestTimeoutException => "Try again; the network stalls.",
        ErrorCode::ServiceUnavailable => "Try again. If it stays, `/readyz` and the log say why.",
        ErrorCode::ExpiredTokenException => "Begin a new session, or get a new identity token.",
        ErrorCode::InvalidIdentityTokenException => {
            "Compare `iss` and `aud` of the token with the issuers of the server; `gangplank role try` does that."
        }
        ErrorCode::IDPCommunicationErrorException => {
            "The server cannot reach the issuer. Open the way, or give it the keys with `jwks-file`."
        }
    }
}

/// The status, the meaning, and the advice.
fn in_registry(error: RegistryCode) -> (&'static str, &'static str, &'static str) {
    match error {
        RegistryCode::BlobUnknown => {
            ("404", "The repository has no such blob.", "Push it. If it was damaged, push it again.")
        }
        RegistryCode::BlobUploadInvalid => (
            "400, 416",
            "A piece does not continue the upload.",
            "Ask for the upload's offset (GET), and continue there.",
        ),
        RegistryCode::BlobUploadUnknown => (
            "404",
            "There is no such upload, or it belongs to another caller.",
            "Start the upload anew. It ends with its login.",
        ),
        RegistryCode::DigestInvalid => (
            "400",
            "A digest is malformed, or not that of the content.",
            "Push again. If that does not help, a proxy or the network changes bytes.",
        ),
        RegistryCode::ManifestBlobUnknown => (
            "404",
            "A manifest names content that the repository does not have.",
            "Push the parts first, into the same repository.",
        ),
        RegistryCode::ManifestInvalid => (
            "400, 413",
            "A manifest is not acceptable; the message says where.",
            "Correct it, or make it smaller.",
        ),
        RegistryCode::ManifestUnknown => (
            "404",
            "The repository has no such manifest.",
            "Check the name against the registered images: `gangplank lightsail get-container-images`.",
        ),
        RegistryCode::NameInvalid => (
            "400",
            "Not the name of a repository.",
            "Use lower-case letters, digits, and `.`, `_`, `-`, `/` between them.",
        ),
        RegistryCode::NameUnknown => (
            "404",
            "No such repository, or no such path.",
            "Check the name; account and region are those of the login.",
        ),
        RegistryCode::SizeInvalid => (
            "400, 413, 416",
            "The content has another size than announced, or is too large.",
            "See `--max-blob-bytes`; behind a proxy, its limit on bodies.",
        ),
        RegistryCode::Unauthorized => (
            "401",
            "There is no login, or it is not valid now.",
            "Log in again: a login ends after 12 hours at the latest.",
        ),
        RegistryCode::Denied => (
            "403",
            "The login may not do this, or a quota is used up; the message says which.",
            "Use a login of the right kind. For a quota, delete images, or raise it.",
        ),
        RegistryCode::Unsupported => {
            ("400, 405", "The registry does not do this.", "The message names an alternative.")
        }
        RegistryCode::TooManyRequests => {
            ("429", "Too many requests, or open uploads.", "Wait as long as `Retry-After` says.")
        }
        RegistryCode::TagInvalid => ("400", "Not a tag.", "Use up to 128 letters, digits, `_`, `.` and `-`."),
        RegistryCode::PaginationNumberInvalid => ("400", "`n` is not a number.", "Send a number."),
        RegistryCode::Unknown => (
            "500",
            "The server has an error.",
            "The log has the cause; `gangplank fsck` checks the stored data.",
        ),
        RegistryCode::Unavailable => (
            "503, 507",
            "The server cannot serve now; 507: its disk is full.",
            "After a 507, make room. After a 503, try again; `/readyz` and the log have the reason.",
        ),
    }
}
