//! A sample of the TOML file, made from the options. Each option is commented out, with its description and its
//! default.

use std::fmt::Write as _;

use clap::Args as _;

use super::{ServeOptions, deployments, issuers};

const HEAD: &str = "\
# The options of `gangplank serve`. Name this file with --config, or GANGPLANK_CONFIG; flags and variables go
# before it. `gangplank serve --check --config FILE` checks it.
#
# Sizes are written as 10 GiB or 512m, times as 90s, 15m, 24h or 7d. A line that is commented out shows the default of
# its option, or a sample if there is no default.
";

/// The sample.
pub(crate) fn text() -> String {
    let command = ServeOptions::augment_args(clap::Command::new("serve"));
    let mut text = HEAD.to_owned();
    let mut heading = None;
    for option in command.get_arguments() {
        let Some(name) = option.get_long() else { continue };
        if option.get_help_heading() != heading {
            heading = option.get_help_heading();
            let _ = write!(text, "\n## {}\n", heading.unwrap_or_default());
        }
        let help = option.get_help().map(ToString::to_string).unwrap_or_default();
        text.push('\n');
        for line in wrapped(&help.split_whitespace().collect::<Vec<_>>().join(" ")) {
            let _ = writeln!(text, "# {line}");
        }
        let _ = writeln!(text, "#{name} = {}", value(option, &help));
    }
    // Tables come last, because all keys below the head of a table belong to it.
    text + deployments::SAMPLE + issuers::SAMPLE
}

/// The default from the help, else a sample value.
fn value(option: &clap::Arg, help: &str) -> String {
    let default = help.rsplit_once("[default: ").and_then(|(_, rest)| rest.strip_suffix(']'));
    let kind = option.get_value_names().and_then(|names| names.first()).map_or("", |name| name.as_str());
    let sample = match kind {
        "ADDR" => "127.0.0.1:9000",
        "HOST" => "registry.example.com",
        "FILE" => "/etc/gangplank/file.pem",
        "REGIONS" => return "[\"us-east-1\", \"eu-west-1\"]".to_owned(),
        "NETWORKS" => return "[\"10.0.0.0/8\"]".to_owned(),
        "BOOL" => return "false".to_owned(),
        "SIZE" => "4 GiB",
        "N" => "20000",
        "URL" => "unix:///run/docker.sock",
        "s3://BUCKET/PREFIX" => "s3://registry/blobs",
        "postgres://USER:PASSWORD@HOST/NAME" => "postgres://gangplank@db.example.com/gangplank",
        "ENDPOINT" => "https://s3.example.com",
        "REGION" => "us-east-1",
        "DIR" => "/var/tmp",
        "HOST:PORT" => "127.0.0.1:5000",
        "CPUS" => return "8".to_owned(),
        "SCHEME[:PORT]" => "https",
        _ => "",
    };
    let value = match default.map(|default| default.split(", or ").next().unwrap_or(default)) {
        Some(default) if default != "none" && !default.contains("the ") => default,
        _ => sample,
    };
    if value.parse::<i64>().is_ok() { value.to_owned() } else { format!("\"{value}\"") }
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.len() - 1;
        if lines[last].is_empty() {
            lines[last].push_str(word);
        } else if lines[last].len() + word.len() < 110 {
            lines[last].extend([" ", word]);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: usize = issuers::KEYS.len();

    #[test]
    fn the_sample_is_a_file_that_can_be_used() {
        let sample = text();
        let used: String = sample
            .lines()
            .filter_map(|line| line.strip_prefix('#'))
            .filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase() || first == '['))
            // `database` would replace the directory, and `redirect-endpoint` needs another option.
            .filter(|line| !["database = ", "redirect-endpoint = "].iter().any(|key| line.starts_with(key)))
            .fold(String::new(), |used, line| used + line + "\n");
        let options: ServeOptions = toml::from_str(&used).unwrap_or_else(|error| panic!("{error}\n{used}"));
        let config = options.into_config(None).unwrap();
        assert_eq!((config.deployments.certificates.len(), config.issuers.len()), (1, 1));
        let known = ServeOptions::augment_args(clap::Command::new("serve"));
        let (options, tables) = used.split_once("\n[").unwrap();
        assert_eq!(
            (options.lines().count(), tables.lines().count()),
            (known.get_arguments().count() - 2, 3 + 1 + KEYS)
        );
        assert!(sample.lines().all(|line| line.is_empty() || line.starts_with('#')));
    }
}
