//! Makes the call, and reads the answer.

use std::path::PathBuf;
use std::time::Duration;

use gangplank_api::lightsail::Operation;
use serde_json::{Map, Value};

use super::failure::Failure;
use super::globals::Globals;
use crate::aws::api_client::{Answer, ApiClient, ClientOptions};
use crate::aws::call_failure::{CallFailure, Cause, Unreachable};
use crate::aws::connection::check_data_dir;
use crate::aws::credentials::Identity;
use crate::aws::settings::{self, Settings, Unresolved};
use crate::http::{retry, tls_errors};

/// The members of every error of the service, in the order of the service model.
const ERROR_MEMBERS: [&str; 4] = ["code", "docs", "message", "tip"];

/// Reads the settings of the data directory, if one is named, else those of the profile.
pub(crate) fn settings(globals: &Globals) -> Result<Settings, Failure> {
    let profile = globals.value("--profile");
    let variable =
        || std::env::var_os("GANGPLANK_DATA_DIR").filter(|dir| !dir.is_empty() && profile.is_none());
    let dir = globals.value("--data-dir").map(PathBuf::from).or_else(|| variable().map(PathBuf::from));
    let Some(dir) = dir else { return Ok(Settings::of_profile(profile)?) };
    check_data_dir(&dir).map_err(|error| Failure::Configuration("DataDirectory", format!("{error:#}")))?;
    Ok(Settings::of_data_dir(&dir)?)
}

/// The region to act in.
pub(crate) fn region(globals: &Globals, settings: &Settings) -> Result<String, Failure> {
    let region = globals.value("--region").map(str::to_owned).or_else(|| settings.region());
    let region = region.ok_or_else(|| {
        Failure::Configuration(
            "NoRegion",
            "You must specify a region: with --region, AWS_REGION, or region in the profile.".to_owned(),
        )
    })?;
    if !settings::may_be_region(&region) {
        return Err(Failure::Other(format!(
            "Provided region_name '{region}' doesn't match a supported format."
        )));
    }
    Ok(region)
}

/// Makes the client from the options and the settings.
pub(crate) fn client(region: String, globals: &Globals, settings: &Settings) -> Result<ApiClient, Failure> {
    let identity = identity(globals, settings)?;
    let endpoint = globals.value("--endpoint-url").map(str::to_owned).or_else(|| settings.endpoint());
    let endpoint = endpoint.ok_or_else(|| {
        Failure::Configuration(
            "NoEndpoint",
            "No server is named: give --data-dir of a server on this machine, --endpoint-url, \
             AWS_ENDPOINT_URL_LIGHTSAIL, AWS_ENDPOINT_URL, or endpoint_url in the profile."
                .to_owned(),
        )
    })?;
    let options = options(globals, settings)?;
    ApiClient::new(&endpoint, region, identity, &options)
        .map_err(|error| Failure::Other(format!("{error:#}")))
}

/// Calls the operation and reads its answer.
pub(crate) async fn call(
    operation: Operation,
    input: &Map<String, Value>,
    client: &ApiClient,
    globals: &Globals,
) -> Result<Map<String, Value>, Failure> {
    let principal = client.principal();
    // Names only, because values may be secrets. The environment of a container often has some.
    let names: Vec<&str> = input.keys().map(String::as_str).collect();
    globals.note(format_args!(
        "{} with {names:?} to {} in {} as {}",
        operation.target(),
        principal.endpoint,
        principal.region,
        if principal.access_key_id.is_empty() { "nobody" } else { &principal.access_key_id },
    ));
    let body = Value::Object(input.clone()).to_string();
    let answer = client.exchange(operation.target(), body.as_bytes()).await.map_err(unanswered)?;
    let id = answer.request_id.as_deref().unwrap_or("none");
    globals.note(format_args!("status {}, {} bytes, request id {id}", answer.status, answer.body.len()));
    let parsed = object(&answer.body)?;
    if answer.is_success() { Ok(parsed) } else { Err(refusal(operation, &answer)) }
}

fn identity(globals: &Globals, settings: &Settings) -> Result<Option<Identity>, Failure> {
    if globals.has("--no-sign-request") {
        return Ok(None);
    }
    let found = settings.identity()?;
    found.map(Some).ok_or_else(|| {
        Failure::Configuration(
            "NoCredentials",
            format!(
                "Unable to locate credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile \
                 that has them{}.",
                settings.unfollowed()
            ),
        )
    })
}

fn options(globals: &Globals, settings: &Settings) -> Result<ClientOptions, Failure> {
    let seconds = |name| Ok::<_, Failure>(globals.seconds(name)?.map(Duration::from_secs));
    let attempts = settings.attempts().unwrap_or(Ok(retry::ATTEMPTS)).map_err(|text| {
        Failure::Other(format!(
            "Value provided to \"max_attempts\": {text} must be an integer greater than 0."
        ))
    })?;
    Ok(ClientOptions {
        ca_bundle: globals.value("--ca-bundle").map(Into::into).or_else(|| settings.ca_bundle()),
        verify: !globals.has("--no-verify-ssl"),
        read_timeout: seconds("--cli-read-timeout")?,
        connect_timeout: seconds("--cli-connect-timeout")?,
        attempts,
        // The AWS CLI does not report this either.
        reports_waits: false,
    })
}

/// The members of a body. A body that is no JSON has none, as in every AWS client. JSON that is no object is an
/// error.
fn object(body: &[u8]) -> Result<Map<String, Value>, Failure> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(other) => {
            let class = super::python_repr::class(&other);
            Err(Failure::Other(format!("The server's answer is no JSON object but {class}")))
        }
        Err(_) => Ok(Map::new()),
    }
}

fn refusal(operation: Operation, answer: &Answer) -> Failure {
    let mut refusal = answer.refusal(operation.name());
    let modelled = refusal.is_modelled();
    let members = ERROR_MEMBERS
        .iter()
        .filter(|_| modelled)
        .filter_map(|name| {
            Some(((*name).to_owned(), refusal.body.remove(*name).filter(|value| !value.is_null())?))
        })
        .collect();
    Failure::Service(Box::new(refusal), members)
}

fn unanswered(error: CallFailure) -> Failure {
    match error {
        CallFailure::Unreachable(error) => unreachable(error),
        // The failed call is the one to STS for temporary keys.
        CallFailure::Refused(refusal) => Failure::Service(Box::new(refusal), Map::new()),
        other => Failure::Other(other.to_string()),
    }
}

fn unreachable(error: Unreachable) -> Failure {
    let url = &error.endpoint;
    let cause = match &error.cause {
        Cause::Request(cause) => cause,
        Cause::Answer(why) => return Failure::Other(format!("{why}: \"{url}\"")),
    };
    Failure::Other(if let Some(words) = tls_errors::explain(cause) {
        format!("SSL validation failed for {url} {words}")
    } else if cause.is_connect() && cause.is_timeout() {
        format!("Connect timeout on endpoint URL: \"{url}\"")
    } else if cause.is_timeout() {
        format!("Read timeout on endpoint URL: \"{url}\"")
    } else {
        let mut message = format!("Could not connect to the endpoint URL: \"{url}\"");
        let mut source: Option<&dyn std::error::Error> = std::error::Error::source(cause);
        while let Some(inner) = source {
            message.extend([": ", &inner.to_string()]);
            source = inner.source();
        }
        message
    })
}

impl From<Unresolved> for Failure {
    fn from(error: Unresolved) -> Self {
        Self::Other(error.to_string())
    }
}
