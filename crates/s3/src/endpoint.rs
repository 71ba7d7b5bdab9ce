//! The address of a bucket's server, and how requests name the bucket.

use std::net::IpAddr;

use gangplank_sigv4::encode_path;
use hyper::Uri;

/// How a request names its bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// In the path: `https://host/bucket/key`.
    Path,
    /// In the name of the host: `https://bucket.host/key`.
    VirtualHost,
}

/// The address of an S3 server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    is_tls: bool,
    /// The host, and the port if it is not the scheme's usual one.
    authority: String,
    /// The path before the bucket: empty, or with a slash at its beginning and none at its end.
    base: String,
}

/// The text is no address of a server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no address of a server; write it as https://s3.example.com or http://127.0.0.1:9000")]
pub struct NoEndpoint(String);

impl Endpoint {
    /// Amazon's server for a region.
    pub fn of_amazon(region: &str) -> Self {
        let end = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        Self { is_tls: true, authority: format!("s3.{region}.{end}"), base: String::new() }
    }

    /// Parses a URL of scheme, host, port and an optional path.
    ///
    /// # Errors
    /// If the text is no such URL, or has a user or a query.
    pub fn parse(text: &str) -> Result<Self, NoEndpoint> {
        let refused = || NoEndpoint(text.to_owned());
        let url: Uri = text.trim().parse().map_err(|_| refused())?;
        let authority =
            url.authority().filter(|authority| !authority.host().is_empty()).ok_or_else(refused)?;
        let is_tls = match url.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(refused()),
        };
        let is_clean = url.query().is_none() && !authority.as_str().contains('@') && !text.contains('#');
        let port_is_right = authority.as_str() == authority.host() || authority.port_u16().is_some();
        if !is_clean || !port_is_right {
            return Err(refused());
        }
        let plain_port = if is_tls { 443 } else { 80 };
        let authority = match authority.port_u16() {
            Some(port) if port != plain_port => format!("{}:{port}", authority.host()),
            _ => authority.host().to_owned(),
        };
        Ok(Self { is_tls, authority, base: url.path().trim_end_matches('/').to_owned() })
    }

    /// Whether requests use TLS.
    pub fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// Whether the host is this machine.
    pub fn is_loopback(&self) -> bool {
        let host = self.host().trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// The host's name or address, as in a URL.
    pub fn host(&self) -> &str {
        match self.authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => &self.authority,
        }
    }

    /// The URL.
    pub fn url(&self) -> String {
        format!("{}://{}{}", self.scheme(), self.authority, self.base)
    }

    fn scheme(&self) -> &'static str {
        if self.is_tls { "https" } else { "http" }
    }

    /// Whether the host can name a bucket. An IP address never names one. With TLS, a bucket with dots stays
    /// in the path: no certificate covers its host name.
    pub(crate) fn takes_bucket(&self, bucket: &str) -> bool {
        let host = self.host();
        let is_name = host.parse::<IpAddr>().is_err() && !host.starts_with('[');
        is_name && !(self.is_tls && bucket.contains('.'))
    }

    /// The value of `Host` and the encoded path for a key in a bucket. An empty key is the bucket itself.
    pub(crate) fn target(&self, style: Style, bucket: &str, key: &str) -> Target {
        let key = encode_path(key);
        let (host, path) = match style {
            Style::Path => (self.authority.clone(), format!("{}/{bucket}/{key}", self.base)),
            Style::VirtualHost => (format!("{bucket}.{}", self.authority), format!("{}/{key}", self.base)),
        };
        Target { scheme: self.scheme(), host, path }
    }
}

/// The address of one request.
pub(crate) struct Target {
    pub(crate) scheme: &'static str,
    pub(crate) host: String,
    pub(crate) path: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(endpoint: &str, style: Style) -> String {
        let Target { scheme, host, path } =
            Endpoint::parse(endpoint).unwrap().target(style, "images", "a/b=c");
        format!("{scheme}://{host}{path}")
    }

    #[test]
    fn a_bucket_is_in_the_path_or_in_the_host() {
        assert_eq!(shown("http://127.0.0.1:9000", Style::Path), "http://127.0.0.1:9000/images/a/b%3Dc");
        assert_eq!(shown("https://s3.test:443/", Style::VirtualHost), "https://images.s3.test/a/b%3Dc");
        assert_eq!(
            shown("https://x.test/storage/s3/", Style::Path),
            "https://x.test/storage/s3/images/a/b%3Dc"
        );
        assert_eq!(Endpoint::of_amazon("eu-west-1").url(), "https://s3.eu-west-1.amazonaws.com");
        assert_eq!(Endpoint::of_amazon("cn-north-1").url(), "https://s3.cn-north-1.amazonaws.com.cn");
    }

    #[test]
    fn some_hosts_take_no_bucket() {
        for (endpoint, bucket, takes) in [
            ("https://s3.test", "images", true),
            ("https://s3.test", "my.images", false),
            ("http://s3.test:9000", "my.images", true),
            ("http://10.0.0.1:9000", "images", false),
            ("http://[::1]:9000", "images", false),
        ] {
            assert_eq!(Endpoint::parse(endpoint).unwrap().takes_bucket(bucket), takes, "{endpoint} {bucket}");
        }
    }

    #[test]
    fn this_machine_is_known() {
        for (endpoint, here) in [
            ("http://localhost:1", true),
            ("http://127.0.0.2:1", true),
            ("http://[::1]:1", true),
            ("http://10.0.0.1", false),
            ("http://localhost.test", false),
        ] {
            assert_eq!(Endpoint::parse(endpoint).unwrap().is_loopback(), here, "{endpoint}");
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused() {
        for bad in [
            "",
            "s3.test",
            "ftp://s3.test",
            "https://",
            "https://user@s3.test",
            "https://s3.test/?x=1",
            "https://s3.test:port",
            "https://s3.test:99999",
            "https://s3.test/#x",
        ] {
            assert!(Endpoint::parse(bad).is_err(), "{bad:?}");
        }
    }
}
