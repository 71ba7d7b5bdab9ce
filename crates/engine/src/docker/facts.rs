//! Facts about an engine.

use super::client::Client;
use super::failure::Trouble;

/// The program that runs containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    Docker,
    Podman,
}

/// Facts that do not change while an engine runs.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    /// The program that answers.
    pub(super) program: Program,
    /// Identifies the engine.
    pub(super) identity: String,
    /// Whether it runs in its own namespaces or virtual machine, so that its networks do not belong to this
    /// machine.
    pub(super) is_apart: bool,
    /// The processor's name, as the engine gives it.
    pub(super) processor: String,
    /// The processors of its machine.
    pub(super) cpus: f64,
    /// The memory of its machine, in bytes.
    pub(super) memory: u64,
}

impl Facts {
    pub(super) async fn ask(client: &Client) -> Result<Self, Trouble> {
        let version = client.call(|engine| async move { engine.version().await }).await?;
        let info = client.call(|engine| async move { engine.info().await }).await?;
        let components = version.components.unwrap_or_default();
        let options = info.security_options.unwrap_or_default();
        let system = info.operating_system.unwrap_or_default();
        let cpus = u32::try_from(info.ncpu.unwrap_or(1)).unwrap_or(1).max(1);
        let is_podman = components.iter().any(|one| one.name.to_lowercase().contains("podman"));
        let (name, root) = (info.name.unwrap_or_default(), info.docker_root_dir.unwrap_or_default());
        Ok(Self {
            program: if is_podman { Program::Podman } else { Program::Docker },
            // Podman makes a new id for each answer. Before version 23, all Docker daemons of a machine and of its copies
            // have the same id.
            identity: format!("{} {name} {root}", info.id.filter(|_| !is_podman).unwrap_or_default()),
            is_apart: options.iter().any(|one| one.contains("rootless")) || system.contains("Docker Desktop"),
            processor: info.architecture.or(version.arch).unwrap_or_default(),
            cpus: f64::from(cpus),
            memory: info.mem_total.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0),
        })
    }
}
