//! `gangplank lightsail`: the container operations of `aws lightsail`, with the contract of version 2 of the AWS
//! CLI: the same options, output, and exit status.
//!
//! A call goes through the files in this order: `command_line` (parses the arguments), `unpack` and `input` (make the
//! input), `validate`, `call` (sends it), `format` (prints the answer), and `report` if something fails. All of them
//! read the operation's description in `gangplank-api`. None of them names an operation or a member.

mod argparse;
mod call;
mod command_line;
mod examples;
mod failure;
mod format;
mod globals;
mod input;
mod manual;
mod options;
mod pager;
mod paramfile;
mod places;
mod push_container_image;
mod python_repr;
mod query;
mod report;
mod shorthand;
mod skeleton;
mod skeleton_yaml;
pub(crate) mod timestamp;
mod unpack;
mod validate;
mod wire;
mod yaml;
mod yaml_scalar;
mod yaml_words;

use std::io::Write as _;
use std::process::ExitCode;

use gangplank_api::lightsail::Operation;
use serde_json::Value;

pub(crate) use self::command_line::is_ours;
use self::command_line::{Asked, CommandLine};
use self::failure::Failure;
use self::format::Format;
use self::globals::Globals;
pub(crate) use self::places::places;
use crate::aws::settings::Settings;
use crate::terminal::{colour, foreign};

/// The manual pages as source for `man`, by name.
pub(crate) fn manual_sources() -> Vec<(String, String)> {
    let pages = options::Command::all().into_iter().map(manual::page);
    let all = std::iter::once(manual::overview()).chain(pages);
    all.map(|page| (page.name.clone(), manual::roff(&page))).collect()
}

/// Runs the command. `args` are the arguments behind `gangplank`.
pub(crate) async fn run(args: &[String]) -> ExitCode {
    // Find the format of errors first: errors in the command line itself are printed in it.
    let error_format = command_line::error_format(args);
    match attempt(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let text = report::render(&failure, error_format.as_deref());
            let _ = std::io::stderr().write_all(foreign::visible(&text).as_bytes());
            ExitCode::from(failure.status())
        }
    }
}

async fn attempt(args: &[String]) -> Result<(), Failure> {
    let CommandLine { globals, asked } = command_line::read(args)?;
    match asked {
        Asked::Version => pager::print(&format!("gangplank/{}\n", env!("CARGO_PKG_VERSION")), None),
        Asked::Help(command) => {
            let page = command.map_or_else(manual::overview, manual::page);
            let text = manual::plain(&page);
            if globals.has("--no-cli-pager") { pager::print(&text, None) } else { pager::print_help(&text) }
        }
        Asked::Operation(operation, given) => perform(operation, &given, &globals).await,
        Asked::PushContainerImage(given) => push_container_image::run(&given, &globals).await,
    }
}

async fn perform(operation: Operation, given: &argparse::Parsed, globals: &Globals) -> Result<(), Failure> {
    let mut input = unpack::input(operation.input(), given)?;
    input::merge(&mut input, given)?;
    let sample = given.value(options::GENERATE_CLI_SKELETON);
    match sample {
        Some("input") => {
            let sample = Value::Object(skeleton::input(operation.input()));
            return pager::print(&format::sample(&sample), None);
        }
        Some("yaml-input") => return pager::print(&skeleton_yaml::yaml_input(operation.input()), None),
        _ => {}
    }
    let settings = call::settings(globals)?;
    let region = call::region(globals, &settings)?;
    let time_format = timestamp::Format::parse(settings.get("cli_timestamp_format"))?;
    let format = output_format(globals, &settings)?;
    validate::validate(operation.input(), &input)?;
    let answer = if sample.is_some() {
        let sample = skeleton::output(operation.output());
        validate::validate(operation.output(), &sample)?;
        sample
    } else {
        let sent = wire::sent(operation.input(), input);
        let client = call::client(region, globals, &settings)?;
        let answer = call::call(operation, &sent, &client, globals).await?;
        wire::shown(operation.output(), &answer, time_format)
    };
    let mut answer = Value::Object(answer);
    if let Some(query) = &globals.query {
        answer = query.search(&answer)?;
    }
    let coloured = match globals.value("--color") {
        Some("on") => true,
        Some("off") => false,
        _ => colour::on_output(),
    };
    let text = format.render(operation.name(), &answer, coloured)?;
    let pager = if globals.has("--no-cli-pager") { None } else { pager::choose(settings.get("cli_pager")) };
    pager::print(&text, pager.as_deref())
}

/// The format of the answer: the option, else `AWS_DEFAULT_OUTPUT`, else the profile's `output`, else JSON.
fn output_format(globals: &Globals, settings: &Settings) -> Result<Format, Failure> {
    let setting = settings.either("AWS_DEFAULT_OUTPUT", "output");
    let name = globals.value("--output").map(str::to_owned).or(setting).unwrap_or_else(|| "json".to_owned());
    Format::parse(&name)
        .ok_or_else(|| Failure::Configuration("Configuration", format!("Unknown output type: {name}")))
}
