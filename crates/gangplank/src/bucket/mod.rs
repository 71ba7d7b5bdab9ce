//! The bucket in which a server keeps its blobs: its name on the command line, and the credentials for it.

mod credentials;
mod options;

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use gangplank_s3::{Endpoint, Location, Settings, Style};
use gangplank_store::open::Bucket;

pub(crate) use options::{BucketArgs, location, with_bucket};

use crate::cli::usage::named;

/// The address of a bucket and the way to it, from the options.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// The server of the bucket; `None` stands for Amazon.
    pub(crate) endpoint: Option<String>,
    /// The region; `None` stands for the region of the environment or the profile.
    pub(crate) region: Option<String>,
    /// Whether requests name the bucket in their path.
    pub(crate) path_style: Option<bool>,
    /// Certificates to trust.
    pub(crate) ca_file: Option<PathBuf>,
    /// Whether the endpoint may be called without TLS, although it is on another machine.
    pub(crate) insecure_http: bool,
    /// The folder in which parts wait until they are sent.
    pub(crate) scratch_dir: Option<PathBuf>,
}

/// The region if none is set and the server does not belong to Amazon. Such servers accept any region, and some
/// expect this one.
const USUAL_REGION: &str = "us-east-1";

impl Options {
    /// The name of the first option that is set.
    pub(crate) fn named(&self) -> Option<String> {
        let options = [
            ("s3-endpoint", self.endpoint.is_some()),
            ("s3-region", self.region.is_some()),
            ("s3-path-style", self.path_style.is_some()),
            ("s3-ca-file", self.ca_file.is_some()),
            ("s3-insecure-http", self.insecure_http),
            ("scratch-dir", self.scratch_dir.is_some()),
        ];
        options.into_iter().find(|(_, is_given)| *is_given).map(|(name, _)| named(name))
    }

    /// How a bucket is asked.
    ///
    /// # Errors
    /// If an option has a value that cannot work; the error names it.
    pub(crate) fn settings(&self, location: &Location) -> Result<Settings> {
        let endpoint = self.endpoint.as_deref().map(Endpoint::parse).transpose();
        let endpoint = endpoint.with_context(|| named("s3-endpoint"))?;
        if let Some(endpoint) = &endpoint {
            let is_safe = endpoint.is_tls() || endpoint.is_loopback() || self.insecure_http;
            ensure!(
                is_safe,
                "{}: {} is on another machine and speaks no TLS, so whoever is on the way can read and change what is \
                 pulled; if the way is safe, say {}",
                named("s3-endpoint"),
                endpoint.url(),
                named("s3-insecure-http")
            );
        }
        let region = match (self.region.clone().or_else(credentials::region), &endpoint) {
            (Some(region), _) => region,
            (None, Some(_)) => USUAL_REGION.to_owned(),
            (None, None) => bail!(
                "nobody says in which region the bucket is: give {}, or set AWS_REGION; for a server that is not \
                 Amazon's, give {}",
                named("s3-region"),
                named("s3-endpoint")
            ),
        };
        ensure!(
            !region.is_empty()
                && region.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)),
            "{}: {region:?} is no region",
            named("s3-region")
        );
        let credentials = credentials::sources(&region)?;
        let style = self.path_style.map(|path| if path { Style::Path } else { Style::VirtualHost });
        let bucket = location.bucket.clone();
        let ca_file = self.ca_file.clone();
        Ok(Settings { bucket, endpoint, region, style, ca_file, credentials })
    }

    /// The bucket as a place for blobs of up to this many bytes.
    ///
    /// # Errors
    /// As [`settings`](Self::settings).
    pub(crate) fn bucket(&self, location: Location, largest_blob: u64) -> Result<Bucket> {
        let settings = self.settings(&location)?;
        let scratch = self.scratch_dir.clone().unwrap_or_else(std::env::temp_dir);
        Ok(Bucket { settings, location, scratch, largest_blob })
    }
}

#[cfg(test)]
mod tests {
    use gangplank_s3::Client;

    use super::*;

    fn client(options: &Options) -> Client {
        let location = "s3://images/registry".parse().unwrap();
        Client::new(options.settings(&location).unwrap()).unwrap()
    }

    fn refusal(options: Options) -> String {
        let location = location("s3://images/registry").unwrap().parse().unwrap();
        options.settings(&location).map(drop).unwrap_err().to_string()
    }

    #[test]
    fn a_way_that_others_can_read_is_refused() {
        let to = |endpoint: &str| Options { endpoint: Some(endpoint.to_owned()), ..Options::default() };
        assert!(refusal(to("http://s3.example.com")).contains("speaks no TLS"));
        assert!(refusal(to("s3.example.com")).contains("s3-endpoint"));
        for endpoint in ["http://127.0.0.1:9000", "http://[::1]:9000", "https://s3.example.com"] {
            let client = client(&Options { region: Some("eu-west-1".into()), ..to(endpoint) });
            assert_eq!(client.style(), Style::Path);
        }
        let elsewhere = Options { insecure_http: true, region: Some("x".into()), ..to("http://s3:8333") };
        assert_eq!(client(&elsewhere).endpoint().url(), "http://s3:8333");
    }

    #[test]
    fn amazon_has_the_bucket_in_its_host() {
        let at = |path_style| Options { region: Some("eu-west-1".into()), path_style, ..Options::default() };
        let amazon = client(&at(None));
        assert_eq!(amazon.endpoint().url(), "https://s3.eu-west-1.amazonaws.com");
        assert_eq!(amazon.style(), Style::VirtualHost);
        assert_eq!(client(&at(Some(true))).style(), Style::Path);
        assert!(
            refusal(Options { region: Some("eu west".into()), ..Options::default() })
                .contains("is no region")
        );
    }
}
