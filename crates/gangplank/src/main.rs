//! `gangplank`: a self-hosted container image registry whose logins are temporary and push-only.

mod api_client;
mod cli;
mod commands;
mod connection;
mod logging;
mod open_files;
mod output;
mod profile;
mod serve_options;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match cli.run() {
        Ok(code) => code,
        Err(error) => {
            // `{:#}` joins the causes on one line: what was refused, and why.
            eprintln!("gangplank: {error:#}");
            ExitCode::FAILURE
        }
    }
}
