//! `gangplank access-key`: manages the access keys of a running server. In the data directory of a stopped server it
//! makes a key, which helps when all others are lost.

#[cfg(unix)]
mod offline;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use gangplank_api::Timestamp;
use gangplank_api::gangplank::{
    AccessKey, AccessKeyStatus, AccessKeySummary, CreateAccessKeyRequest, DeleteAccessKeyRequest,
    ListAccessKeysRequest, UpdateAccessKeyRequest,
};
use gangplank_core::AccountId;

use super::permissions::Permissions;
use crate::aws::connection::Connection;
use crate::aws::pages;
#[cfg(unix)]
use crate::serving::shared_store::SharedArgs;
use crate::terminal::listing::{Cell, Column, Form, ListForm, Listing};
use crate::terminal::output::done;
use crate::values::{duration, timestamp};

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
    /// Without --root the key is an ordinary one: it may do everything in its account, and nothing to the
    /// server. With a preset or a policy it may do only that. The presets push and deploy are for the
    /// repository sr, unless --repository names another. In the data directory of a stopped server without an
    /// enabled root key, a root key is made. With --database, the key is made in that database, even while
    /// servers use it; in a new database it is the root key with which the first server starts.
    Create(Box<NewKey>),
    /// Show access keys, without their secrets
    List {
        /// Only those of this account
        #[arg(long, value_parser = account)]
        account: Option<String>,
        #[command(flatten)]
        list_form: ListForm,
    },
    /// Refuse a key's calls and its logins, until it is enabled again
    Disable {
        #[command(flatten)]
        change: Change,
        /// Also disable the keys and roles that this key made, and those that they made in turn
        #[arg(long)]
        with_made: bool,
    },
    /// Accept a disabled key's calls and logins again
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
    /// With a data directory or a database: the file of the master key [default: `master.key` in the directory; for a
    /// database, the key in the environment]
    #[arg(long, env = "GANGPLANK_MASTER_KEY_FILE", value_name = "FILE")]
    master_key_file: Option<PathBuf>,
    #[cfg(unix)]
    #[command(flatten)]
    shared: SharedArgs,
    #[command(flatten)]
    permissions: Permissions,
    /// When the key and its logins end: after a time such as 90d, or on a date such as 2027-01-31
    #[arg(long, value_name = "WHEN", value_parser = timestamp::read_ahead)]
    expires: Option<Timestamp>,
    /// How the key is shown [default: table on a terminal, json elsewhere]
    #[arg(long, value_name = "FORM")]
    output: Option<Form>,
}

#[derive(Debug, clap::Args)]
struct Change {
    access_key_id: String,
    /// Change even the last root key, although nobody can administer the server afterwards
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
        Column::new("CREATED", "createdAt", |key| Cell::Time(key.created_at)),
        Column::new("ROOT", "isRoot", |key| Cell::Truth(key.is_root)),
        Column::new("LAST USED", "lastUsedAt", |key| Cell::maybe_time(key.last_used_at)),
        Column::new("ENDS", "expiresAt", |key| Cell::maybe_time(key.expires_at)),
        Column::in_tables("LIMITS", limits),
        Column::new("DESCRIPTION", "description", |key| Cell::maybe(key.description.as_deref())),
        Column::not_in_tables("createdBy", |key| Cell::maybe(key.created_by.as_deref())),
        Column::not_in_tables("maxLoginSeconds", |key| {
            key.max_login_seconds
                .map_or(Cell::Nothing, |seconds| Cell::Length(seconds.try_into().unwrap_or_default()))
        }),
        Column::not_in_tables("repositories", |key| Cell::maybe_several(key.repositories.as_ref())),
        Column::not_in_tables("sourceNetworks", |key| Cell::maybe_several(key.source_networks.as_ref())),
        Column::not_in_text("policy", |key| key.policy.clone().map_or(Cell::Nothing, Cell::Document)),
    ],
    sentence: None,
};

/// The limits of a key, in few words.
fn limits(key: &AccessKeySummary) -> Cell {
    let repositories = key.repositories.iter().flatten().map(|name| format!("repository {name}"));
    let networks = key.source_networks.iter().flatten().map(|network| format!("from {network}"));
    let life = key.max_login_seconds.and_then(|seconds| u64::try_from(seconds).ok());
    let life = life.map(|seconds| format!("logins of {}", duration::shown(seconds)));
    let policy = key.policy.as_ref().map(|_| "policy".to_owned());
    let words: Vec<String> = policy.into_iter().chain(repositories).chain(networks).chain(life).collect();
    if words.is_empty() { Cell::Nothing } else { Cell::Several(words) }
}

const MADE: Listing<AccessKey> = Listing {
    name: "accessKey",
    empty: "",
    columns: &[
        Column::new("ACCESS KEY", "accessKeyId", |key: &AccessKey| Cell::words(&key.access_key_id)).bare(),
        Column::new("SECRET", "secretAccessKey", |key| Cell::words(key.secret_access_key.expose())),
        Column::new("ACCOUNT", "account", |key| Cell::words(&key.account)),
        Column::new("CREATED", "createdAt", |key| Cell::Time(key.created_at)),
        Column::new("STATUS", "status", |key| Cell::words(key.status.as_str())),
        Column::new("ROOT", "isRoot", |key| Cell::Truth(key.is_root)),
        Column::new("ENDS", "expiresAt", |key| Cell::maybe_time(key.expires_at)),
    ],
    sentence: None,
};

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    #[cfg(unix)]
    if let Command::Create(new) = &args.command
        && let Some(key) = offline::make_in_database(new).await?
    {
        MADE.show_one(Form::chosen(new.output, Form::Json), &key)?;
        return Ok(ExitCode::SUCCESS);
    }
    #[cfg(unix)]
    if let (Some(path), Command::Create(new)) = (&args.connection.data_dir, &args.command)
        && let Some(key) = offline::make(path, new).await?
    {
        MADE.show_one(Form::chosen(new.output, Form::Json), &key)?;
        return Ok(ExitCode::SUCCESS);
    }
    let client = args.connection.client()?;
    match args.command {
        Command::Create(new) => {
            let output = new.output;
            let key = client.call(&new.request()?).await?.access_key;
            MADE.show_one(Form::chosen(output, Form::Json), &key)?;
        }
        Command::List { account, list_form } => {
            let request = ListAccessKeysRequest { account, ..ListAccessKeysRequest::default() };
            list_form.show(&KEYS, &pages::all(&client, request).await?)?;
        }
        Command::Disable { change: Change { access_key_id, force }, with_made } => {
            let (status, force) = (AccessKeyStatus::Disabled, force.then_some(true));
            let (id, with) = (access_key_id.clone(), with_made.then_some(true));
            client.call(&UpdateAccessKeyRequest { access_key_id, status, force, with_made: with }).await?;
            let made = if with_made { "; the keys and roles that it made are disabled, too" } else { "" };
            done(format_args!("disabled {id}: its calls and logins are refused until it is enabled{made}"));
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

impl NewKey {
    fn request(&self) -> Result<CreateAccessKeyRequest> {
        let (permissions, limits) = (&self.permissions, self.permissions.limits());
        Ok(CreateAccessKeyRequest {
            account: self.account.clone(),
            root: self.root.then_some(true),
            preset: permissions.preset,
            policy: permissions.policy()?,
            services: permissions.services(),
            repositories: limits.repositories(),
            source_networks: limits.networks(),
            max_login_seconds: permissions.max_login,
            expires_at: self.expires,
            description: permissions.description.clone(),
        })
    }
}

fn account(text: &str) -> Result<String, String> {
    AccountId::parse(text).map(|account| account.as_str().to_owned()).map_err(|error| error.to_string())
}
