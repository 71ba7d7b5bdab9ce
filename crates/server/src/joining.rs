//! A server joins a cluster: other servers use the same database, and may start at the same time.
//!
//! All of them have the same master key. A value in the database proves it, because only that key opens the
//! value. The first server makes the value together with the root key, in one transaction. So servers with
//! another key change nothing.

use anyhow::{Context as _, Result, bail, ensure};
use gangplank_core::{AccessKeyId, AccountId, Origin, SecretAccessKey};
use gangplank_store::metadata::access_keys::AccessKey;
use gangplank_store::metadata::{Agreed as _, Postgres};

use crate::root_key::{self, NewKey, Rights, all_access_keys};
use crate::sealing::{MasterKey, Purpose};

/// The content of the check value.
const CHECK: &[u8] = b"gangplank";

const NO_MASTER_KEY: &str = "with a database that servers share, each needs the same master key: set \
    GANGPLANK_MASTER_KEY to 64 hexadecimal digits, or GANGPLANK_MASTER_KEY_FILE to a file that has them; \
    `gangplank generate master-key` makes one";

const OTHER_MASTER_KEY: &str = "this is not the master key of this database: all its servers need the same. Give the one \
    of its other servers in GANGPLANK_MASTER_KEY or GANGPLANK_MASTER_KEY_FILE";

const NO_ROOT_KEY: &str = "the database is new and has no root access key: set GANGPLANK_ROOT_ACCESS_KEY_ID (such as \
    GPAK and 16 capital letters or digits) and GANGPLANK_ROOT_SECRET_ACCESS_KEY, or \
    GANGPLANK_ROOT_SECRET_ACCESS_KEY_FILE, to a key of your choice for the first start; or let \
    `gangplank access-key create --root --database URL` make one and print it";

/// Checks the master key, and that the first server has a root key to make. Changes nothing.
///
/// # Errors
/// If there is no master key, if the key is not the cluster's, or if the database is new and `root_key` is
/// missing.
pub(crate) async fn master_key(
    cluster: &Postgres,
    given: Option<MasterKey>,
    root_key: Option<&(AccessKeyId, SecretAccessKey)>,
) -> Result<MasterKey> {
    let master = given.context(NO_MASTER_KEY)?;
    if is_known(cluster, &master).await? {
        return Ok(master);
    }
    // The database is new, or its rows came from a data directory.
    match all_access_keys(cluster).await?.first() {
        Some(key) => master.open_secret(&key.id, &key.sealed_secret).map(drop).context(OTHER_MASTER_KEY)?,
        None if root_key.is_none() => bail!(NO_ROOT_KEY),
        None => {}
    }
    Ok(master)
}

/// Whether the cluster has a check value, and the key opens it.
///
/// # Errors
/// If the key does not open it.
async fn is_known(cluster: &Postgres, master: &MasterKey) -> Result<bool> {
    let Some(check) = cluster.key_check().await.context("cannot read the database")? else {
        return Ok(false);
    };
    master.open(Purpose::Check, &check).map(|_| true).ok().context(OTHER_MASTER_KEY)
}

/// Makes an access key in the database of a cluster while its servers may run. In a new database it has to be a
/// root key, with which the servers then start.
///
/// # Errors
/// If the master key is not the cluster's, if the first key would be no root key, or if the store fails.
pub async fn create_in_cluster(
    cluster: &Postgres,
    by: &Origin,
    master: &MasterKey,
    account: &AccountId,
    new: NewKey,
) -> Result<(AccessKey, SecretAccessKey)> {
    let known = all_access_keys(cluster).await?;
    if !is_known(cluster, master).await? {
        match known.first() {
            Some(key) => {
                master.open_secret(&key.id, &key.sealed_secret).map(drop).context(OTHER_MASTER_KEY)?;
            }
            None if new.rights != Rights::Root => {
                bail!("the database is new: its first key is a root key, so say --root");
            }
            None => {
                let (key, secret) = root_key::made(master, account, new)?;
                let check = master.seal(Purpose::Check, CHECK)?;
                ensure!(
                    cluster.make_first_key(by, check, key.clone()).await?,
                    "a server has started meanwhile and made its own root key; try again"
                );
                return Ok((key, secret));
            }
        }
    }
    root_key::create_access_key(cluster, by, master, account, new, u32::MAX).await
}

/// Makes the check value, and the first root key if there is no key.
///
/// # Errors
/// If another server started at the same time with another master key, or if the store fails.
pub(crate) async fn provide(
    cluster: &Postgres,
    by: &Origin,
    master: &MasterKey,
    chosen: Option<(AccessKeyId, SecretAccessKey)>,
) -> Result<()> {
    let check = || master.seal(Purpose::Check, CHECK);
    if cluster.key_check().await?.is_none() {
        match (all_access_keys(cluster).await?.is_empty(), chosen.clone()) {
            (false, _) => cluster.set_key_check(check()?).await?,
            (true, None) => bail!(NO_ROOT_KEY),
            (true, Some(chosen)) => {
                let new = NewKey { chosen: Some(chosen), ..NewKey::with(Rights::Root) };
                let (key, _) = root_key::made(master, &AccountId::root(), new)?;
                let id = key.id.clone();
                if cluster.make_first_key(by, check()?, key).await? {
                    tracing::info!(access_key = %id, "made the root access key");
                }
            }
        }
        // Another server may have been faster.
        is_known(cluster, master).await?;
    }
    warn_of_keys(cluster, master, chosen.as_ref()).await
}

/// Warns if the chosen root key is not one of the database, or if nobody can administer the cluster.
async fn warn_of_keys(
    cluster: &Postgres,
    master: &MasterKey,
    chosen: Option<&(AccessKeyId, SecretAccessKey)>,
) -> Result<()> {
    let known = all_access_keys(cluster).await?;
    if let Some((id, secret)) = chosen {
        let is_same = |key: &&AccessKey| {
            key.id == *id && master.open_secret(id, &key.sealed_secret).is_ok_and(|it| it == *secret)
        };
        if known.iter().find(is_same).is_none() {
            tracing::warn!(
                access_key = %id,
                "GANGPLANK_ROOT_ACCESS_KEY_ID and its secret count at the first start only; the database has other keys"
            );
        }
    }
    if !known.iter().any(|key| key.is_root && key.enabled) {
        tracing::warn!(
            "there is no enabled root key, so nobody can administer the servers; make one with gangplank access-key \
             create --root --database"
        );
    }
    Ok(())
}
