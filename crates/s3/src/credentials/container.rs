//! Credentials from the orchestrator of a container: ECS, EKS Pod Identity.

use std::net::IpAddr;
use std::path::PathBuf;

use async_trait::async_trait;
use hyper::{Method, Uri};

use super::{Keys, Source, fetch};
use crate::connector::{self, Http, Unusable};

/// The token that authorises the request for credentials.
#[derive(Clone)]
pub enum ContainerToken {
    /// The token itself.
    Text(String),
    /// The file that has the token. It is read for each request, because it changes.
    File(PathBuf),
}

/// The source at the orchestrator's address.
pub struct Container {
    url: String,
    token: Option<ContainerToken>,
    http: Http,
}

impl Container {
    /// The address on ECS, to which `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` is a path.
    pub const OF_ECS: &str = "http://169.254.170.2";

    /// A source that asks this URL.
    ///
    /// # Errors
    /// If the URL is not https, not on this machine, and not an address that orchestrators use; or if TLS
    /// cannot be set up.
    pub fn new(url: &str, token: Option<ContainerToken>) -> Result<Self, String> {
        const ORCHESTRATORS: [&str; 3] = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"];
        let read: Uri = url.parse().map_err(|_| format!("{url} is no URL"))?;
        let host = read.host().unwrap_or_default().trim_matches(['[', ']']);
        let is_near = host == "localhost"
            || ORCHESTRATORS.contains(&host)
            || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let scheme = read.scheme_str();
        if scheme != Some("https") && !(scheme == Some("http") && is_near) {
            return Err(format!("{url} is neither https nor an address of this machine or its orchestrator"));
        }
        let http = connector::connect_with(None).map_err(|Unusable { .. }| "cannot set up TLS".to_owned())?;
        Ok(Self { url: url.to_owned(), token, http })
    }
}

#[async_trait]
impl Source for Container {
    fn name(&self) -> &'static str {
        "the container's credentials"
    }

    async fn fetch(&self) -> Result<Option<Keys>, String> {
        let token = match &self.token {
            None => None,
            Some(ContainerToken::Text(text)) => Some(text.clone()),
            Some(ContainerToken::File(file)) => {
                let read = tokio::fs::read_to_string(file).await;
                Some(read.map_err(|error| format!("{}: {error}", file.display()))?)
            }
        };
        let headers: Vec<_> = token.iter().map(|token| ("authorization", token.trim())).collect();
        let (status, text) = fetch::ask(&self.http, Method::GET, &self.url, &headers, String::new()).await?;
        if status != 200 {
            return Err(format!("{} answers {status}", self.url));
        }
        fetch::keys(&text).map(Some)
    }
}
