//! nora, a registry in Rust.

use std::fs;
use std::process::Command;

use anyhow::Result;

use super::Setup;

pub(super) fn command(setup: &Setup<'_>) -> Result<Command> {
    let config = setup.data.join("config.toml");
    // Without an upstream. Otherwise nora would look for missing content at Docker Hub.
    fs::write(&config, "[docker]\nupstreams = []\n")?;
    let mut command = Command::new(&setup.program);
    command
        .arg("serve")
        .env("NORA_CONFIG_PATH", &config)
        .env("NORA_HOST", setup.address.ip().to_string())
        .env("NORA_PORT", setup.address.port().to_string())
        .env("NORA_STORAGE_MODE", "local")
        .env("NORA_STORAGE_PATH", setup.data.join("registry"))
        .env("NORA_REGISTRIES_ENABLE", "docker")
        .env("NORA_AUTH_ENABLED", "false")
        .env("NORA_RATE_LIMIT_ENABLED", "false")
        .env("RUST_LOG", "error");
    Ok(command)
}
