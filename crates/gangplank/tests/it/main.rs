//! The program end to end, over HTTP, in one test binary.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a failure here is a failed test")]

mod access_keys;
mod access_log;
mod answers;
mod api_auth;
mod api_certificates;
mod api_deployed;
mod api_deploying;
mod api_deployments;
mod api_errors;
mod api_images;
mod api_limits;
mod api_logins;
mod api_logs;
mod api_metric_data;
mod api_races;
mod api_retries;
mod api_services;
mod api_signatures;
mod api_tags;
mod api_tenants;
mod api_wire;
mod audit;
mod aws_files;
mod backup;
mod bad_servers;
mod bad_tokens;
mod blobs;
mod cli;
mod cli_access_key;
mod cli_audit;
mod cli_configure;
mod cli_console;
mod cli_deploy;
mod cli_errors;
mod cli_fsck;
mod cli_gc;
mod cli_generate;
mod cli_image;
mod cli_lightsail_help;
mod cli_limits;
mod cli_login;
mod cli_login_role;
mod cli_logs;
mod cli_output;
mod cli_ping;
mod cli_registry_login;
mod cli_role;
mod cli_serve;
mod cli_serve_check;
mod cli_services;
mod content_folder;
mod crash;
mod credential_helper;
mod credential_provider;
mod crowds;
mod cutting_proxy;
mod disk_full;
mod documents;
mod fake_amazon;
mod fake_endpoint;
mod fake_engine;
mod fake_server;
mod fake_service;
mod fake_sts;
mod forwarded;
mod fuzz_seeds;
mod handler;
mod home_folders;
mod house;
mod http_limits;
mod http_patience;
mod image_files;
mod image_indexes;
mod keyless;
mod keyless_job;
mod large_bodies;
mod lightsailctl;
mod limit_options;
mod log_nobody_reads;
mod main_job;
mod manifest_limits;
mod manifests;
mod master_key_file;
mod narrow_logins;
mod pages;
mod permissions;
mod portable;
mod private_files;
mod pull_logins;
mod push;
mod push_faults;
mod push_logins;
mod push_odd_files;
mod push_sources;
mod quickstart;
mod quotas;
mod races;
mod raw;
mod recipes;
mod recordings;
mod referrers;
mod registry_auth;
mod revocation;
mod roles;
mod scrub;
mod secrets;
mod service_manager;
mod shutdown;
mod signals;
mod smuggling;
mod strangers;
mod sts;
mod supply_chain;
mod tags;
mod tenants_registry;
mod terminal;
mod tls;
mod trail;
mod upgrades;
mod upload_sessions;
mod uploads;

use gangplank_testkit::{ServerBuilder, TestServer};

/// The program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_gangplank");

/// A server with the default configuration.
fn server() -> TestServer {
    builder().start()
}

/// A server with a configuration.
fn server_with(configure: impl FnOnce(ServerBuilder) -> ServerBuilder) -> TestServer {
    configure(builder()).start()
}

/// Whether servers are replicas, in a trial of something that concerns one process alone. Says that it is skipped.
fn are_replicas(why: &str) -> bool {
    let are_they = gangplank_testkit::replicas::asked().is_some();
    if are_they {
        eprintln!("SKIPPED with replicas: {why}");
    }
    are_they
}

/// A builder for a server.
fn builder() -> ServerBuilder {
    TestServer::builder(PROGRAM)
}
