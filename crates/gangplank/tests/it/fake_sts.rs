//! A server that records calls, and gives the answers of a test to calls of our own API and of STS.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::fake_server::{self, operation};
use crate::handler::{Reply, Request};

/// A token in the form of any CI's: three parts. Nobody parses it here.
pub(crate) const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJjaSJ9.c2lnbmF0dXJl";
/// A role.
pub(crate) const ROLE: &str = "arn:aws:iam::000000000000:role/push-web";

/// A recorded call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) operation: String,
    pub(crate) body: Value,
    pub(crate) authorization: Option<String>,
    pub(crate) session_token: Option<String>,
}

/// A server with its recorded calls.
pub(crate) struct FakeSts {
    /// Host and port.
    pub(crate) address: String,
    calls: Arc<Mutex<Vec<Call>>>,
}

type Answer = dyn Fn(&str, &Value) -> Option<Value> + Send + Sync;

impl FakeSts {
    /// A server whose sessions last for this number of seconds. `answer` gives the answers to calls of our own
    /// API.
    pub(crate) fn start(
        seconds: i64,
        answer: impl Fn(&str, &Value) -> Option<Value> + Send + Sync + 'static,
    ) -> Self {
        let calls = Arc::new(Mutex::new(Vec::new()));
        let (noted, answer): (_, Arc<Answer>) = (Arc::clone(&calls), Arc::new(answer));
        let address = fake_server::start(move |request| {
            let call = read(request);
            let reply = match call.operation.as_str() {
                "AssumeRoleWithWebIdentity" => Some(session(seconds, count(&noted))),
                "ExchangeIdentityToken" => {
                    Some(Reply::new(200, fake_server::login(request.header("host").unwrap()).to_string()))
                }
                other => answer(other, &call.body).map(|answer| match answer["status"].as_u64() {
                    Some(status) => Reply::new(u16::try_from(status).unwrap(), answer.to_string()),
                    None => Reply::new(200, answer.to_string()),
                }),
            };
            noted.lock().unwrap().push(call);
            reply
        });
        Self { address, calls }
    }

    /// The calls of an operation.
    pub(crate) fn calls(&self, operation: &str) -> Vec<Call> {
        let calls = self.calls.lock().unwrap();
        calls.iter().filter(|call| call.operation == operation).cloned().collect()
    }
}

fn count(calls: &Mutex<Vec<Call>>) -> usize {
    calls.lock().unwrap().iter().filter(|call| call.operation == "AssumeRoleWithWebIdentity").count()
}

fn read(request: &Request) -> Call {
    let is_form = request.header("content-type").is_some_and(|kind| kind.contains("form-urlencoded"));
    let text = String::from_utf8_lossy(&request.body);
    let body: Value = if is_form {
        let url = reqwest::Url::parse(&format!("http://form/?{text}")).unwrap();
        url.query_pairs().map(|(name, value)| (name.into_owned(), Value::from(value.into_owned()))).collect()
    } else {
        serde_json::from_str(&text).unwrap_or_default()
    };
    let header = |name| request.header(name).map(str::to_owned);
    let operation = match body["Action"].as_str() {
        Some(action) => action.to_owned(),
        None => operation(request).to_owned(),
    };
    Call {
        operation,
        body,
        authorization: header("authorization"),
        session_token: header("x-amz-security-token"),
    }
}

/// The session with a number.
fn session(seconds: i64, number: usize) -> Reply {
    let expires = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
    let body = format!(
        "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>GPASEXAMPLEEXAMPL{number:02}</AccessKeyId>\
         <SecretAccessKey>wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY</SecretAccessKey>\
         <SessionToken>session-token-{number}</SessionToken><Expiration>{}</Expiration></Credentials>\
         </AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>",
        expires.strftime("%Y-%m-%dT%H:%M:%SZ")
    );
    Reply::new(200, body).with("Content-Type", "text/xml")
}

/// A refusal in the form of our own API.
pub(crate) fn refused(code: &str, message: &str) -> Value {
    json!({ "status": 403, "__type": code, "message": message })
}
