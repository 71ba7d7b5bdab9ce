//! The part of AWS's Security Token Service that is served here: who somebody is, and temporary keys for whoever
//! holds an identity token. Its protocol is AWS's query protocol: a form comes in, XML goes out.

mod assume_role;
mod caller_identity;
mod error;
mod operation;
mod parameters;

pub use assume_role::{AssumeRoleWithWebIdentity, AssumedRole};
pub use caller_identity::CallerIdentity;
pub use error::{StsError, StsErrorCode};
pub use operation::Operation;
pub use parameters::Parameters;

/// The media type of answers.
pub const CONTENT_TYPE: &str = "text/xml";

/// The one version of this API.
const VERSION: &str = "2011-06-15";

/// What an answer is, with the result of an operation in it.
fn response(operation: &str, result: &str, request_id: &str) -> Vec<u8> {
    let mut out = format!(
        "<{operation}Response xmlns=\"https://sts.amazonaws.com/doc/{VERSION}/\"><{operation}Result>{result}\
         </{operation}Result><ResponseMetadata>"
    );
    crate::xml::push(&mut out, "RequestId", request_id);
    out.push_str("</ResponseMetadata></");
    out.push_str(operation);
    out.push_str("Response>\n");
    out.into_bytes()
}
