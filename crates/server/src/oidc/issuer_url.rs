//! The URL of an issuer, and the addresses of its documents.

use std::net::IpAddr;

use anyhow::{Context as _, Result, ensure};
use reqwest::Url;

/// The most characters of an issuer's URL.
const LONGEST: usize = 255;

/// The URL of a configured issuer.
#[derive(Clone, Debug)]
pub(super) struct IssuerUrl {
    text: String,
    url: Url,
}

impl IssuerUrl {
    /// Reads a configured URL.
    ///
    /// # Errors
    /// If the URL cannot be the URL of an issuer. The text says why.
    pub(super) fn read(text: &str) -> Result<Self> {
        ensure!(text.len() <= LONGEST, "is longer than {LONGEST} characters");
        ensure!(
            text.bytes().all(|byte| byte.is_ascii_graphic()),
            "has a space or another character than ASCII's"
        );
        let after_scheme = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let after_scheme = after_scheme.context("does not begin with https://")?;
        ensure!(!text.contains('?'), "has a query, which the URL of an issuer may not have");
        ensure!(!text.contains('#'), "has a fragment, which the URL of an issuer may not have");
        ensure!(!text.contains('\\'), "has a backslash");
        let authority = after_scheme.split('/').next().unwrap_or_default();
        ensure!(!authority.contains('@'), "has a user name");
        let url = Url::parse(text).context("is no URL")?;
        ensure!(
            url.scheme() == "https" || is_loopback(&url),
            "is not encrypted: http is accepted on loopback only; use https"
        );
        Ok(Self { text: text.to_owned(), url })
    }

    /// The URL as it was configured, letter by letter, as in tokens.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// The URL without its scheme, as in condition keys and in the provider's ARN.
    pub(super) fn name(&self) -> &str {
        self.text.split_once("://").map_or(&*self.text, |(_, name)| name)
    }

    /// The address of the discovery document.
    pub(super) fn discovery(&self) -> Result<Url> {
        let base = self.text.strip_suffix('/').unwrap_or(&self.text);
        Ok(Url::parse(&format!("{base}/.well-known/openid-configuration"))?)
    }

    /// The address of the keys, from `text` in the discovery document.
    ///
    /// # Errors
    /// If the server may fetch nothing from that address.
    pub(super) fn address_of_keys(&self, text: &str) -> Result<Url> {
        let url = Url::parse(text).context("its jwks_uri is no URL")?;
        ensure!(
            url.scheme() == "https"
                || (url.scheme() == "http" && is_loopback(&url) && is_loopback(&self.url)),
            "its jwks_uri is not encrypted: http is accepted on loopback only, of an issuer that is there"
        );
        ensure!(url.username().is_empty() && url.password().is_none(), "its jwks_uri has a user name");
        Ok(url)
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host == "localhost" || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_https_or_on_loopback() {
        for good in [
            "https://token.actions.githubusercontent.com",
            "https://gitlab.example:8443/sub/path",
            "https://h/",
            "http://localhost:8080",
            "http://127.0.0.1:1/x",
            "http://[::1]:1",
        ] {
            assert_eq!(IssuerUrl::read(good).unwrap().as_str(), good);
        }
        for (bad, why) in [
            ("http://ci.example", "not encrypted"),
            ("http://localhost.example", "not encrypted"),
            ("http://127.0.0.1.example", "not encrypted"),
            ("http://10.0.0.1", "not encrypted"),
            ("https://ci.example?x=1", "query"),
            ("https://ci.example/?", "query"),
            ("https://ci.example/#", "fragment"),
            ("https://ci.example@evil.example", "user name"),
            ("https://@ci.example", "user name"),
            ("https:\\\\ci.example", "https://"),
            ("https://ci.example\\a", "backslash"),
            ("ftp://ci.example", "https://"),
            ("ci.example", "https://"),
            ("HTTPS://ci.example", "https://"),
            ("https://", "no URL"),
            ("https://ci.example ", "space"),
            ("https://ci.\u{e9}xample", "ASCII"),
        ] {
            let error = format!("{:#}", IssuerUrl::read(bad).unwrap_err());
            assert!(error.contains(why), "{bad}: {error}");
        }
    }

    #[test]
    fn discovery_is_below_the_issuer() {
        let of = |text: &str| IssuerUrl::read(text).unwrap().discovery().unwrap().to_string();
        assert_eq!(of("https://h"), "https://h/.well-known/openid-configuration");
        assert_eq!(of("https://h/a/"), "https://h/a/.well-known/openid-configuration");
    }

    #[test]
    fn keys_are_fetched_without_tls_on_loopback_only() {
        let (far, near) =
            (IssuerUrl::read("https://h").unwrap(), IssuerUrl::read("http://localhost:1").unwrap());
        assert!(far.address_of_keys("https://keys.example/jwks?v=1").is_ok());
        assert!(near.address_of_keys("http://127.0.0.1:2/jwks").is_ok());
        for bad in
            ["http://keys.example/", "http://127.0.0.1:2/jwks", "file:///etc/passwd", "https://u@h/", "/jwks"]
        {
            assert!(far.address_of_keys(bad).is_err(), "{bad}");
        }
        assert!(near.address_of_keys("http://keys.example/").is_err());
    }
}
