//! Trust policies made from names: a repository, a project, a service account.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::action::ASSUME;
use super::arn::{provider_arn, without_scheme};
use super::fault::PolicyError;
use super::trust::TrustPolicy;
use crate::tenant::AccountId;

/// The tokens that a role is to trust. If the issuer has a claim for the repository or project, that claim is
/// fixed and not `sub`. An issuer can change the form of its subjects, as GitHub did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trusted {
    /// The URL of the issuer, exactly as in its tokens.
    pub issuer: String,
    /// Claims with the values that they must have. In a value `*` and `?` are wildcards.
    pub claims: BTreeMap<String, String>,
    /// Claims with the values that they must not have.
    pub refused: BTreeMap<String, Vec<String>>,
}

/// A name that does not have the form of its issuer's names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not {wanted}")]
pub struct BadName {
    name: String,
    wanted: &'static str,
}

impl BadName {
    fn of(name: &str, wanted: &'static str) -> Self {
        Self { name: name.to_owned(), wanted }
    }
}

impl Trusted {
    /// The issuer of the jobs on github.com.
    pub const GITHUB: &'static str = "https://token.actions.githubusercontent.com";
    /// The issuer of the jobs on gitlab.com.
    pub const GITLAB: &'static str = "https://gitlab.com";

    /// All tokens of an issuer. Claims have to be added.
    pub fn of(issuer: impl Into<String>) -> Self {
        Self { issuer: issuer.into(), claims: BTreeMap::new(), refused: BTreeMap::new() }
    }

    /// The jobs of a repository, `OWNER/REPO`, with GitHub's claims.
    ///
    /// Events that run a stranger's code with the repository's rights are left out.
    ///
    /// # Errors
    /// If the text is no name of a repository.
    pub fn github(issuer: impl Into<String>, repository: &str) -> Result<Self, BadName> {
        let name = path(repository).filter(|parts| parts.len() == 2).map(|_| repository);
        let repository = name.ok_or_else(|| BadName::of(repository, "OWNER/REPO"))?;
        let mut trusted = Self::of(issuer).with("repository", repository);
        let events = ["pull_request_target", "workflow_run"].map(str::to_owned);
        trusted.refused.insert("event_name".to_owned(), events.into());
        Ok(trusted)
    }

    /// The jobs of a project, `GROUP/PROJECT` with nested groups, with GitLab's claims.
    ///
    /// # Errors
    /// If the text is no name of a project.
    pub fn gitlab(issuer: impl Into<String>, project: &str) -> Result<Self, BadName> {
        let name = path(project).filter(|parts| parts.len() >= 2).map(|_| project);
        Ok(Self::of(issuer).with("project_path", name.ok_or_else(|| BadName::of(project, "GROUP/PROJECT"))?))
    }

    /// The pods of a cluster's service account, `NAMESPACE/NAME`.
    ///
    /// # Errors
    /// If the text is no name of a service account.
    pub fn kubernetes(issuer: impl Into<String>, account: &str) -> Result<Self, BadName> {
        let parts = path(account).filter(|parts| parts.len() == 2 && !account.contains(':'));
        let account =
            parts.map(|_| account).ok_or_else(|| BadName::of(account, "NAMESPACE/SERVICEACCOUNT"))?;
        // A cluster's tokens have no plain claim for the service account: the other claims are members of an object.
        let subject = format!("system:serviceaccount:{}", account.replacen('/', ":", 1));
        Ok(Self::of(issuer).with("sub", subject))
    }

    /// Adds a claim with the value that it must have.
    #[must_use]
    pub fn with(mut self, claim: impl Into<String>, value: impl Into<String>) -> Self {
        self.claims.insert(claim.into(), value.into());
        self
    }

    /// The policy for a role of an account, and for tokens with an audience.
    ///
    /// # Errors
    /// If the claims identify nobody, or one does not exist.
    pub fn policy(&self, account: &AccountId, audience: &str) -> Result<TrustPolicy, PolicyError> {
        let mut equal = Map::from_iter([(self.key("aud"), json!(audience))]);
        let mut like = Map::new();
        for (claim, value) in &self.claims {
            let conditions = if value.contains(['*', '?']) { &mut like } else { &mut equal };
            conditions.insert(self.key(claim), json!(value));
        }
        let mut condition = Map::from_iter([("StringEquals".to_owned(), Value::Object(equal))]);
        if !like.is_empty() {
            condition.insert("StringLike".to_owned(), Value::Object(like));
        }
        let mut statements = vec![self.statement(account, "Allow", Value::Object(condition))];
        for (claim, values) in &self.refused {
            let condition = json!({ "StringEquals": { self.key(claim): values } });
            statements.push(self.statement(account, "Deny", condition));
        }
        TrustPolicy::parse(&json!({ "Version": "2012-10-17", "Statement": statements }).to_string())
    }

    fn statement(&self, account: &AccountId, effect: &str, condition: Value) -> Value {
        json!({
            "Effect": effect,
            "Principal": { "Federated": provider_arn(account, &self.issuer) },
            "Action": ASSUME,
            "Condition": condition,
        })
    }

    fn key(&self, claim: &str) -> String {
        format!("{}:{claim}", without_scheme(&self.issuer))
    }
}

/// The segments of a path. `None` if one is empty or has white space.
fn path(name: &str) -> Option<Vec<&str>> {
    let parts: Vec<_> = name.split('/').collect();
    let says =
        |part: &&str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control());
    parts.iter().all(says).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::super::{Facts, Token};
    use super::*;

    const AUDIENCE: &str = "https://registry.example";

    fn trusts(trusted: &Trusted, claims: Value) -> bool {
        let account = AccountId::root();
        let policy = trusted.policy(&account, AUDIENCE).unwrap();
        let mut claims = claims.as_object().unwrap().clone();
        claims.entry("aud").or_insert_with(|| json!(AUDIENCE));
        let mut facts = Facts::new();
        facts.add_claims(&trusted.issuer, &claims, &[AUDIENCE.to_owned()]);
        policy.trusts(&Token { account: &account, issuer: &trusted.issuer, facts: &facts })
    }

    #[test]
    fn a_repository_of_githubs_is_known_by_its_claims_in_both_forms_of_the_subject() {
        let trusted = Trusted::github(Trusted::GITHUB, "acme/web").unwrap().with("ref", "refs/heads/main");
        for sub in ["repo:acme/web:ref:refs/heads/main", "repo:acme@77/web@88:ref:refs/heads/main"] {
            let claims = |repository: &str, r#ref: &str, event: &str| json!({ "sub": sub, "repository": repository, "ref": r#ref, "event_name": event });
            assert!(trusts(&trusted, claims("acme/web", "refs/heads/main", "push")));
            for (repository, r#ref, event) in [
                ("acme/web2", "refs/heads/main", "push"),
                ("acme/web", "refs/heads/other", "push"),
                ("acme/web", "refs/heads/main", "pull_request_target"),
                ("acme/web", "refs/heads/main", "workflow_run"),
            ] {
                assert!(!trusts(&trusted, claims(repository, r#ref, event)), "{repository} {ref} {event}");
            }
        }
        let of_another =
            json!({ "repository": "acme/web", "ref": "refs/heads/main", "aud": "sts.amazonaws.com" });
        assert!(!trusts(&trusted, of_another));
    }

    #[test]
    fn a_star_makes_a_pattern() {
        let tags = Trusted::github(Trusted::GITHUB, "acme/web").unwrap().with("ref", "refs/tags/v*");
        for (r#ref, trusted) in [("refs/tags/v1", true), ("refs/heads/main", false), ("refs/heads/v1", false)]
        {
            assert_eq!(trusts(&tags, json!({ "repository": "acme/web", "ref": r#ref })), trusted, "{ref}");
        }
    }

    #[test]
    fn projects_and_service_accounts_are_known() {
        let project = Trusted::gitlab("https://git.example", "acme/team/web").unwrap();
        assert!(trusts(&project, json!({ "project_path": "acme/team/web" })));
        assert!(!trusts(&project, json!({ "project_path": "acme/team" })));
        let pods = Trusted::kubernetes("https://cluster.example:6443", "prod/ci").unwrap();
        assert!(trusts(&pods, json!({ "sub": "system:serviceaccount:prod:ci" })));
        assert!(!trusts(&pods, json!({ "sub": "system:serviceaccount:prod:ci2" })));
        let narrower = pods.with("kubernetes.io/serviceaccount/uid", "u-1");
        let sub = "system:serviceaccount:prod:ci";
        let with = |uid: &str| json!({ "sub": sub, "kubernetes.io": { "serviceaccount": { "uid": uid } } });
        assert!(trusts(&narrower, with("u-1")) && !trusts(&narrower, with("u-2")));
    }

    #[test]
    fn names_of_another_form_are_refused_and_so_is_whoever_would_be_anybody() {
        for name in ["", "acme", "acme/", "/web", "acme/web/x", "a b/c"] {
            let refused = Trusted::github(Trusted::GITHUB, name).unwrap_err().to_string();
            assert!(refused.ends_with("is not OWNER/REPO"), "{refused}");
        }
        assert!(Trusted::gitlab(Trusted::GITLAB, "web").is_err());
        for name in ["ns", "ns/a/b", "ns/a:b"] {
            assert!(Trusted::kubernetes("https://c.example", name).is_err(), "{name}");
        }
        let anybody = Trusted::of(Trusted::GITHUB).with("ref", "refs/heads/main");
        let refused = anybody.policy(&AccountId::root(), AUDIENCE).unwrap_err().to_string();
        assert!(refused.contains("must fix who comes") && refused.contains("repository_id"), "{refused}");
        let owner = Trusted::github(Trusted::GITHUB, "*/web").unwrap();
        assert!(owner.policy(&AccountId::root(), AUDIENCE).is_err());
        assert!(
            Trusted::github(Trusted::GITHUB, "acme/*").unwrap().policy(&AccountId::root(), AUDIENCE).is_ok()
        );
    }
}
