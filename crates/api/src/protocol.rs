//! The protocols of AWS's services, as far as errors need them. A call of a service that is not served here gets an
//! error in the form that its client reads.

use serde_json::json;

use crate::xml;

/// Services whose errors are XML although their requests are no forms: object stores, and two others.
const OBJECT_STORES: [&str; 4] = ["s3", "s3express", "s3-outposts", "s3-object-lambda"];
const REST_XML: [&str; 2] = ["cloudfront", "route53"];

/// A protocol of AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// The request is a form, the answer is XML.
    Query,
    /// The query protocol with errors of another form.
    Ec2,
    /// JSON 1.0. `X-Amz-Target` names the operation.
    Json10,
    /// JSON 1.1. `X-Amz-Target` names the operation.
    Json11,
    /// JSON. The method and path name the operation.
    RestJson,
    /// XML. The method and path name the operation.
    RestXml,
    /// XML for S3. Its errors have no enclosing element.
    S3,
    /// CBOR. The path names the operation.
    Cbor,
}

/// The headers of a call that show its protocol.
#[derive(Debug, Clone, Copy, Default)]
pub struct Traits<'a> {
    /// The media type of its body, parameters included.
    pub content_type: &'a str,
    /// Whether it has an `X-Amz-Target`.
    pub has_target: bool,
    /// The value of `Smithy-Protocol`.
    pub smithy: &'a str,
}

impl Traits<'_> {
    /// Whether its body is a form.
    pub fn is_form(&self) -> bool {
        let essence = self.content_type.split(';').next().unwrap_or_default();
        essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
    }
}

/// An error in wire form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireError {
    /// The HTTP status.
    pub status: u16,
    /// The media type of the body.
    pub content_type: &'static str,
    /// One more header, which clients look at.
    pub header: Option<(&'static str, &'static str)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Protocol {
    /// The protocol of a call. `service` is the service that the call is signed for. A new client of a service
    /// may use another protocol than an old one. So the form of the call counts more than the service.
    pub fn of(service: &str, traits: Traits<'_>) -> Self {
        if OBJECT_STORES.contains(&service) {
            Self::S3
        } else if REST_XML.contains(&service) {
            Self::RestXml
        } else if traits.smithy == "rpc-v2-cbor" {
            Self::Cbor
        } else if traits.has_target {
            if traits.content_type.starts_with("application/x-amz-json-1.0") {
                Self::Json10
            } else {
                Self::Json11
            }
        } else if traits.is_form() {
            if service == "ec2" { Self::Ec2 } else { Self::Query }
        } else {
            Self::RestJson
        }
    }

    /// The error for a call of a service that is not served here.
    pub fn unserved(self, service: &str, request_id: &str) -> WireError {
        let message = format!(
            "This server speaks the container part of Amazon Lightsail's API, and of STS GetCallerIdentity and \
             AssumeRoleWithWebIdentity. The call is signed for '{service}', which is not served here: set \
             AWS_ENDPOINT_URL_LIGHTSAIL and AWS_ENDPOINT_URL_STS rather than an endpoint for all services."
        );
        let (status, code) = self.not_served();
        self.error(status, code, &message, request_id)
    }

    /// The status and code for an operation that does not exist. No client tries again after one of these.
    const fn not_served(self) -> (u16, &'static str) {
        match self {
            Self::Query | Self::Ec2 | Self::RestXml => (400, "InvalidAction"),
            // After a 400 without a body, clients of S3 make another call, to find out whether the region is wrong.
            Self::S3 => (501, "NotImplemented"),
            Self::Json10 | Self::Json11 | Self::RestJson | Self::Cbor => (400, "UnknownOperationException"),
        }
    }

    /// An error in this protocol.
    fn error(self, status: u16, code: &'static str, message: &str, request_id: &str) -> WireError {
        let (content_type, header, body) = match self {
            Self::Query | Self::RestXml => ("text/xml", None, query_error(status, code, message, request_id)),
            Self::Ec2 => {
                let error = code_and_message(code, message);
                let mut out = format!("<Response><Errors><Error>{error}</Error></Errors>");
                xml::push(&mut out, "RequestID", request_id);
                out.push_str("</Response>\n");
                ("text/xml", None, out.into_bytes())
            }
            Self::S3 => {
                let mut out = format!("<Error>{}", code_and_message(code, message));
                xml::push(&mut out, "RequestId", request_id);
                out.push_str("</Error>\n");
                ("application/xml", None, out.into_bytes())
            }
            Self::Cbor => ("application/cbor", Some(("smithy-protocol", "rpc-v2-cbor")), cbor(code, message)),
            Self::Json10 | Self::Json11 | Self::RestJson => {
                let body = json!({ "__type": code, "code": code, "message": message }).to_string();
                let content_type = match self {
                    Self::Json10 => "application/x-amz-json-1.0",
                    Self::Json11 => "application/x-amz-json-1.1",
                    _ => "application/json",
                };
                (content_type, Some(("x-amzn-errortype", code)), body.into_bytes())
            }
        };
        WireError { status, content_type, header, body }
    }
}

/// An error in the query protocol.
pub(crate) fn query_error(status: u16, code: &str, message: &str, request_id: &str) -> Vec<u8> {
    let fault = if status < 500 { "Sender" } else { "Receiver" };
    let error = code_and_message(code, message);
    let mut out = format!("<ErrorResponse><Error><Type>{fault}</Type>{error}</Error>");
    xml::push(&mut out, "RequestId", request_id);
    out.push_str("</ErrorResponse>\n");
    out.into_bytes()
}

fn code_and_message(code: &str, message: &str) -> String {
    let mut out = String::new();
    xml::push(&mut out, "Code", code);
    xml::push(&mut out, "Message", message);
    out
}

/// A CBOR map of two texts.
fn cbor(code: &str, message: &str) -> Vec<u8> {
    const MAP_OF_TWO: u8 = 0xa2;
    const TEXT_WITH_TWO_BYTES_OF_LENGTH: u8 = 0x79;
    let mut out = vec![MAP_OF_TWO];
    for text in ["__type", code, "message", message] {
        let length = u16::try_from(text.len()).unwrap_or_default();
        out.push(TEXT_WITH_TWO_BYTES_OF_LENGTH);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&text.as_bytes()[..usize::from(length)]);
    }
    out
}
