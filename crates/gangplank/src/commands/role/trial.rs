//! `gangplank role try`: tests whether an identity token opens a role, and why.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use gangplank_api::gangplank::{RoleCheck, TryRoleRequest, TryRoleResult};
use serde_json::json;

use crate::aws::api_client::ApiClient;
use crate::aws::identity_token;
use crate::terminal::listing::{Cell, Column, Form, Listing};
use crate::terminal::{foreign, output};

#[derive(Debug, clap::Args)]
pub(super) struct Trial {
    name: String,
    /// The file of the token [default: the token of the CI that runs this job]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The audience that the CI puts into its token [default: the server's address]
    #[arg(long, value_name = "TEXT", conflicts_with = "token_file")]
    audience: Option<String>,
    /// How the result is shown [default: table on a terminal, text elsewhere]
    #[arg(long, value_name = "FORM")]
    output: Option<Form>,
}

const CHECKS: Listing<RoleCheck> = Listing {
    name: "checks",
    empty: "",
    columns: &[
        Column::new("HOLDS", "holds", |check: &RoleCheck| Cell::Truth(check.holds)),
        Column::new("STATEMENT", "statement", |check| {
            Cell::Number(u64::try_from(check.statement).unwrap_or_default())
        }),
        Column::new("EFFECT", "effect", |check| Cell::words(&check.effect)),
        Column::new("CLAIM", "subject", |check| Cell::words(&check.subject)),
        Column::new("OPERATOR", "operator", |check| Cell::words(&check.operator)),
        Column::new("WANTED", "wanted", |check| Cell::Several(check.wanted.clone())),
        Column::new("FOUND", "found", |check| Cell::maybe(check.found.as_deref())),
    ],
    sentence: Some(sentence),
};

fn sentence(check: &RoleCheck) -> String {
    let holds = if check.holds { "holds" } else { "does not hold" };
    let found =
        check.found.as_ref().map_or_else(|| "it is missing".to_owned(), |found| format!("found {found}"));
    format!(
        "{} {}: {} {}: wanted {}, {found}: {holds}",
        check.effect,
        check.statement,
        check.subject,
        check.operator,
        check.wanted.join(" or ")
    )
}

impl Trial {
    /// Runs the test. The exit status is 0 if the token opens the role.
    pub(super) async fn run(self, client: &ApiClient) -> Result<ExitCode> {
        let (file, audience) = (self.token_file.as_deref(), self.audience.as_deref());
        let identity_token = identity_token::find(file, audience, client.endpoint()).await?;
        let request = TryRoleRequest { role_name: self.name.clone(), identity_token };
        let tried = client.call(&request).await?;
        let result = self.result(&tried);
        match Form::chosen(self.output, Form::Text) {
            Form::Json => output::print(&json!({
                "trusted": tried.trusted,
                "reason": tried.reason,
                "checks": CHECKS.json(&tried.checks),
                "claims": tried.claims,
            }))?,
            Form::Text => output::text(&format!("{}{result}\n", CHECKS.lines(&tried.checks)))?,
            Form::Table if tried.checks.is_empty() => output::text(&format!("{result}\n"))?,
            Form::Table => output::text_in_colour(&format!("{}{result}\n", CHECKS.table(&tried.checks)))?,
        }
        Ok(if tried.trusted { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn result(&self, tried: &TryRoleResult) -> String {
        let name = &self.name;
        if tried.trusted {
            return format!("The token opens the role {name}.");
        }
        let reason = tried.reason.as_deref().unwrap_or("no statement that allows holds");
        foreign::line(&format!("The token does not open the role {name}: {reason}"))
    }
}
