//! Requests that change nothing, on connections that stay open.

use anyhow::Result;

use super::manifests::{MEDIA_TYPE, Parts, request};
use super::{Scale, push_blob, repository};
use crate::content::{RandomFile, random};
use crate::digest::sha256;
use crate::http::{Blocking, expect};
use crate::load::{Requests, drive};
use crate::meter::{Meter, Outcome};
use crate::target::Target;

/// The number of different blobs and manifests that are read.
const DIFFERENT: usize = 50;

pub(super) fn version(target: &Target, scale: &Scale, _: &RandomFile) -> Result<Option<Outcome>> {
    ask(target, scale, vec![target.head("GET", "/v2/", "")])
}

pub(super) fn head_blob(target: &Target, scale: &Scale, _: &RandomFile) -> Result<Option<Outcome>> {
    let repository = repository("reads")?;
    let requests = (0..DIFFERENT).map(|_| {
        let digest = push_blob(target, &repository, &random(1024)?)?;
        Ok(target.head("HEAD", &format!("/v2/{repository}/blobs/{digest}"), ""))
    });
    ask(target, scale, requests.collect::<Result<_>>()?)
}

pub(super) fn head_manifest_by_tag(
    target: &Target,
    scale: &Scale,
    _: &RandomFile,
) -> Result<Option<Outcome>> {
    manifests(target, scale, "HEAD", false)
}

pub(super) fn head_manifest_by_digest(
    target: &Target,
    scale: &Scale,
    _: &RandomFile,
) -> Result<Option<Outcome>> {
    manifests(target, scale, "HEAD", true)
}

pub(super) fn get_manifest_by_tag(target: &Target, scale: &Scale, _: &RandomFile) -> Result<Option<Outcome>> {
    manifests(target, scale, "GET", false)
}

pub(super) fn get_manifest_by_digest(
    target: &Target,
    scale: &Scale,
    _: &RandomFile,
) -> Result<Option<Outcome>> {
    manifests(target, scale, "GET", true)
}

fn manifests(target: &Target, scale: &Scale, method: &str, by_digest: bool) -> Result<Option<Outcome>> {
    let repository = repository("reads")?;
    let parts = Parts::push(target, &repository)?;
    let mut connection = Blocking::open(target)?;
    let mut requests = Vec::new();
    for number in 0..DIFFERENT {
        let body = parts.manifest(&format!("number {number}"));
        let tag = format!("v{number}");
        expect(&connection.ask(&request(target, &repository, &tag, &body))?, 201, "PUT of a manifest")?;
        let reference = if by_digest { sha256(body.as_bytes()) } else { tag };
        let path = format!("/v2/{repository}/manifests/{reference}");
        requests.push(target.head(method, &path, &format!("Accept: {MEDIA_TYPE}\r\n")));
    }
    ask(target, scale, requests)
}

fn ask(target: &Target, scale: &Scale, requests: Vec<Vec<u8>>) -> Result<Option<Outcome>> {
    let requests = Requests { requests, expected: 200 };
    let (meter, latencies) =
        drive(target, scale.connections, scale.reads, &requests, || Meter::start(target))?;
    Ok(Some(meter.stop(latencies, 0)))
}
