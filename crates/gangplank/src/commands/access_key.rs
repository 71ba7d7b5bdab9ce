//! `gangplank access-key`: manages access keys, on a running server or, to make one when all others
//! are lost, in the data directory of a stopped one.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Subcommand;
use gangplank_api::Timestamp;
use gangplank_api::gangplank::{
    AccessKey, AccessKeyStatus, AccessKeySummary, CreateAccessKeyRequest, DeleteAccessKeyRequest,
    ListAccessKeysRequest, UpdateAccessKeyRequest,
};
use gangplank_core::{AccountId, Origin, Time};
use gangplank_server::data_dir::DataDir;
use gangplank_server::{
    MasterKey, Rights, all_access_keys, create_access_key, create_first_key, provide_credentials,
};
use gangplank_store::metadata::Sqlite;

use crate::connection::{Connection, check_data_dir};
use crate::listing::{Cell, Column, Form, Listing};
use crate::output::{done, now, warn};
use crate::pages::Pages;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make an access key and print it: the only time its secret is shown
    ///
    /// Without --root it is an ordinary key: it may do everything in its account, and nothing to the server. In
    /// the data directory of a stopped server without an enabled root key, a root key is made.
    Create(NewKey),
    /// Show access keys, without their secrets
    List {
        /// Only those of this account
        #[arg(long, value_parser = account)]
        account: Option<String>,
        /// How they are shown [default: table on a terminal, json elsewhere]
        #[arg(long, value_name = "FORM")]
        output: Option<Form>,
    },
    /// Refuse a key's calls and its logins, until it is enabled again
    Disable(Change),
    /// Take a disabled key's calls and logins again
    Enable { access_key_id: String },
    /// Delete a key for good; its logins end with it
    Delete(Change),
}

#[derive(Debug, clap::Args)]
struct NewKey {
    /// The 12 digits of its account [default: the caller's; of a stopped server, 000000000000]
    #[arg(long, value_parser = account)]
    account: Option<String>,
    /// Make a root key: it administers the server, with the keys and events of all accounts
    #[arg(long)]
    root: bool,
    /// How the key is shown [default: table on a terminal, json elsewhere]
    #[arg(long, value_name = "FORM")]
    output: Option<Form>,
}

#[derive(Debug, clap::Args)]
struct Change {
    access_key_id: String,
    /// Do it even to the last root key, after which nobody can administer the server
    #[arg(long)]
    force: bool,
}

const KEYS: Listing<AccessKeySummary> = Listing {
    name: "accessKeys",
    empty: "There are no access keys.",
    columns: &[
        Column::new("ACCESS KEY", "accessKeyId", |key: &AccessKeySummary| Cell::words(&key.access_key_id))
            .bare(),
        Column::new("ACCOUNT", "account", |key| Cell::words(&key.account)),
        Column::new("STATUS", "status", |key| Cell::words(key.status.as_str())),
        Column::new("CREATED", "createdAt", |key| Cell::Moment(key.created_at)),
        Column::new("ROOT", "isRoot", |key| Cell::Truth(key.is_root)),
    ],
    sentence: None,
};

const MADE: Listing<AccessKey> = Listing {
    name: "accessKey",
    empty: "",
    columns: &[
        Column::new("ACCESS KEY", "accessKeyId", |key: &AccessKey| Cell::words(&key.access_key_id)).bare(),
        Column::new("SECRET", "secretAccessKey", |key| Cell::words(key.secret_access_key.expose())),
        Column::new("ACCOUNT", "account", |key| Cell::words(&key.account)),
        Column::new("CREATED", "createdAt", |key| Cell::Moment(key.created_at)),
        Column::new("STATUS", "status", |key| Cell::words(key.status.as_str())),
        Column::new("ROOT", "isRoot", |key| Cell::Truth(key.is_root)),
    ],
    sentence: None,
};

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    if let (Some(path), Command::Create(new)) = (&args.connection.data_dir, &args.command)
        && let Some(data_dir) = unused(path, new.account.as_deref())?
    {
        let key = create_in(&data_dir, new).await?;
        MADE.show_one(Form::chosen(new.output, Form::Json), &key)?;
        return Ok(ExitCode::SUCCESS);
    }
    let client = args.connection.client()?;
    match args.command {
        Command::Create(NewKey { account, root, output }) => {
            let request =
                CreateAccessKeyRequest { account, root: root.then_some(true), ..Default::default() };
            let key = client.call(&request).await?.access_key;
            MADE.show_one(Form::chosen(output, Form::Json), &key)?;
        }
        Command::List { account, output } => {
            let mut request = ListAccessKeysRequest { account, ..ListAccessKeysRequest::default() };
            let (mut keys, mut pages) = (Vec::new(), Pages::default());
            loop {
                let page = client.call(&request).await?;
                pages.count(page.access_keys.len())?;
                keys.extend(page.access_keys);
                request.next_token = page.next_token;
                if request.next_token.is_none() {
                    break;
                }
            }
            KEYS.show(Form::chosen(output, Form::Json), &keys)?;
        }
        Command::Disable(Change { access_key_id, force }) => {
            let (status, force) = (AccessKeyStatus::Disabled, force.then_some(true));
            let id = access_key_id.clone();
            client.call(&UpdateAccessKeyRequest { access_key_id, status, force, with_made: None }).await?;
            done(format_args!("disabled {id}: its calls and logins are refused until it is enabled"));
        }
        Command::Enable { access_key_id } => {
            let (status, id) = (AccessKeyStatus::Active, access_key_id.clone());
            client
                .call(&UpdateAccessKeyRequest { access_key_id, status, force: None, with_made: None })
                .await?;
            done(format_args!("enabled {id}"));
        }
        Command::Delete(Change { access_key_id, force }) => {
            let (force, id) = (force.then_some(true), access_key_id.clone());
            client.call(&DeleteAccessKeyRequest { access_key_id, force }).await?;
            done(format_args!("deleted {id}; its logins have ended"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn account(text: &str) -> Result<String, String> {
    AccountId::parse(text).map(|account| account.as_str().to_owned()).map_err(|error| error.to_string())
}

/// The data directory, if no server uses it. A new one gets the root key and no other: that of another
/// account would stand in for it, and nobody could manage the server.
fn unused(path: &Path, account: Option<&str>) -> Result<Option<DataDir>> {
    let is_root = account.is_none_or(|account| AccountId::parse(account).is_ok_and(|it| it.is_root()));
    let is_new = std::fs::read_dir(path).map_or(!path.exists(), |mut entries| entries.next().is_none());
    if !(is_new && is_root) {
        check_data_dir(path)?;
    }
    DataDir::try_take(path)
}

/// Makes a key in a data directory that no server uses. Whoever can write there owns the server, so the key is a root
/// key where there is no enabled one.
async fn create_in(data_dir: &DataDir, new: &NewKey) -> Result<AccessKey> {
    let account = new.account.as_deref().map_or_else(|| Ok(AccountId::root()), AccountId::parse)?;
    if new.root && !account.is_root() {
        bail!("root keys belong to account {}: leave out --account, or --root", AccountId::root());
    }
    let metadata = Sqlite::open(&data_dir.database())?;
    let by = Origin::local(Time(now()));
    let keys = all_access_keys(&metadata).await?;
    let master = MasterKey::of(data_dir, &keys)?;
    let is_rescue = account.is_root() && !keys.iter().any(|key| key.is_root && key.enabled);
    let (key, secret) = if keys.is_empty() && is_rescue {
        create_first_key(&metadata, &by, &master, data_dir, None).await?
    } else {
        let rights = if new.root || is_rescue { Rights::Root } else { Rights::Ordinary };
        create_access_key(&metadata, &by, &master, &account, None, rights, u32::MAX).await?
    };
    if is_rescue && !new.root && !keys.is_empty() {
        warn(format!("there was no enabled root key, so {} is one: it administers the server", key.id));
    }
    match provide_credentials(data_dir, &keys, &key, &secret) {
        Ok(true) if !keys.is_empty() => {
            warn("the data directory's file credentials had no root key that works; it has this one now");
        }
        // The key is made, and what follows is the only time that it is shown.
        Err(error) => warn(format!("{error:#}")),
        Ok(_) => {}
    }
    Ok(AccessKey {
        access_key_id: key.id.as_str().to_owned(),
        secret_access_key: secret.expose().to_owned().into(),
        account: account.as_str().to_owned(),
        created_at: Timestamp(key.created_at.0),
        status: AccessKeyStatus::Active,
        is_root: key.is_root,
        expires_at: None,
    })
}
