//! The options in a TOML file, with errors that name the line and the reason.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use clap::Args as _;
use serde::{Deserialize as _, Deserializer};

use super::{ServeOptions, deployments, issuers, listen_address};
use crate::cli::nearest::nearest;

/// Reads the options of a file.
///
/// # Errors
/// If the file cannot be read, or a line is wrong, which the error names.
pub(super) fn read(path: &Path) -> Result<ServeOptions> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
    match toml::from_str(&text) {
        Ok(options) => Ok(options),
        Err(error) => bail!("{shown} cannot be used: {}", in_one_line(&text, &error)),
    }
}

/// Reads an address with the option's own parser, so that the error is the same as for a flag.
pub(super) fn address<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(from)?;
    listen_address(&text).map(Some).map_err(serde::de::Error::custom)
}

/// The place of an error in a file, the reason and the advice, in one line.
fn in_one_line(file: &str, error: &toml::de::Error) -> String {
    let start = error.span().map_or(0, |span| span.start).min(file.len());
    let before = file[..start].matches('\n').count();
    let line = file.lines().nth(before).unwrap_or_default().trim();
    format!("line {} ({line}): {}", before + 1, why(line, error.message()))
}

fn why(line: &str, message: &str) -> String {
    if let Some(key) = message.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next()) {
        return match () {
            () if message.contains("expected `cert` or `key`") => unknown_of_certificate(key),
            () if message.contains("`audiences`") => unknown_of_issuer(key),
            () => unknown(key),
        };
    }
    let value = line.split_once('=').map(|(_, value)| value.trim());
    let counts = ["expected u32", "expected u64", "expected usize", "expected i64"];
    if counts.iter().any(|count| message.contains(count)) {
        let negative = value.is_some_and(|value| value.starts_with('-'));
        return if negative { "it cannot be negative" } else { "it is a whole number" }.to_owned();
    }
    if line.split('=').next().is_some_and(|key| key.trim() == "console") {
        return "it is \"on\" or \"off\"".to_owned();
    }
    if message.contains("expected a boolean") || value.is_some_and(is_yes_or_no) {
        return "it is true or false".to_owned();
    }
    if let Some(key) = message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
        return if issuers::KEYS.contains(&key) {
            format!("it has no {key}; an issuer has url = \"https://...\" and audiences = [\"...\"]")
        } else {
            format!("it has no {key}; a certificate has cert = \"FILE\" and key = \"FILE\"")
        };
    }
    let message = message.replace('\n', " ");
    match quoted(line) {
        Some(meant) => format!("{message}; text stands in quotes: {meant}"),
        None => message,
    }
}

fn is_yes_or_no(value: &str) -> bool {
    ["yes", "no", "on", "off", "True", "False", "TRUE", "FALSE"].contains(&value)
}

fn unknown(key: &str) -> String {
    let command = ServeOptions::augment_args(clap::Command::new("serve"));
    let flags = command.get_arguments().filter_map(clap::Arg::get_long);
    let known: Vec<&str> = flags.chain(["certificates", "issuer"]).collect();
    match nearest(key, known) {
        Some(meant) => format!("there is no option {key:?}; did you mean {meant:?}?"),
        None => format!("there is no option {key:?}; `gangplank generate config` prints all there are"),
    }
}

fn unknown_of_certificate(key: &str) -> String {
    let meant = nearest(key, deployments::CERTIFICATE_KEYS);
    let meant = meant.map_or_else(String::new, |meant| format!("; did you mean {meant:?}?"));
    format!("a certificate has cert and key, and no {key:?}{meant}")
}

fn unknown_of_issuer(key: &str) -> String {
    let meant = nearest(key, issuers::KEYS);
    let meant = meant.map_or_else(String::new, |meant| format!("; did you mean {meant:?}?"));
    format!("an issuer has {}, and no {key:?}{meant}", issuers::KEYS.join(", "))
}

/// The line with quotes around its text, if quotes are missing.
fn quoted(line: &str) -> Option<String> {
    let (key, value) = line.split_once('=')?;
    let (key, value) = (key.trim(), value.split(" #").next()?.trim());
    let plain = |text: &str| {
        let is_number = text.parse::<i64>().is_ok() || text.parse::<f64>().is_ok();
        !text.is_empty() && !text.contains(['"', '\'', '[', ']', '{', '}', ',']) && !is_number
    };
    if let Some(list) = value.strip_prefix('[').and_then(|value| value.strip_suffix(']')) {
        let words: Vec<&str> = list.split(',').map(str::trim).filter(|word| !word.is_empty()).collect();
        let all: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
        return (!words.is_empty() && words.iter().all(|word| plain(word)))
            .then(|| format!("{key} = [{}]", all.join(", ")));
    }
    (plain(value) && !["true", "false"].contains(&value)).then(|| format!("{key} = \"{value}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        in_one_line(text, &toml::from_str::<ServeOptions>(text).unwrap_err())
    }

    #[test]
    fn what_is_wrong_is_said_with_what_to_do() {
        for (text, expected) in [
            (
                "lisden = '127.0.0.1:1'",
                "line 1 (lisden = '127.0.0.1:1'): there is no option \"lisden\"; did you mean \"listen\"?",
            ),
            (
                "\ndata_dir = 'x'",
                "line 2 (data_dir = 'x'): there is no option \"data_dir\"; did you mean \"data-dir\"?",
            ),
            ("max-headers = -1", "line 1 (max-headers = -1): it cannot be negative"),
            ("console = off", "line 1 (console = off): it is \"on\" or \"off\""),
            ("console = 'yes'", "line 1 (console = 'yes'): it is \"on\" or \"off\""),
            ("max-headers = 'many'", "line 1 (max-headers = 'many'): it is a whole number"),
            ("insecure-http = yes", "line 1 (insecure-http = yes): it is true or false"),
            ("insecure-http = 'true'", "line 1 (insecure-http = 'true'): it is true or false"),
            (
                "[certificate.web]\ncert = 'a'",
                "line 1 ([certificate.web]): there is no option \"certificate\"; did you mean \"certificates\"?",
            ),
            (
                "[certificates.web]\ncerts = 'a'",
                "line 2 (certs = 'a'): a certificate has cert and key, and no \"certs\"; did you mean \"cert\"?",
            ),
            (
                "[certificates.web]\ncert = 'a'",
                "line 1 ([certificates.web]): it has no key; a certificate has cert = \"FILE\" and key = \"FILE\"",
            ),
            (
                "[[issuer]]\naudiences = ['a']",
                "line 1 ([[issuer]]): it has no url; an issuer has url = \"https://...\" and audiences = [\"...\"]",
            ),
            (
                "[[issuer]]\njwks_file = 'a'",
                "line 2 (jwks_file = 'a'): an issuer has url, audiences, jwks-file, ca-file, max-token-life, and no \
                 \"jwks_file\"; did you mean \"jwks-file\"?",
            ),
            (
                "[[issuers]]\nurl = 'a'",
                "line 1 ([[issuers]]): there is no option \"issuers\"; did you mean \"issuer\"?",
            ),
        ] {
            assert_eq!(refused(text), expected);
        }
        for (text, part) in [
            ("listen = 127.0.0.1:0", "text stands in quotes: listen = \"127.0.0.1:0\""),
            ("gc-grace = 24h", "text stands in quotes: gc-grace = \"24h\""),
            ("data-dir = /var/lib/gangplank", "text stands in quotes: data-dir = \"/var/lib/gangplank\""),
            ("regions = [us-east-1]", "text stands in quotes: regions = [\"us-east-1\"]"),
            ("max-blob-bytes = -1", "a size cannot be negative"),
            ("gc-grace = -1", "a length of time cannot be negative"),
            ("max-blob-bytes = 'x'", "\"x\" is no size"),
            ("listen = 'localhost:5000'", "such as 127.0.0.1:5000"),
            ("banana = 1", "gangplank generate config"),
            ("engine = docker", "text stands in quotes: engine = \"docker\""),
            ("engine = 'dcoker'", "expected one of `auto`, `docker`, `podman`, `none`"),
            ("engine-cpus = 'x'", "write 4 or 0.5"),
        ] {
            let refused = refused(text);
            assert!(refused.contains(part), "{refused}");
        }
    }

    #[test]
    fn the_forms_of_the_flags_are_taken() {
        let text = "max-blob-bytes = '10 GiB'\nmax-header-bytes = 4096\nupload-timeout = '2h'\nidle-timeout = 60\n\
                    regions = ['eu-west-1', 'us-east-1']\ntrusted-proxies = '10.0.0.0/8'\naudit-days = 7\nlog = ['info']";
        let options: ServeOptions = toml::from_str(text).unwrap();
        assert_eq!(options.max_blob_bytes.map(|size| size.0), Some(10 << 30));
        assert_eq!(options.upload_timeout.map(|time| time.0.as_secs()), Some(7_200));
        assert_eq!(
            options.regions.map(|regions| regions.0),
            Some(vec!["eu-west-1".to_owned(), "us-east-1".to_owned()])
        );
        assert_eq!(options.audit_days.map(|days| days.0.as_secs()), Some(7 * 86_400));
    }
}
