//! Whether pulls are redirected to the bucket, and by which address.

use anyhow::{Context as _, Result, anyhow, ensure};
use gangplank_s3::{Client, Endpoint};
use gangplank_server::Redirects;
use gangplank_store::open::Bucket;

use super::ServeOptions;
use crate::cli::usage::named;

impl ServeOptions {
    /// How pulls are redirected; `None` if they are not.
    ///
    /// # Errors
    /// If there is no bucket, if the address cannot be used, or if clients would take their login along to it.
    pub(super) fn redirects(&self, bucket: Option<&Bucket>) -> Result<Option<Redirects>> {
        let (option, address) = (named("redirect-pulls"), named("redirect-endpoint"));
        let is_on = self.redirect_pulls.unwrap_or(false);
        ensure!(
            is_on || self.redirect_endpoint.is_none(),
            "{address} is for pulls that are sent on: give {option} too"
        );
        if !is_on {
            return Ok(None);
        }
        let bucket = bucket.with_context(|| {
            format!("{option} sends pulls on to a bucket, and no bucket is named: give {}", named("blobs"))
        })?;
        let public = self.redirect_endpoint.as_deref().map(Endpoint::parse).transpose();
        let public = public.with_context(|| address.clone())?;
        if let Some(public) = &public {
            ensure!(
                public.is_tls() || public.is_loopback() || self.s3_insecure_http.unwrap_or(false),
                "{address}: {} is on another machine and speaks no TLS, so whoever is on the way can use the URLs; if the \
                 way is safe, say {}",
                public.url(),
                named("s3-insecure-http")
            );
        }
        let client = Client::new(bucket.settings.clone()).map_err(|error| anyhow!("{error}"))?;
        let host = client.presigned_host(public.as_ref());
        let host = match host.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host.to_owned(),
            _ => host,
        };
        let redirects = Redirects { endpoint: self.redirect_endpoint.clone(), host };
        if let Some(registry) = &self.public_address {
            let Redirects { host, .. } = &redirects;
            ensure!(
                !redirects.carry_login(registry),
                "{option}: clients that are sent on from {registry} to {host} take their login along, because it is the same \
                 host or one below it; give another name of the bucket's server with {address}"
            );
        }
        Ok(Some(redirects))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirects(
        registry: &str,
        endpoint: &str,
        redirect_endpoint: Option<&str>,
    ) -> Result<Option<Redirects>> {
        let options = ServeOptions {
            blobs: Some("s3://images/registry".into()),
            s3_endpoint: Some(endpoint.into()),
            s3_insecure_http: Some(true),
            public_address: Some(registry.into()),
            redirect_pulls: Some(true),
            redirect_endpoint: redirect_endpoint.map(str::to_owned),
            ..ServeOptions::default()
        };
        Ok(options.into_config(None)?.redirects)
    }

    #[test]
    fn an_address_that_gets_logins_is_refused() {
        for (registry, endpoint, public) in [
            ("registry.test", "https://registry.test:9000", None),
            ("registry.test:5000", "http://s3.test", Some("https://REGISTRY.test")),
            ("registry.test", "http://s3.test", Some("https://s3.registry.test")),
            ("127.0.0.1:5000", "http://127.0.0.1:9000", None),
        ] {
            let refused = redirects(registry, endpoint, public).unwrap_err().to_string();
            assert!(
                refused.contains("take their login along"),
                "{registry} {endpoint} {public:?}: {refused}"
            );
        }
        let fine =
            redirects("registry.test", "http://10.0.0.1:9000", Some("https://s3.test")).unwrap().unwrap();
        assert_eq!((fine.host.as_str(), fine.endpoint.as_deref()), ("s3.test", Some("https://s3.test")));
    }

    #[test]
    fn what_has_no_meaning_is_refused() {
        let refused = |options: ServeOptions| options.into_config(None).unwrap_err().to_string();
        let on = ServeOptions { redirect_pulls: Some(true), ..ServeOptions::default() };
        assert!(refused(on).contains("no bucket is named"));
        let alone =
            ServeOptions { redirect_endpoint: Some("https://s3.test".into()), ..ServeOptions::default() };
        assert!(refused(alone).contains("redirect-pulls"));
        let bad = redirects("registry.test", "http://10.0.0.1:9000", Some("s3.test")).unwrap_err();
        assert!(format!("{bad:#}").contains("redirect-endpoint"), "{bad:#}");
    }
}
