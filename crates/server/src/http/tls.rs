//! A certificate and its key in files. The files may change while the server runs.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::certificates::facts::Facts;
use crate::config::TlsFiles;

/// A certificate and a key in files, for TLS connections.
#[derive(Debug)]
pub(crate) struct PairInFiles {
    files: TlsFiles,
    /// Whether the certificate has to name its domains.
    needs_domains: bool,
    provider: CryptoProvider,
    current: RwLock<Arc<Pair>>,
    /// The state of the files at the last check.
    seen: Mutex<Seen>,
}

/// A certificate and its key in memory.
#[derive(Debug)]
pub(crate) struct Pair {
    /// The certificate and the key for TLS connections.
    pub(crate) key: Arc<CertifiedKey>,
    /// The facts in the certificate. `None` if they cannot be read.
    pub(crate) facts: Option<Facts>,
}

#[derive(Debug)]
struct Seen {
    stamps: Stamps,
    /// The last check could not use the files. It was not logged, because one of the two files may not be
    /// replaced yet.
    failed: bool,
}

/// The facts of a file that change when it is replaced or written.
type Stamps = [Option<(SystemTime, u64, u64)>; 2];

impl PairInFiles {
    /// Reads the files.
    ///
    /// # Errors
    /// If the files cannot be read, or do not fit each other.
    pub(crate) fn open(files: &TlsFiles) -> Result<Self> {
        Self::read(files, false)
    }

    /// Reads the files of a certificate for domain names.
    ///
    /// # Errors
    /// If the files cannot be read or do not fit each other, or if the certificate names no domain.
    pub(crate) fn open_for_domains(files: &TlsFiles) -> Result<Self> {
        Self::read(files, true)
    }

    fn read(files: &TlsFiles, needs_domains: bool) -> Result<Self> {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let seen = Mutex::new(Seen { stamps: stamps(files), failed: false });
        let current = RwLock::new(Arc::new(read_pair(files, &provider, needs_domains)?));
        Ok(Self { files: files.clone(), needs_domains, provider, current, seen })
    }

    /// The certificate and the key that connections get now.
    pub(crate) fn current(&self) -> Arc<Pair> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the files again. If they cannot be used, the certificate before stays in use.
    pub(crate) fn reload(&self) {
        let stamps = stamps(&self.files);
        let result = self.take();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Seen { stamps, failed: false };
        self.tell(result);
    }

    /// Reads the files again if they have changed. The two files are replaced one after the other. So a failure
    /// is only logged if it is still there at the next check.
    pub(crate) fn reload_if_changed(&self) {
        let stamps = stamps(&self.files);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = seen.stamps != stamps;
        if !changed && !seen.failed {
            return;
        }
        let result = self.take();
        *seen = Seen { stamps, failed: changed && result.is_err() };
        let is_new = seen.failed;
        drop(seen);
        if !is_new {
            self.tell(result);
        }
    }

    fn take(&self) -> Result<()> {
        let pair = Arc::new(read_pair(&self.files, &self.provider, self.needs_domains)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = pair;
        Ok(())
    }

    fn tell(&self, result: Result<()>) {
        let file = self.files.certificate.display();
        match result {
            Ok(()) => tracing::info!(%file, "loaded the certificate from its changed file"),
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!(error, "cannot use the new certificate; the previous one stays in use");
            }
        }
    }
}

fn stamps(files: &TlsFiles) -> Stamps {
    use std::os::unix::fs::MetadataExt as _;
    let stamp = |file: &Path| {
        let metadata = std::fs::metadata(file).ok()?;
        Some((metadata.modified().ok()?, metadata.ino(), metadata.len()))
    };
    [stamp(&files.certificate), stamp(&files.key)]
}

impl Pair {
    /// Whether the certificate covers this domain name, perhaps by a wildcard.
    pub(crate) fn covers(&self, domain: &str) -> bool {
        self.facts.as_ref().is_some_and(|facts| facts.covers(domain))
    }

    /// Whether the certificate has exactly this domain name.
    pub(crate) fn names(&self, domain: &str) -> bool {
        self.facts.as_ref().is_some_and(|facts| facts.names(domain))
    }
}

/// Reads a certificate chain and its key.
fn read_pair(files: &TlsFiles, provider: &CryptoProvider, needs_domains: bool) -> Result<Pair> {
    let shown = files.certificate.display();
    let chain = CertificateDer::pem_slice_iter(&read(&files.certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .with_context(|| format!("{shown} holds no PEM certificate chain"))?;
    ensure!(!chain.is_empty(), "{shown} holds no PEM certificate");
    let key = private_key(&files.key)?;
    let key = CertifiedKey::from_der(chain, key, provider)
        // The library's own message is for programmers.
        .map_err(|_| anyhow!("the certificate {shown} and the key {} do not fit", files.key.display()))?;
    let facts = key.end_entity_cert().map_err(Into::into).and_then(Facts::read);
    if needs_domains {
        let facts =
            facts.as_ref().map_err(|error| anyhow!("cannot use the certificate {shown}: {error:#}"))?;
        ensure!(
            !facts.domains.is_empty(),
            "the certificate {shown} names no domain that it is for (Subject Alternative Name)"
        );
    }
    Ok(Pair { key: Arc::new(key), facts: facts.ok() })
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>> {
    let (text, shown) = (read(file)?, file.display());
    let says = |words: &str| text.windows(words.len()).any(|window| window == words.as_bytes());
    if says("BEGIN ENCRYPTED PRIVATE KEY") || says("Proc-Type: 4,ENCRYPTED") {
        bail!(
            "the private key in {shown} is encrypted, and there is nobody to ask for its passphrase; decrypt it \
             with `openssl pkey -in {shown} -out NEW.pem` and name the new file"
        );
    }
    PrivateKeyDer::from_pem_slice(&text).with_context(|| format!("{shown} holds no PEM private key"))
}

fn read(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}
