//! `gangplank role create`: makes the API's request from the options.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use clap::ArgGroup;
use gangplank_api::gangplank::{CreateRoleRequest, RoleTrust};
use gangplank_core::policy::Trusted;

use super::shown::ROLE;
use crate::aws::api_client::ApiClient;
use crate::commands::permissions::{Permissions, read_policy, session_life};
use crate::terminal::listing::Form;

#[derive(Debug, clap::Args)]
#[command(group(
    ArgGroup::new("whom").required(true).multiple(true)
        .args(["github", "gitlab", "kubernetes", "claims", "trust_policy"])
))]
pub(super) struct NewRole {
    /// The name of the role
    name: String,
    #[command(flatten)]
    whom: Whom,
    /// A file with a trust policy in the language of AWS's IAM, in place of the options above
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "github", "gitlab", "kubernetes", "claims", "issuer", "reference", "environment", "audience",
    ])]
    trust_policy: Option<PathBuf>,
    #[command(flatten)]
    permissions: Permissions,
    /// The longest life of its sessions: 15m to 12h [default: 1h]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = session_life)]
    max_session: Option<i32>,
    /// How the role is shown [default: table on a terminal, json elsewhere]
    #[arg(long, value_name = "FORM")]
    output: Option<Form>,
}

/// The tokens that open the role.
#[derive(Debug, Default, clap::Args)]
struct Whom {
    /// Jobs of this repository on GitHub; with --issuer, on another server with GitHub's or Forgejo's tokens
    #[arg(long, value_name = "OWNER/REPO", conflicts_with_all = ["gitlab", "kubernetes"])]
    github: Option<String>,
    /// Jobs of this project on gitlab.com; with --issuer, on another GitLab
    #[arg(long, value_name = "GROUP/PROJECT", conflicts_with = "kubernetes")]
    gitlab: Option<String>,
    /// Pods of this service account, of the cluster that --issuer names
    #[arg(long, value_name = "NAMESPACE/NAME", requires = "issuer")]
    kubernetes: Option<String>,
    /// The issuer of the tokens, as in their claim "iss"; the server has to be configured with it
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// A claim that tokens must have, with its value; * and ? in it make a pattern. May be given several times
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = claim)]
    claims: Vec<(String, String)>,
    /// Only jobs of this ref, as tokens have it: refs/heads/main on GitHub, main on GitLab; * and ? make a pattern
    #[arg(long = "ref", value_name = "REF", conflicts_with = "kubernetes")]
    reference: Option<String>,
    /// Only jobs of this environment
    #[arg(long, value_name = "NAME", conflicts_with = "kubernetes")]
    environment: Option<String>,
    /// The value that tokens must have in "aud" [default: the only audience that the issuer is configured with]
    #[arg(long, value_name = "TEXT")]
    audience: Option<String>,
}

impl NewRole {
    pub(super) async fn make(&self, client: &ApiClient) -> Result<()> {
        let trust_policy = self.trust_policy.as_deref().map(read_policy).transpose()?;
        let trust = if trust_policy.is_none() { Some(self.whom.trust()?) } else { None };
        let limits = self.permissions.limits();
        let request = CreateRoleRequest {
            role_name: self.name.clone(),
            trust,
            trust_policy,
            preset: self.permissions.preset,
            policy: self.permissions.policy()?,
            services: self.permissions.services(),
            repositories: limits.repositories(),
            source_networks: limits.networks(),
            max_session_seconds: self.max_session,
            max_login_seconds: self.permissions.max_login,
            description: self.permissions.description.clone(),
        };
        let role = client.call(&request).await?.role;
        ROLE.show_one(Form::chosen(self.output, Form::Json), &role)
    }
}

impl Whom {
    fn trust(&self) -> Result<RoleTrust> {
        let Trusted { issuer, claims, refused } = self.trusted()?;
        let refused_claims = (!refused.is_empty()).then_some(refused);
        Ok(RoleTrust { issuer, audience: self.audience.clone(), claims, refused_claims })
    }

    fn trusted(&self) -> Result<Trusted> {
        let issuer = self.issuer.as_deref();
        let mut trusted = match (&self.github, &self.gitlab, &self.kubernetes, issuer) {
            (Some(repository), ..) => Trusted::github(issuer.unwrap_or(Trusted::GITHUB), repository)?,
            (_, Some(project), ..) => Trusted::gitlab(issuer.unwrap_or(Trusted::GITLAB), project)?,
            (_, _, Some(account), Some(issuer)) => Trusted::kubernetes(issuer, account)?,
            (.., Some(issuer)) => Trusted::of(issuer),
            (.., None) => bail!("--claim needs --issuer, whose tokens have the claim"),
        };
        if let (Some(reference), true) = (&self.reference, self.github.is_some()) {
            ensure!(
                reference.starts_with("refs/") || reference.starts_with(['*', '?']),
                "GitHub's tokens have a ref in full: --ref refs/heads/{reference}, or refs/tags/{reference}"
            );
        }
        let named = [("ref", &self.reference), ("environment", &self.environment)];
        let named = named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)));
        for (name, value) in named.chain(self.claims.iter().cloned()) {
            ensure!(
                !trusted.claims.contains_key(&name),
                "the claim {name:?} is given twice; --trust-policy can say one value or another"
            );
            trusted = trusted.with(name, value);
        }
        Ok(trusted)
    }
}

fn claim(text: &str) -> Result<(String, String)> {
    let (name, value) = text.split_once('=').context("it is NAME=VALUE, such as ref=refs/heads/main")?;
    ensure!(!name.trim().is_empty() && !value.is_empty(), "it is NAME=VALUE, with both of them");
    ensure!(name != "aud", "--audience names the audience");
    Ok((name.trim().to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> String {
        text.to_owned()
    }

    fn claims(whom: &Whom) -> Vec<(String, String)> {
        whom.trust().unwrap().claims.into_iter().collect()
    }

    #[test]
    fn what_is_said_of_a_job_becomes_claims() {
        let github = Whom {
            github: Some(text("acme/web")),
            reference: Some(text("refs/heads/main")),
            environment: Some(text("production")),
            ..Whom::default()
        };
        let trust = github.trust().unwrap();
        assert_eq!((trust.issuer.as_str(), trust.audience), (Trusted::GITHUB, None));
        assert_eq!(trust.refused_claims.unwrap()["event_name"], ["pull_request_target", "workflow_run"]);
        let wanted = [("environment", "production"), ("ref", "refs/heads/main"), ("repository", "acme/web")];
        assert_eq!(claims(&github), wanted.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let gitlab = Whom {
            gitlab: Some(text("acme/team/web")),
            issuer: Some(text("https://git.example")),
            audience: Some(text("a")),
            claims: vec![("ref_protected".to_owned(), "true".to_owned())],
            ..Whom::default()
        };
        let trust = gitlab.trust().unwrap();
        assert_eq!((trust.issuer.as_str(), trust.audience), ("https://git.example", Some(text("a"))));
        assert_eq!((trust.claims["project_path"].as_str(), trust.refused_claims), ("acme/team/web", None));
        let pods = Whom {
            kubernetes: Some(text("ns/ci")),
            issuer: Some(text("https://c.example")),
            ..Whom::default()
        };
        assert_eq!(claims(&pods), [("sub".to_owned(), "system:serviceaccount:ns:ci".to_owned())]);
    }

    #[test]
    fn what_would_never_match_is_said_before_a_call() {
        let short = Whom { github: Some(text("acme/web")), reference: Some(text("main")), ..Whom::default() };
        assert!(short.trust().unwrap_err().to_string().contains("--ref refs/heads/main"));
        let claims = vec![("repository".to_owned(), "other/web".to_owned())];
        let twice = Whom { github: Some(text("acme/web")), claims: claims.clone(), ..Whom::default() };
        assert!(twice.trust().unwrap_err().to_string().contains("\"repository\" is given twice"));
        let nobodys = Whom { claims, ..Whom::default() };
        assert!(nobodys.trust().unwrap_err().to_string().contains("--issuer"));
        for wrong in ["ref", "=x", "ref=", "aud=x"] {
            assert!(claim(wrong).is_err(), "{wrong}");
        }
        assert_eq!(claim("a=b=c").unwrap(), ("a".to_owned(), "b=c".to_owned()));
    }
}
