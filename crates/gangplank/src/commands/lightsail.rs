//! `gangplank lightsail`: the container operations of `aws lightsail`. It parses its arguments as the AWS CLI does
//! and not as clap does, so they are passed on unparsed.

use std::process::ExitCode;

use anyhow::Result;

#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    /// An operation and its options; `help` explains them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPERATION OPTIONS")]
    args: Vec<String>,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let mut whole = vec!["lightsail".to_owned()];
    whole.extend(args.args);
    Ok(crate::lightsail::run(&whole).await)
}
