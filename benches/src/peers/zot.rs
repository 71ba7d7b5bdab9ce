//! zot, in its minimal build.

use std::fs;
use std::process::Command;

use anyhow::Result;
use serde_json::json;

use super::Setup;
use crate::bucket::{BUCKET, KEYS};

pub(super) fn command(setup: &Setup<'_>) -> Result<Command> {
    // Its own defaults otherwise: it syncs nothing.
    let mut storage = json!({ "rootDirectory": setup.data.join("registry"), "dedupe": false });
    if let Some(bucket) = setup.bucket {
        storage["remoteCache"] = json!(false);
        storage["storageDriver"] = json!({
            "name": "s3", "rootdirectory": "/zot", "region": "us-east-1", "bucket": BUCKET,
            "regionendpoint": format!("http://127.0.0.1:{}", bucket.port()), "forcepathstyle": true,
            "secure": false, "skipverify": false, "accesskey": KEYS.0, "secretkey": KEYS.1,
        });
    }
    let (address, port) = (setup.address.ip().to_string(), setup.address.port().to_string());
    // Docker's engine before version 25 pushes manifests of Docker's own type.
    let mut http = json!({ "address": address, "port": port, "compat": ["docker2s2"] });
    if let Some(tls) = setup.tls {
        http["tls"] = json!({ "cert": tls.certificate, "key": tls.key });
    }
    let config = setup.data.join("config.json");
    let content = json!({
        "distSpecVersion": "1.1.1", "storage": storage, "http": http, "log": { "level": "error" },
    });
    fs::write(&config, content.to_string())?;
    let mut command = Command::new(&setup.program);
    command.arg("serve").arg(&config);
    Ok(command)
}
