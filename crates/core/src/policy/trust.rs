//! Who may assume a role: a policy about the claims of a token.

use super::action::ASSUME;
use super::arn::without_scheme;
use super::document::{Answer, Document, Length};
use super::explanation::{Explanation, PolicyKind, Trial};
use super::facts::Facts;
use super::fault::PolicyError;
use super::permission::MOST_CHARACTERS;
use super::pins;
use super::statement::{Asked, Kind, Question, Statement, Target};
use crate::json::{Path, Quoted};
use crate::tenant::AccountId;

/// A trust policy. Each statement that allows fixes the audience and identifies the job.
#[derive(Clone, Debug, PartialEq)]
pub struct TrustPolicy(Document);

/// An issuer that the operator has configured.
#[derive(Clone, Copy, Debug)]
pub struct Issuer<'a> {
    /// Its URL, exactly as in tokens.
    pub url: &'a str,
    /// The audiences that its tokens may have on this server.
    pub audiences: &'a [String],
}

/// A verified token.
#[derive(Clone, Copy, Debug)]
pub struct Token<'a> {
    /// The account of the requested role.
    pub account: &'a AccountId,
    /// The URL of the issuer that signed it.
    pub issuer: &'a str,
    /// Its claims, added by [`Facts::add_claims`], and the facts of the call.
    pub facts: &'a Facts,
}

impl<'a> Token<'a> {
    fn question(&self) -> Question<'a> {
        let target = Asked::Provider(self.account, without_scheme(self.issuer));
        Question { action: ASSUME, target, facts: self.facts }
    }
}

impl TrustPolicy {
    /// Reads a trust policy.
    ///
    /// # Errors
    /// The place of the mistake, and the mistake. It is also a mistake if an allowing statement does not fix
    /// the audience and identify the job; the error names the missing claim.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let document = Document::parse(text, Kind::Trust, Length::WithoutSpace(MOST_CHARACTERS))?;
        let policy = Self(document);
        policy.each(pins::check)?;
        Ok(policy)
    }

    /// Checks that the policy fits its server: it names issuers of this account that are configured, and only
    /// audiences that these issuers may have. Call this when a policy is made. Do not call it when a stored
    /// policy is read, because the configuration may have changed since.
    ///
    /// # Errors
    /// The place that does not fit.
    pub fn check(&self, account: &AccountId, issuers: &[Issuer<'_>]) -> Result<(), PolicyError> {
        self.each(|statement, path| {
            let Target::Provider(provider) = &statement.target else { return Ok(()) };
            let principal = Path::Member(path, "Principal");
            if provider.account != *account {
                let problem = format!("is of account {}, but the role is of {account}", provider.account);
                return Err(PolicyError::new(&principal, problem));
            }
            let known = issuers.iter().find(|issuer| without_scheme(issuer.url) == provider.issuer);
            let Some(issuer) = known else {
                let problem = format!(
                    "names the issuer {}, which is not configured on this server",
                    Quoted(&provider.issuer)
                );
                return Err(PolicyError::new(&principal, problem));
            };
            pins::check_audiences(statement, path, issuer.audiences)
        })
    }

    fn each(
        &self,
        mut check: impl FnMut(&Statement, &Path<'_>) -> Result<(), PolicyError>,
    ) -> Result<(), PolicyError> {
        let path = Path::Member(&Path::Root, "Statement");
        let mut statements = self.0.statements.iter().enumerate();
        statements.try_for_each(|(index, statement)| check(statement, &Path::Item(&path, index)))
    }

    /// Whether the holder of the token may assume the role.
    pub fn trusts(&self, token: &Token<'_>) -> bool {
        self.0.answer(&token.question()) == Answer::Allowed
    }

    /// Makes the same decision, and gives all its reasons.
    pub fn explain(&self, token: &Token<'_>) -> Explanation {
        let question = token.question();
        let statements = Trial::of_all(PolicyKind::Trust, &self.0, &question).collect();
        Explanation { allowed: self.trusts(token), statements }
    }

    /// The issuers that it names, without their schemes.
    pub fn issuers(&self) -> impl Iterator<Item = &str> {
        self.0.statements.iter().filter_map(|statement| match &statement.target {
            Target::Provider(provider) => Some(provider.issuer.as_str()),
            Target::Resources(_) => None,
        })
    }

    /// Whether a condition names a claim of its issuer, whatever the case.
    pub fn names_claim(&self, claim: &str) -> bool {
        let conditions = self.0.statements.iter().flat_map(|statement| &statement.conditions);
        let mut claims = conditions.filter_map(|condition| condition.key.claim.as_deref());
        claims.any(|named| named.eq_ignore_ascii_case(claim))
    }

    /// The policy as JSON, on one line. Reading it again gives an equal policy.
    pub fn to_json(&self) -> String {
        self.0.to_json()
    }
}
