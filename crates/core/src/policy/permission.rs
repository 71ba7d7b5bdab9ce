//! What a role or an access key may do, and what is left of that in a session.

use std::fmt;

use super::action::Action;
use super::document::{Answer, Document, Length};
use super::explanation::{Explanation, PolicyKind, Trial};
use super::facts::Facts;
use super::fault::PolicyError;
use super::statement::{Asked, Kind, Question};

/// The most characters of a policy that is kept, white space not counted. (IAM: a managed policy.)
pub const MOST_CHARACTERS: usize = 6_144;

/// The most characters of a session policy. (STS: `Policy` of `AssumeRoleWithWebIdentity`.)
pub const MOST_SESSION_CHARACTERS: usize = 2_048;

/// A policy that says what its holder may do.
#[derive(Clone, Debug, PartialEq)]
pub struct PermissionPolicy(pub(super) Document);

impl PermissionPolicy {
    /// Reads the policy of a role or an access key.
    ///
    /// # Errors
    /// Says where the mistake is and what it is.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        Document::parse(text, Kind::Permission, Length::WithoutSpace(MOST_CHARACTERS)).map(Self)
    }

    /// Reads the policy that a session is to be narrowed by.
    ///
    /// # Errors
    /// Says where the mistake is and what it is.
    pub fn parse_session(text: &str) -> Result<Self, PolicyError> {
        Document::parse(text, Kind::Permission, Length::Whole(MOST_SESSION_CHARACTERS)).map(Self)
    }

    /// The policy as JSON, on one line. It reads back to a policy equal to this.
    pub fn to_json(&self) -> String {
        self.0.to_json()
    }
}

/// What a caller asks for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What is to be done.
    pub action: Action,
    /// The ARN of what it is done to; see [`Action::resource`].
    pub resource: &'a str,
    /// What else is known.
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
    /// What the role or the key may do: whatever one of these allows and none denies.
    pub identity: &'a [PermissionPolicy],
    /// What the session keeps of that: only what this allows too.
    pub session: Option<&'a PermissionPolicy>,
}

/// Why a request is denied. Prints as the end of IAM's own sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denial {
    /// What was asked for.
    pub action: Action,
    /// The policies that stand in the way.
    pub policy: PolicyKind,
    /// Whether a statement denies it; otherwise none allows it.
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
    /// Decides: a statement that denies is stronger than all that allow, and what no statement allows is denied (IAM
    /// user guide, "Policy evaluation logic").
    ///
    /// # Errors
    /// Says which policies deny it.
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

    /// The same decision with all that led to it.
    pub fn explain(&self, request: &Request<'_>) -> Explanation {
        let question = request.question();
        let identity = self.identity.iter().map(|policy| (PolicyKind::Identity, policy));
        let policies = identity.chain(self.session.map(|policy| (PolicyKind::Session, policy)));
        let trials = policies.flat_map(|(kind, policy)| Trial::of_all(kind, &policy.0, &question)).collect();
        Explanation { allowed: self.decide(request).is_ok(), statements: trials }
    }

    /// Whether `key` has to be known to decide `action`, so that nothing is looked up that no policy asks for. A key
    /// that ends in a slash, such as `aws:ResourceTag/`, stands for all that begin with it.
    pub fn ask_for(&self, action: Action, key: &str) -> bool {
        let mut policies = self.identity.iter().chain(self.session);
        policies.any(|policy| policy.0.asks_for(action.as_str(), key))
    }
}
