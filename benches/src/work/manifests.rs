//! Manifests, each different, each under its own tag.

use anyhow::Result;
use serde_json::json;

use super::{Scale, push_blob, repository};
use crate::content::{RandomFile, random};
use crate::load::{Requests, drive};
use crate::meter::{Meter, Outcome};
use crate::target::Target;

pub(crate) const MEDIA_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";

pub(super) fn one_by_one(target: &Target, scale: &Scale, _: &RandomFile) -> Result<Option<Outcome>> {
    Ok(Some(put(target, &repository("manifests")?, scale.manifests, 1)?))
}

pub(super) fn side_by_side(target: &Target, scale: &Scale, _: &RandomFile) -> Result<Option<Outcome>> {
    Ok(Some(put(target, &repository("manifests")?, scale.manifests, scale.connections)?))
}

/// Puts a fifth of the manifests, because some servers need a second for some of the manifests.
pub(super) fn few(target: &Target, scale: &Scale, _: &RandomFile) -> Result<Option<Outcome>> {
    Ok(Some(put(target, &repository("manifests")?, scale.manifests / 5, scale.connections)?))
}

/// Puts manifests into a repository.
pub(crate) fn put(target: &Target, repository: &str, count: usize, connections: usize) -> Result<Outcome> {
    let parts = Parts::push(target, repository)?;
    let requests = (0..count)
        .map(|number| {
            let body = parts.manifest(&format!("number {number}"));
            request(target, repository, &format!("v{number}"), &body)
        })
        .collect();
    let requests = Requests { requests, expected: 201 };
    let (meter, latencies) = drive(target, connections, count, &requests, || Meter::start(target))?;
    Ok(meter.stop(latencies, 0))
}

/// A PUT of a manifest.
pub(crate) fn request(target: &Target, repository: &str, reference: &str, body: &str) -> Vec<u8> {
    let headers = format!("Content-Type: {MEDIA_TYPE}\r\nContent-Length: {}\r\n", body.len());
    let mut request = target.head("PUT", &format!("/v2/{repository}/manifests/{reference}"), &headers);
    request.extend_from_slice(body.as_bytes());
    request
}

/// A configuration and two layers in a repository.
pub(crate) struct Parts {
    config: (String, usize),
    layers: Vec<(String, usize)>,
}

impl Parts {
    pub(crate) fn push(target: &Target, repository: &str) -> Result<Self> {
        let part =
            |bytes: Vec<u8>| Ok::<_, anyhow::Error>((push_blob(target, repository, &bytes)?, bytes.len()));
        let config = format!(
            r#"{{"architecture":"amd64","os":"linux","rootfs":{{"type":"layers","diff_ids":[]}},"author":"{}"}}"#,
            hex::encode(random(8)?)
        );
        let layers = vec![part(random(1000)?)?, part(random(2000)?)?];
        Ok(Self { config: part(config.into_bytes())?, layers })
    }

    pub(crate) fn manifest(&self, note: &str) -> String {
        let part = |kind: &str, (digest, size): &(String, usize)| json!({ "mediaType": format!("application/vnd.oci.image.{kind}"), "digest": digest, "size": size });
        let layers: Vec<_> = self.layers.iter().map(|layer| part("layer.v1.tar+gzip", layer)).collect();
        json!({
            "schemaVersion": 2,
            "mediaType": MEDIA_TYPE,
            "config": part("config.v1+json", &self.config),
            "layers": layers,
            "annotations": { "org.opencontainers.image.description": note },
        })
        .to_string()
    }
}
