//! Credentials by `AssumeRoleWithWebIdentity`: an orchestrator writes an identity token into a file, and STS
//! exchanges it.

use std::path::PathBuf;

use async_trait::async_trait;
use gangplank_sigv4::encode;
use hyper::Method;
use roxmltree::Document;

use super::{Keys, Source, fetch};
use crate::clock;
use crate::connector::{self, Http, Unusable};
use crate::error::plain;

/// The source that exchanges an identity token for credentials of a role.
pub struct WebIdentity {
    endpoint: String,
    role_arn: String,
    session_name: String,
    token_file: PathBuf,
    http: Http,
}

impl WebIdentity {
    /// A source that asks the STS at this URL, such as `https://sts.eu-west-1.amazonaws.com`.
    ///
    /// # Errors
    /// If no connection can be made.
    pub fn new(
        endpoint: &str,
        role_arn: String,
        session_name: Option<String>,
        token_file: PathBuf,
    ) -> Result<Self, Unusable> {
        let session_name = session_name.unwrap_or_else(|| "gangplank".to_owned());
        let endpoint = format!("{}/", endpoint.trim_end_matches('/'));
        Ok(Self { endpoint, role_arn, session_name, token_file, http: connector::connect_with(None)? })
    }
}

#[async_trait]
impl Source for WebIdentity {
    fn name(&self) -> &'static str {
        "the role of the identity token"
    }

    async fn fetch(&self) -> Result<Option<Keys>, String> {
        let read = tokio::fs::read_to_string(&self.token_file).await;
        let token = read.map_err(|error| format!("{}: {error}", self.token_file.display()))?;
        let form = [
            ("Action", "AssumeRoleWithWebIdentity"),
            ("Version", "2011-06-15"),
            ("RoleArn", &self.role_arn),
            ("RoleSessionName", &self.session_name),
            ("WebIdentityToken", token.trim()),
        ];
        let form: Vec<_> = form.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let (status, text) =
            fetch::ask(&self.http, Method::POST, &self.endpoint, &headers, form.join("&")).await?;
        if status != 200 {
            return Err(format!(
                "{} answers {status} {}",
                self.endpoint,
                said(&text, "Code").unwrap_or_default()
            ));
        }
        let of = |name| said(&text, name).filter(|value| !value.is_empty());
        let keys = || {
            Some(Keys {
                access_key_id: of("AccessKeyId")?,
                secret_access_key: of("SecretAccessKey")?,
                session_token: Some(of("SessionToken")?),
                expires: Some(clock::of_timestamp(&of("Expiration")?)?),
            })
        };
        keys().map(Some).ok_or_else(|| format!("{} answers without credentials", self.endpoint))
    }
}

/// The text of the first element with a name.
fn said(text: &str, name: &str) -> Option<String> {
    let document = Document::parse(text.trim_start()).ok()?;
    let found = document.descendants().find(|node| node.tag_name().name() == name)?;
    let text = found.text().unwrap_or_default();
    Some(if name == "Code" { plain(text) } else { text.trim().to_owned() })
}
