//! Secrets at rest. `SigV4` needs the secret access key back in clear, and containers their environment, so both are
//! encrypted with a master key that is kept outside the database. Each is bound to a context, which says what it is
//! and whose, so that rows cannot be swapped.

use std::fmt;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use gangplank_core::deployment::Spec;
use gangplank_core::{AccessKeyId, SecretAccessKey};

use gangplank_store::metadata::access_keys::AccessKey;

use crate::data_dir::{DataDir, MASTER_KEY as FILE};
use crate::random;

/// The key that seals secret access keys and what deployments run.
pub struct MasterKey(LessSafeKey);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(***)")
    }
}

impl MasterKey {
    /// Reads the master key: from the file that an operator named, else from the data directory, where one is made
    /// if nothing was sealed yet. That one is durable with the next sync of the directory's names, and nothing sealed
    /// may be kept before.
    ///
    /// # Errors
    /// If the file cannot be read or written, or is not the one that `keys` were sealed with; or if a file is named and
    /// the data directory has a key too, since nobody would know then which of the two is needed.
    pub fn of(data_dir: &DataDir, named: Option<&Path>, keys: &[AccessKey]) -> Result<Self> {
        let master = match named {
            Some(file) => {
                refuse_second(data_dir, file)?;
                if keys.is_empty() && !file.exists() {
                    bail!(
                        "there is no master key in {0}; `gangplank generate master-key > {0}` makes one, which nobody \
                         else should be able to read",
                        file.display()
                    );
                }
                Self::in_file(file)?
            }
            None => Self::read(&read_or_make(data_dir, keys)?)
                .with_context(|| format!("{FILE} {NONE_OF_OURS}"))?,
        };
        if let Some(key) = keys.first() {
            let opened = master.open_secret(&key.id, &key.sealed_secret);
            match named {
                Some(file) => opened.with_context(|| {
                    format!("{} is not the master key of this data directory", file.display())
                })?,
                None => opened?,
            };
        }
        Ok(master)
    }

    /// Reads a file that has a master key.
    ///
    /// # Errors
    /// If it cannot be read or has none.
    pub fn in_file(path: &Path) -> Result<Self> {
        let shown = path.display();
        let text = std::fs::read(path).with_context(|| format!("cannot read the master key in {shown}"))?;
        Self::read(&text).with_context(|| format!("{shown} {NONE_OF_OURS}"))
    }

    /// The text of a new key, as a file has it.
    ///
    /// # Errors
    /// If the system has no random bytes.
    pub fn generate() -> Result<String> {
        Ok(format!("{}\n", hex::encode(random::bytes::<32>()?)))
    }

    /// Reads a master key as a file has it.
    pub(crate) fn read(text: &[u8]) -> Option<Self> {
        let bytes = hex::decode(text.trim_ascii()).ok()?;
        Some(Self(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &bytes).ok()?)))
    }

    /// Seals a text in a context.
    ///
    /// # Errors
    /// If the system has no random bytes for the nonce.
    pub(crate) fn seal(&self, context: &str, text: &[u8]) -> Result<Vec<u8>> {
        let mut sealed = text.to_vec();
        // At random from the operating system, as the library would; its own generator takes 60 ms to
        // begin, a start of the server several times over.
        let nonce = random::bytes::<NONCE_LEN>()?;
        let aad = Aad::from(context);
        if self.0.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed).is_err() {
            bail!("cannot seal a secret");
        }
        Ok([&nonce[..], &sealed].concat())
    }

    /// Opens what [`seal`](Self::seal) made in the same context.
    ///
    /// # Errors
    /// If it was sealed with another key or in another context, or was tampered with.
    pub(crate) fn open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        let Some((nonce, sealed)) = sealed.split_first_chunk::<NONCE_LEN>() else {
            bail!("the sealed secret of {context} is cut short");
        };
        let mut text = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let Ok(text) = self.0.open_in_place(nonce, Aad::from(context), &mut text) else {
            bail!("the secret of {context} was sealed with another {FILE}");
        };
        Ok(text.to_vec())
    }

    /// Seals the secret of an access key.
    ///
    /// # Errors
    /// If the system has no random bytes for the nonce.
    pub fn seal_secret(&self, id: &AccessKeyId, secret: &SecretAccessKey) -> Result<Vec<u8>> {
        self.seal(id.as_str(), secret.expose().as_bytes())
    }

    /// Opens what [`seal_secret`](Self::seal_secret) made for `id`.
    ///
    /// # Errors
    /// If it was sealed with another key or for another id, or was tampered with.
    pub fn open_secret(&self, id: &AccessKeyId, sealed: &[u8]) -> Result<SecretAccessKey> {
        let secret = self.open(id.as_str(), sealed)?;
        SecretAccessKey::parse(std::str::from_utf8(&secret)?).map_err(Into::into)
    }

    /// Seals what a deployment of the service with this uuid runs.
    ///
    /// # Errors
    /// If the system has no random bytes for the nonce.
    pub fn seal_spec(&self, uuid: &str, spec: &Spec) -> Result<Vec<u8>> {
        self.seal(&of_deployment(uuid), &serde_json::to_vec(spec)?)
    }

    /// Opens what [`seal_spec`](Self::seal_spec) made for the same service.
    ///
    /// # Errors
    /// If it was sealed with another key or for another service, or was tampered with.
    pub fn open_spec(&self, uuid: &str, sealed: &[u8]) -> Result<Spec> {
        let text = self.open(&of_deployment(uuid), sealed)?;
        // What does not fit is not told: it may be a value of a variable.
        serde_json::from_slice(&text).ok().context("a deployment holds what this program never sealed")
    }
}

const NONE_OF_OURS: &str = "is not 64 hexadecimal digits; restore it from a backup";

/// The text of the data directory's own key.
fn read_or_make(data_dir: &DataDir, keys: &[AccessKey]) -> Result<Vec<u8>> {
    if let Some(text) = data_dir.read_secret(FILE)? {
        return Ok(text);
    }
    if !keys.is_empty() {
        bail!(
            "{FILE} is missing, and the access keys in the database cannot be opened without it; restore it from a \
             backup, or name the file that has it with --master-key-file"
        );
    }
    let text = MasterKey::generate()?.into_bytes();
    data_dir.place_secret(FILE, &text)?;
    Ok(text)
}

/// Refuses a key in the data directory beside the one that was named.
fn refuse_second(data_dir: &DataDir, named: &Path) -> Result<()> {
    if data_dir.read_secret(FILE)?.is_none() {
        return Ok(());
    }
    let own = data_dir.path().join(FILE);
    let (own, named) = (own.display(), named.display());
    bail!(
        "the data directory has a master key of its own, {own}, and {named} is named as another: move the first into \
         the place of the second (mv {own} {named}), or leave out --master-key-file"
    )
}

/// The context of deployments of a service. No access key has such an id.
fn of_deployment(uuid: &str) -> String {
    format!("deployments of service {uuid}")
}

#[cfg(test)]
mod tests {
    use gangplank_core::deployment::{Container, Protocol, Values};

    use super::*;

    #[test]
    fn a_secret_opens_with_its_key_and_id_only() {
        let home = tempfile::tempdir().unwrap();
        let data_dir = DataDir::take(home.path()).unwrap();
        let master = MasterKey::of(&data_dir, None, &[]).unwrap();
        let (id, other) = (AccessKeyId::generate([1; 10]), AccessKeyId::generate([2; 10]));
        let secret = SecretAccessKey::generate([3; 30]);
        let sealed = master.seal_secret(&id, &secret).unwrap();
        assert!(!sealed.windows(8).any(|window| window == &secret.expose().as_bytes()[..8]));
        assert_eq!(MasterKey::of(&data_dir, None, &[]).unwrap().open_secret(&id, &sealed).unwrap(), secret);
        assert!(master.open_secret(&other, &sealed).is_err());
        assert!(master.open_secret(&id, &sealed[..5]).is_err());

        data_dir.write_secret(FILE, "ff".repeat(32).as_bytes()).unwrap();
        assert!(MasterKey::of(&data_dir, None, &[]).unwrap().open_secret(&id, &sealed).is_err());
    }

    #[test]
    fn a_deployment_opens_for_its_service_only() {
        let home = tempfile::tempdir().unwrap();
        let data_dir = DataDir::take(home.path()).unwrap();
        let master = MasterKey::of(&data_dir, None, &[]).unwrap();
        let (key, value) = ("DATABASE_URL".to_owned(), "postgres://u:hunter2@db".to_owned());
        let container = Container {
            image: "nginx".to_owned(),
            command: vec!["serve".to_owned()],
            environment: Values([(key, value)].into()),
            ports: [(80, Protocol::Http)].into(),
        };
        let spec = Spec { containers: [("app".to_owned(), container)].into(), endpoint: None };
        let sealed = master.seal_spec("one", &spec).unwrap();
        assert!(!sealed.windows(7).any(|window| window == b"hunter2"));
        assert_eq!(master.open_spec("one", &sealed).unwrap(), spec);
        for wrong in [master.open_spec("two", &sealed), master.open_spec("one", &sealed[1..])] {
            let told = format!("{:?}", wrong.unwrap_err());
            assert!(told.contains("another master.key") && !told.contains("hunter2"), "{told}");
        }
        // Neither is taken for the other.
        let id = AccessKeyId::generate([1; 10]);
        assert!(master.open_secret(&id, &sealed).is_err());
    }

    #[test]
    fn a_secret_that_was_sealed_by_an_earlier_program_opens() {
        // An access key's secret, under a key of 32 bytes 0x07.
        let key = UnboundKey::new(&AES_256_GCM, &[7; 32]).unwrap();
        let master = MasterKey(LessSafeKey::new(key));
        let id = AccessKeyId::parse("GPAKFIXTURE000000001").unwrap();
        let secret = SecretAccessKey::generate([3; 30]);
        let mut sealed = secret.expose().as_bytes().to_vec();
        let nonce = Nonce::assume_unique_for_key([9; NONCE_LEN]);
        master.0.seal_in_place_append_tag(nonce, Aad::from(id.as_str()), &mut sealed).unwrap();
        assert_eq!(master.open_secret(&id, &[&[9; NONCE_LEN][..], &sealed].concat()).unwrap(), secret);
    }
}
