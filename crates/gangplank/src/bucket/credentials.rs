//! The credentials for a bucket: first our own variables, then the credentials that every AWS client reads,
//! then the credentials of the container or the machine.

use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail};
use async_trait::async_trait;
use gangplank_s3::credentials::{Container, ContainerToken, Instance, Keys, Source, WebIdentity};

use crate::aws::credentials::{Credentials, Identity};
use crate::aws::settings::Settings;

const ID: &str = "GANGPLANK_S3_ACCESS_KEY_ID";
const SECRET: &str = "GANGPLANK_S3_SECRET_ACCESS_KEY";
const SECRET_FILE: &str = "GANGPLANK_S3_SECRET_ACCESS_KEY_FILE";

/// The region of the environment or the profile.
pub(super) fn region() -> Option<String> {
    Settings::of_profile(None).ok()?.region()
}

/// The sources of credentials, in the order in which they are asked.
pub(super) fn sources(region: &str) -> Result<Vec<Arc<dyn Source>>> {
    if let Some(own) = own()? {
        // A user who sets these variables wants them to be used.
        return Ok(vec![Arc::new(own)]);
    }
    let mut sources: Vec<Arc<dyn Source>> = vec![Arc::new(Usual { region: region.to_owned() })];
    if let Some(container) = container()? {
        sources.push(Arc::new(container));
    }
    if !variable("AWS_EC2_METADATA_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        let endpoint = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
        sources.push(Arc::new(Instance::new(endpoint.as_deref().unwrap_or(Instance::ENDPOINT))?));
    }
    Ok(sources)
}

/// The access key from our own variables, read at the start.
struct Own(Keys);

#[async_trait]
impl Source for Own {
    fn name(&self) -> &'static str {
        ID
    }

    async fn fetch(&self) -> Result<Option<Keys>, String> {
        Ok(Some(self.0.clone()))
    }
}

fn own() -> Result<Option<Own>> {
    let secret = match (variable(SECRET), variable(SECRET_FILE)) {
        (Some(_), Some(_)) => bail!("{SECRET} and {SECRET_FILE} are both set: unset one of them"),
        (Some(secret), None) => Some(secret),
        (None, Some(path)) => {
            let text = std::fs::read_to_string(&path);
            let text = text.with_context(|| format!("{SECRET_FILE}: cannot read {path}"))?;
            Some(text.trim().to_owned())
        }
        (None, None) => None,
    };
    match (variable(ID), secret) {
        (Some(access_key_id), Some(secret_access_key)) => {
            Ok(Some(Own(Keys { access_key_id, secret_access_key, session_token: None, expires: None })))
        }
        (None, None) => Ok(None),
        _ => bail!("{ID} and {SECRET}, or {SECRET_FILE}, belong together"),
    }
}

/// The credentials that every AWS client reads: variables, the files of the profile, an identity token for a role.
/// They are read again each time, since files change.
struct Usual {
    region: String,
}

#[async_trait]
impl Source for Usual {
    fn name(&self) -> &'static str {
        "the environment or the AWS CLI's files"
    }

    async fn fetch(&self) -> Result<Option<Keys>, String> {
        let region = self.region.clone();
        let found =
            tokio::task::spawn_blocking(move || find(&region)).await.map_err(|error| error.to_string())?;
        match found.map_err(|error| format!("{error:#}"))? {
            None => Ok(None),
            Some(Found::Keys(keys)) => Ok(Some(keys)),
            Some(Found::Role(role)) => role.fetch().await,
        }
    }
}

enum Found {
    Keys(Keys),
    Role(WebIdentity),
}

fn find(region: &str) -> Result<Option<Found>> {
    let settings = match Settings::of_profile(None) {
        Ok(settings) => settings,
        // A server may run without a home folder. Then there are no files.
        Err(_) if variable("AWS_PROFILE").is_none() && std::env::var_os("HOME").is_none() => {
            Settings::of_environment()
        }
        Err(error) => return Err(error.into()),
    };
    Ok(match settings.identity()? {
        None => None,
        Some(Identity::Key(Credentials { access_key_id, secret_access_key, session_token })) => {
            Some(Found::Keys(Keys {
                access_key_id,
                secret_access_key: secret_access_key.expose().to_owned(),
                session_token: session_token.map(|token| token.expose().to_owned()),
                expires: None,
            }))
        }
        // Without a file the token would come from a CI job, and a CI job runs no server.
        Some(Identity::Role(role)) => match role.token_file {
            None => None,
            Some(file) => {
                let own = variable("AWS_ENDPOINT_URL_STS");
                let end = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
                let endpoint = own.unwrap_or_else(|| format!("https://sts.{region}.{end}"));
                Some(Found::Role(WebIdentity::new(&endpoint, role.role_arn, role.session_name, file)?))
            }
        },
    })
}

fn container() -> Result<Option<Container>> {
    let relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    let url = relative.map(|path| format!("{}{path}", Container::OF_ECS));
    let Some(url) = url.or_else(|| variable("AWS_CONTAINER_CREDENTIALS_FULL_URI")) else { return Ok(None) };
    let file =
        variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").map(|file| ContainerToken::File(file.into()));
    let token = file.or_else(|| variable("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(ContainerToken::Text));
    Container::new(&url, token).map(Some).map_err(|why| anyhow!("the container's credentials: {why}"))
}

/// A variable of the environment; an empty one counts as none.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
