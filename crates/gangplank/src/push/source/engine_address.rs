//! The address of an engine: the places where Docker's and Podman's own programs look, in their order.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use gangplank_oci::Digest;
use serde_json::Value;

use crate::files::home_folders;

/// An engine's address, and its origin.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    /// `unix:///path`, `tcp://host:port`.
    pub(crate) url: String,
    /// The setting that named it, for errors.
    pub(crate) named_by: String,
    /// The folder with `ca.pem`, `cert.pem` and `key.pem`, if the engine speaks TLS.
    pub(crate) certificates: Option<PathBuf>,
}

/// The engines to try. There are several only if no setting names one.
pub(crate) fn addresses() -> Result<Vec<Address>> {
    let one = |url: String, named_by: String, certificates| Ok(vec![Address { url, named_by, certificates }]);
    // Without a home folder docker has no configuration.
    let config = home_folders::docker_config().ok();
    if let Some(url) = variable("DOCKER_HOST") {
        let certificates = variable("DOCKER_TLS_VERIFY")
            .and_then(|_| variable("DOCKER_CERT_PATH").map(PathBuf::from).or_else(|| config.clone()));
        return one(url, "DOCKER_HOST".to_owned(), certificates);
    }
    let context = match variable("DOCKER_CONTEXT") {
        Some(context) => Some(context),
        None => config.as_deref().and_then(current_context),
    };
    if let (Some(context), Some(config)) = (context.filter(|context| context != "default"), &config) {
        return of_context(config, &context).map(|address| vec![address]);
    }
    if let Some(url) = variable("CONTAINER_HOST") {
        return one(url, "CONTAINER_HOST".to_owned(), None);
    }
    let mut sockets = vec![PathBuf::from("/var/run/docker.sock")];
    if let Some(run) = home_folders::runtime() {
        sockets.extend([run.join("docker.sock"), run.join("podman/podman.sock")]);
    }
    sockets.push(PathBuf::from("/run/podman/podman.sock"));
    let there = sockets.iter().filter(|socket| socket.exists()).map(|socket| Address {
        url: format!("unix://{}", socket.display()),
        named_by: "its usual place".to_owned(),
        certificates: None,
    });
    let there: Vec<Address> = there.collect();
    if there.is_empty() {
        let looked: Vec<String> = sockets.iter().map(|socket| socket.display().to_string()).collect();
        bail!(
            "no container engine is running here (looked for {}): start Docker or `podman system service`, set \
             DOCKER_HOST, or push an archive with docker-archive:FILE or oci:DIR",
            looked.join(", ")
        );
    }
    Ok(there)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn json(path: &Path) -> Option<Value> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

fn current_context(config: &Path) -> Option<String> {
    let name = json(&config.join("config.json"))?["currentContext"].as_str()?.to_owned();
    (!name.is_empty()).then_some(name)
}

/// The files of a context are in a directory named after the SHA-256 of its name.
fn of_context(config: &Path, name: &str) -> Result<Address> {
    let digest = Digest::sha256(name.as_bytes()).to_string();
    let id = digest.trim_start_matches("sha256:");
    let meta = json(&config.join("contexts/meta").join(id).join("meta.json"))
        .with_context(|| format!("there is no docker context {name:?} in {}", config.display()))?;
    let url = meta["Endpoints"]["docker"]["Host"].as_str().filter(|url| !url.is_empty());
    let url = url.with_context(|| format!("the docker context {name:?} names no host"))?.to_owned();
    let certificates = config.join("contexts/tls").join(id).join("docker");
    let certificates = certificates.join("ca.pem").exists().then_some(certificates);
    Ok(Address { url, named_by: format!("the docker context {name:?}"), certificates })
}
