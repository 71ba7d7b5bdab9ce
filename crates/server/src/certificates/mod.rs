//! The certificates of a server: its own, and those for domain names of services.

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
    /// The server's own certificate. Without one the server speaks no TLS.
    own: Option<PairInFiles>,
    /// The certificates for services, by their names in the configuration.
    named: BTreeMap<String, PairInFiles>,
}

/// Why a domain name cannot lead to a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotCovered {
    /// No certificate in the configuration has that name.
    UnknownCertificate {
        /// The unknown name.
        certificate: String,
    },
    /// The certificate is for other domains.
    OtherDomains {
        /// The name of the certificate.
        certificate: String,
        /// The domain.
        domain: String,
        /// The domains of the certificate.
        covered: Vec<String>,
    },
    /// The server's own certificate names the domain, so clients use it to reach the API and the registry.
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
    /// Reads all certificates of the configuration.
    ///
    /// # Errors
    /// If a certificate or its key cannot be used; the error names the certificate.
    pub(crate) fn open(config: &Config) -> Result<Self> {
        let own = config.tls.as_ref().map(PairInFiles::open).transpose()?;
        let named = config.deployments.certificates.iter().map(|(name, files)| {
            let pair = PairInFiles::open_for_domains(files)
                .with_context(|| format!("cannot use the certificate that [certificates.{name}] names"))?;
            Ok((name.clone(), pair))
        });
        Ok(Self { own, named: named.collect::<Result<_>>()? })
    }

    /// Whether there are no certificates, and so no files to watch.
    pub(crate) fn is_empty(&self) -> bool {
        self.own.is_none() && self.named.is_empty()
    }

    /// The TLS acceptor, if the server has its own certificate.
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

    /// Reads all files again. Where a new pair cannot be used, the old one stays.
    pub(crate) fn reload(&self) {
        self.pairs().for_each(PairInFiles::reload);
    }

    /// Reads the changed files again.
    pub(crate) fn reload_if_changed(&self) {
        self.pairs().for_each(PairInFiles::reload_if_changed);
    }

    fn pairs(&self) -> impl Iterator<Item = &PairInFiles> {
        self.own.iter().chain(self.named.values())
    }

    /// The certificates for services, each with its name and its fields.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&str, Facts)> {
        self.named.iter().filter_map(|(name, pair)| Some((name.as_str(), pair.current().facts.clone()?)))
    }

    /// The fields of the server's own certificate, if it has one that can be read.
    pub(crate) fn own(&self) -> Option<Facts> {
        self.own.as_ref().and_then(|own| own.current().facts.clone())
    }

    /// Whether a host, in lower case, can only belong to a service: a certificate for services is valid for it, and
    /// it is no name of the server. `public` is the server's public address. A name with a star, in either
    /// certificate, counts less than a name without one. If no name of the server is known, names with a star
    /// do not count.
    pub(crate) fn are_for_services(&self, host: &str, public: Option<&str>) -> bool {
        let own = self.own.as_ref().map(PairInFiles::current);
        if public == Some(host) || own.as_ref().is_some_and(|own| own.names(host)) {
            return false;
        }
        let may_be_own = own.as_ref().is_some_and(|own| own.covers(host));
        let has_name = own.is_some() || public.is_some();
        self.named.values().map(PairInFiles::current).any(|pair| {
            if pair.names(host) {
                !may_be_own || public.is_some()
            } else {
                pair.covers(host) && !may_be_own && has_name
            }
        })
    }

    /// Checks that the certificate of this name covers a domain.
    ///
    /// # Errors
    /// If the server's own certificate names the domain, if there is no certificate with this name, or if that
    /// certificate only covers other domains.
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
