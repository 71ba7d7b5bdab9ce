//! The states of deployments and of services.

/// The state of one deployment. It goes from activating to active to inactive, or from activating to failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeploymentState {
    /// It is being started. It is the service's next deployment.
    Activating,
    /// It serves. It is the service's current deployment.
    Active,
    /// A later deployment took its place.
    Inactive,
    /// It never became active.
    Failed,
}

/// The progress of a deployment, or of a change of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Images are pulled, and nodes are started.
    CreatingDeployment,
    /// Nodes run. Their health checks have to succeed.
    EvaluatingHealthCheck,
    /// Requests are being routed to the new nodes.
    ActivatingDeployment,
    /// Capacity changes, or nodes are stopped or started because the service is disabled or enabled.
    ProvisioningService,
}

/// The facts that decide the state of a service.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact by itself")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServiceFacts {
    /// Whether it was disabled.
    pub is_disabled: bool,
    /// Whether a change of its capacity is in progress, or it is being disabled or enabled.
    pub is_updating: bool,
    /// Whether it has a current deployment.
    pub has_current: bool,
    /// Whether it has a next deployment.
    pub has_next: bool,
}

/// The state of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceState {
    /// It has no current deployment.
    Ready,
    /// Its next deployment is being started.
    Deploying,
    /// It has a current deployment.
    Running,
    /// Its capacity changes, or it is being disabled or enabled.
    Updating,
    /// It is disabled, and nothing of it runs.
    Disabled,
}

impl Step {
    /// Its state in words for people.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::CreatingDeployment => "Pulling the images and starting the containers.",
            Self::EvaluatingHealthCheck => "Waiting for the containers to be healthy.",
            Self::ActivatingDeployment => "Leading requests to the new containers.",
            Self::ProvisioningService => "Changing the nodes of the service.",
        }
    }
}

impl ServiceFacts {
    /// The state that follows from the facts. Clients wait until a disabled service goes from `Updating` to
    /// `Disabled` with no other state in between. An enabled one must never show `Disabled`.
    pub fn state(self) -> ServiceState {
        match self {
            Self { is_updating: true, .. } => ServiceState::Updating,
            Self { is_disabled: true, .. } => ServiceState::Disabled,
            Self { has_next: true, .. } => ServiceState::Deploying,
            Self { has_current: true, .. } => ServiceState::Running,
            Self { .. } => ServiceState::Ready,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_follows_from_the_facts() {
        let facts = |is_disabled, is_updating, has_current, has_next| {
            ServiceFacts { is_disabled, is_updating, has_current, has_next }.state()
        };
        assert_eq!(facts(false, false, false, false), ServiceState::Ready);
        assert_eq!(facts(false, false, false, true), ServiceState::Deploying);
        assert_eq!(facts(false, false, true, true), ServiceState::Deploying);
        assert_eq!(facts(false, false, true, false), ServiceState::Running);
        assert_eq!(facts(true, false, true, false), ServiceState::Disabled);
        assert_eq!(facts(true, false, false, false), ServiceState::Disabled);
        for is_disabled in [true, false] {
            assert_eq!(facts(is_disabled, true, true, false), ServiceState::Updating);
        }
    }
}
