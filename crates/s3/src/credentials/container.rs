//! Credentials that an orchestrator gives its containers: ECS, EKS Pod Identity.

use std::net::IpAddr;
use std::path::PathBuf;

use async_trait::async_trait;
use hyper::{Method, Uri};

use super::{Keys, Source, fetch};
use crate::connector::{self, Http, Unusable};

/// How the request for credentials is authorised.
#[derive(Clone)]
pub enum ContainerToken {
    /// By this text.
    Text(String),
    /// By what a file says, which changes.
    File(PathBuf),
}

/// An address that gives credentials to this container.
pub struct Container {
    url: String,
    token: Option<ContainerToken>,
    http: Http,
}

impl Container {
    /// Where ECS answers what `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` names.
    pub const OF_ECS: &str = "http://169.254.170.2";

    /// What asks this URL.
    ///
    /// # Errors
    /// If it is neither https nor this machine, nor one of the addresses that orchestrators use.
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
