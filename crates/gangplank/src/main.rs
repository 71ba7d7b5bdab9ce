//! `gangplank`: a self-hosted container image registry whose logins are temporary and push-only.

#![cfg_attr(
    not(unix),
    allow(dead_code, unused_imports, reason = "the server needs them, which is on Unix alone")
)]

mod answers;
mod api_client;
mod auth_file;
mod auth_files;
mod bar;
#[cfg(unix)]
mod book;
mod browser;
mod byte_size;
mod call_failure;
mod child;
mod cli;
mod colour;
mod comma_list;
mod commands;
mod completions;
mod connection;
mod container_log;
mod core_dumps;
mod credentials;
mod empty_variables;
mod environment;
mod foreign;
mod home_folders;
mod identity_token;
mod ini;
mod kept_logins;
mod length_of_time;
mod lightsail;
mod lightsailctl;
mod listing;
#[cfg(unix)]
mod logging;
mod manual_pages;
mod masks;
mod named_registry;
mod nearest;
mod notes;
#[cfg(unix)]
mod open_files;
mod outage;
mod output;
#[cfg_attr(not(unix), path = "owner_elsewhere.rs")]
mod owner;
mod pages;
mod point_in_time;
mod private_file;
mod profile;
mod push;
mod registries;
mod retry;
#[cfg(unix)]
mod serve_options;
mod service;
#[cfg(unix)]
mod service_manager;
mod settings;
#[cfg(unix)]
mod signals;
mod system;
mod tls_words;
mod usage;
mod whole_number;
mod words;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The name under which the program is docker's credential helper.
const HELPER: &str = "docker-credential-gangplank";
/// The name under which it is a kubelet's credential provider.
const PROVIDER: &str = "gangplank-credential-provider";
/// The name under which it is the AWS CLI's plugin.
const PLUGIN: &str = "lightsailctl";

fn main() -> ExitCode {
    core_dumps::forbid();
    let mut words = std::env::args_os();
    let name = words.next().map(PathBuf::from);
    let args: Vec<String> = words.map(|arg| arg.to_string_lossy().into_owned()).collect();
    let is_called = |other: &str| name.as_deref().and_then(Path::file_name).is_some_and(|name| name == other);
    let result = if is_called(HELPER) {
        usage::parse::<commands::docker_credential::Helper>().run()
    } else if is_called(PROVIDER) {
        usage::parse::<commands::credential_provider::Provider>().run()
    } else if is_called(PLUGIN) {
        Ok(lightsailctl::run(&args))
    // Its command line is the AWS CLI's, with options before the command; clap would not take that.
    } else if lightsail::is_ours(&args) {
        cli::in_runtime(async { Ok(lightsail::run(&args).await) })
    } else if cli::ServerCli::is_asked_by(&args) {
        usage::parse::<cli::ServerCli>().run()
    } else {
        usage::parse::<cli::Cli>().run()
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            // `{:#}` joins the causes on one line: what was refused, and why.
            output::error(format_args!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
