//! Finds out what a command line asks for.
//!
//! It is parsed three times, as in the AWS CLI. First the global options are taken out, wherever they are. Then the
//! first remaining word is the operation. Then the rest are the options of that operation.

use gangplank_api::lightsail::Operation;

use super::argparse::Parsed;
use super::failure::Failure;
use super::globals::Globals;
use super::options::{CLI_INPUT_JSON, CLI_INPUT_YAML, Command, GENERATE_CLI_SKELETON};
use super::{argparse, globals, options};

/// A parsed command line.
pub(crate) struct CommandLine {
    /// The options that every operation has.
    pub(crate) globals: Globals,
    /// The action.
    pub(crate) asked: Asked,
}

/// The action.
pub(crate) enum Asked {
    /// Show the version.
    Version,
    /// Show the manual page of a command, or the overview.
    Help(Option<Command>),
    /// Call an operation, or print a sample.
    Operation(Operation, Parsed),
    /// Push an image and register it.
    PushContainerImage(Parsed),
}

/// Whether the arguments are for `lightsail`. Global options may be before the word, as in the AWS CLI. `help
/// lightsail` counts too.
pub(crate) fn is_ours(args: &[String]) -> bool {
    match args {
        [first, ..] if first == "lightsail" => true,
        [first, second, ..] if first == "help" => second == "lightsail",
        [first, ..] if first.starts_with("--") => argparse::parse(&globals::specs(), args)
            .is_ok_and(|parsed| parsed.positional.as_deref() == Some("lightsail")),
        _ => false,
    }
}

/// The format of errors, from the option or the environment.
pub(crate) fn error_format(args: &[String]) -> Option<String> {
    let given = argparse::parse(&globals::specs(), args).ok();
    let given = given.and_then(|parsed| parsed.value("--cli-error-format").map(str::to_owned));
    given.or_else(|| std::env::var("AWS_CLI_ERROR_FORMAT").ok())
}

/// Parses a command line. Apart from global options it begins with `lightsail` or `help lightsail`.
pub(crate) fn read(args: &[String]) -> Result<CommandLine, Failure> {
    let mut outer = argparse::parse(&globals::specs(), args)?;
    let mut remaining = std::mem::take(&mut outer.remaining);
    if outer.positional.as_deref() == Some("help") && !remaining.is_empty() {
        // `help lightsail OPERATION` is `lightsail OPERATION help`.
        remaining.remove(0);
        remaining.push("help".to_owned());
    }
    let is_version = outer.has("--version");
    let globals = Globals::new(outer)?;
    let asked = if is_version { Asked::Version } else { operation(&remaining)? };
    Ok(CommandLine { globals, asked })
}

fn operation(args: &[String]) -> Result<Asked, Failure> {
    let named = argparse::parse(&[], args)?;
    let options = args.iter().take_while(|arg| *arg != "--");
    let wants_help = options.into_iter().any(|arg| arg == "--help" || arg == "-h");
    if wants_help && named.positional.is_none() {
        return Ok(Asked::Help(None));
    }
    let Some(name) = named.positional else {
        return Err(Failure::Usage("the following arguments are required: operation".to_owned()));
    };
    if name == "help" {
        return Ok(Asked::Help(None));
    }
    let Some(command) = Command::find(&name) else {
        let names: Vec<String> = Command::all().into_iter().map(Command::name).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        return Err(argparse::invalid_choice("operation", &name, &names));
    };
    if wants_help || named.remaining == ["help"] {
        return Ok(Asked::Help(Some(command)));
    }
    let given = argparse::parse(&options::specs(command), &named.remaining)?;
    check_required(command, &given, &named.remaining)?;
    if given.positional.as_deref() == Some("help") {
        return Ok(Asked::Help(Some(command)));
    }
    let mut unknown = given.remaining.clone();
    unknown.extend(given.positional.clone());
    // `--` ends the options and has no other meaning.
    unknown.retain(|word| word != "--");
    if !unknown.is_empty() {
        return Err(Failure::UnknownOptions(unknown));
    }
    Ok(match command {
        Command::Call(operation) => Asked::Operation(operation, given),
        Command::PushContainerImage => Asked::PushContainerImage(given),
    })
}

/// Checks that every required option is given. None is required if the whole input is given at once, or if a sample
/// is asked for.
///
/// Like the AWS CLI, this only finds options that are written in full, with the value as a separate word. A sample of
/// the output still needs the required options.
fn check_required(command: Command, given: &Parsed, args: &[String]) -> Result<(), Failure> {
    let position = |name: &str| args.iter().position(|arg| arg == name);
    let lifted = position(CLI_INPUT_JSON).is_some()
        || position(CLI_INPUT_YAML).is_some()
        || position(GENERATE_CLI_SKELETON)
            .is_some_and(|at| args.get(at + 1).is_none_or(|value| value != "output"));
    if lifted && command.has_samples() {
        return Ok(());
    }
    let missing: Vec<String> = command
        .input()
        .members
        .iter()
        .filter(|member| member.required)
        .map(options::option)
        .filter(|option| !given.has(option))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::Usage(format!("the following arguments are required: {}", missing.join(", "))))
}
