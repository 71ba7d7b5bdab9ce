//! The call itself: whom, as whom, and what came back.

use std::time::Duration;

use gangplank_api::ErrorCode;
use gangplank_api::lightsail::Operation;
use serde_json::{Map, Value};

use super::failure::{Failure, Refusal};
use super::globals::Globals;
use crate::api_client::{Answer, ApiClient, Manner, Unreachable};
use crate::credentials::Credentials;
use crate::retry;
use crate::settings::{Settings, Unresolved};

/// The members of every error of the service, in the order of the service model.
const ERROR_MEMBERS: [&str; 4] = ["code", "docs", "message", "tip"];

/// The region to act in.
pub(crate) fn region(globals: &Globals, settings: &Settings) -> Result<String, Failure> {
    globals.value("--region").map(str::to_owned).or_else(|| settings.region()).ok_or_else(|| {
        Failure::Configuration(
            "NoRegion",
            "You must specify a region: with --region, AWS_REGION, or region in the profile.".to_owned(),
        )
    })
}

/// Calls the operation and reads its answer.
pub(crate) async fn call(
    operation: Operation,
    input: &Map<String, Value>,
    region: String,
    globals: &Globals,
    settings: &Settings,
) -> Result<Map<String, Value>, Failure> {
    let credentials = credentials(globals, settings)?;
    let endpoint = globals.value("--endpoint-url").map(str::to_owned).or_else(|| settings.endpoint());
    let endpoint = endpoint.ok_or_else(|| {
        Failure::Configuration(
            "NoEndpoint",
            "No server is named: give --endpoint-url, AWS_ENDPOINT_URL_LIGHTSAIL, AWS_ENDPOINT_URL, or \
             endpoint_url in the profile. A server's own files name it: AWS_CONFIG_FILE=DIR/config \
             AWS_SHARED_CREDENTIALS_FILE=DIR/credentials"
                .to_owned(),
        )
    })?;
    let tell = |what: std::fmt::Arguments<'_>| {
        if globals.has("--debug") {
            super::report::note(what);
        }
    };
    let manner = manner(globals, settings)?;
    let key = credentials.as_ref().map_or("nobody", |credentials| credentials.access_key_id.as_str());
    // Names only: values may be secrets, as the environment of a container often is.
    let names: Vec<&str> = input.keys().map(String::as_str).collect();
    tell(format_args!("{} with {names:?} to {endpoint} in {region} as {key}", operation.target()));
    let client = ApiClient::new(&endpoint, region, credentials, &manner)
        .map_err(|error| Failure::Other(format!("{error:#}")))?;
    let body = Value::Object(input.clone()).to_string();
    let answer = client.exchange(operation.target(), body.as_bytes()).await.map_err(unreachable)?;
    let id = answer.request_id.as_deref().unwrap_or("none");
    tell(format_args!("status {}, {} bytes, request id {id}", answer.status, answer.body.len()));
    let parsed = object(&answer.body)?;
    if answer.is_success() { Ok(parsed) } else { Err(refusal(operation, &answer, parsed)) }
}

fn credentials(globals: &Globals, settings: &Settings) -> Result<Option<Credentials>, Failure> {
    if globals.has("--no-sign-request") {
        return Ok(None);
    }
    let found = settings.credentials()?;
    found.map(Some).ok_or_else(|| {
        Failure::Configuration(
            "NoCredentials",
            "Unable to locate credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile \
             that has them."
                .to_owned(),
        )
    })
}

fn manner(globals: &Globals, settings: &Settings) -> Result<Manner, Failure> {
    let seconds = |name| Ok::<_, Failure>(globals.seconds(name)?.map(Duration::from_secs));
    let attempts = settings.attempts().unwrap_or(Ok(retry::ATTEMPTS)).map_err(|text| {
        Failure::Other(format!(
            "Value provided to \"max_attempts\": {text} must be an integer greater than 0."
        ))
    })?;
    Ok(Manner {
        ca_bundle: globals.value("--ca-bundle").map(Into::into).or_else(|| settings.ca_bundle()),
        verify: !globals.has("--no-verify-ssl"),
        read_timeout: seconds("--cli-read-timeout")?,
        connect_timeout: seconds("--cli-connect-timeout")?,
        attempts,
    })
}

/// The members of a body. One that is no JSON has none, as for every AWS client; JSON that is no object is a fault.
fn object(body: &[u8]) -> Result<Map<String, Value>, Failure> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(other) => {
            let class = super::python::class(&other);
            Err(Failure::Other(format!("The server's answer is no JSON object but {class}")))
        }
        Err(_) => Ok(Map::new()),
    }
}

fn refusal(operation: Operation, answer: &Answer, mut body: Map<String, Value>) -> Failure {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let code = text("__type").map_or_else(|| answer.status.to_string(), str::to_owned);
    // Both `prefix#Name` and `Name:suffix` have been seen on the wire.
    let code = code.split(':').next().unwrap_or_default().rsplit('#').next().unwrap_or_default().to_owned();
    let said = text("message").or_else(|| text("Message"));
    let unreadable = || String::from_utf8_lossy(&answer.body).into_owned();
    let message =
        said.map_or_else(|| if body.is_empty() { unreadable() } else { String::new() }, str::to_owned);
    let modelled = ErrorCode::parse(&code)
        .is_some_and(|code| Operation::ALL.iter().any(|operation| operation.errors().contains(&code)));
    let members = ERROR_MEMBERS
        .iter()
        .filter(|_| modelled)
        .filter_map(|name| Some(((*name).to_owned(), body.remove(*name).filter(|value| !value.is_null())?)))
        .collect();
    let operation = operation.name();
    Failure::Service(Box::new(Refusal {
        operation,
        code,
        message,
        retries: answer.exhausted.filter(|n| *n > 0),
        members,
    }))
}

fn unreachable(error: Unreachable) -> Failure {
    let url = &error.endpoint;
    Failure::Other(if error.source.is_connect() && error.source.is_timeout() {
        format!("Connect timeout on endpoint URL: \"{url}\"")
    } else if error.source.is_timeout() {
        format!("Read timeout on endpoint URL: \"{url}\"")
    } else {
        let mut message = format!("Could not connect to the endpoint URL: \"{url}\"");
        let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(&error.source);
        while let Some(inner) = cause {
            message.extend([": ", &inner.to_string()]);
            cause = inner.source();
        }
        message
    })
}

impl From<Unresolved> for Failure {
    fn from(error: Unresolved) -> Self {
        Self::Other(error.to_string())
    }
}
