//! The permissions of a role or an access key, and of its sessions.

use std::fmt;

use super::action::Action;
use super::document::{Answer, Document, Length};
use super::explanation::{Explanation, PolicyKind, Trial};
use super::facts::Facts;
use super::fault::PolicyError;
use super::statement::{Asked, Kind, Question};

/// The longest stored policy in characters, without white space. (IAM: a managed policy.)
pub const MOST_CHARACTERS: usize = 6_144;

/// The longest session policy in characters. (STS: `Policy` of `AssumeRoleWithWebIdentity`.)
pub const MOST_SESSION_CHARACTERS: usize = 2_048;

/// A policy with the permissions of its holder.
#[derive(Clone, Debug, PartialEq)]
pub struct PermissionPolicy(pub(super) Document);

impl PermissionPolicy {
    /// Reads the policy of a role or an access key.
    ///
    /// # Errors
    /// The place of the mistake, and the mistake.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        Document::parse(text, Kind::Permission, Length::WithoutSpace(MOST_CHARACTERS)).map(Self)
    }

    /// Reads a policy that limits a session.
    ///
    /// # Errors
    /// The place of the mistake, and the mistake.
    pub fn parse_session(text: &str) -> Result<Self, PolicyError> {
        Document::parse(text, Kind::Permission, Length::Whole(MOST_SESSION_CHARACTERS)).map(Self)
    }

    /// The policy as JSON, on one line. Reading it again gives an equal policy.
    pub fn to_json(&self) -> String {
        self.0.to_json()
    }
}

/// The request of a caller.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The action.
    pub action: Action,
    /// The ARN of its resource; see [`Action::resource`].
    pub resource: &'a str,
    /// All other facts.
    pub facts: &'a Facts,
}

impl<'a> Request<'a> {
    fn question(&self) -> Question<'a> {
        Question { action: self.action.as_str(), target: Asked::Resource(self.resource), facts: self.facts }
    }
}

/// All policies of a caller.
#[derive(Clone, Copy, Debug, Default)]
pub struct Permissions<'a> {
    /// The policies of the role or key. An action needs a policy that allows it, and no policy may deny it.
    pub identity: &'a [PermissionPolicy],
    /// The policy of the session, which has to allow the action too.
    pub session: Option<&'a PermissionPolicy>,
}

/// The reason for which a request is denied. It prints as the end of IAM's own sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The requested action.
    pub action: Action,
    /// The policies that deny it.
    pub policy: PolicyKind,
    /// `true` if a statement denies it, `false` if no statement allows it.
    pub explicit: bool,
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let article = if self.policy == PolicyKind::Identity { "an" } else { "a" };
        if self.explicit {
            write!(f, "with an explicit deny in {article} {} policy", self.policy)
        } else {
            write!(f, "because no {} policy allows the {} action", self.policy, self.action)
        }
    }
}

impl Permissions<'_> {
    /// Decides: an action is denied if no statement allows it, or if one denies it (IAM user guide, "Policy
    /// evaluation logic").
    ///
    /// # Errors
    /// The policies that deny it.
    pub fn decide(&self, request: &Request<'_>) -> Result<(), Denial> {
        let question = request.question();
        let identity: Vec<_> = self.identity.iter().map(|policy| policy.0.answer(&question)).collect();
        let session = self.session.map(|policy| policy.0.answer(&question));
        let deny = |policy, explicit| Err(Denial { action: request.action, policy, explicit });
        if identity.contains(&Answer::Denied) {
            return deny(PolicyKind::Identity, true);
        }
        if session == Some(Answer::Denied) {
            return deny(PolicyKind::Session, true);
        }
        if !identity.contains(&Answer::Allowed) {
            return deny(PolicyKind::Identity, false);
        }
        match session {
            Some(Answer::NotAllowed) => deny(PolicyKind::Session, false),
            _ => Ok(()),
        }
    }

    /// Makes the same decision, and gives all its reasons.
    pub fn explain(&self, request: &Request<'_>) -> Explanation {
        let question = request.question();
        let identity = self.identity.iter().map(|policy| (PolicyKind::Identity, policy));
        let policies = identity.chain(self.session.map(|policy| (PolicyKind::Session, policy)));
        let trials = policies.flat_map(|(kind, policy)| Trial::of_all(kind, &policy.0, &question)).collect();
        Explanation { allowed: self.decide(request).is_ok(), statements: trials }
    }

    /// Whether a policy needs `key` to decide `action`. So the caller looks up only what is needed. A key that
    /// ends in a slash, such as `aws:ResourceTag/`, stands for all keys that begin with it.
    pub fn ask_for(&self, action: Action, key: &str) -> bool {
        let mut policies = self.identity.iter().chain(self.session);
        policies.any(|policy| policy.0.asks_for(action.as_str(), key))
    }
}
