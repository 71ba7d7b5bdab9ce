//! The certificates of a server: its own, and those of the domain names that lead to services.

pub(crate) mod facts;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

use crate::config::Config;
use crate::http::tls::PairInFiles;
use facts::Facts;

/// The certificates of a server.
#[derive(Debug)]
pub(crate) struct Certificates {
    /// Its own. Without one it serves no TLS.
    own: Option<PairInFiles>,
    /// Those of services' domains, by the names that the configuration gives them.
    named: BTreeMap<String, PairInFiles>,
}

/// Why a domain name cannot lead to a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotCovered {
    /// No certificate has that name.
    UnknownCertificate {
        /// The name.
        certificate: String,
    },
    /// The certificate is for other domains.
    OtherDomains {
        /// The name of the certificate.
        certificate: String,
        /// The domain.
        domain: String,
        /// Those that it is for.
        covered: Vec<String>,
    },
    /// The server's own certificate names the domain, so clients of the API and the registry come by it.
    Own {
        /// The domain.
        domain: String,
    },
}

impl fmt::Display for NotCovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownCertificate { certificate } => write!(
                f,
                "There is no certificate named {certificate:?}: certificates are files that the server's configuration \
                 file names in sections [certificates.NAME]."
            ),
            Self::Own { domain } => {
                write!(f, "{domain} is the server's own name, by which the API and the registry are reached.")
            }
            Self::OtherDomains { certificate, domain, covered } => {
                write!(
                    f,
                    "The certificate {certificate:?} is not for {domain}, but for {}.",
                    covered.join(", ")
                )
            }
        }
    }
}

impl Certificates {
    /// Reads all certificates that a server is told of.
    ///
    /// # Errors
    /// If one cannot be used.
    pub(crate) fn open(config: &Config) -> Result<Self> {
        let own = config.tls.as_ref().map(PairInFiles::open).transpose()?;
        let named = config.deployments.certificates.iter().map(|(name, files)| {
            let pair = PairInFiles::open_for_domains(files)
                .with_context(|| format!("cannot use the certificate that [certificates.{name}] names"))?;
            Ok((name.clone(), pair))
        });
        Ok(Self { own, named: named.collect::<Result<_>>()? })
    }

    /// Whether none of its files can change.
    pub(crate) fn is_empty(&self) -> bool {
        self.own.is_none() && self.named.is_empty()
    }

    /// What turns connections into TLS ones, if the server has a certificate of its own.
    ///
    /// # Errors
    /// If TLS cannot be configured.
    pub(crate) fn acceptor(self: &Arc<Self>) -> Result<Option<TlsAcceptor>> {
        if self.own.is_none() {
            return Ok(None);
        }
        let resolver: Arc<dyn ResolvesServerCert> = Arc::<Self>::clone(self);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Some(TlsAcceptor::from(Arc::new(config))))
    }

    /// Reads all files anew. Of a pair that cannot be used, the one before stays.
    pub(crate) fn reload(&self) {
        self.pairs().for_each(PairInFiles::reload);
    }

    /// Takes what has changed.
    pub(crate) fn reload_if_changed(&self) {
        self.pairs().for_each(PairInFiles::reload_if_changed);
    }

    fn pairs(&self) -> impl Iterator<Item = &PairInFiles> {
        self.own.iter().chain(self.named.values())
    }

    /// The certificates of services' domains, by name, and what each says of itself.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&str, Facts)> {
        self.named.iter().filter_map(|(name, pair)| Some((name.as_str(), pair.current().facts.clone()?)))
    }

    /// What the server's own certificate says of itself, if it has one that can be read.
    pub(crate) fn own(&self) -> Option<Facts> {
        self.own.as_ref().and_then(|own| own.current().facts.clone())
    }

    /// Whether a host, in lower case, can only be meant for a service: a certificate of services names it, and the
    /// server's own is not for it. A name with a star says nothing, since the server may be reached by one of those.
    pub(crate) fn are_for_services(&self, host: &str) -> bool {
        let own = || self.own.as_ref().is_some_and(|own| own.current().covers(host));
        self.named.values().any(|pair| pair.current().names(host)) && !own()
    }

    /// Whether the certificate of this name is for that domain name.
    ///
    /// # Errors
    /// If there is no such certificate, it is for others, or the server's own names that domain.
    pub(crate) fn certificate_covers(&self, certificate: &str, domain: &str) -> Result<(), NotCovered> {
        let found = self.named().find(|(name, _)| *name == certificate);
        let certificate = certificate.to_owned();
        if self.own.as_ref().is_some_and(|own| own.current().names(domain)) {
            return Err(NotCovered::Own { domain: domain.to_owned() });
        }
        match found {
            None => Err(NotCovered::UnknownCertificate { certificate }),
            Some((_, facts)) if facts.covers(domain) => Ok(()),
            Some((_, facts)) => Err(NotCovered::OtherDomains {
                certificate,
                domain: domain.to_owned(),
                covered: facts.domains,
            }),
        }
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let of_domain = |domain| {
            let mut pairs = self.named.values().map(PairInFiles::current);
            pairs.find(|pair| pair.covers(domain))
        };
        let pair = hello.server_name().and_then(of_domain).or_else(|| Some(self.own.as_ref()?.current()))?;
        Some(Arc::clone(&pair.key))
    }
}
