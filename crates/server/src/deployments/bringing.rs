//! The opened specs of a service's deployments, and their images on the way to the engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use gangplank_core::deployment::{Container, Spec, Values};
use gangplank_engine::NodeSpec;
use gangplank_store::metadata::deployments::{DeployedService, Deployment};
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;
use tokio::time::Instant;

use super::backoff::Backoff;
use super::images::{self, NotThere, References, There};
use super::runner::{Next, Runner, Trouble};
use super::spec;

/// A deployment whose spec was opened.
pub(super) struct Opened {
    pub(super) spec: Arc<Spec>,
    pub(super) images: Images,
}

/// The state of a deployment's images.
pub(super) enum Images {
    /// Not requested yet, or waiting for the next attempt.
    Wanted(Backoff),
    Coming(Backoff, oneshot::Receiver<Result<There, NotThere>>),
    There(References),
}

/// The state of a deployment's images at one look.
pub(super) enum Brought {
    There,
    Coming,
    /// This attempt failed.
    Failed(NotThere),
}

impl Runner {
    /// Opens the spec of a deployment, or returns the one that was opened before.
    pub(super) fn open(
        &mut self,
        of: &DeployedService,
        deployment: &Deployment,
    ) -> Result<Arc<Spec>, Trouble> {
        if let Some(opened) = self.deployments.get(&deployment.version) {
            return Ok(Arc::clone(&opened.spec));
        }
        let spec = self.app.master.open_spec(&of.service.uuid, &deployment.sealed_spec);
        let spec = Arc::new(spec.map_err(|error| Trouble::Other(error.to_string()))?);
        let opened = Opened { spec: Arc::clone(&spec), images: Images::Wanted(Backoff::default()) };
        self.deployments.insert(deployment.version, opened);
        Ok(spec)
    }

    /// The opened spec of a deployment. If it cannot be opened, a spec that has only the names of the
    /// containers.
    pub(super) fn open_or_outline(&mut self, of: &DeployedService, deployment: &Deployment) -> Arc<Spec> {
        self.open(of, deployment).unwrap_or_else(|_| {
            let container = |name: &String| {
                let (image, command) = (String::new(), Vec::new());
                let environment = Values(BTreeMap::new());
                (name.clone(), Container { image, command, environment, ports: BTreeMap::new() })
            };
            let containers = deployment.images.iter().map(|image| container(&image.container)).collect();
            Arc::new(Spec { containers, endpoint: None })
        })
    }

    /// Requests the images of a deployment, and checks whether they have come.
    pub(super) fn bring(
        &mut self,
        of: &DeployedService,
        deployment: &Deployment,
        next: &mut Next,
    ) -> Result<Brought, Trouble> {
        let spec = self.open(of, deployment)?;
        let Some(opened) = self.deployments.get_mut(&deployment.version) else {
            return Ok(Brought::Coming);
        };
        let now = Instant::now();
        match &mut opened.images {
            Images::There(_) => return Ok(Brought::There),
            Images::Coming(backoff, coming) => {
                let mut backoff = *backoff;
                let brought = match coming.try_recv() {
                    Ok(brought) => brought,
                    Err(TryRecvError::Empty) => {
                        // A task that panics does not wake the runner, so the runner also looks again after a
                        // while.
                        next.within(self.pace.look);
                        return Ok(Brought::Coming);
                    }
                    Err(TryRecvError::Closed) => {
                        Err(NotThere::Yet("bringing the images ended badly".to_owned()))
                    }
                };
                match brought {
                    Ok(there) => {
                        opened.images = Images::There(there.references);
                        for remark in there.remarks {
                            self.say(of, deployment.version, &spec, &remark);
                        }
                        return Ok(Brought::There);
                    }
                    Err(not_there) => {
                        backoff.failed(now, &self.pace);
                        opened.images = Images::Wanted(backoff);
                        next.within(self.pace.pause);
                        return Ok(Brought::Failed(not_there));
                    }
                }
            }
            Images::Wanted(backoff) => {
                if let Some(left) = backoff.left(now) {
                    next.within(left);
                    return Ok(Brought::Coming);
                }
                let (app, engine, wake) =
                    (Arc::clone(&self.app), Arc::clone(&self.engine), Arc::clone(&self.wake));
                let (of, deployment) = (of.clone(), deployment.clone());
                let (there, coming) = oneshot::channel();
                tokio::spawn(async move {
                    let brought = images::bring(&app, &engine, &of, &deployment, &spec).await;
                    // Send first, wake second: the runner that wakes then finds the result. Sending fails only
                    // if the service is gone.
                    let _ = there.send(brought);
                    wake.notify_one();
                });
                opened.images = Images::Coming(*backoff, coming);
                next.within(self.pace.look);
            }
        }
        Ok(Brought::Coming)
    }

    /// The spec of a node of a deployment; `None` until its images are there.
    pub(super) fn wanted(&self, of: &DeployedService, deployment: &Deployment) -> Option<NodeSpec> {
        let opened = self.deployments.get(&deployment.version)?;
        match &opened.images {
            Images::There(references) => Some(spec::node(of, deployment, &opened.spec, references)),
            Images::Wanted(_) | Images::Coming(..) => None,
        }
    }

    /// Forgets all deployments except these. `previous` keeps the images of the deployment that served before,
    /// so they stay in the engine.
    pub(super) fn forget_deployments(&mut self, versions: &[Option<i64>]) {
        let gone = self.deployments.keys().copied().filter(|version| !versions.contains(&Some(*version)));
        for version in gone.collect::<Vec<_>>() {
            let images = self.deployments.remove(&version).map(|opened| opened.images);
            if let Some(Images::There(references)) = images {
                self.previous = references.into_values().collect();
            }
        }
        self.keep_images(false);
    }

    /// Reports which images have to stay in the engine. While images are on the way, the list is unknown. A
    /// disabled service runs nothing, so its known images are the list.
    pub(super) fn keep_images(&mut self, is_disabled: bool) {
        let mut wanted = self.unreadable.is_none().then(|| self.previous.clone());
        for opened in self.deployments.values() {
            match (&opened.images, &mut wanted) {
                (Images::There(references), Some(wanted)) => wanted.extend(references.values().cloned()),
                (Images::Wanted(_) | Images::Coming(..), _) if !is_disabled => wanted = None,
                _ => {}
            }
        }
        self.app.deployer.uses(self.service, wanted);
    }
}
