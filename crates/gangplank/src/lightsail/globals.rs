//! The global options, which every operation has.

use super::argparse::{Parsed, Spec, Takes};
use super::failure::Failure;
use super::query::Query;

/// One global option.
pub(crate) struct Global {
    /// Its name, with the dashes.
    pub(crate) name: &'static str,
    /// Whether the option takes a value.
    pub(crate) takes_value: bool,
    /// The allowed values. If the list is empty, all are.
    pub(crate) choices: &'static [&'static str],
    /// Its purpose, for the manual page.
    pub(crate) documentation: &'static str,
}

/// The formats of answers.
pub(crate) const OUTPUTS: &[&str] = &["json", "text", "table", "yaml", "yaml-stream", "off"];
/// The formats of errors.
pub(crate) const ERROR_FORMATS: &[&str] = &["legacy", "json", "yaml", "text", "table", "enhanced"];

const fn flag(name: &'static str, documentation: &'static str) -> Global {
    Global { name, takes_value: false, choices: &[], documentation }
}

const fn value(name: &'static str, documentation: &'static str) -> Global {
    Global { name, takes_value: true, choices: &[], documentation }
}

const fn choice(name: &'static str, choices: &'static [&'static str], documentation: &'static str) -> Global {
    Global { name, takes_value: true, choices, documentation }
}

/// The global options: those of version 2 of the AWS CLI, and --data-dir as in our other commands.
pub(crate) const GLOBALS: &[Global] = &[
    flag("--debug", "Log the steps on standard error, without secrets."),
    value(
        "--data-dir",
        "The data directory of a server on this machine, whose files name its address and root key; \
         GANGPLANK_DATA_DIR if not given, unless a profile is.",
    ),
    value("--endpoint-url", "The address of the server, such as http://127.0.0.1:5000."),
    flag("--no-verify-ssl", "Do not check the server's TLS certificate."),
    flag("--no-paginate", "Accepted for scripts, without effect: no operation here is paged."),
    choice("--output", OUTPUTS, "The format of the answer."),
    value("--query", "A JMESPath expression that selects the part of the answer to show."),
    value("--profile", "The profile of the configuration files to use."),
    value("--region", "The region to act in."),
    flag("--version", "Show the version of this program."),
    choice("--color", &["on", "off", "auto"], "Whether tables are coloured; auto is on a terminal only."),
    flag("--no-sign-request", "Do not sign the call; no access key is then needed."),
    value("--ca-bundle", "A file of certificates in PEM form to trust in place of the system's."),
    value("--cli-read-timeout", "How many seconds to wait for an answer; 60 if not given, 0 for ever."),
    value("--cli-connect-timeout", "How many seconds to wait for a connection; 60 if not given, 0 for ever."),
    choice(
        "--cli-binary-format",
        &["base64", "raw-in-base64-out"],
        "Accepted for scripts, without effect: no operation here has binary members.",
    ),
    flag("--no-cli-pager", "Do not show the answer in a pager."),
    flag("--cli-auto-prompt", "Accepted for scripts, without effect: there are no prompts."),
    flag("--no-cli-auto-prompt", "Accepted for scripts, without effect: there are no prompts."),
    choice(
        "--cli-error-format",
        ERROR_FORMATS,
        "The format of errors; enhanced, if not given, which adds what the server says beyond the message.",
    ),
];

/// The global options in the form that `argparse` takes.
pub(crate) fn specs() -> Vec<Spec> {
    let spec = |global: &Global| {
        let takes = if global.takes_value { Takes::One } else { Takes::Nothing };
        Spec::one(global.name).taking(takes).among(global.choices)
    };
    GLOBALS.iter().map(spec).collect()
}

/// The global options that were given.
#[derive(Debug)]
pub(crate) struct Globals {
    given: Parsed,
    /// The expression that selects a part of the answer.
    pub(crate) query: Option<Query>,
}

impl Globals {
    /// Checks the values that can be checked without the operation.
    pub(crate) fn new(given: Parsed) -> Result<Self, Failure> {
        let query = given.value("--query").map(Query::compile).transpose()?;
        if let Some(url) = given.value("--endpoint-url")
            && !has_scheme(url)
        {
            return Err(Failure::Parameter(format!(
                "Bad value for --endpoint-url \"{url}\": scheme is missing.  Must be of the form \
                 http://<hostname>/ or https://<hostname>/"
            )));
        }
        if given.has("--cli-auto-prompt") && given.has("--no-cli-auto-prompt") {
            let both =
                "Both --cli-auto-prompt and --no-cli-auto-prompt cannot be specified at the same time.";
            return Err(Failure::Parameter(both.to_owned()));
        }
        let globals = Self { given, query };
        globals.seconds("--cli-read-timeout")?;
        globals.seconds("--cli-connect-timeout")?;
        Ok(globals)
    }

    /// The value of an option.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.given.value(name)
    }

    /// Whether an option was given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.given.has(name)
    }

    /// Reports progress on standard error, if that was asked for.
    pub(crate) fn note(&self, what: std::fmt::Arguments<'_>) {
        if self.has("--debug") {
            super::report::note(what);
        }
    }

    /// The seconds that an option gives. `None` for no limit.
    pub(crate) fn seconds(&self, name: &str) -> Result<Option<u64>, Failure> {
        match self.value(name) {
            None => Ok(Some(60)),
            Some(text) => {
                let seconds = super::unpack::integer(text)?.as_u64().unwrap_or_default();
                Ok((seconds > 0).then_some(seconds))
            }
        }
    }
}

fn has_scheme(url: &str) -> bool {
    url.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    })
}
