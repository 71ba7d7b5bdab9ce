//! A push that ends with a registered image.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use gangplank_api::lightsail::RegisterContainerImageRequest;
use gangplank_api::{decode, encode};
use gangplank_oci::{Digest, Tag};

use crate::aws::api_client::{ApiClient, present};
use crate::aws::call_failure::with_tip;
use crate::logins::kept::Kind;
use crate::logins::make;
use crate::push::progress::Progress;
use crate::push::upload::login::{Login, LoginProvider};
use crate::push::upload::registry::Registry;
use crate::push::{self, Image};

/// The service and the label of a registered image.
#[derive(Clone, Debug)]
pub(in crate::commands) struct Place {
    pub(in crate::commands) service: String,
    pub(in crate::commands) label: String,
}

/// The result of a push.
pub(in crate::commands) struct Registered {
    /// `:service.label.N`
    pub(in crate::commands) image: String,
    pub(in crate::commands) digest: Digest,
    /// The time that the upload of blobs and manifests took.
    pub(in crate::commands) took: Duration,
    /// The registry's name for docker: `host[:port]`.
    pub(in crate::commands) registry: String,
}

impl Place {
    /// Makes the server's later checks before the push.
    ///
    /// # Errors
    /// If the name of the service or the label is not valid.
    pub(in crate::commands) fn check(&self) -> Result<()> {
        let request = self.registration(Digest::sha256(b""));
        let decoded = decode::<RegisterContainerImageRequest>(&encode(&request));
        decoded.map_err(|error| anyhow!("{}", with_tip(&error.message, error.tip.as_deref())))?;
        Ok(())
    }

    /// Pushes an image, `jobs` blobs at a time, and registers it.
    pub(in crate::commands) async fn push(
        &self,
        client: &Arc<ApiClient>,
        image: Image,
        jobs: usize,
        progress: &Arc<Progress>,
    ) -> Result<Registered> {
        let registry = connect(client).await?;
        // Registration by digest needs no tag, but a push puts its last manifest under one.
        let tag = Tag::parse(&format!("push-{}", uuid::Uuid::new_v4().simple())).context("a tag")?;
        let began = Instant::now();
        let digest = push::send(image, &registry, &tag, jobs, progress).await?;
        let took = began.elapsed();
        let registered = client.call(&self.registration(digest)).await?.container_image;
        let image = registered_name(present(registered.and_then(|image| image.image), "image")?)?;
        Ok(Registered { image, digest, took, registry: registry.address() })
    }

    fn registration(&self, digest: Digest) -> RegisterContainerImageRequest {
        RegisterContainerImageRequest {
            service_name: self.service.clone(),
            label: self.label.clone(),
            digest: digest.to_string(),
        }
    }
}

/// Connects to the registry. Logins are made when they are needed.
pub(super) async fn connect(client: &Arc<ApiClient>) -> Result<Registry> {
    let for_logins = Arc::clone(client);
    let provider: LoginProvider = Box::new(move || {
        let client = Arc::clone(&for_logins);
        Box::pin(async move {
            let made = make::make(&client, &Kind::Push).await?;
            Ok(Login {
                username: made.login.username,
                password: made.login.secret.into(),
                registry: made.registry,
            })
        })
    });
    Registry::connect(client.endpoint(), provider, |url| client.http_for(url)).await
}

/// Checks the name of the registered image, which scripts use as it is: `:service.label.number`.
fn registered_name(name: String) -> Result<String> {
    let is_known = |b: u8| b.is_ascii_alphanumeric() || b".-_".contains(&b);
    let is_name = name.strip_prefix(':').is_some_and(|rest| !rest.is_empty() && rest.bytes().all(is_known));
    anyhow::ensure!(
        is_name,
        "the server says that the image is registered as {name:?}, which is no image's name"
    );
    Ok(name)
}
