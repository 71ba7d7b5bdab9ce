//! The list of condition keys, with the types of their values.
//!
//! A key that this server never sets would always be missing, and a `Deny` on it would never apply. So a policy may
//! only have keys of this list.

use std::fmt;

use super::operator::{Comparison, Operator};
use crate::json::Quoted;

/// The type of a key's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// Names of repositories. In their patterns `*` matches within a segment.
    Repository,
    Arn,
    Address,
    Date,
    /// Seconds, which are both a number and a time.
    Seconds,
    Bool,
    /// A claim of a token: a text, or a list.
    Claim,
}

impl Kind {
    fn compares(self, comparison: Comparison) -> bool {
        use Comparison::{Address, Arn, Bool, Date, Null, Number, Text, TextInAnyCase, TextLike};
        match comparison {
            Null => true,
            Text | TextInAnyCase | TextLike => !matches!(self, Self::Address | Self::Date | Self::Seconds),
            Number(_) => matches!(self, Self::Seconds | Self::Claim),
            Date(_) => matches!(self, Self::Date | Self::Seconds | Self::Claim),
            Bool => matches!(self, Self::Bool | Self::Claim),
            Address => matches!(self, Self::Address | Self::Claim),
            Arn => matches!(self, Self::Arn | Self::Claim),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "a text, for the String operators",
            Self::Repository => "the name of a repository, for the String operators",
            Self::Arn => "an ARN, for the Arn and String operators",
            Self::Address => "an address, for IpAddress and NotIpAddress",
            Self::Date => "a moment, for the Date operators",
            Self::Seconds => "a moment in seconds, for the Date and Numeric operators",
            Self::Bool => "true or false, for Bool",
            Self::Claim => "a claim, for any operator",
        })
    }
}

/// How many values a key can have in one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Values {
    One,
    Many,
    /// One or several: the issuer of the token decides.
    Unknown,
}

/// The kinds of policies that can have the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Anywhere,
    Permission,
    Trust,
}

struct Known {
    /// Its name. If it ends in a slash, the name of a tag follows.
    name: &'static str,
    kind: Kind,
    values: Values,
    asked: Asked,
}

const fn known(name: &'static str, kind: Kind, values: Values, asked: Asked) -> Known {
    Known { name, kind, values, asked }
}

const KNOWN: &[Known] = &[
    known("aws:CurrentTime", Kind::Date, Values::One, Asked::Anywhere),
    known("aws:EpochTime", Kind::Seconds, Values::One, Asked::Anywhere),
    // Amazon's policies have this key. No request here has a value for it.
    known("aws:MultiFactorAuthPresent", Kind::Bool, Values::One, Asked::Anywhere),
    known("aws:PrincipalAccount", Kind::Text, Values::One, Asked::Permission),
    known("aws:PrincipalArn", Kind::Arn, Values::One, Asked::Permission),
    known("aws:RequestTag/", Kind::Text, Values::One, Asked::Permission),
    known("aws:RequestedRegion", Kind::Text, Values::One, Asked::Anywhere),
    known("aws:ResourceTag/", Kind::Text, Values::One, Asked::Permission),
    known("aws:SecureTransport", Kind::Bool, Values::One, Asked::Anywhere),
    known("aws:SourceIp", Kind::Address, Values::One, Asked::Anywhere),
    known("aws:TagKeys", Kind::Text, Values::Many, Asked::Permission),
    known("aws:TokenIssueTime", Kind::Date, Values::One, Asked::Permission),
    known("aws:UserAgent", Kind::Text, Values::One, Asked::Anywhere),
    known("aws:userid", Kind::Text, Values::One, Asked::Permission),
    known("gangplank:Digest", Kind::Text, Values::One, Asked::Permission),
    known("gangplank:Label", Kind::Text, Values::One, Asked::Permission),
    known("gangplank:PutBy", Kind::Arn, Values::Many, Asked::Permission),
    known("gangplank:Repository", Kind::Repository, Values::Many, Asked::Permission),
    known("gangplank:ServiceName", Kind::Text, Values::One, Asked::Permission),
    known("sts:RoleSessionName", Kind::Text, Values::One, Asked::Trust),
];

impl Known {
    fn is(&self, folded: &str) -> bool {
        let name = self.name.to_lowercase();
        if name.ends_with('/') {
            folded.strip_prefix(&name).is_some_and(|tag| !tag.is_empty())
        } else {
            folded == name
        }
    }
}

/// The kind of policy in which a key is used. Each kind allows other keys.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scope<'a> {
    /// A permission policy or session policy.
    Permission,
    /// A trust policy's statement about an issuer, whose URL is given without scheme.
    Trust(&'a str),
}

/// A condition key in a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) text: String,
    /// In lower case, as facts have it.
    pub(super) folded: String,
    pub(super) kind: Kind,
    /// The name of the claim, if it is one.
    pub(super) claim: Option<String>,
    single: bool,
    list: bool,
}

impl Key {
    /// Reads a key.
    ///
    /// # Errors
    /// If there is no such key in this place. The error is the end of a sentence that begins with the place.
    pub(super) fn parse(text: &str, scope: Scope<'_>) -> Result<Self, String> {
        let folded = text.to_lowercase();
        let (kind, values, claim) = match (KNOWN.iter().find(|known| known.is(&folded)), scope) {
            (Some(known), Scope::Permission) if known.asked != Asked::Trust => {
                (known.kind, known.values, None)
            }
            (Some(known), Scope::Trust(_)) if known.asked != Asked::Permission => {
                (known.kind, known.values, None)
            }
            (_, Scope::Permission) => return Err(unknown(text, Asked::Trust, "")),
            (_, Scope::Trust(issuer)) => match claim_of(text, issuer) {
                Some(claim) => (Kind::Claim, Values::Unknown, Some(claim.to_owned())),
                None => {
                    let claims = format!("the claims of the statement's issuer, such as {issuer}:sub, and ");
                    return Err(unknown(text, Asked::Permission, &claims));
                }
            },
        };
        let (single, list) = (values == Values::One, values == Values::Many);
        Ok(Self { text: text.to_owned(), folded, kind, claim, single, list })
    }

    /// Whether it is the claim with this name, whatever the case.
    pub(super) fn is_claim(&self, name: &str) -> bool {
        self.claim.as_deref().is_some_and(|claim| claim.eq_ignore_ascii_case(name))
    }

    /// Checks that an operator can compare its values.
    ///
    /// # Errors
    /// If it cannot. The error is the end of a sentence that begins with the place.
    pub(super) fn check(&self, operator: &Operator) -> Result<(), String> {
        let (name, said) = (&self.text, &operator.text);
        if !self.kind.compares(operator.comparison) {
            return Err(format!("cannot be asked with {said}: it is {}", self.kind));
        }
        if self.single && operator.quantifier.is_some() {
            return Err(format!("cannot be asked with {said}: {name} never has more than one value"));
        }
        if self.list && operator.quantifier.is_none() && operator.comparison != Comparison::Null {
            return Err(format!(
                "cannot be asked with {said}: {name} can have many values, so write ForAnyValue:{said} or \
                 ForAllValues:{said}"
            ));
        }
        Ok(())
    }

    /// Checks that a variable can stand for its value.
    ///
    /// # Errors
    /// If it cannot. The error is the end of a sentence that begins with the place.
    pub(super) fn check_variable(&self) -> Result<(), String> {
        if self.list {
            return Err(format!("has the variable {}, which can have many values", Quoted(&self.text)));
        }
        Ok(())
    }
}

/// The claim in a condition key: the text after the issuer, which may itself have colons.
fn claim_of<'t>(text: &'t str, issuer: &str) -> Option<&'t str> {
    let prefix = text.get(..issuer.len())?;
    let claim = text[issuer.len()..].strip_prefix(':')?;
    (prefix.eq_ignore_ascii_case(issuer) && !claim.is_empty()).then_some(claim)
}

fn unknown(text: &str, elsewhere: Asked, claims: &str) -> String {
    let names: Vec<_> =
        KNOWN.iter().filter(|known| known.asked != elsewhere).map(|known| known.name).collect();
    format!("has {}, which is no condition key here. There are {claims}{}", Quoted(text), names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GITHUB: Scope<'_> = Scope::Trust("token.actions.githubusercontent.com");

    fn check(key: &str, operator: &str, scope: Scope<'_>) -> Result<(), String> {
        Key::parse(key, scope)?.check(&Operator::parse(operator)?)
    }

    #[test]
    fn keys_are_known_in_any_case_and_in_their_place() {
        assert!(Key::parse("AWS:sourceIP", Scope::Permission).is_ok());
        assert!(Key::parse("aws:ResourceTag/Team", Scope::Permission).is_ok());
        assert!(Key::parse("sts:RoleSessionName", GITHUB).is_ok());
        for (key, scope) in [
            ("aws:ResourceTag/", Scope::Permission),
            ("aws:ResourceTag", Scope::Permission),
            ("aws:SourceIpp", Scope::Permission),
            ("gangplank:Servicename2", Scope::Permission),
            ("sts:RoleSessionName", Scope::Permission),
            ("token.actions.githubusercontent.com:sub", Scope::Permission),
            ("gangplank:Label", GITHUB),
            ("gitlab.com:sub", GITHUB),
            ("token.actions.githubusercontent.com:", GITHUB),
            ("token.actions.githubusercontent.comx:sub", GITHUB),
            ("sub", GITHUB),
            ("", GITHUB),
        ] {
            assert!(Key::parse(key, scope).is_err(), "{key}");
        }
    }

    #[test]
    fn a_claim_follows_the_whole_issuer() {
        for (issuer, key, claim) in [
            ("token.actions.githubusercontent.com", "Token.Actions.GitHubUserContent.com:sub", "sub"),
            ("127.0.0.1:8080", "127.0.0.1:8080:aud", "aud"),
            (
                "oidc.circleci.com/org/a-1",
                "oidc.circleci.com/org/a-1:oidc.circleci.com/project-id",
                "oidc.circleci.com/project-id",
            ),
            (
                "k8s.example",
                "k8s.example:kubernetes.io/serviceaccount/uid",
                "kubernetes.io/serviceaccount/uid",
            ),
        ] {
            assert_eq!(Key::parse(key, Scope::Trust(issuer)).unwrap().claim.as_deref(), Some(claim));
        }
    }

    #[test]
    fn operators_fit_their_keys() {
        for (key, operator, fits) in [
            ("aws:SourceIp", "IpAddress", true),
            ("aws:SourceIp", "NotIpAddressIfExists", true),
            ("aws:SourceIp", "StringEquals", false),
            ("aws:SourceIp", "Null", true),
            ("aws:SourceIp", "ForAnyValue:IpAddress", false),
            ("aws:CurrentTime", "DateLessThan", true),
            ("aws:CurrentTime", "NumericLessThan", false),
            ("aws:EpochTime", "NumericLessThan", true),
            ("aws:EpochTime", "DateLessThan", true),
            ("aws:SecureTransport", "Bool", true),
            ("aws:SecureTransport", "StringEquals", true),
            ("aws:SecureTransport", "IpAddress", false),
            ("aws:PrincipalArn", "ArnLike", true),
            ("aws:PrincipalArn", "StringLike", true),
            ("gangplank:Label", "ArnLike", false),
            ("gangplank:Label", "ForAllValues:StringEquals", false),
            ("aws:TagKeys", "StringEquals", false),
            ("aws:TagKeys", "ForAllValues:StringEquals", true),
            ("aws:TagKeys", "Null", true),
            ("gangplank:Repository", "ForAnyValue:StringLike", true),
            ("gangplank:Repository", "StringLike", false),
            ("gangplank:PutBy", "ForAnyValue:ArnLike", true),
        ] {
            assert_eq!(check(key, operator, Scope::Permission).is_ok(), fits, "{key} {operator}");
        }
        let claim = "token.actions.githubusercontent.com:x";
        for operator in ["StringEquals", "ForAnyValue:StringLike", "NumericEquals", "Bool", "ArnLike", "Null"]
        {
            assert_eq!(check(claim, operator, GITHUB), Ok(()));
        }
    }
}
