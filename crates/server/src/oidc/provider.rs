//! The names of an issuer in trust policies: the ARN of a provider, and the prefix of condition keys.

use gangplank_core::AccountId;

use super::issuer_url::IssuerUrl;
use super::issuers::Issuers;

impl Issuers {
    /// The ARN of the provider that stands for an issuer, in AWS's form. Every account has every issuer.
    pub fn provider_arn(account: &AccountId, issuer: &str) -> String {
        let name = issuer.split_once("://").map_or(issuer, |(_, name)| name);
        format!("{}{name}", provider_prefix(account))
    }

    /// Finds a configured issuer by the ARN of its provider in this account.
    pub fn of_provider(&self, account: &AccountId, arn: &str) -> Option<&str> {
        let name = arn.strip_prefix(&provider_prefix(account))?;
        self.all().find(|issuer| issuer.name() == name).map(IssuerUrl::as_str)
    }

    /// The configured issuer and the claim that a condition key names, as `HOST/PATH:CLAIM`. Both parts may
    /// contain colons, so the configured issuers decide where the first part ends. The case of letters does not
    /// count.
    pub fn of_condition_key<'k>(&self, key: &'k str) -> Option<(&str, &'k str)> {
        let named = self.all().filter_map(|issuer| {
            let (name, rest) = key.split_at_checked(issuer.name().len())?;
            let claim = rest.strip_prefix(':').filter(|claim| !claim.is_empty())?;
            name.eq_ignore_ascii_case(issuer.name()).then_some((issuer.as_str(), claim))
        });
        // If both `h` and `h:8080` are issuers, both can match. The longer name wins, which leaves the shorter
        // claim.
        named.min_by_key(|(_, claim)| claim.len())
    }
}

fn provider_prefix(account: &AccountId) -> String {
    format!("arn:aws:iam::{}:oidc-provider/", account.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Issuer;

    fn issuers() -> Issuers {
        let urls = ["https://h", "http://localhost:8080", "https://h:8443/path", "https://slash/"];
        Issuers::open(&urls.map(|url| Issuer::new(url, ["a"]))).unwrap()
    }

    #[test]
    fn a_provider_is_the_issuer_without_its_scheme() {
        let (issuers, account) = (issuers(), AccountId::root());
        for issuer in ["https://h", "http://localhost:8080", "https://h:8443/path", "https://slash/"] {
            let arn = Issuers::provider_arn(&account, issuer);
            assert_eq!(issuers.of_provider(&account, &arn), Some(issuer));
        }
        let github = Issuers::provider_arn(&account, "https://token.actions.githubusercontent.com");
        assert_eq!(github, "arn:aws:iam::000000000000:oidc-provider/token.actions.githubusercontent.com");
        for stranger in [
            github.as_str(),
            "arn:aws:iam::000000000001:oidc-provider/h",
            "arn:aws:iam::000000000000:oidc-provider/h/",
            "arn:aws:iam::000000000000:oidc-provider/slash",
            "arn:aws:iam::000000000000:oidc-provider/H",
            "h",
            "*",
        ] {
            assert_eq!(issuers.of_provider(&account, stranger), None, "{stranger}");
        }
    }

    #[test]
    fn condition_keys_are_split_after_the_configured_text() {
        let issuers = issuers();
        for (key, issuer, claim) in [
            ("h:sub", "https://h", "sub"),
            ("H:sub", "https://h", "sub"),
            ("h:a:b", "https://h", "a:b"),
            ("h:kubernetes.io/serviceaccount/uid", "https://h", "kubernetes.io/serviceaccount/uid"),
            ("localhost:8080:aud", "http://localhost:8080", "aud"),
            ("h:8443/path:sub", "https://h:8443/path", "sub"),
            ("h:8443:sub", "https://h", "8443:sub"),
            ("slash/:sub", "https://slash/", "sub"),
        ] {
            assert_eq!(issuers.of_condition_key(key), Some((issuer, claim)), "{key}");
        }
        for stranger in ["h", "h:", "slash:sub", "aws:SourceIp", "https://h:sub", ":sub", "\u{e9}:sub", ""] {
            assert_eq!(issuers.of_condition_key(stranger), None, "{stranger}");
        }
    }
}
