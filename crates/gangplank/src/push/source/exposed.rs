//! The ports that an image exposes: `EXPOSE` in its configuration.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use gangplank_oci::Digest;

use super::go_json::{self, Go};
use super::image::{Finished, Image};
use super::layout_entry::entry;
use super::platform::Platform;

/// The largest configuration, in bytes. Real ones are far smaller.
const LARGEST_CONFIG: usize = 8 * 1024 * 1024;

/// The TCP ports of an image. If it has several platforms: the ports of the platform `wanted`, else those of
/// the first platform. Blocks.
///
/// # Errors
/// If a configuration cannot be read.
pub(crate) fn tcp_ports(image: &Image, wanted: &Platform) -> Result<BTreeSet<u16>> {
    match image {
        Image::Unfinished(image) => Ok(read(&image.config)?.1),
        Image::Finished(image) => of_finished(image, wanted),
    }
}

fn of_finished(image: &Finished, wanted: &Platform) -> Result<BTreeSet<u16>> {
    let mut first = None;
    for manifest in &image.manifests {
        let Some(config) = entry(&manifest.bytes, "config")? else { continue };
        let Some(bytes) = content(image, &config.digest)? else { continue };
        // A signature has a configuration of another kind.
        let Ok((platform, ports)) = read(&bytes) else { continue };
        if wanted.takes(&platform) {
            return Ok(ports);
        }
        first.get_or_insert(ports);
    }
    Ok(first.unwrap_or_default())
}

fn content(image: &Finished, digest: &Digest) -> Result<Option<bytes::Bytes>> {
    let blob = image.blobs.iter().find(|blob| blob.digest == *digest);
    blob.map(|blob| blob.content.whole(LARGEST_CONFIG)).transpose()
}

/// The platform of a configuration, and its ports. They are written `8080/tcp` or `8080`.
fn read(config: &[u8]) -> Result<(Platform, BTreeSet<u16>)> {
    let config = go_json::parse(config).context("the image's configuration cannot be read")?;
    let config = Go::of(&config);
    let platform = Platform::read(&config)?;
    let ports = config.member("config")?.member("ExposedPorts")?.names()?;
    let tcp = ports.filter_map(|port| port.strip_suffix("/tcp").unwrap_or(port).parse().ok());
    Ok((platform, tcp.filter(|port| *port > 0).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_of_tcp_are_read_and_no_others() {
        let ports =
            |text: &str| read(text.as_bytes()).map(|(_, ports)| ports.into_iter().collect::<Vec<_>>());
        let config = r#"{"os":"linux","architecture":"amd64","config":{"ExposedPorts":{"8080/tcp":{},"53/udp":{},"90":{}}}}"#;
        assert_eq!(ports(config).unwrap(), [90, 8080]);
        for none in [r#"{"config":{"ExposedPorts":null}}"#, r#"{"config":{}}"#, "{}"] {
            assert_eq!(ports(none).unwrap(), Vec::<u16>::new(), "{none}");
        }
        assert_eq!(
            ports(r#"{"config":{"ExposedPorts":{"0/tcp":{},"x":{},"70000/tcp":{}}}}"#).unwrap(),
            Vec::<u16>::new()
        );
        assert!(ports(r#"{"config":{"ExposedPorts":[]}}"#).is_err() && ports("x").is_err());
    }
}
