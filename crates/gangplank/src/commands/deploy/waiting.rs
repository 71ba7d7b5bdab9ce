//! Waits until a deployment is active or has failed. Reports its states and the lines of its log meanwhile.

use std::time::Duration;

use anyhow::{Result, bail};
use gangplank_api::Timestamp;
use gangplank_api::lightsail::{
    ContainerService, ContainerServiceDeployment, ContainerServiceDeploymentState as State,
    ContainerServiceState, ContainerServiceStateDetailCode,
};

use super::pause;
use super::reason::Reason;
use crate::aws::api_client::{ApiClient, present};
use crate::aws::call_failure::CallFailure;
use crate::services::by_name;
use crate::services::container_log::{ContainerLog, Line, Reading, Shown};
use crate::services::outage::Outage;
use crate::terminal::foreign;

/// An event that is reported during the wait.
pub(in crate::commands) enum Seen<'s> {
    /// A new state of the service.
    State(&'s str),
    /// A line of the container's log.
    Line(&'s Line),
}

/// The end of a deployment.
#[derive(Debug)]
pub(in crate::commands) enum Outcome {
    /// The deployment is active. `url` is the address of its public endpoint, if it has one.
    Active { url: Option<String> },
    /// The deployment failed. `serves` is the version that serves instead, if there is one.
    Failed { reason: String, serves: Option<i32> },
}

/// A deployment that is waited for.
pub(in crate::commands) struct Awaited<'a> {
    client: &'a ApiClient,
    log: ContainerLog,
    version: i32,
    since: Timestamp,
}

/// How often the log is read again for the reason after a failure, half a second apart. The reason may be written a
/// moment after the state.
const LAST_LOOKS: u32 = 4;
const LAST_PAUSE: Duration = Duration::from_millis(500);

impl<'a> Awaited<'a> {
    /// Takes the answer with which the server accepted the deployment.
    pub(in crate::commands) fn new(
        client: &'a ApiClient,
        service: &str,
        container: &str,
        deployment: &ContainerServiceDeployment,
    ) -> Result<Self> {
        let log = ContainerLog { service: service.to_owned(), container: container.to_owned(), filter: None };
        let version = present(deployment.version, "version")?;
        Ok(Self { client, log, version, since: present(deployment.created_at, "createdAt")? })
    }

    /// The number of the deployment among those of its service.
    pub(in crate::commands) fn version(&self) -> i32 {
        self.version
    }

    /// Waits for the end of the deployment. Also waits for a server that is out of reach for a while.
    pub(in crate::commands) async fn settled(&self, tell: &mut dyn FnMut(Seen<'_>)) -> Result<Outcome> {
        let mut watch = Watch {
            shown: Shown::nothing_since(self.since),
            reason: Reason::of(self.version),
            state: String::new(),
            log_is_open: true,
        };
        let (mut outage, mut looks) = (Outage::default(), 0);
        loop {
            let looked = self.look(&mut watch, tell).await;
            if let Some(Some(outcome)) = outage.patiently(looked).await? {
                return Ok(outcome);
            }
            tokio::time::sleep(pause::after(looks)).await;
            looks += 1;
        }
    }

    async fn look(&self, watch: &mut Watch, tell: &mut dyn FnMut(Seen<'_>)) -> Result<Option<Outcome>> {
        let name = &self.log.service;
        let deployments = by_name::deployments(self.client, name).await?;
        let Some(own) = deployments.iter().find(|deployment| deployment.version == Some(self.version)) else {
            bail!("deployment {} of {name} is gone: the server lists it no longer", self.version)
        };
        let state = present(own.state, "state")?;
        if state == State::Activating {
            let Some(service) = by_name::get(self.client, name).await? else {
                bail!("the container service {name:?} is gone: somebody has deleted it")
            };
            // The deployment may have ended between the two calls.
            if service.next_deployment.as_ref().is_some_and(|next| next.version == Some(self.version)) {
                watch.tell_state(&service, tell);
            }
        }
        self.read_log(watch, tell).await?;
        match state {
            State::Activating => Ok(None),
            // A deployment that was replaced had been active before.
            State::Active | State::Inactive => Ok(Some(self.active(own).await?)),
            State::Failed => {
                for _ in 0..LAST_LOOKS {
                    if watch.reason.is_known() || !watch.log_is_open {
                        break;
                    }
                    tokio::time::sleep(LAST_PAUSE).await;
                    self.read_log(watch, tell).await?;
                }
                let serves =
                    by_name::get(self.client, name).await?.and_then(|now| now.current_deployment?.version);
                Ok(Some(Outcome::Failed { reason: watch.reason.words(), serves }))
            }
        }
    }

    /// The result of an active deployment. The address is asked for now, because it may not have existed before.
    async fn active(&self, own: &ContainerServiceDeployment) -> Result<Outcome> {
        let now = by_name::get(self.client, &self.log.service).await?;
        let url = now.as_ref().and_then(by_name::url).filter(|_| own.public_endpoint.is_some());
        Ok(Outcome::Active { url: url.map(str::to_owned) })
    }

    async fn read_log(&self, watch: &mut Watch, tell: &mut dyn FnMut(Seen<'_>)) -> Result<()> {
        if !watch.log_is_open {
            return Ok(());
        }
        let Watch { shown, reason, .. } = watch;
        let mut reading = Reading::default();
        let read = self.log.from(self.client, shown.start(), |lines| {
            for line in lines.iter().filter(|line| shown.is_new(&mut reading, line)) {
                reason.look(&line.text);
                tell(Seen::Line(line));
            }
            Ok(())
        });
        match read.await {
            Ok(()) => watch.shown.end(&reading),
            Err(error) => match error.downcast_ref::<CallFailure>() {
                // A caller may be allowed to deploy and not to read the log.
                Some(CallFailure::Refused(refusal)) if !CallFailure::Refused(refusal.clone()).may_pass() => {
                    watch.log_is_open = refusal.code == "NotFoundException";
                }
                _ => return Err(error),
            },
        }
        Ok(())
    }
}

/// The progress of a deployment so far.
struct Watch {
    shown: Shown,
    reason: Reason,
    /// The state that was reported last.
    state: String,
    /// Whether the caller may read the log.
    log_is_open: bool,
}

impl Watch {
    fn tell_state(&mut self, service: &ContainerService, tell: &mut dyn FnMut(Seen<'_>)) {
        let detail = service.state_detail.as_ref();
        let code = detail.and_then(|detail| detail.code).map(ContainerServiceStateDetailCode::as_str);
        let message =
            detail.and_then(|detail| detail.message.as_deref()).filter(|message| !message.is_empty());
        let words = [service.state.map(ContainerServiceState::as_str), code, message];
        let state: Vec<String> = words.into_iter().flatten().map(foreign::words).collect();
        let state = state.join(": ");
        if state != self.state {
            tell(Seen::State(&state));
            self.state = state;
        }
    }
}
