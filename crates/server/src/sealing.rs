//! Secrets at rest. `SigV4` needs the secret access key back in clear, so it is encrypted with a
//! master key that is kept outside the database.

use std::fmt;

use anyhow::{Context as _, Result, bail};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use gangplank_core::{AccessKeyId, SecretAccessKey};

use gangplank_store::metadata::access_keys::AccessKey;

use crate::data_dir::{DataDir, MASTER_KEY as FILE};
use crate::random;

/// The key that seals secret access keys.
pub struct MasterKey(LessSafeKey);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(***)")
    }
}

impl MasterKey {
    /// Reads the data directory's master key, making one if nothing was sealed yet. Its file is durable with
    /// the next sync of the directory's names, and nothing sealed may be kept before.
    ///
    /// # Errors
    /// If the file cannot be read or written, or is not the one that `keys` were sealed with.
    pub fn of(data_dir: &DataDir, keys: &[AccessKey]) -> Result<Self> {
        let bytes = match data_dir.read_secret(FILE)? {
            Some(text) => hex::decode(text.trim_ascii())
                .with_context(|| format!("{FILE} is not 64 hexadecimal digits; restore it from a backup"))?,
            None if !keys.is_empty() => bail!(
                "{FILE} is missing, and the access keys in the database cannot be opened without it; restore it \
                 from a backup"
            ),
            None => {
                let bytes = random::bytes::<32>()?;
                data_dir.place_secret(FILE, format!("{}\n", hex::encode(bytes)).as_bytes())?;
                bytes.to_vec()
            }
        };
        let Ok(key) = UnboundKey::new(&AES_256_GCM, &bytes) else {
            bail!("{FILE} is not 64 hexadecimal digits; restore it from a backup");
        };
        let master = Self(LessSafeKey::new(key));
        if let Some(key) = keys.first() {
            master.open(&key.id, &key.sealed_secret)?;
        }
        Ok(master)
    }

    /// Seals the secret of `id`. Bound to the id, so that rows cannot be swapped.
    ///
    /// # Errors
    /// If the system has no random bytes for the nonce.
    pub fn seal(&self, id: &AccessKeyId, secret: &SecretAccessKey) -> Result<Vec<u8>> {
        self.seal_bytes(id.as_str(), secret.expose().as_bytes())
    }

    /// Opens what [`seal`](Self::seal) made for `id`.
    ///
    /// # Errors
    /// If it was sealed with another key or for another id, or was tampered with.
    pub fn open(&self, id: &AccessKeyId, sealed: &[u8]) -> Result<SecretAccessKey> {
        let Some(secret) = self.open_bytes(id.as_str(), sealed) else {
            bail!("the secret of {id} was sealed with another {FILE}, or is cut short");
        };
        SecretAccessKey::parse(std::str::from_utf8(&secret)?).map_err(Into::into)
    }

    /// Seals what opens in the same context only.
    ///
    /// # Errors
    /// If the system has no random bytes for the nonce.
    pub(crate) fn seal_bytes(&self, context: &str, bytes: &[u8]) -> Result<Vec<u8>> {
        let mut sealed = bytes.to_vec();
        // At random from the operating system, as the library would; its own generator takes 60 ms to
        // begin, a start of the server several times over.
        let nonce = random::bytes::<NONCE_LEN>()?;
        let aad = Aad::from(context);
        if self.0.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed).is_err() {
            bail!("cannot seal a secret");
        }
        Ok([&nonce[..], &sealed].concat())
    }

    /// Opens what [`seal_bytes`](Self::seal_bytes) made in this context; `None` if it was sealed with another key or
    /// in another context, or was tampered with.
    pub(crate) fn open_bytes(&self, context: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut bytes = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self.0.open_in_place(nonce, Aad::from(context), &mut bytes).ok()?;
        Some(opened.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_with_its_key_and_id_only() {
        let home = tempfile::tempdir().unwrap();
        let data_dir = DataDir::take(home.path()).unwrap();
        let master = MasterKey::of(&data_dir, &[]).unwrap();
        let (id, other) = (AccessKeyId::generate([1; 10]), AccessKeyId::generate([2; 10]));
        let secret = SecretAccessKey::generate([3; 30]);
        let sealed = master.seal(&id, &secret).unwrap();
        assert!(!sealed.windows(8).any(|window| window == &secret.expose().as_bytes()[..8]));
        assert_eq!(MasterKey::of(&data_dir, &[]).unwrap().open(&id, &sealed).unwrap(), secret);
        assert!(master.open(&other, &sealed).is_err());
        assert!(master.open(&id, &sealed[..5]).is_err());

        data_dir.write_secret(FILE, "ff".repeat(32).as_bytes()).unwrap();
        assert!(MasterKey::of(&data_dir, &[]).unwrap().open(&id, &sealed).is_err());
    }
}
