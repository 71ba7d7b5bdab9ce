//! An answer of the server, and the errors that it stands for.

use serde_json::{Map, Value};

use crate::aws::call_failure::{Cause, Refusal};
use crate::http::answers;

/// An answer of the server.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The id that the server gave the request.
    pub(crate) request_id: Option<String>,
    /// The target of a redirection.
    pub(crate) location: Option<String>,
    /// The body.
    pub(crate) body: Vec<u8>,
    /// How often the call was repeated. Only set if the call failed after all repetitions.
    pub(crate) exhausted: Option<u32>,
}

impl Answer {
    /// Whether the operation succeeded.
    pub(crate) fn is_success(&self) -> bool {
        self.status < 300
    }

    /// Reads the refusal in an answer that is no success.
    pub(crate) fn refusal(&self, operation: &'static str) -> Refusal {
        let body: Option<Map<String, Value>> = serde_json::from_slice(&self.body).ok();
        let body = body.unwrap_or_default();
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        // Both `prefix#Name` and `Name:suffix` have been seen on the wire.
        let named = text("__type").and_then(|code| code.split(':').next()?.rsplit('#').next());
        Refusal {
            operation,
            status: self.status,
            request_id: self.request_id.clone(),
            code: named.map_or_else(|| self.status.to_string(), str::to_owned),
            tip: text("tip").map(str::to_owned),
            message: match text("message").or_else(|| text("Message")) {
                Some(message) => message.to_owned(),
                None if body.is_empty() => format!("what answers there {}", self.strange()),
                None => String::new(),
            },
            retries: self.exhausted.filter(|retries| *retries > 0),
            body,
        }
    }
}

impl Answer {
    /// Whether the answer comes from another program, such as a proxy: its body is no JSON object.
    pub(super) fn is_strange(&self) -> bool {
        !serde_json::from_slice::<Value>(&self.body).is_ok_and(|body| body.is_object())
    }

    /// Explains an answer that does not come from a server of this API.
    pub(super) fn strange(&self) -> String {
        match (self.status, &self.location) {
            (413, _) => {
                "takes no body of this size: raise the limit of the proxy there (nginx: client_max_body_size)"
                    .to_owned()
            }
            (502..=504, _) => {
                format!("is a proxy that cannot reach its server (it answered {})", self.status)
            }
            (300..400, Some(location)) => format!("redirects to {location:?}: name that address"),
            (status, _) => format!("is no Gangplank server (it answered {status})"),
        }
    }
}

/// Makes a call once.
pub(super) async fn answer_to(call: reqwest::RequestBuilder) -> Result<Answer, Cause> {
    let response = call.send().await.map_err(Cause::Request)?;
    let status = response.status().as_u16();
    let request_id = response.headers().get("x-amzn-requestid").and_then(|id| id.to_str().ok());
    let request_id = request_id.map(str::to_owned);
    let location = response.headers().get("location").and_then(|to| to.to_str().ok()).map(str::to_owned);
    let body = match status {
        ..300 => answers::whole(response).await.map_err(Cause::Answer)?,
        _ => answers::of_error(response).await,
    };
    Ok(Answer { status, request_id, location, body, exhausted: None })
}
