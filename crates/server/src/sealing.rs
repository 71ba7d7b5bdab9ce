//! Secrets at rest. `SigV4` needs the plain secret access key, and containers need their plain environment. So
//! both are encrypted with a master key, which is not in the database. Each is bound to its purpose and owner,
//! so nobody can swap rows.
//!
//! A key that is derived from the master key signs requests between replicas. The random bytes of new secrets come from
//! here, too.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, hmac};
use gangplank_core::deployment::Spec;
use gangplank_core::{AccessKeyId, SecretAccessKey};

use gangplank_store::logs::LogName;
use gangplank_store::metadata::access_keys::AccessKey;

use crate::data_dir::{DataDir, MASTER_KEY as FILE};

/// Fills an array with bytes fit for secrets, from the operating system.
///
/// # Errors
/// If the operating system has none. The request then fails, because a secret must not be weak.
pub(crate) fn random_bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no random bytes: {error}"))?;
    Ok(bytes)
}

/// The purpose of a sealed text, and its owner. The text can only be opened with the same purpose. Sealed data
/// on disk depends on the exact bytes of these names. So the names must never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose<'a> {
    /// The secret of a permanent or temporary key. Its name is just the key's id, which has no space. All other
    /// names have a space.
    Secret(&'a AccessKeyId),
    /// The specifications of deployments of the service with this uuid.
    Deployments(&'a str),
    /// A place in a log.
    PlaceInLog(&'a LogName),
    /// The value by which all servers of a cluster see that they have the same master key.
    Check,
}

impl fmt::Display for Purpose<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(id) => f.write_str(id.as_str()),
            Self::Deployments(uuid) => write!(f, "deployments of service {uuid}"),
            Self::PlaceInLog(log) => write!(f, "a place in the log {}/{}", log.service, log.container),
            Self::Check => f.write_str("the check of the master key"),
        }
    }
}

/// The key that seals secret access keys and the specifications of deployments.
#[derive(Clone)]
pub struct MasterKey(Arc<Keys>);

struct Keys {
    sealing: LessSafeKey,
    /// Derived from the same bytes.
    signing: hmac::Key,
}

/// The purpose of the derived key. Replicas of different versions depend on the exact bytes.
const SIGNING: &[u8] = b"gangplank: requests between replicas";

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(***)")
    }
}

impl MasterKey {
    /// Reads the master key from the named file, or else from the data directory. If nothing was sealed yet, a
    /// key is made there. A new key is only durable after the next sync of the directory's names. Nothing that
    /// is sealed with it may be stored before.
    ///
    /// # Errors
    /// If the file cannot be read or written, or if its key has not sealed `keys`. It is also an error if a
    /// file is named and the data directory has a key, too: nobody could tell which key is needed.
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

    /// Reads the master key in a file.
    ///
    /// # Errors
    /// If the file cannot be read, or has no master key.
    pub fn in_file(path: &Path) -> Result<Self> {
        let shown = path.display();
        let text = std::fs::read(path).with_context(|| format!("cannot read the master key in {shown}"))?;
        Self::read(&text).with_context(|| format!("{shown} {NONE_OF_OURS}"))
    }

    /// Makes a new key, in the text form of the file.
    ///
    /// # Errors
    /// If the system has no random bytes.
    pub fn generate() -> Result<String> {
        Ok(format!("{}\n", hex::encode(random_bytes::<32>()?)))
    }

    /// Reads a master key from the text of its file. `None` if the text is no master key.
    pub fn read(text: &[u8]) -> Option<Self> {
        let bytes = hex::decode(text.trim_ascii()).ok()?;
        let sealing = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &bytes).ok()?);
        let derived = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(&bytes);
        let signing = derived.expand(&[SIGNING], hmac::HMAC_SHA256).ok()?.into();
        Some(Self(Arc::new(Keys { sealing, signing })))
    }

    /// Signs a message for other replicas.
    pub(crate) fn sign(&self, message: &[u8]) -> impl AsRef<[u8]> + use<> {
        hmac::sign(&self.0.signing, message)
    }

    /// Whether a replica with the same master key signed the message. The time that this takes tells nothing about
    /// the right signature.
    pub(crate) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        hmac::verify(&self.0.signing, message, signature).is_ok()
    }

    /// Seals a text for a purpose.
    ///
    /// # Errors
    /// If the system has no random bytes for the nonce.
    pub(crate) fn seal(&self, purpose: Purpose<'_>, text: &[u8]) -> Result<Vec<u8>> {
        let mut sealed = text.to_vec();
        // Random bytes of the operating system, which the library would use, too. The library's own generator takes
        // 60 ms to begin, several times as long as the start of a server.
        let nonce = random_bytes::<NONCE_LEN>()?;
        let aad = Aad::from(purpose.to_string());
        if self
            .0
            .sealing
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed)
            .is_err()
        {
            bail!("cannot seal a secret");
        }
        Ok([&nonce[..], &sealed].concat())
    }

    /// Opens a text that [`seal`](Self::seal) sealed for the same purpose.
    ///
    /// # Errors
    /// If the text was sealed with another key or for another purpose, or was changed.
    pub(crate) fn open(&self, purpose: Purpose<'_>, sealed: &[u8]) -> Result<Vec<u8>> {
        let Some((nonce, sealed)) = sealed.split_first_chunk::<NONCE_LEN>() else {
            bail!("the sealed secret of {purpose} is cut short");
        };
        let mut text = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let Ok(text) = self.0.sealing.open_in_place(nonce, Aad::from(purpose.to_string()), &mut text) else {
            bail!("the secret of {purpose} was sealed with another {FILE}");
        };
        Ok(text.to_vec())
    }

    /// Seals the secret of an access key.
    ///
    /// # Errors
    /// If the system has no random bytes for the nonce.
    pub fn seal_secret(&self, id: &AccessKeyId, secret: &SecretAccessKey) -> Result<Vec<u8>> {
        self.seal(Purpose::Secret(id), secret.expose().as_bytes())
    }

    /// Opens a secret that [`seal_secret`](Self::seal_secret) sealed for `id`.
    ///
    /// # Errors
    /// If the secret was sealed with another key or for another id, or was changed.
    pub fn open_secret(&self, id: &AccessKeyId, sealed: &[u8]) -> Result<SecretAccessKey> {
        let secret = self.open(Purpose::Secret(id), sealed)?;
        SecretAccessKey::parse(std::str::from_utf8(&secret)?).map_err(Into::into)
    }

    /// Seals the specification of a deployment of the service with this uuid.
    ///
    /// # Errors
    /// If the system has no random bytes for the nonce.
    pub fn seal_spec(&self, uuid: &str, spec: &Spec) -> Result<Vec<u8>> {
        self.seal(Purpose::Deployments(uuid), &serde_json::to_vec(spec)?)
    }

    /// Opens a specification that [`seal_spec`](Self::seal_spec) sealed for the same service.
    ///
    /// # Errors
    /// If the specification was sealed with another key or for another service, or was changed.
    pub fn open_spec(&self, uuid: &str, sealed: &[u8]) -> Result<Spec> {
        let text = self.open(Purpose::Deployments(uuid), sealed)?;
        // The parser's error is left out, because it could contain the value of a variable.
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

/// Refuses a named key if the data directory has one, too.
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
        // A secret does not open for another purpose.
        let id = AccessKeyId::generate([1; 10]);
        assert!(master.open_secret(&id, &sealed).is_err());
    }

    #[test]
    fn what_an_earlier_program_sealed_opens() {
        // The master key is 32 bytes 0x07, and the nonce 12 bytes 0x09.
        let master = MasterKey::read("07".repeat(32).as_bytes()).unwrap();
        let sealed = |text| [&[9; NONCE_LEN][..], &hex::decode(text).unwrap()].concat();
        let id = AccessKeyId::parse("GPAKFIXTURE000000001").unwrap();
        let secret = master.open_secret(&id, &sealed(SECRET)).unwrap();
        assert_eq!(secret.expose(), "a-secret-of-a-test-and-of-nothing-else-0");
        let spec = master.open_spec("00000000-0000-4000-8000-000000000001", &sealed(SPEC)).unwrap();
        assert_eq!(spec.containers["app"].image, "nginx");
        let log = LogName { service: "s".to_owned(), container: "app".to_owned() };
        assert_eq!(master.open(Purpose::PlaceInLog(&log), &sealed(PLACE)).unwrap(), b"b.1.2.3");
    }

    /// Another program sealed this text. It follows the standard and shares no code with ours.
    const SECRET: &str = "46a8f7f1dd82a4158d0dad1587c7d7baa7c44e925a8adaaf098328c9a11c6814b4c882af913707202ead506ab18ceae64154\
        34a3bf2a34bf";
    const SPEC: &str = "5ca7e7fbd084a008ce07b94bc4d0d8fdb5c013d10e95d5a902cf21c3f74e2314b48c89bbc07e087310dec8772a50c1ee2709\
        b2b677fad82717006ffa33780eac5604f522ab5683d1ac93eb4ec494f98831cbae78cf77abd413cb74bc31f2610e7eecf116\
        033da9f599c622abd582709a81";
    const PLACE: &str = "45abb5ba8cdef287f1a93d5853f7b28700244378ef1d2b";

    #[test]
    fn no_two_purposes_are_one() {
        let id = AccessKeyId::generate([1; 10]);
        let log = LogName { service: id.as_str().to_owned(), container: "app".to_owned() };
        let purposes = [Purpose::Secret(&id), Purpose::Deployments(id.as_str()), Purpose::PlaceInLog(&log)];
        let texts = purposes.map(|purpose| purpose.to_string());
        assert!(texts[0] != texts[1] && texts[1] != texts[2] && texts[0] != texts[2]);
        // The id of an access key has no space.
        assert!(texts[1..].iter().all(|text| AccessKeyId::parse(text).is_err()));
    }
}
