//! The details of a service, in addition to its state.

use super::ContainerService;
use crate::deployment::{ServiceState, Step};

/// The progress of a service's next deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The current step.
    pub step: Step,
    /// A message, if there is more to say than the step's name.
    pub message: Option<&'a str>,
}

/// Whether the stored specs of a service's deployments can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Specs {
    /// All specs can be read.
    Readable,
    /// The spec of the current or the next deployment cannot be read.
    Damaged,
}

/// The details of a service for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// The current step. `None` if a part of the service is damaged.
    pub step: Option<Step>,
    /// A text for people.
    pub message: String,
}

impl ContainerService {
    /// The details to show: damage first, else the current step. `None` if nothing is in progress.
    pub fn detail(&self, progress: Option<Progress<'_>>, specs: Specs) -> Option<Detail> {
        let damage = |message| Some(Detail { step: None, message });
        match (&self.damage, specs) {
            (Some(what), _) => {
                return damage(format!("The server can no longer read {what}; see its log."));
            }
            (None, Specs::Damaged) => {
                return damage(
                    "The server can no longer read one of its deployments: deploy again.".to_owned(),
                );
            }
            (None, Specs::Readable) => {}
        }
        let step = match self.facts().state() {
            ServiceState::Deploying => progress.map_or(Step::CreatingDeployment, |progress| progress.step),
            ServiceState::Updating => Step::ProvisioningService,
            ServiceState::Ready | ServiceState::Running | ServiceState::Disabled => return None,
        };
        let message = progress.and_then(|progress| progress.message).unwrap_or(step.in_words());
        Some(Detail { step: Some(step), message: message.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::service;
    use super::*;

    fn told(service: &ContainerService, progress: Option<Progress<'_>>) -> Option<(Option<Step>, String)> {
        service.detail(progress, Specs::Readable).map(|detail| (detail.step, detail.message))
    }

    #[test]
    fn what_a_service_does_is_told_while_it_lasts() {
        let deploying = ContainerService { next_version: Some(1), last_version: 1, ..service() };
        let slow = Progress { step: Step::EvaluatingHealthCheck, message: Some("app answers 500") };
        let expected = (Some(Step::EvaluatingHealthCheck), "app answers 500".to_owned());
        assert_eq!(told(&deploying, Some(slow)), Some(expected));
        let step = Step::ActivatingDeployment;
        let expected = (Some(step), step.in_words().to_owned());
        assert_eq!(told(&deploying, Some(Progress { step, message: None })), Some(expected));
        assert_eq!(told(&deploying, None).unwrap().0, Some(Step::CreatingDeployment));
        let running = ContainerService { current_version: Some(1), next_version: None, ..deploying };
        let updating = ContainerService { is_updating: true, ..running.clone() };
        assert_eq!(told(&updating, None).unwrap().0, Some(Step::ProvisioningService));
        let disabled = ContainerService { is_disabled: true, ..running.clone() };
        for service in [service(), running, disabled] {
            assert_eq!(told(&service, None), None);
        }
    }

    #[test]
    fn damage_comes_first() {
        let progress = Some(Progress { step: Step::EvaluatingHealthCheck, message: None });
        let deploying = ContainerService { next_version: Some(1), ..service() };
        let detail = deploying.detail(progress, Specs::Damaged).unwrap();
        assert!(detail.step.is_none() && detail.message.contains("deploy again"), "{detail:?}");
        let damaged = ContainerService { damage: Some("its tags".to_owned()), ..deploying };
        for specs in [Specs::Readable, Specs::Damaged] {
            let detail = damaged.detail(progress, specs).unwrap();
            assert!(detail.step.is_none() && detail.message.contains("its tags"), "{detail:?}");
        }
    }
}
