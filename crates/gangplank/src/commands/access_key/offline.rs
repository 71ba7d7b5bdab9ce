//! A key made without a server: in the data directory of a stopped one, or in a database that servers share. It opens
//! a server whose other keys are all lost.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use gangplank_api::Timestamp;
use gangplank_api::gangplank::{AccessKey, AccessKeyStatus};
use gangplank_core::{AccountId, Origin, SecretAccessKey, Time};
use gangplank_server::data_dir::DataDir;
use gangplank_server::{
    MasterKey, NewKey as Made, Rights, all_access_keys, create_access_key, create_first_key,
    create_in_cluster, provide_credentials,
};
use gangplank_store::metadata::access_keys::AccessKey as Kept;
use gangplank_store::open::Mode;

use super::NewKey;
use crate::aws::connection::check_data_dir;
use crate::serving::options::database::master_key;
use crate::terminal::output::{now, warn};

/// Makes the key. `None` if a server uses the directory.
pub(super) async fn make(path: &Path, new: &NewKey) -> Result<Option<AccessKey>> {
    match unused(path, new.account.as_deref())? {
        Some(data_dir) => create_in(&data_dir, new).await.map(Some),
        None => Ok(None),
    }
}

/// Makes a key in the database that servers share. `None` if none is named.
pub(super) async fn make_in_database(new: &NewKey) -> Result<Option<AccessKey>> {
    let Some(rows) = new.shared.rows(Mode::Offline)? else { return Ok(None) };
    let (account, rights) = new.by_hand()?;
    let master = master_key(new.master_key_file.as_deref())?;
    let rows = rows.rows().await?;
    let cluster = rows.cluster.context("the database is not shared")?;
    let by = Origin::local(Time(now()));
    let (key, secret) = create_in_cluster(&cluster, &by, &master, &account, Made::with(rights)).await?;
    Ok(Some(shown(&key, &secret)))
}

/// Locks the data directory. `None` if a server uses it. A new directory only gets a root key: with an ordinary key
/// as its first, nobody could administer the server.
fn unused(path: &Path, account: Option<&str>) -> Result<Option<DataDir>> {
    let is_root = account.is_none_or(|account| AccountId::parse(account).is_ok_and(|it| it.is_root()));
    let is_new = std::fs::read_dir(path).map_or(!path.exists(), |mut entries| entries.next().is_none());
    if !(is_new && is_root) {
        check_data_dir(path)?;
    }
    DataDir::try_take(path)
}

/// Makes a key in a data directory that no server uses. A caller who can write there owns the server, so the key is a
/// root key unless there is an enabled one.
async fn create_in(data_dir: &DataDir, new: &NewKey) -> Result<AccessKey> {
    let (account, rights) = new.by_hand()?;
    let metadata = data_dir.store(Mode::Offline).rows().await?.metadata;
    let metadata = metadata.as_ref();
    let by = Origin::local(Time(now()));
    let keys = all_access_keys(metadata).await?;
    let master = MasterKey::of(data_dir, new.master_key_file.as_deref(), &keys)?;
    let is_rescue = account.is_root() && !keys.iter().any(|key| key.is_root && key.enabled);
    let (key, secret) = if keys.is_empty() && is_rescue {
        create_first_key(metadata, &by, &master, data_dir, None).await?
    } else {
        let rights = if is_rescue { Rights::Root } else { rights };
        create_access_key(metadata, &by, &master, &account, Made::with(rights), u32::MAX).await?
    };
    if is_rescue && !new.root && !keys.is_empty() {
        warn(format!(
            "there was no enabled root key, so {} is a root key: it administers the server",
            key.id
        ));
    }
    match provide_credentials(data_dir, &keys, &key, &secret) {
        Ok(true) if !keys.is_empty() => {
            warn("the file credentials of the data directory had no working root key; now it has this one");
        }
        // The key exists now, and this is the only time that its secret is shown: failing here would lose it.
        Err(error) => warn(format!("{error:#}")),
        Ok(_) => {}
    }
    Ok(shown(&key, &secret))
}

impl NewKey {
    /// The account and the rights of a key that no server makes.
    fn by_hand(&self) -> Result<(AccountId, Rights)> {
        let account = self.account.as_deref().map_or_else(|| Ok(AccountId::root()), AccountId::parse)?;
        if self.permissions.are_given() || self.expires.is_some() {
            bail!("a key that is limited is made by the server; start it, and make the key then");
        }
        if self.root && !account.is_root() {
            bail!("root keys belong to account {}: leave out --account, or --root", AccountId::root());
        }
        Ok((account, if self.root { Rights::Root } else { Rights::Ordinary }))
    }
}

fn shown(key: &Kept, secret: &SecretAccessKey) -> AccessKey {
    AccessKey {
        access_key_id: key.id.as_str().to_owned(),
        secret_access_key: secret.expose().to_owned().into(),
        account: key.account.as_str().to_owned(),
        created_at: Timestamp(key.created_at.0),
        status: AccessKeyStatus::Active,
        is_root: key.is_root,
        expires_at: None,
    }
}
