//! The reference registry, versions 2 and 3.

use std::fs;
use std::process::Command;

use anyhow::Result;
use serde_json::json;

use super::Setup;
use crate::bucket::{BUCKET, KEYS};

pub(super) fn command(setup: &Setup<'_>) -> Result<Command> {
    let mut storage = json!({ "cache": { "blobdescriptor": "inmemory" }, "delete": { "enabled": true } });
    match setup.bucket {
        None => storage["filesystem"] = json!({ "rootdirectory": setup.data.join("registry") }),
        Some(bucket) => {
            storage["s3"] = json!({
                "regionendpoint": format!("http://127.0.0.1:{}", bucket.port()), "forcepathstyle": true,
                "secure": false, "region": "us-east-1", "bucket": BUCKET, "rootdirectory": "/distribution",
                "accesskey": KEYS.0, "secretkey": KEYS.1,
            });
            // Blobs come from the registry, as they do from the others.
            storage["redirect"] = json!({ "disable": true });
        }
    }
    let mut http = json!({ "addr": setup.address.to_string() });
    if let Some(tls) = setup.tls {
        http["tls"] = json!({ "certificate": tls.certificate, "key": tls.key });
    }
    // YAML reads JSON.
    let config = setup.data.join("config.yml");
    let log = json!({ "level": "error", "accesslog": { "disabled": true } });
    let content = json!({ "version": "0.1", "log": log, "storage": storage, "http": http });
    // It reads the version as text only in YAML's own form.
    fs::write(&config, content.to_string().replacen(r#""version":"0.1""#, r#""version":0.1"#, 1))?;
    let mut command = Command::new(&setup.program);
    // Version 3 sends traces, and reports that nobody receives them.
    command.arg("serve").arg(&config).env("OTEL_TRACES_EXPORTER", "none");
    Ok(command)
}
