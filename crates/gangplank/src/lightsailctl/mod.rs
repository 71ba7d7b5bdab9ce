//! `lightsailctl`: the AWS CLI's plugin for pushing images. `aws lightsail push-container-image` runs the program
//! under this name, passes the input as JSON, and shows the output.

mod input;
mod push_image;
mod version;

use std::io::Read as _;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::{Arg, ArgAction, Command};

pub(crate) use self::push_image::{Order, push_image};
use crate::terminal::output;

/// The longest input, in bytes.
const MAX_INPUT: u64 = 1 << 20;

const USAGE: &str = "lightsailctl is run by the AWS CLI, for `aws lightsail push-container-image`; by hand it takes \
                     --version, and --plugin with --input JSON or --input-stdin";

/// Describes the command line for help. It is parsed by hand, because Amazon's plugin accepts one dash in place of
/// two.
pub(crate) fn command() -> Command {
    let flag = |name| Arg::new(name).long(name).action(ArgAction::SetTrue);
    Command::new("lightsailctl")
        .about("The AWS CLI's plugin for pushing images, for `aws lightsail push-container-image`")
        .disable_version_flag(true)
        .arg(flag("version").help("Print the version"))
        .arg(flag("plugin").help("Do what the AWS CLI asks; it comes first"))
        .arg(Arg::new("input").long("input").value_name("JSON").help("What it asks, as JSON"))
        .arg(flag("input-stdin").help("Read what it asks from standard input"))
}

/// Runs the plugin. `args` are the arguments behind the name.
pub(crate) fn run(args: &[String]) -> ExitCode {
    let result = match args.first().map(|first| first.trim_start_matches('-')) {
        Some("version") => output::text(&format!("{}\n", version::shown())),
        Some("help" | "h") => output::text(&command().render_help().to_string()),
        Some("plugin") => plugin(&args[1..]),
        _ => Err(anyhow::anyhow!(USAGE)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn plugin(args: &[String]) -> Result<()> {
    let text = match args {
        [flag] if is(flag, "input-stdin") => {
            let mut text = String::new();
            std::io::stdin()
                .lock()
                .take(MAX_INPUT)
                .read_to_string(&mut text)
                .context("cannot read standard input")?;
            text
        }
        [flag, text] if is(flag, "input") => text.clone(),
        [one] => match one.split_once('=') {
            Some((flag, text)) if is(flag, "input") => text.to_owned(),
            _ => bail!(USAGE),
        },
        _ => bail!(USAGE),
    };
    let input = input::Input::parse(&text).context("invalid plugin input")?;
    crate::cli::in_runtime(async move {
        let order = input.order()?;
        let client = input.configuration.client()?;
        let note = |what: std::fmt::Arguments<'_>| {
            if input.configuration.debug() {
                say(what);
            }
        };
        output::text(&push_image(&client, &order, &note).await?)?;
        Ok(ExitCode::SUCCESS)
    })
    .map(|_| ())
}

/// Whether an argument is a flag, with one dash or two.
fn is(arg: &str, flag: &str) -> bool {
    arg.strip_prefix("--").or_else(|| arg.strip_prefix('-')) == Some(flag)
}

fn say(what: std::fmt::Arguments<'_>) {
    output::complain(what);
}
