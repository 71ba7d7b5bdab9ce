//! ARNs: resources in permission policies, and issuers in trust policies.

use super::condition::check_variable;
use super::facts::Facts;
use super::key::Scope;
use super::pattern::{Grammar, Pattern};
use super::truth::Truth;
use crate::json::Quoted;
use crate::tenant::AccountId;

/// Splits an ARN into its six segments, or fewer. A colon inside a variable does not split.
pub(super) fn segments(text: &str) -> Vec<&str> {
    let mut parts = Vec::with_capacity(6);
    let (mut begin, mut in_variable) = (0, false);
    for (at, character) in text.char_indices() {
        match character {
            '{' if text[..at].ends_with('$') => in_variable = true,
            '}' => in_variable = false,
            ':' if !in_variable && parts.len() < 5 => {
                parts.push(&text[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[begin..]);
    parts
}

/// A resource, or a pattern of resources, in a permission policy.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ResourcePattern {
    pub(super) text: String,
    pub(super) pattern: Pattern,
}

impl ResourcePattern {
    /// Reads a resource. An ARN with fewer than six segments is completed with `*`, as in IAM.
    ///
    /// # Errors
    /// If nothing on this server can have that ARN. The error is the end of a sentence that begins with the
    /// place.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self { text: text.to_owned(), pattern: Pattern::parse(text, Grammar::Like)? });
        }
        let parts = segments(text);
        let no = |why: &str| format!("is {}, but {why}", Quoted(text));
        let ["arn", partition, service, rest @ ..] = &parts[..] else {
            return Err(no("must be * or an ARN, such as arn:aws:lightsail:*:*:ContainerService/ID"));
        };
        if !["aws", "*"].contains(partition) {
            return Err(no("the partition of all resources here is aws"));
        }
        let kind = match *service {
            "lightsail" => "ContainerService/",
            "gangplank" => "",
            _ => {
                return Err(no(
                    "the service of a resource here is lightsail or gangplank, without wildcards",
                ));
            }
        };
        if rest.iter().any(|segment| segment.is_empty()) {
            return Err(no("has an empty part, which no resource here has. Write * for any"));
        }
        if let [_, account, ..] = rest
            && !account.contains(['*', '?', '$'])
            && AccountId::parse(account).is_err()
        {
            return Err(no("an account is 12 digits"));
        }
        if let [_, _, resource] = rest {
            let literal = &resource[..resource.find(['*', '?', '$']).unwrap_or(resource.len())];
            if !literal.starts_with(kind) && !kind.starts_with(literal)
                || kind.is_empty() && !literal.is_empty()
            {
                return Err(no(
                    "no resource here is called that. There are ContainerService/ID of lightsail",
                ));
            }
        }
        let mut whole = text.to_owned();
        for _ in parts.len()..6 {
            whole.push_str(":*");
        }
        let pattern = Pattern::parse(&whole, Grammar::Resource)?;
        for variable in pattern.variables() {
            check_variable(variable, Scope::Permission)?;
        }
        Ok(Self { text: text.to_owned(), pattern })
    }

    /// Whether it matches the resource.
    pub(super) fn matches(&self, resource: &str, facts: &Facts) -> Truth {
        self.pattern.matches(resource, facts)
    }
}

/// The ARN of an issuer, `arn:aws:iam::ACCOUNT:oidc-provider/ISSUER`, where ISSUER has no scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Provider {
    pub(super) account: AccountId,
    pub(super) issuer: String,
}

impl Provider {
    /// Reads an issuer's ARN.
    ///
    /// # Errors
    /// If it is no ARN of an issuer. The error is the end of a sentence that begins with the place.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let no = |why: &str| format!("is {}, but {why}", Quoted(text));
        let form =
            "must be arn:aws:iam::ACCOUNT:oidc-provider/ISSUER, with the issuer's URL without https://";
        if text.contains(['*', '?', '$']) {
            return Err(no("one issuer has to be named, without wildcards"));
        }
        let ["arn", "aws", "iam", "", account, provider] = segments(text)[..] else { return Err(no(form)) };
        let issuer = provider.strip_prefix("oidc-provider/").filter(|issuer| !issuer.is_empty());
        let issuer = issuer.ok_or_else(|| no(form))?;
        if issuer.contains("://") || issuer.contains(char::is_whitespace) {
            return Err(no(form));
        }
        let account = AccountId::parse(account).map_err(|_| no("an account is 12 digits"))?;
        Ok(Self { account, issuer: issuer.to_owned() })
    }

    pub(super) fn arn(&self) -> String {
        provider_arn(&self.account, &self.issuer)
    }
}

/// The ARN of an issuer in an account. `url` is the URL of the issuer, with or without its scheme.
pub fn provider_arn(account: &AccountId, url: &str) -> String {
    format!("arn:aws:iam::{account}:oidc-provider/{}", without_scheme(url))
}

/// An issuer's URL without its scheme, as condition keys and ARNs have it.
pub fn without_scheme(url: &str) -> &str {
    url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: &str = "arn:aws:lightsail:us-east-1:000000000000:ContainerService/1-2";
    const TENANT: &str = "arn:aws:lightsail:us-east-1:000000000000:*";

    fn names(pattern: &str, resource: &str) -> bool {
        ResourcePattern::parse(pattern).unwrap().matches(resource, &Facts::new()) == Truth::Yes
    }

    #[test]
    fn resources_are_named_as_amazon_names_them() {
        for (pattern, service, tenant) in [
            ("*", true, true),
            (SERVICE, true, false),
            ("arn:aws:lightsail:us-east-1:000000000000:*", true, true),
            ("arn:aws:lightsail:*:*:ContainerService/*", true, false),
            ("arn:aws:lightsail:*", true, true),
            ("arn:aws:lightsail", true, true),
            ("arn:*:lightsail:us-*:*", true, true),
            ("arn:aws:lightsail:us-*-1:0?0000000000:ContainerService/1?2", true, false),
            ("arn:aws:lightsail:eu-*:*:*", false, false),
            ("arn:aws:lightsail:us-east-1:111111111111:*", false, false),
            ("arn:aws:lightsail:*:*:Cont*", true, false),
            ("arn:aws:gangplank:*:*:*", false, false),
        ] {
            assert_eq!(names(pattern, SERVICE), service, "{pattern}");
            assert_eq!(names(pattern, TENANT), tenant, "{pattern}");
        }
        let pattern = "arn:aws:lightsail:*:${aws:PrincipalAccount}:ContainerService/*";
        let facts = Facts::new().with("aws:PrincipalAccount", "000000000000");
        assert_eq!(ResourcePattern::parse(pattern).unwrap().matches(SERVICE, &facts), Truth::Yes);
        assert!(!names(pattern, SERVICE));
    }

    #[test]
    fn what_nothing_is_called_is_refused() {
        for pattern in [
            "",
            "**",
            "arn",
            "arn:aws",
            "arn:aws:*",
            "arn:aws:lightsail:*:ContainerService/1-2",
            "arn:aws:light*:*:*:*",
            "arn:aws:s3:::bucket",
            "ContainerService/1",
            "arn:aws-cn:lightsail:*:*:*",
            "arn:aws:lightsail::*:*",
            "arn:aws:lightsail:*:*:",
            "arn:aws:lightsail:*:12:*",
            "arn:aws:lightsail:*:*:containerservice/*",
            "arn:aws:lightsail:*:*:Instance/1",
            "arn:aws:gangplank:*:*:x",
            "arn:aws:lightsail:*:${aws:TagKeys}:*",
            "arn:aws:lightsail:*:${aws:Nothing}:*",
            "arn:aws:lightsail:*:${:*",
        ] {
            assert!(ResourcePattern::parse(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn an_issuer_is_named_by_all_of_its_url() {
        for issuer in ["token.actions.githubusercontent.com", "127.0.0.1:8080", "gitlab.example/a/b:c/"] {
            let text = provider_arn(&AccountId::root(), &format!("https://{issuer}"));
            let provider = Provider::parse(&text).unwrap();
            assert_eq!((provider.issuer.as_str(), provider.arn()), (issuer, text));
        }
        for text in [
            "*",
            "",
            "arn:aws:iam::000000000000:oidc-provider/*",
            "arn:aws:iam::000000000000:oidc-provider/",
            "arn:aws:iam::000000000000:oidc-provider/https://x",
            "arn:aws:iam::1:oidc-provider/x",
            "arn:aws:iam::000000000000:saml-provider/x",
            "token.actions.githubusercontent.com",
        ] {
            assert!(Provider::parse(text).is_err(), "{text}");
        }
    }
}
