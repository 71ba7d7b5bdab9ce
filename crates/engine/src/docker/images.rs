//! The images of an engine: listing, pulling and loading them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bollard::models::ImageInspect;
use bollard::query_parameters::TagImageOptionsBuilder;
use tokio::sync::Semaphore;

use super::client::Client;
use super::facts::Program;
use super::failure::Trouble;
use super::options::Options;
use super::references::Reference;
use super::{loading, marks, pulling};
use crate::{Credentials, EngineError, ImageWanted, PresentImage, Result};

/// The number of pulls at a time.
const PULLS: usize = 3;

/// Makes images present.
pub(super) struct Images {
    client: Arc<Client>,
    options: Options,
    permits: Semaphore,
    /// A lock for each image. The second caller finds the image that the first one pulled.
    turns: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

impl Images {
    pub(super) fn new(client: Arc<Client>, options: Options) -> Self {
        Self { client, options, permits: Semaphore::new(PULLS), turns: Mutex::default() }
    }

    pub(super) async fn ensure(&self, image: &ImageWanted, program: Program) -> Result<PresentImage> {
        let key = match image {
            ImageWanted::Ours { repository, digest, .. } => format!("{repository}@{digest}"),
            ImageWanted::Public { reference, .. } => reference.clone(),
        };
        let turn = Arc::clone(
            self.turns.lock().unwrap_or_else(PoisonError::into_inner).entry(key.clone()).or_default(),
        );
        let done = {
            let _turn = turn.lock().await;
            let _permit = self.permits.acquire().await.map_err(|_| Trouble::closed())?;
            match image {
                ImageWanted::Ours { repository, digest, login } => {
                    self.ours(repository, digest, login, program).await
                }
                ImageWanted::Public { reference, pinned } => {
                    self.public(reference, pinned.as_deref(), program).await
                }
            }
        };
        drop(turn);
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        done
    }

    async fn ours(
        &self,
        repository: &str,
        digest: &str,
        login: &Credentials,
        program: Program,
    ) -> Result<PresentImage> {
        let pulled = format!("{}/{repository}@{digest}", self.options.registry);
        let mark = marks::of(&self.options.owner, &format!("{}/{repository}", self.options.registry), digest);
        let present =
            |reference: String| PresentImage { reference, digest: Some(digest.to_owned()), remark: None };
        for name in [&pulled, &mark] {
            if self.look(name).await?.is_some() {
                return Ok(present(name.clone()));
            }
        }
        let pull = pulling::Pull {
            reference: &pulled,
            login: Some((login, &self.options.registry)),
            program,
            is_trusted: self.options.registry_is_trusted,
        };
        let trouble = match pull.run(&self.client).await {
            Ok(()) => {
                self.mark(&pulled, &mark).await?;
                return Ok(present(pulled));
            }
            Err(trouble) => trouble,
        };
        match &self.options.archives {
            Some(archives) if pulling::is_out_of_reach(&trouble) => {
                tracing::info!(%trouble, image = %pulled, "the engine cannot pull from the registry: loading the image");
                let archive = archives.archive(login, digest, &mark).await.map_err(|error| {
                    EngineError::NoImage(format!("the image cannot be read from the registry: {error}"))
                })?;
                loading::load(&self.client, archive).await?;
                if self.look(&mark).await?.is_none() {
                    return Err(EngineError::Refused(
                        "the engine accepted the image, but does not have it".to_owned(),
                    ));
                }
                Ok(present(mark))
            }
            _ => Err(trouble.of_a_pull()),
        }
    }

    async fn public(&self, reference: &str, pinned: Option<&str>, program: Program) -> Result<PresentImage> {
        let wanted = Reference::read(reference)?;
        wanted.check_is_no_id()?;
        marks::check_is_not_ours(&wanted)?;
        if wanted.registry == self.options.registry {
            return Err(EngineError::NoImage(format!(
                "{reference} is an image of this registry: name it as :SERVICE.LABEL.NUMBER"
            )));
        }
        if !self.options.allow_private_registries {
            wanted.check_is_public().await?;
        }
        let exact = pinned.or(wanted.digest.as_deref()).map(|digest| wanted.at(digest));
        if let Some(exact) = &exact
            && self.look(exact).await?.is_some()
        {
            return Ok(PresentImage {
                reference: exact.clone(),
                digest: pinned.map(str::to_owned).or(wanted.digest),
                remark: None,
            });
        }
        let asked = exact
            .clone()
            .unwrap_or_else(|| format!("{}:{}", wanted.name, wanted.tag.as_deref().unwrap_or("latest")));
        let before = self.look(&asked).await?;
        let pull = pulling::Pull { reference: &asked, login: None, program, is_trusted: false };
        let trouble = match pull.run(&self.client).await {
            Ok(()) => None,
            Err(Trouble::Away(reason)) => return Err(EngineError::Away(reason)),
            Err(trouble) => Some(trouble),
        };
        let there = if trouble.is_some() { before.clone() } else { self.look(&asked).await? };
        let Some(there) = there else {
            return Err(trouble.map_or_else(
                || EngineError::Refused(format!("the engine pulled {asked}, but does not have it")),
                Trouble::of_a_pull,
            ));
        };
        let pulled_digest = digest_of(&there, &wanted);
        let digest =
            exact.as_ref().and_then(|exact| exact.split_once('@')).map(|(_, digest)| digest.to_owned());
        let digest = digest.or(pulled_digest);
        let reference = match &digest {
            Some(digest) => wanted.at(digest),
            None => there.id.clone().unwrap_or(asked),
        };
        let is_new = before.is_none_or(|before| before.id != there.id);
        if trouble.is_none()
            && is_new
            && let Some(digest) = &digest
        {
            let name = format!("{}/{}", wanted.registry, wanted.repository);
            self.mark(&reference, &marks::of(&self.options.owner, &name, digest)).await?;
        }
        let remark = trouble.map(|trouble| {
            format!("the engine's own copy is used, since it cannot be pulled: {}", words(trouble))
        });
        Ok(PresentImage { reference, digest, remark })
    }

    /// The engine's image with a name.
    async fn look(&self, name: &str) -> Result<Option<ImageInspect>> {
        match self.client.call(|engine| async move { engine.inspect_image(name).await }).await {
            Ok(image) => Ok(Some(image)),
            Err(trouble) if trouble.is(404) => Ok(None),
            Err(trouble) => Err(trouble.into()),
        }
    }

    /// Marks an image in the engine as one that this server brought.
    async fn mark(&self, name: &str, mark: &str) -> Result<()> {
        let (repository, tag) = mark.rsplit_once(':').unwrap_or((mark, "latest"));
        let options = TagImageOptionsBuilder::new().repo(repository).tag(tag).build();
        Ok(self.client.call(|engine| async move { engine.tag_image(name, Some(options)).await }).await?)
    }

    pub(super) async fn remove_except(&self, keep: &[String]) -> Result<()> {
        marks::remove_except(&self.client, &self.options.owner, keep).await
    }
}

/// The digest that a registry gave an image.
fn digest_of(image: &ImageInspect, wanted: &Reference) -> Option<String> {
    let names = image.repo_digests.iter().flatten();
    let digest = names.filter(|name| wanted.is_of_repository(name)).find_map(|name| name.split_once('@'));
    digest.map(|(_, digest)| digest.to_owned())
}

fn words(trouble: Trouble) -> String {
    match trouble.of_a_pull() {
        EngineError::NoImage(words) | EngineError::RegistryAway(words) | EngineError::Refused(words) => words,
        other => other.to_string(),
    }
}
