//! Pushes an image of the engine and registers it. It makes the calls of Amazon's plugin in the same order, and
//! prints the same text on standard output. Amazon's plugin lets the engine push. This one pushes what the engine
//! exports, so the engine needs neither a network route to the registry nor a configuration for it.

use std::sync::Arc;

use anyhow::{Result, anyhow, bail};
use gangplank_api::Request;
use gangplank_api::lightsail::{
    CreateContainerServiceRegistryLoginRequest, GetContainerAPIMetadataRequest, RegisterContainerImageRequest,
};
use gangplank_oci::Tag;
use reqwest::Url;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::version;
use crate::aws::api_client::{ApiClient, present};
use crate::aws::call_failure::CallFailure;
use crate::push;
use crate::push::progress::Progress;
use crate::push::source::Source;
use crate::push::source::platform::{Platform, Platforms};
use crate::push::upload::login::{Login, LoginProvider};
use crate::push::upload::registry::Registry;
use crate::terminal::foreign;

/// The number of blobs that are uploaded at a time.
const JOBS: usize = 4;
/// The digits of a tag's random part.
const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

/// An image to push.
#[derive(Debug)]
pub(crate) struct Order {
    /// The container service.
    pub(crate) service: String,
    /// The name of the image in the engine.
    pub(crate) image: String,
    /// The label to register it under.
    pub(crate) label: String,
}

/// Pushes and registers. Returns the text for standard output. `note` is called with each step.
pub(crate) async fn push_image(
    client: &Arc<ApiClient>,
    order: &Order,
    note: &(dyn Fn(std::fmt::Arguments<'_>) + Sync),
) -> Result<String> {
    let progress = Progress::shown();
    let for_logins = Arc::clone(client);
    let provider: LoginProvider = Box::new(move || {
        let client = Arc::clone(&for_logins);
        Box::pin(async move { login(&client).await })
    });
    let wanted = Platform::of_services();
    let open = || Source::Engine(order.image.clone()).open(Platforms::Rather(wanted.clone()), &progress);
    // Amazon's services run no other platform. Amazon's plugin checks the platform before it calls the services.
    let checked = if is_amazons(client.endpoint()) {
        let image = open().await?;
        if let Some(platform) = image.is_for_others_than(&wanted) {
            bail!(
                "image {:?} is for {platform}, and Lightsail runs {wanted} alone; build or pull it for that",
                order.image
            );
        }
        Some(image)
    } else {
        None
    };
    look_for_a_newer_version(client, &progress, note).await;
    let registry = Registry::connect(client.endpoint(), provider, |url| client.http_for(url)).await?;
    let image = match checked {
        Some(image) => image,
        None => open().await?,
    };
    image.note().iter().for_each(|note| progress.say(note));
    if let Some(platform) = image.is_for_others_than(&wanted) {
        progress
            .say(format_args!("Warning: this image is for {platform}, and container services run {wanted}."));
    }
    let tag = tag()?;
    note(format_args!("pushing {} as {tag}", order.image));
    let digest = push::send(image, &registry, &tag, JOBS, &progress).await?;
    let registration = RegisterContainerImageRequest {
        service_name: order.service.clone(),
        label: order.label.clone(),
        digest: digest.to_string(),
    };
    note(format_args!("registering {digest}"));
    let registered = present(call(client, &registration).await?.container_image, "containerImage")?;
    let name = present(registered.image, "image")?;
    let (name, digest) =
        (foreign::words(&name), foreign::words(&registered.digest.unwrap_or_else(|| digest.to_string())));
    Ok(format!(
        "Digest: {digest}\nImage {:?} registered.\nRefer to this image as {name:?} in deployments.\n",
        order.image
    ))
}

fn is_amazons(endpoint: &Url) -> bool {
    let host = endpoint.host_str().unwrap_or_default();
    [".amazonaws.com", ".amazonaws.com.cn"].iter().any(|domain| host.ends_with(domain))
}

/// Warns about a newer version of the plugin. A failure here does not stop the push.
async fn look_for_a_newer_version(
    client: &ApiClient,
    progress: &Progress,
    note: &(dyn Fn(std::fmt::Arguments<'_>) + Sync),
) {
    let entries = match call(client, &GetContainerAPIMetadataRequest {}).await {
        Ok(answer) => answer.metadata.unwrap_or_default(),
        Err(error) => return note(format_args!("no version of the plugin is known: {error:#}")),
    };
    let versions =
        entries.iter().filter(|entry| entry.get("name").is_some_and(|name| name == "lightsailctlVersion"));
    let last = versions.filter_map(|entry| entry.get("value")).next_back();
    if let Some(warning) = last.and_then(|version| version::warning(version)) {
        progress.say(warning);
    }
}

async fn login(client: &ApiClient) -> Result<Login> {
    let answer = call(client, &CreateContainerServiceRegistryLoginRequest {}).await?;
    let login = present(answer.registry_login, "registryLogin")?;
    Ok(Login {
        username: present(login.username, "username")?,
        password: present(login.password, "password")?.expose().to_owned().into(),
        registry: present(login.registry, "registry")?,
    })
}

/// Makes a call. Its error has the form of Amazon's plugin, which scripts may expect.
async fn call<I>(client: &ApiClient, input: &I) -> Result<I::Output>
where
    I: Request + Serialize,
    I::Output: DeserializeOwned,
{
    let name = I::OPERATION.name();
    client.call(input).await.map_err(|error| match error {
        CallFailure::Refused(refusal) => {
            let attempts = refusal.retries.map(|retries| {
                format!("exceeded maximum number of attempts, {}, ", retries + 1)
            });
            anyhow!(
                "operation error Lightsail: {name}, {}https response error StatusCode: {}, RequestID: {}, {}{}: {}",
                attempts.unwrap_or_default(),
                refusal.status,
                foreign::words(refusal.request_id.as_deref().unwrap_or_default()),
                if refusal.is_modelled() { "" } else { "api error " },
                foreign::words(&refusal.code),
                foreign::message(&refusal.message)
            )
        }
        other => anyhow!("operation error Lightsail: {name}, {other}"),
    })
}

/// A tag in the form of Amazon's plugin: the time in nanoseconds, and 64 random bits in base 32.
fn tag() -> Result<Tag> {
    let mut random = [0; 8];
    getrandom::fill(&mut random)?;
    let mut bits = u64::from_be_bytes(random);
    let digits = (0..13).map(|_| {
        let digit = DIGITS[(bits >> 59) as usize];
        bits <<= 5;
        char::from(digit)
    });
    let digits: String = digits.collect();
    Ok(Tag::parse(&format!("{}-{digits}", jiff::Timestamp::now().as_nanosecond()))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_a_time_and_thirteen_digits() {
        let (one, other) = (tag().unwrap().to_string(), tag().unwrap().to_string());
        assert_ne!(one, other);
        let (nanoseconds, random) = one.split_once('-').unwrap();
        assert!(nanoseconds.len() == 19 && nanoseconds.parse::<u64>().is_ok(), "{one}");
        assert!(random.len() == 13 && random.bytes().all(|digit| DIGITS.contains(&digit)), "{one}");
    }
}
