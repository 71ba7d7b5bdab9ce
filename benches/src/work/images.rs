//! A whole image of twelve layers, pushed by ordinary clients.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use super::{Scale, repository};
use crate::content::{RandomFile, random};
use crate::digest::sha256;
use crate::engine::Engine;
use crate::meter::{Meter, Outcome};
use crate::target::Target;

const LAYERS: u64 = 12;

pub(super) fn skopeo(target: &Target, scale: &Scale, file: &RandomFile) -> Result<Option<Outcome>> {
    let layout = Layout::make(file, scale.large)?;
    let to = format!("docker://{}/{}:latest", target.host, repository("image")?);
    let from = format!("oci:{}:latest", layout.0.display());
    let mut command = Command::new("skopeo");
    command.args(["--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false"]);
    if let Some((user, password)) = &target.login {
        command.arg(format!("--dest-creds={user}:{password}"));
    }
    timed(target, scale.large, command.args([from, to]))
}

pub(super) fn gangplank(target: &Target, scale: &Scale, file: &RandomFile) -> Result<Option<Outcome>> {
    let Some((program, data_dir)) = &target.client else { return Ok(None) };
    let layout = Layout::make(file, scale.large)?;
    let mut command = Command::new(program);
    command
        .args(["push", "--quiet", "--service-name", "bench", "--label", "app", "--data-dir"])
        .arg(data_dir)
        .arg(format!("oci:{}", layout.0.display()));
    timed(target, scale.large, target.trusted_by(&mut command))
}

/// The engine compresses each layer while it sends it, which takes most of the time.
pub(super) fn docker(target: &Target, scale: &Scale, file: &RandomFile) -> Result<Option<Outcome>> {
    let engine = Engine::start(&file.path.with_file_name("engine"))?;
    let image = format!("{}/{}:latest", target.host, repository("image")?);
    let archive = file.path.with_file_name("image.tar");
    docker_archive(&archive, scale.large, &image)?;
    let loaded = engine.docker(&["load", "--quiet", "--input"]).arg(&archive).output()?;
    fs::remove_file(&archive)?;
    ensure!(loaded.status.success(), "no image: {}", String::from_utf8_lossy(&loaded.stderr));
    if let Some((user, password)) = &target.login {
        engine.log_in(&target.host, user, password)?;
    }
    file.warm_memory()?;
    timed(target, scale.large, &mut engine.docker(&["push", "--quiet", &image]))
}

/// An image in the form of `docker save`: random layers of `size` bytes in sum.
fn docker_archive(path: &Path, size: u64, name: &str) -> Result<()> {
    let mut tar = tar::Builder::new(File::create(path)?);
    let (mut layers, mut diff_ids) = (Vec::new(), Vec::new());
    for number in 0..LAYERS {
        let layer = archive(&format!("layer-{number}"), usize::try_from(size / LAYERS)?)?;
        let file = format!("{number}/layer.tar");
        append(&mut tar, &file, &layer)?;
        diff_ids.push(sha256(&layer));
        layers.push(file);
    }
    append(&mut tar, "config.json", config(&diff_ids).to_string().as_bytes())?;
    let manifest = json!([{ "Config": "config.json", "RepoTags": [name], "Layers": layers }]);
    append(&mut tar, "manifest.json", manifest.to_string().as_bytes())?;
    Ok(tar.into_inner()?.sync_all()?)
}

fn append(tar: &mut tar::Builder<impl Write>, name: &str, content: &[u8]) -> Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    Ok(tar.append_data(&mut header, name, content)?)
}

fn config(diff_ids: &[String]) -> serde_json::Value {
    json!({
        "architecture": "amd64", "os": "linux", "config": {},
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
    })
}

/// Runs a client to its end. Its processor time counts as that of other processes.
fn timed(target: &Target, bytes: u64, command: &mut Command) -> Result<Option<Outcome>> {
    let meter = Meter::start(target);
    let start = Instant::now();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {command:?}"))?;
    let outcome = meter.stop(vec![start.elapsed()], bytes);
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{} failed: {errors}", command.get_program().display());
    Ok(Some(outcome))
}

/// An OCI image layout. It is removed at the end.
struct Layout(PathBuf);

impl Drop for Layout {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Layout {
    /// An image of random layers, `size` bytes in sum. Each is a tar archive in gzip, which does not make it smaller.
    fn make(file: &RandomFile, size: u64) -> Result<Self> {
        let folder = file.path.with_file_name("layout");
        let layout = Self(folder);
        let blobs = layout.0.join("blobs/sha256");
        fs::create_dir_all(&blobs)?;
        let (mut layers, mut diff_ids) = (Vec::new(), Vec::new());
        for number in 0..LAYERS {
            let tar = archive(&format!("layer-{number}"), usize::try_from(size / LAYERS)?)?;
            diff_ids.push(sha256(&tar));
            let mut gzip = GzEncoder::new(Vec::new(), Compression::none());
            gzip.write_all(&tar)?;
            layers.push(keep(&blobs, "application/vnd.oci.image.layer.v1.tar+gzip", &gzip.finish()?)?);
        }
        let config = config(&diff_ids).to_string();
        let config = keep(&blobs, "application/vnd.oci.image.config.v1+json", config.as_bytes())?;
        let media_type = super::manifests::MEDIA_TYPE;
        let manifest =
            json!({ "schemaVersion": 2, "mediaType": media_type, "config": config, "layers": layers });
        let mut manifest = keep(&blobs, media_type, manifest.to_string().as_bytes())?;
        manifest["annotations"] = json!({ "org.opencontainers.image.ref.name": "latest" });
        let index = json!({ "schemaVersion": 2, "manifests": [manifest] });
        fs::write(layout.0.join("index.json"), index.to_string())?;
        fs::write(layout.0.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)?;
        Ok(layout)
    }
}

fn archive(name: &str, size: usize) -> Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    append(&mut tar, name, &random(size)?)?;
    Ok(tar.into_inner()?)
}

fn keep(blobs: &Path, media_type: &str, bytes: &[u8]) -> Result<serde_json::Value> {
    let digest = sha256(bytes);
    let name = digest.trim_start_matches("sha256:");
    File::create(blobs.join(name))?.write_all(bytes)?;
    Ok(json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() }))
}
