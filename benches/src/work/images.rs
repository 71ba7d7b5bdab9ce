//! A whole image of twelve layers, pushed by the clients that people have.

use std::fs::{self, File};
use std::io::Write as _;
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
use crate::meter::{Meter, Outcome};
use crate::target::Target;

const LAYERS: u64 = 12;

pub(super) fn skopeo(target: &Target, scale: &Scale, file: &RandomFile) -> Result<Option<Outcome>> {
    if !answers("skopeo", &["--version"]) {
        return Ok(None);
    }
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
    timed(target, scale.large, &mut command)
}

pub(super) fn docker(target: &Target, scale: &Scale, file: &RandomFile) -> Result<Option<Outcome>> {
    if !answers("docker", &["version"]) || !answers("skopeo", &["--version"]) {
        return Ok(None);
    }
    let layout = Layout::make(file, scale.large)?;
    let image = format!("{}/{}:latest", target.host, repository("image")?);
    let load = ["--insecure-policy", "copy", "--quiet"];
    let (from, to) = (format!("oci:{}:latest", layout.0.display()), format!("docker-daemon:{image}"));
    ensure!(
        Command::new("skopeo").args(load).args([from, to]).status()?.success(),
        "the engine took no image"
    );
    if let Some((user, password)) = &target.login {
        let mut login = Command::new("docker")
            .args(["login", "--username", user, "--password-stdin", &target.host])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        login.stdin.take().context("no standard input")?.write_all(password.as_bytes())?;
        ensure!(login.wait()?.success(), "docker login was refused");
    }
    let outcome = timed(target, scale.large, Command::new("docker").args(["push", "--quiet", &image]));
    let _ = Command::new("docker").args(["rmi", "--force", &image]).stdout(Stdio::null()).status();
    outcome
}

fn answers(program: &str, args: &[&str]) -> bool {
    let quiet = Command::new(program).args(args).stdout(Stdio::null()).stderr(Stdio::null()).status();
    quiet.is_ok_and(|status| status.success())
}

/// Runs a client to its end. Its processor time counts among that of others.
fn timed(target: &Target, bytes: u64, command: &mut Command) -> Result<Option<Outcome>> {
    let meter = Meter::start(target);
    let start = Instant::now();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {command:?}"))?;
    let outcome = meter.stop(vec![start.elapsed()], bytes);
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{} failed: {errors}", command.get_program().display());
    Ok(Some(outcome))
}

/// An OCI image layout, removed in the end.
struct Layout(PathBuf);

impl Drop for Layout {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Layout {
    /// An image of random layers, `size` bytes together, each a tar archive in gzip that saves nothing.
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
        let config = json!({
            "architecture": "amd64", "os": "linux", "config": {},
            "rootfs": { "type": "layers", "diff_ids": diff_ids },
        });
        let config = keep(&blobs, "application/vnd.oci.image.config.v1+json", config.to_string().as_bytes())?;
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
    let content = random(size)?;
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_data(&mut header, name, content.as_slice())?;
    Ok(tar.into_inner()?)
}

fn keep(blobs: &Path, media_type: &str, bytes: &[u8]) -> Result<serde_json::Value> {
    let digest = sha256(bytes);
    let name = digest.trim_start_matches("sha256:");
    File::create(blobs.join(name))?.write_all(bytes)?;
    Ok(json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() }))
}
