//! Tests against real clients, the AWS suite, the AWS signer and a hostile sender.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

mod aws_suite;
mod oracle;
mod real_clients;
mod refusals;
mod s3;
mod tampering;
mod wire;
