//! Images as archives in the form of `docker save`, for engines that cannot pull from this registry. A pull
//! login gets the images that it may pull.

use std::io::{Error, ErrorKind, Result};
use std::sync::{Arc, OnceLock, Weak};

use async_trait::async_trait;
use gangplank_core::{Password, ServiceId, Tenant};
use gangplank_engine::{Archives, Credentials};
use gangplank_oci::Digest;
use gangplank_store::metadata::manifests::StoredManifest;
use gangplank_store::metadata::registry_logins::LoginLookup;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, empty, repeat};
use tokio_util::io::StreamReader;

use crate::app::App;

/// The bytes of a block of a tar archive.
const BLOCK: u64 = 512;

/// The most manifests that are read for one image: the nested indexes, and the manifest that runs. Indexes
/// that are nested deeper are refused.
const DEPTH: usize = 4;

/// The images of a server. This value is made before the server, so the server is set later.
#[derive(Default)]
pub(crate) struct Images(OnceLock<Weak<App>>);

impl Images {
    /// Sets the server whose images these are. A second call changes nothing.
    pub(crate) fn are_of(&self, app: &Arc<App>) {
        let _ = self.0.set(Arc::downgrade(app));
    }
}

type Stream = Box<dyn AsyncRead + Send + Unpin>;

#[async_trait]
impl Archives for Images {
    async fn archive(&self, login: &Credentials, digest: &str, name: &str) -> Result<Stream> {
        let app =
            self.0.get().and_then(Weak::upgrade).ok_or_else(|| Error::other("the server is stopping"))?;
        let (tenant, service) = whose(&app, login).await?;
        let image = Image { app, tenant, service };
        image.archive(digest, name).await
    }
}

/// Finds the service whose images a pull login reads.
async fn whose(app: &App, login: &Credentials) -> Result<(Tenant, ServiceId)> {
    let refused = || Error::new(ErrorKind::PermissionDenied, "the login reads no service's images");
    let password = Password::parse(&login.password).ok_or_else(refused)?;
    match app.metadata.login(&password.hash()).await.map_err(Error::other)? {
        LoginLookup::Live(grant) if grant.expires_at > app.clock.now() => {
            let service = grant.service.map(|service| service.id).ok_or_else(refused)?;
            Ok((grant.tenant, service))
        }
        _ => Err(refused()),
    }
}

/// An image of a service.
struct Image {
    app: Arc<App>,
    tenant: Tenant,
    service: ServiceId,
}

impl Image {
    /// Makes the archive: the configuration and the layers, each named by its digest, and `manifest.json`,
    /// which lists them.
    async fn archive(&self, digest: &str, name: &str) -> Result<Stream> {
        let manifest = self.for_this_machine(digest).await?;
        let config = text(&manifest["config"]["digest"])?;
        let layers = manifest["layers"].as_array().into_iter().flatten();
        let layers = layers.map(|layer| text(&layer["digest"])).collect::<Result<Vec<_>>>()?;
        let list = json!([{ "Config": file(&config), "RepoTags": [name], "Layers": layers.iter().map(|it| file(it)).collect::<Vec<_>>() }]);
        let list = list.to_string().into_bytes();
        let mut archive = entry("manifest.json", list.len() as u64, Box::new(std::io::Cursor::new(list)))?;
        let mut written = std::collections::BTreeSet::new();
        for digest in std::iter::once(&config).chain(&layers).filter(|it| written.insert((*it).clone())) {
            archive = Box::new(archive.chain(self.blob(digest).await?));
        }
        // Two empty blocks end a tar archive.
        Ok(Box::new(archive.chain(repeat(0).take(2 * BLOCK))))
    }

    /// The manifest of an image. For an index: the manifest for Linux on this processor.
    async fn for_this_machine(&self, digest: &str) -> Result<Value> {
        let mut digest = digest.to_owned();
        for _ in 0..DEPTH {
            let manifest: Value = serde_json::from_slice(&self.manifest(&digest).await?.body)?;
            let Some(children) = manifest["manifests"].as_array() else { return Ok(manifest) };
            let architecture = match std::env::consts::ARCH {
                "x86_64" => "amd64",
                "aarch64" => "arm64",
                other => other,
            };
            let fits = |child: &&Value| {
                child["platform"]["os"] == "linux" && child["platform"]["architecture"] == architecture
            };
            let none = || {
                Error::new(ErrorKind::NotFound, format!("the image has no variant for linux/{architecture}"))
            };
            digest = text(&children.iter().find(fits).ok_or_else(none)?["digest"])?;
        }
        Err(Error::new(ErrorKind::InvalidData, "indexes are nested too deeply"))
    }

    async fn manifest(&self, digest: &str) -> Result<StoredManifest> {
        let missing = || Error::new(ErrorKind::NotFound, format!("manifest {digest} is not there"));
        let digest = Digest::parse(digest).map_err(|_| missing())?;
        let found = self.app.metadata.image_manifest_by_digest(&self.tenant, self.service, &digest).await;
        found.map_err(Error::other)?.ok_or_else(missing)
    }

    /// A blob as an entry of the archive.
    async fn blob(&self, digest: &str) -> Result<Stream> {
        let missing = || Error::new(ErrorKind::NotFound, format!("blob {digest} is not there"));
        let parsed = Digest::parse(digest).map_err(|_| missing())?;
        let found = self.app.metadata.image_blob(&self.tenant, self.service, &parsed).await;
        let found = found.map_err(Error::other)?.filter(|blob| !blob.damaged).ok_or_else(missing)?;
        let (key, size) = (found.key, found.size);
        let opened = self.app.blobs.read(&key, 0..size).await.map_err(Error::other)?;
        let bytes = StreamReader::new(opened.ok_or_else(missing)?.bytes.into_stream());
        entry(&file(digest), size, Box::new(bytes))
    }
}

/// The name of a blob in an archive.
fn file(digest: &str) -> String {
    digest.replace(':', "-")
}

fn text(value: &Value) -> Result<String> {
    let text = value.as_str().map(str::to_owned);
    text.ok_or_else(|| Error::new(ErrorKind::InvalidData, "the manifest lacks a digest"))
}

/// A file of an archive: its header, its bytes, and zeros to the end of the last block.
fn entry(name: &str, size: u64, bytes: Stream) -> Result<Stream> {
    let mut head = tar::Header::new_ustar();
    head.set_path(name)?;
    head.set_size(size);
    head.set_mode(0o644);
    head.set_cksum();
    let head = std::io::Cursor::new(head.as_bytes().to_vec());
    let filling = repeat(0).take(size.next_multiple_of(BLOCK) - size);
    Ok(Box::new(head.chain(bytes.take(size)).chain(filling).chain(empty())))
}
