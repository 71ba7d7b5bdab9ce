//! Credentials of the machine's own role, from the instance metadata service. Only its version 2 is used.
//! Version 1 also answers a server that an attacker makes fetch a URL.

use async_trait::async_trait;
use hyper::Method;

use super::{Keys, Source, fetch};
use crate::connector::{self, Http, Unusable};

/// The source at the metadata service of an instance.
pub struct Instance {
    endpoint: String,
    http: Http,
}

impl Instance {
    /// The address of the metadata service, which is the same on every instance.
    pub const ENDPOINT: &str = "http://169.254.169.254";

    /// A source that asks the service at this address.
    ///
    /// # Errors
    /// If no connection can be made.
    pub fn new(endpoint: &str) -> Result<Self, Unusable> {
        Ok(Self { endpoint: endpoint.trim_end_matches('/').to_owned(), http: connector::connect_with(None)? })
    }
}

#[async_trait]
impl Source for Instance {
    fn name(&self) -> &'static str {
        "the instance metadata"
    }

    async fn fetch(&self) -> Result<Option<Keys>, String> {
        const TOKEN: &str = "x-aws-ec2-metadata-token";
        const ROLES: &str = "latest/meta-data/iam/security-credentials/";
        let url = format!("{}/latest/api/token", self.endpoint);
        let life = [("x-aws-ec2-metadata-token-ttl-seconds", "300"), ("content-length", "0")];
        let answered = fetch::ask(&self.http, Method::PUT, &url, &life, String::new()).await;
        let token = match answered {
            Ok((200, token)) => token,
            Ok((status, _)) => return Err(format!("{url} answers {status}")),
            // This machine is no instance.
            Err(why) => {
                tracing::debug!(why, "no instance metadata service answers");
                return Ok(None);
            }
        };
        let headers = [(TOKEN, token.trim())];
        let get = async |path: &str| {
            let url = format!("{}/{ROLES}{path}", self.endpoint);
            match fetch::ask(&self.http, Method::GET, &url, &headers, String::new()).await? {
                (200, text) => Ok(Some(text)),
                (404, _) => Ok(None),
                (status, _) => Err(format!("{url} answers {status}")),
            }
        };
        let Some(roles) = get("").await? else { return Ok(None) };
        let Some(role) = roles.lines().next().map(str::trim).filter(|role| !role.is_empty()) else {
            return Ok(None);
        };
        match get(role).await? {
            Some(text) => fetch::keys(&text).map(Some),
            None => Err(format!("the role {role} has no credentials")),
        }
    }
}
