//! `gangplank access-key`: manages access keys, on a running server or, to make one when all others
//! are lost, in the data directory of a stopped one.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use gangplank_api::Timestamp;
use gangplank_api::gangplank::{
    AccessKeyStatus, CreateAccessKeyRequest, DeleteAccessKeyRequest, ListAccessKeysRequest,
    UpdateAccessKeyRequest,
};
use gangplank_core::{AccountId, Origin, Time};
use gangplank_server::data_dir::DataDir;
use gangplank_server::{MasterKey, create_access_key, create_first_key};
use gangplank_store::metadata::{Metadata as _, Sqlite};
use serde_json::{Value, json};

use crate::connection::{Connection, check_data_dir};
use crate::output::{moment, now, print};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make an access key and print it: the only time its secret is shown
    Create {
        /// The 12 digits of its account [default: the caller's]
        #[arg(long, value_parser = account)]
        account: Option<String>,
    },
    /// Show access keys, without their secrets
    List {
        /// Only those of this account
        #[arg(long, value_parser = account)]
        account: Option<String>,
    },
    /// Refuse a key's calls and its logins, until it is enabled again
    Disable { access_key_id: String },
    /// Take a disabled key's calls and logins again
    Enable { access_key_id: String },
    /// Delete a key for good; its logins end with it
    Delete { access_key_id: String },
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    if let (Some(path), Command::Create { account }) = (&args.connection.data_dir, &args.command)
        && let Some(data_dir) = unused(path, account.as_deref())?
    {
        print(&create_in(&data_dir, account.as_deref()).await?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let client = args.connection.client()?;
    match args.command {
        Command::Create { account } => {
            let key = client.call(&CreateAccessKeyRequest { account }).await?.access_key;
            print(&with_moment(serde_json::to_value(&key)?, key.created_at))?;
        }
        Command::List { account } => {
            let keys = client.call(&ListAccessKeysRequest { account }).await?.access_keys;
            let keys: serde_json::Result<Vec<Value>> =
                keys.iter().map(|key| Ok(with_moment(serde_json::to_value(key)?, key.created_at))).collect();
            print(&json!({ "accessKeys": keys? }))?;
        }
        Command::Disable { access_key_id } => {
            let status = AccessKeyStatus::Disabled;
            client.call(&UpdateAccessKeyRequest { access_key_id, status }).await?;
        }
        Command::Enable { access_key_id } => {
            let status = AccessKeyStatus::Active;
            client.call(&UpdateAccessKeyRequest { access_key_id, status }).await?;
        }
        Command::Delete { access_key_id } => {
            client.call(&DeleteAccessKeyRequest { access_key_id }).await?;
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

/// Makes a key in a data directory that no server uses: whoever can write there owns the server.
async fn create_in(data_dir: &DataDir, account: Option<&str>) -> Result<Value> {
    let account = account.map_or_else(|| Ok(AccountId::root()), AccountId::parse)?;
    let metadata = Sqlite::open(&data_dir.database())?;
    let metadata = metadata.on_behalf_of(Origin::local(Time(now())));
    let metadata = metadata.as_ref();
    let keys = metadata.access_keys(None).await?;
    let master = MasterKey::of(data_dir, &keys)?;
    let (key, secret) = if keys.is_empty() && account.is_root() {
        create_first_key(metadata, &master, data_dir, None).await?
    } else {
        create_access_key(metadata, &master, &account, None, account.is_root()).await?
    };
    let created_at = Timestamp(key.created_at.0);
    let shown = json!({
        "accessKeyId": key.id.as_str(),
        "secretAccessKey": secret.expose(),
        "account": account.as_str(),
        "createdAt": null,
        "status": AccessKeyStatus::Active.as_str(),
    });
    Ok(with_moment(shown, created_at))
}

fn with_moment(mut key: Value, created_at: Timestamp) -> Value {
    key["createdAt"] = moment(created_at).into();
    key
}
