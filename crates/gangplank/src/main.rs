//! `gangplank`: a self-hosted container image registry whose logins are temporary and push-only.

mod api_client;
mod cli;
mod commands;
mod completions;
mod connection;
mod credentials;
mod lightsail;
mod logging;
mod open_files;
mod output;
mod profile;
mod retry;
mod serve_options;
mod settings;
mod words;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let args: Vec<String> =
        std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    // Its command line is the AWS CLI's, with options before the command; clap would not take that.
    let result = if lightsail::is_ours(&args) {
        cli::in_runtime(async { Ok(lightsail::run(&args).await) })
    } else {
        cli::Cli::parse().run()
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            // `{:#}` joins the causes on one line: what was refused, and why.
            eprintln!("gangplank: {error:#}");
            ExitCode::FAILURE
        }
    }
}
