//! `gangplank role`: manages roles. A job takes on a role by showing an identity token.

mod create;
mod shown;
mod trial;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use gangplank_api::gangplank::{
    DeleteRoleRequest, GetRoleRequest, ListRoleSessionsRequest, ListRolesRequest, RevokeRoleSessionRequest,
    RoleStatus, UpdateRoleRequest,
};

use crate::aws::connection::Connection;
use crate::aws::pages;
use crate::terminal::listing::{Form, ListForm};
use crate::terminal::output::done;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a role: the identity tokens that open it, and its permissions
    ///
    /// The role trusts a repository, a project or a service account by its name, or tokens with the claims that are
    /// given. The server has to be configured with their issuer. A role made by --github is never opened by GitHub's
    /// events `pull_request_target` and `workflow_run`, since these run code that strangers wrote.
    Create(Box<create::NewRole>),
    /// Show the roles of the account
    List {
        #[command(flatten)]
        list_form: ListForm,
    },
    /// Show a role with its policies, and the claims that it records
    Show {
        name: String,
        /// How it is shown [default: table on a terminal, json elsewhere]
        #[arg(long, value_name = "FORM")]
        output: Option<Form>,
    },
    /// End a role's sessions and logins for good, and allow no new ones until it is enabled again
    Disable { name: String },
    /// Allow sessions of a disabled role again; those that ended stay ended
    Enable { name: String },
    /// Show the sessions of a role that have not ended, and the claims of their tokens
    Sessions {
        name: String,
        #[command(flatten)]
        list_form: ListForm,
    },
    /// End one session of a role before its time, with its logins and uploads
    RevokeSession {
        name: String,
        /// The id of its temporary key, as `role sessions` shows it
        #[arg(value_name = "KEY_ID")]
        session: String,
    },
    /// Delete a role; its sessions and logins end with it
    Delete { name: String },
    /// Test whether an identity token opens a role: of each claim, show the wanted and the found value
    Try(trial::Trial),
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let client = args.connection.client()?;
    match args.command {
        Command::Create(new) => new.make(&client).await?,
        Command::List { list_form } => {
            let request = ListRolesRequest::default();
            list_form.show(&shown::ROLES, &pages::all(&client, request).await?)?;
        }
        Command::Show { name, output } => {
            let role = client.call(&GetRoleRequest { role_name: name }).await?.role;
            shown::ROLE.show_one(Form::chosen(output, Form::Json), &role)?;
        }
        Command::Disable { name } => {
            let (role_name, status) = (name.clone(), RoleStatus::Disabled);
            client.call(&UpdateRoleRequest { role_name, status }).await?;
            done(format_args!("disabled the role {name}; its sessions and logins have ended"));
        }
        Command::Enable { name } => {
            let (role_name, status) = (name.clone(), RoleStatus::Active);
            client.call(&UpdateRoleRequest { role_name, status }).await?;
            done(format_args!("enabled the role {name}"));
        }
        Command::Sessions { name, list_form } => {
            let request = ListRoleSessionsRequest { role_name: name, ..Default::default() };
            list_form.show(&shown::SESSIONS, &pages::all(&client, request).await?)?;
        }
        Command::RevokeSession { name, session } => {
            let (role_name, access_key_id) = (name.clone(), session.clone());
            client.call(&RevokeRoleSessionRequest { role_name, access_key_id }).await?;
            done(format_args!("revoked the session {session} of the role {name}; its logins have ended"));
        }
        Command::Delete { name } => {
            client.call(&DeleteRoleRequest { role_name: name.clone() }).await?;
            done(format_args!("deleted the role {name}; its sessions and logins have ended"));
        }
        Command::Try(trial) => return trial.run(&client).await,
    }
    Ok(ExitCode::SUCCESS)
}
