//! Who may become a role: the policy that holds a token's claims against what the role's owner trusts.

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

/// A trust policy. Each of its statements that allow fixes the audience and who comes.
#[derive(Clone, Debug, PartialEq)]
pub struct TrustPolicy(Document);

/// An issuer that the operator has configured.
#[derive(Clone, Copy, Debug)]
pub struct Issuer<'a> {
    /// Its URL, exactly as tokens name it.
    pub url: &'a str,
    /// The audiences that its tokens may have here.
    pub audiences: &'a [String],
}

/// A token that was verified.
#[derive(Clone, Copy, Debug)]
pub struct Token<'a> {
    /// The account of the role that is asked for.
    pub account: &'a AccountId,
    /// The URL of the issuer that signed it.
    pub issuer: &'a str,
    /// Its claims, by [`Facts::add_claims`], and what is known of the call.
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
    /// Says where the mistake is and what it is; so also of a statement that allows without fixing the audience and
    /// who comes, and which claim is missing.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let document = Document::parse(text, Kind::Trust, Length::WithoutSpace(MOST_CHARACTERS))?;
        let policy = Self(document);
        policy.each(pins::check)?;
        Ok(policy)
    }

    /// Whether the policy fits where its role is made: it names issuers of this account that are configured, and only
    /// audiences that those may have. To be asked when a policy is made, not when it is read again: what is configured
    /// may have changed since.
    ///
    /// # Errors
    /// Says where it does not.
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

    /// Whether the token's bearer may become the role.
    pub fn trusts(&self, token: &Token<'_>) -> bool {
        self.0.answer(&token.question()) == Answer::Allowed
    }

    /// The same decision with all that led to it.
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

    /// Whether a condition names the claim of its issuer, in whatever case.
    pub fn names_claim(&self, claim: &str) -> bool {
        let conditions = self.0.statements.iter().flat_map(|statement| &statement.conditions);
        let mut claims = conditions.filter_map(|condition| condition.key.claim.as_deref());
        claims.any(|named| named.eq_ignore_ascii_case(claim))
    }

    /// The policy as JSON, on one line. It reads back to a policy equal to this.
    pub fn to_json(&self) -> String {
        self.0.to_json()
    }
}
