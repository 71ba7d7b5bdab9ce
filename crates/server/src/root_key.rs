//! Access keys that are made without a caller: the root key of the first start, and keys that an operator makes
//! in the data directory of a stopped server.

use std::net::SocketAddr;

use anyhow::{Result, bail};
use gangplank_core::{AccessKeyId, AccountId, Origin, Region, SecretAccessKey};
use gangplank_store::metadata::AccessKeys;
use gangplank_store::metadata::access_keys::AccessKey;

use crate::clock::Clock;
use crate::data_dir::DataDir;
use crate::sealing::{MasterKey, random_bytes};
use crate::terms::Terms;

pub(crate) const CREDENTIALS: &str = "credentials";
/// How many keys are read at once.
const PAGE: usize = 1_000;

/// The rights of an access key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// The key may administer the server.
    Root,
    /// The key may do everything in its own account.
    Ordinary,
}

/// The properties of a new access key.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// The id and secret. `None` means that they are generated.
    pub chosen: Option<(AccessKeyId, SecretAccessKey)>,
    /// The rights of the key.
    pub rights: Rights,
    /// The permissions of the key in its account, the limits of its logins, its life and its description.
    pub terms: Terms,
}

impl NewKey {
    /// A generated key without limits.
    pub fn with(rights: Rights) -> Self {
        Self { chosen: None, rights, terms: Terms::default() }
    }
}

/// Reads the access keys of all accounts.
///
/// # Errors
/// If the store fails.
pub async fn all_access_keys(keys: &(impl AccessKeys + ?Sized)) -> Result<Vec<AccessKey>> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = keys.access_keys(None, after, PAGE).await?;
        all.extend(page.keys);
        after = page.more;
        if after.is_none() {
            return Ok(all);
        }
    }
}

/// Makes an access key on behalf of `by`, and stores its secret sealed. The account may have `quota` keys.
///
/// # Errors
/// If the id exists, if the account has reached its quota, or if the store fails.
pub async fn create_access_key(
    keys: &(impl AccessKeys + ?Sized),
    by: &Origin,
    master: &MasterKey,
    account: &AccountId,
    new: NewKey,
    quota: u32,
) -> Result<(AccessKey, SecretAccessKey)> {
    let (key, secret) = made(master, account, new)?;
    if !keys.insert_access_key(by, key.clone(), quota).await? {
        bail!("there is an access key {} already", key.id);
    }
    Ok((key, secret))
}

/// A new access key with its secret, which is not stored yet.
pub(crate) fn made(
    master: &MasterKey,
    account: &AccountId,
    new: NewKey,
) -> Result<(AccessKey, SecretAccessKey)> {
    let NewKey { chosen, rights, terms } = new;
    let (id, secret) = chosen.map_or_else(generate, Ok)?;
    let key = AccessKey {
        sealed_secret: master.seal_secret(&id, &secret)?,
        id,
        account: account.clone(),
        is_root: rights == Rights::Root,
        enabled: true,
        created_at: Clock::start(None).now(),
        permission: terms.permission,
        limits: terms.limits,
        expires_at: terms.expires_at,
        description: terms.description,
        made_by: None,
        last_used_at: None,
    };
    Ok((key, secret))
}

fn generate() -> Result<(AccessKeyId, SecretAccessKey)> {
    Ok((AccessKeyId::generate(random_bytes()?), SecretAccessKey::generate(random_bytes()?)))
}

/// Makes the root access key of a data directory that has no keys, and writes the file `credentials`.
///
/// # Errors
/// If the file cannot be written, or if the store fails.
pub async fn create_first_key(
    keys: &(impl AccessKeys + ?Sized),
    by: &Origin,
    master: &MasterKey,
    data_dir: &DataDir,
    chosen: Option<(AccessKeyId, SecretAccessKey)>,
) -> Result<(AccessKey, SecretAccessKey)> {
    let (id, secret) = chosen.map_or_else(generate, Ok)?;
    // The files are written before the row. Otherwise a crash could leave a key whose secret nobody knows, or
    // whose master key is lost.
    place_credentials(data_dir, &id, &secret)?;
    data_dir.sync_names()?;
    let first = NewKey { chosen: Some((id, secret)), ..NewKey::with(Rights::Root) };
    create_access_key(keys, by, master, &AccountId::root(), first, u32::MAX).await
}

/// Writes a new root key into `credentials`, if that file has no root key that works. So the maker of the key
/// need not copy it. Returns whether the key was written.
///
/// # Errors
/// If the file cannot be read or written.
pub fn provide_credentials(
    data_dir: &DataDir,
    known: &[AccessKey],
    key: &AccessKey,
    secret: &SecretAccessKey,
) -> Result<bool> {
    let text = data_dir.read_secret(CREDENTIALS)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let works = |key: &AccessKey| key.is_root && key.enabled && text.contains(key.id.as_str());
    if !key.is_root || known.iter().any(works) {
        return Ok(false);
    }
    place_credentials(data_dir, &key.id, secret)?;
    data_dir.sync_names()?;
    Ok(true)
}

/// Makes the root access key and `credentials` at the first start. Writes `config` with the address of the
/// listener at every start.
pub(crate) async fn provide(
    keys: &(impl AccessKeys + ?Sized),
    by: &Origin,
    master: &MasterKey,
    data_dir: &DataDir,
    chosen: Option<(AccessKeyId, SecretAccessKey)>,
    endpoint: &str,
) -> Result<()> {
    let known = all_access_keys(keys).await?;
    if let Some((id, _)) = &chosen
        && !known.is_empty()
        && known.iter().all(|key| key.id != *id)
    {
        tracing::warn!(
            access_key = %id,
            "GANGPLANK_ROOT_ACCESS_KEY_ID is used only at the first start; this data directory has other keys already"
        );
    }
    if known.is_empty() {
        let (key, _) = create_first_key(keys, by, master, data_dir, chosen).await?;
        tracing::info!(access_key = %key.id, "made the root access key");
    } else if !known.iter().any(|key| key.is_root && key.enabled) {
        tracing::warn!(
            "there is no enabled root key, so nobody can administer the server; stop it and make one with \
             gangplank access-key create --data-dir"
        );
    }
    let region = Region::default_region();
    let config = format!("[default]\nregion = {region}\nendpoint_url = {endpoint}\n");
    // The file is written at every start, so it need not be synced.
    data_dir.place_secret("config", config.as_bytes())
}

/// Writes a key to the file that the AWS CLI reads with `AWS_SHARED_CREDENTIALS_FILE`.
pub(crate) fn place_credentials(
    data_dir: &DataDir,
    id: &AccessKeyId,
    secret: &SecretAccessKey,
) -> Result<()> {
    let secret = secret.expose();
    let text = format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
    data_dir.place_secret(CREDENTIALS, text.as_bytes())
}

/// The URL by which clients on this machine reach a listener.
pub fn local_endpoint(scheme: &str, listen: SocketAddr) -> String {
    let mut reachable = listen;
    if listen.ip().is_unspecified() {
        reachable.set_ip(if listen.is_ipv4() {
            std::net::Ipv4Addr::LOCALHOST.into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        });
    }
    format!("{scheme}://{reachable}")
}
