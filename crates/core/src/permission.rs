//! The permission of a role or an access key, as it was given: a preset with limits, or a policy.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::policy::{Limits, PermissionPolicy, PolicyError, Preset};

/// A permission. Its holder may do only what its policy allows.
#[derive(Clone, Debug, PartialEq)]
pub struct Permission {
    given: Given,
    policy: Arc<PermissionPolicy>,
}

/// The way in which a permission was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// By the name of a preset, with limits. This program defines the meaning of the name.
    Preset(Preset, Limits),
    /// As a policy, which is [`Permission::policy`].
    Policy,
}

/// A stored text that is no permission.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a permission {0}")]
pub struct BadPermission(String);

impl Permission {
    /// Makes a permission from a preset with limits.
    ///
    /// # Errors
    /// If a limit is no pattern, or if there are too many.
    pub fn of_preset(preset: Preset, limits: Limits) -> Result<Self, PolicyError> {
        let policy = Arc::new(preset.policy(&limits)?);
        Ok(Self { given: Given::Preset(preset, limits), policy })
    }

    /// A policy.
    ///
    /// # Errors
    /// The place of the mistake, and the mistake.
    pub fn of_policy(text: &str) -> Result<Self, PolicyError> {
        Ok(Self { given: Given::Policy, policy: Arc::new(PermissionPolicy::parse(text)?) })
    }

    /// The way in which it was given.
    pub fn given(&self) -> &Given {
        &self.given
    }

    /// The policy that says which actions it allows.
    pub fn policy(&self) -> &Arc<PermissionPolicy> {
        &self.policy
    }

    /// The form that is stored.
    pub fn to_json(&self) -> String {
        match &self.given {
            Given::Preset(preset, Limits { services, repositories }) => {
                json!({ "preset": preset.as_str(), "services": services, "repositories": repositories })
                    .to_string()
            }
            Given::Policy => self.policy.to_json(),
        }
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// If the text is no stored permission.
    pub fn parse(text: &str) -> Result<Self, BadPermission> {
        let bad = |problem: String| BadPermission(problem);
        let value: Value = serde_json::from_str(text).map_err(|_| bad("is not JSON".to_owned()))?;
        let Some(name) = value.get("preset") else {
            return Self::of_policy(text).map_err(|error| bad(error.to_string()));
        };
        let preset = name.as_str().and_then(Preset::parse);
        let preset = preset.ok_or_else(|| bad(format!("names the unknown preset {name}")))?;
        let texts = |member: &str| -> Option<Vec<String>> {
            value.get(member)?.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
        };
        let (Some(services), Some(repositories)) = (texts("services"), texts("repositories")) else {
            return Err(bad("lacks the limits of its preset".to_owned()));
        };
        Self::of_preset(preset, Limits { services, repositories }).map_err(|error| bad(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_reads_back_as_it_was_given() {
        let limits = Limits { services: vec!["web".to_owned()], repositories: vec!["sr".to_owned()] };
        for preset in Preset::ALL {
            for limits in [Limits::default(), limits.clone()] {
                let permission = Permission::of_preset(preset, limits).unwrap();
                assert_eq!(Permission::parse(&permission.to_json()), Ok(permission));
            }
        }
        let text = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lightsail:Get*","Resource":"*"}]}"#;
        let permission = Permission::of_policy(text).unwrap();
        assert_eq!(Permission::parse(&permission.to_json()), Ok(permission));
        for bad in ["", "{}", r#"{"preset":"none"}"#, r#"{"preset":"push"}"#, r#"{"preset":1}"#] {
            assert!(Permission::parse(bad).is_err(), "{bad}");
        }
    }
}
