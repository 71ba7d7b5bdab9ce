//! A registry to be measured, and how to reach it.

use std::cell::Cell;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gangplank_sigv4::{Credentials, Request, sign};
use sha2::{Digest as _, Sha256};

use crate::bucket::Bucket;
use crate::peers;
use crate::servers::{self, Programs, Started};
use crate::tls::Tls;

/// Calls that only gangplank has.
const OWN_CALLS: [&str; 3] = ["CreateAccessKey", "CreateRegistryLogin", "ListAuditEvents"];

/// A registry to be measured.
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    /// `host:port`.
    pub(crate) host: String,
    /// For TLS. `None` for plain HTTP.
    pub(crate) tls: Option<Tls>,
    /// The user and the password, if one is needed.
    pub(crate) login: Option<(String, String)>,
    /// The server's process, if it is on this machine and known.
    pub(crate) pid: Option<u32>,
    /// The access key of its control API, if it has one.
    pub(crate) access_key: Option<(String, String)>,
    /// The program `gangplank` as a client, and the data directory in which it finds the server's address.
    pub(crate) client: Option<(PathBuf, PathBuf)>,
    /// The largest memory in any work.
    pub(crate) peak: Cell<u64>,
    /// The server, if the benchmark started it. It ends with the target.
    pub(crate) started: Option<Started>,
}

impl Target {
    /// Starts or finds the target with a name; see the program's help.
    pub(crate) fn open(name: &str, programs: &Programs) -> Result<Self> {
        match (name, peers::named(name)) {
            ("gangplank", _) => servers::gangplank(programs, "gangplank"),
            (_, Some(peer)) => servers::peer(peer, programs, None),
            _ => Self::running(name),
        }
    }

    /// Starts the target with a name, with content in a bucket. `None` if it has no such store.
    pub(crate) fn open_in(name: &str, programs: &Programs, bucket: &Bucket) -> Option<Result<Self>> {
        match (name, peers::named(name)) {
            ("gangplank", _) => Some(servers::gangplank_in(programs, "gangplank", bucket)),
            (_, Some(peer)) => peer.has_buckets.then(|| servers::peer(peer, programs, Some(bucket))),
            _ => None,
        }
    }

    /// Makes a client trust the certificate, if the target has one.
    pub(crate) fn trusted_by<'a>(&self, client: &'a mut Command) -> &'a mut Command {
        if let Some(tls) = &self.tls {
            client.env("AWS_CA_BUNDLE", &tls.certificate);
        }
        client
    }

    fn running(text: &str) -> Result<Self> {
        let (name, rest) = text.split_once('=').unwrap_or(("registry", text));
        let (url, pid) = match rest.split_once(",pid=") {
            Some((url, pid)) => (url, Some(pid.parse().context("pid= takes a number")?)),
            None => (rest, None),
        };
        let Some(authority) = url.strip_prefix("http://") else {
            bail!(
                "{text:?} is no target: gangplank, distribution-2, distribution-3, zot, nora, or NAME=http://[USER:PASSWORD@]HOST:PORT"
            );
        };
        let authority = authority.trim_end_matches('/');
        let (login, host) = match authority.rsplit_once('@') {
            Some((login, host)) => {
                let (user, password) = login.split_once(':').context("a login is USER:PASSWORD")?;
                (Some((user.to_owned(), password.to_owned())), host)
            }
            None => (None, authority),
        };
        let address = host.to_socket_addrs()?.next().with_context(|| format!("{host} has no address"))?;
        Ok(Self { login, pid, ..Self::at(name, address, host.to_owned()) })
    }

    pub(crate) fn at(name: &str, address: SocketAddr, host: String) -> Self {
        let name = name.to_owned();
        Self {
            name,
            address,
            host,
            tls: None,
            login: None,
            pid: None,
            access_key: None,
            client: None,
            peak: Cell::new(0),
            started: None,
        }
    }

    pub(crate) fn note_peak(&self, bytes: Option<u64>) {
        self.peak.set(self.peak.get().max(bytes.unwrap_or_default()));
    }

    /// The head of a registry request with the login. `headers` are whole lines.
    pub(crate) fn head(&self, method: &str, path: &str, headers: &str) -> Vec<u8> {
        let host = &self.host;
        let login = self.login.as_ref().map_or(String::new(), |(user, password)| {
            format!("Authorization: Basic {}\r\n", STANDARD.encode(format!("{user}:{password}")))
        });
        format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{login}{headers}\r\n").into_bytes()
    }

    /// A whole signed call of the control API. `None` if the target has no such API.
    pub(crate) fn call(&self, operation: &str, body: &str, invocation: &str) -> Option<Vec<u8>> {
        let (id, secret) = self.access_key.as_ref()?;
        let api = if OWN_CALLS.contains(&operation) { "Gangplank_20261123" } else { "Lightsail_20161128" };
        let target = format!("{api}.{operation}");
        let headers = [
            ("host", self.host.as_str()),
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", target.as_str()),
            ("amz-sdk-invocation-id", invocation),
        ];
        let request = Request {
            method: "POST",
            path: "/",
            query: None,
            headers: headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect(),
        };
        let credentials = Credentials { access_key_id: id, secret_access_key: secret, session_token: None };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
        let hash: [u8; 32] = Sha256::digest(body).into();
        let signed = sign(&request, &credentials, "us-east-1", "lightsail", i64::try_from(now).ok()?, &hash);
        let given = headers.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let lines: Vec<_> = given.chain(signed).map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!("POST / HTTP/1.1\r\n{}", lines.concat());
        Some(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into_bytes())
    }
}
