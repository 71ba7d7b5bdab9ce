//! The input that the AWS CLI gives to its plugin: the action, and the global options. Credentials are not in it; the
//! plugin finds them as every AWS client does.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use serde_json::Value;

use super::push_image::Order;
use crate::aws::api_client::{ApiClient, ClientOptions};
use crate::aws::settings::Settings;
use crate::http::retry;

/// The whole input. Unknown members are ignored, because newer versions of the AWS CLI send more.
#[derive(Deserialize)]
pub(super) struct Input {
    #[serde(default, rename = "inputVersion")]
    version: String,
    #[serde(default)]
    operation: String,
    #[serde(default)]
    payload: Value,
    #[serde(default)]
    pub(super) configuration: Configuration,
}

/// The global options.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Configuration {
    debug: Option<bool>,
    endpoint: Option<String>,
    region: Option<String>,
    profile: Option<String>,
    ca_bundle: Option<PathBuf>,
    #[serde(rename = "doNotVerifySSL")]
    do_not_verify_ssl: Option<bool>,
    do_not_sign_request: Option<bool>,
    /// In seconds; 0 for no limit.
    read_timeout: Option<u64>,
    /// In seconds; 0 for no limit.
    connect_timeout: Option<u64>,
}

impl Input {
    /// Reads the first JSON value of a text.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let input = serde_json::Deserializer::from_str(text).into_iter::<Self>().next();
        let input = input.context("it is empty")?.context("it is not the JSON that the AWS CLI sends")?;
        let version = input.version.parse::<u32>();
        ensure!(version.is_ok(), "inputVersion {:?} is no version", input.version);
        Ok(input)
    }

    /// The image to push.
    pub(super) fn order(&self) -> Result<Order> {
        if self.operation != "PushContainerImage" {
            bail!("unknown plugin operation: {:?}", self.operation);
        }
        let member = |name: &str| {
            let value = self.payload.get(name).and_then(Value::as_str).filter(|value| !value.is_empty());
            value.map(str::to_owned).with_context(|| format!("the payload of the plugin input has no {name}"))
        };
        Ok(Order { service: member("service")?, image: member("image")?, label: member("label")? })
    }
}

impl Configuration {
    pub(super) fn debug(&self) -> bool {
        self.debug == Some(true)
    }

    /// Makes the API's client. If no server is named, the client calls Amazon.
    pub(super) fn client(&self) -> Result<Arc<ApiClient>> {
        let given = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
        let settings = Settings::of_profile(given(&self.profile).as_deref())?;
        let region = given(&self.region).or_else(|| settings.region());
        let region =
            region.context("no region: give --region, set AWS_REGION, or name a profile that has one")?;
        let endpoint = given(&self.endpoint).or_else(|| settings.endpoint());
        let endpoint = endpoint.unwrap_or_else(|| format!("https://lightsail.{region}.amazonaws.com"));
        let credentials = match self.do_not_sign_request {
            Some(true) => None,
            _ => Some(settings.identity()?.with_context(|| {
                format!(
                    "no access key: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile that has them{}",
                    settings.unfollowed()
                )
            })?),
        };
        let seconds = |given: Option<u64>, usual: Option<Duration>| match given {
            None => usual,
            Some(0) => None,
            Some(seconds) => Some(Duration::from_secs(seconds)),
        };
        let usual = ClientOptions::default();
        let options = ClientOptions {
            ca_bundle: self.ca_bundle.clone().or_else(|| settings.ca_bundle()),
            verify: self.do_not_verify_ssl != Some(true),
            read_timeout: seconds(self.read_timeout, usual.read_timeout),
            connect_timeout: seconds(self.connect_timeout, usual.connect_timeout),
            reports_waits: false,
            attempts: settings.attempts().and_then(Result::ok).unwrap_or(retry::ATTEMPTS),
        };
        Ok(Arc::new(ApiClient::new(&endpoint, region, credentials, &options)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        let order = Input::parse(text).and_then(|input| input.order());
        format!("{:#}", order.unwrap_err())
    }

    #[test]
    fn what_version_2_of_the_aws_cli_sends_is_understood() {
        let input = Input::parse(
            r#"{"inputVersion": "1", "operation": "PushContainerImage", "payload": {"service": "web",
            "image": "app:v1", "label": "www"}, "configuration": {"debug": false, "paginate": true, "region":
            "eu-west-1", "doNotSignRequest": false, "caBundle": "/x.pem", "readTimeout": 60, "connectTimeout":
            0, "cliBinaryFormat": "base64", "cliVersion": "2.38.1"}} more"#,
        );
        let input = input.unwrap();
        let order = input.order().unwrap();
        assert_eq!(
            (order.service.as_str(), order.image.as_str(), order.label.as_str()),
            ("web", "app:v1", "www")
        );
        assert_eq!(input.configuration.region.as_deref(), Some("eu-west-1"));
        assert_eq!(input.configuration.connect_timeout, Some(0));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(refusal("").contains("empty"));
        assert!(refusal("[1]").contains("not the JSON"));
        for version in ["", "v1", "-1"] {
            assert!(refusal(&format!(r#"{{"inputVersion":"{version}"}}"#)).contains("is no version"));
        }
        let input = |operation, payload| {
            format!(r#"{{"inputVersion":"55","operation":"{operation}","payload":{payload}}}"#)
        };
        assert_eq!(refusal(&input("Whatever", "42")), r#"unknown plugin operation: "Whatever""#);
        assert!(refusal(&input("PushContainerImage", r#"{"service":"s","image":"i"}"#)).contains("no label"));
        assert!(refusal(&input("PushContainerImage", "42")).contains("no service"));
    }
}
