//! The served part of AWS's Security Token Service: saying who a caller is, and temporary keys for identity tokens.
//! It uses AWS's query protocol, in which a request is a form and an answer is XML.

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

/// The only version of this API.
const VERSION: &str = "2011-06-15";

/// An answer with the result of an operation.
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
