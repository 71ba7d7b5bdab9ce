//! The states of deployments and of services.

/// The state of one deployment. It goes from activating to active to inactive, or from activating to failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeploymentState {
    /// On its way: the service's next deployment.
    Activating,
    /// The service's current deployment.
    Active,
    /// A later one took its place.
    Inactive,
    /// It never became active.
    Failed,
}

/// How far a deployment or a change of a service has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Images are pulled and nodes are started.
    CreatingDeployment,
    /// Nodes run, and have to show that they are healthy.
    EvaluatingHealthCheck,
    /// Requests are being led to the new nodes.
    ActivatingDeployment,
    /// Capacity is changed, or nodes are stopped or started for a service that is disabled or enabled.
    ProvisioningService,
}

/// What decides the state of a service.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact by itself")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServiceFacts {
    /// It was disabled.
    pub is_disabled: bool,
    /// A change of its capacity, or that it was disabled or enabled, has not come to its end.
    pub is_updating: bool,
    /// It has a current deployment.
    pub has_current: bool,
    /// It has a next deployment.
    pub has_next: bool,
}

/// The state of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceState {
    /// It has no current deployment.
    Ready,
    /// Its next deployment is on its way.
    Deploying,
    /// It has a current deployment.
    Running,
    /// Its capacity changes, or it is being disabled or enabled.
    Updating,
    /// Nothing of it runs, until it is enabled.
    Disabled,
}

impl Step {
    /// What it does, for people.
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
    /// The state that follows. Clients wait for a disabled service to leave `Updating` for `Disabled` and nothing
    /// else, and for an enabled one never to show `Disabled`.
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
