//! `gangplank`: a self-hosted container image registry whose logins are temporary and push-only.

#![cfg_attr(
    not(unix),
    allow(dead_code, unused_imports, reason = "the server needs them, which is on Unix alone")
)]

mod aws;
#[cfg(unix)]
mod bucket;
mod cli;
mod commands;
mod files;
mod help;
mod http;
mod lightsail;
mod lightsailctl;
mod logins;
mod push;
mod services;
#[cfg(unix)]
mod serving;
mod system;
mod terminal;
mod values;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The name under which the program is docker's credential helper.
const HELPER: &str = "docker-credential-gangplank";
/// The name under which it is a kubelet's credential provider.
const PROVIDER: &str = "gangplank-credential-provider";
/// The name under which it is the AWS CLI's plugin.
const PLUGIN: &str = "lightsailctl";

fn main() -> ExitCode {
    system::core_dumps::forbid();
    let mut words = std::env::args_os();
    let name = words.next().map(PathBuf::from);
    let args: Vec<String> = words.map(|arg| arg.to_string_lossy().into_owned()).collect();
    let is_called = |other: &str| name.as_deref().and_then(Path::file_name).is_some_and(|name| name == other);
    let result = if is_called(HELPER) {
        cli::usage::parse::<commands::docker_credential::Helper>().run()
    } else if is_called(PROVIDER) {
        cli::usage::parse::<commands::credential_provider::Provider>().run()
    } else if is_called(PLUGIN) {
        Ok(lightsailctl::run(&args))
    // The AWS CLI takes options before the command, which clap refuses.
    } else if lightsail::is_ours(&args) {
        cli::in_runtime(async { Ok(lightsail::run(&args).await) })
    } else if cli::ServerCli::is_asked_by(&args) {
        cli::usage::parse::<cli::ServerCli>().run()
    } else {
        cli::usage::parse::<cli::Cli>().run()
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            // `{:#}` joins the causes on one line: what was refused, and why.
            terminal::output::error(format_args!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
