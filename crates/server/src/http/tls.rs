//! TLS from a certificate and a key in files, which may change while the server runs.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::config::TlsFiles;

/// The certificate and the key that connections get.
#[derive(Debug)]
pub(crate) struct Certificates {
    files: TlsFiles,
    provider: Arc<CryptoProvider>,
    current: RwLock<Arc<CertifiedKey>>,
    /// The files as they were looked at last.
    seen: Mutex<Seen>,
}

#[derive(Debug)]
struct Seen {
    stamps: Stamps,
    /// They could not be used, and this is not said yet: one of the two may be on its way.
    failed: bool,
}

/// What changes when a file is replaced or written to.
type Stamps = [Option<(SystemTime, u64, u64)>; 2];

impl Certificates {
    /// Reads the files.
    ///
    /// # Errors
    /// If they cannot be used.
    pub(crate) fn open(files: &TlsFiles) -> Result<Self> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let seen = Mutex::new(Seen { stamps: stamps(files), failed: false });
        let current = RwLock::new(Arc::new(read_pair(files, &provider)?));
        Ok(Self { files: files.clone(), provider, current, seen })
    }

    /// What turns a connection into a TLS one.
    pub(crate) fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor> {
        let resolver: Arc<dyn ResolvesServerCert> = Arc::<Self>::clone(self);
        let mut config = rustls::ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Reads the files anew. If they cannot be used, what is served stays.
    pub(crate) fn reload(&self) {
        let stamps = stamps(&self.files);
        let result = self.take();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Seen { stamps, failed: false };
        self.tell(result);
    }

    /// Takes the files if they have changed. Whoever replaces both does one after the other, so what cannot be used
    /// is only told if it is still so at the next look.
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
        let pair = Arc::new(read_pair(&self.files, &self.provider)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = pair;
        Ok(())
    }

    fn tell(&self, result: Result<()>) {
        let file = self.files.certificate.display();
        match result {
            Ok(()) => tracing::info!(%file, "serves the certificate that is in its file now"),
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!(error, "cannot use the new certificate; the one before is served further");
            }
        }
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
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

/// Reads a certificate chain and the key that fits it.
fn read_pair(files: &TlsFiles, provider: &CryptoProvider) -> Result<CertifiedKey> {
    let shown = files.certificate.display();
    let chain = CertificateDer::pem_slice_iter(&read(&files.certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .with_context(|| format!("{shown} holds no PEM certificate chain"))?;
    ensure!(!chain.is_empty(), "{shown} holds no PEM certificate");
    let key = private_key(&files.key)?;
    CertifiedKey::from_der(chain, key, provider)
        // Its own words are for programmers.
        .map_err(|_| anyhow!("the certificate {shown} and the key {} do not fit", files.key.display()))
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
