//! Variables with our prefix that nothing reads. Most are misspelled.

use std::collections::BTreeSet;

use clap::CommandFactory as _;

use super::Cli;
use super::nearest::nearest;

const PREFIX: &str = "GANGPLANK_";
/// Variables that are read though no option has their name.
const WITHOUT_OPTION: [&str; 8] = [
    "GANGPLANK_MASTER_KEY",
    "GANGPLANK_ROOT_ACCESS_KEY_ID",
    "GANGPLANK_ROOT_SECRET_ACCESS_KEY",
    "GANGPLANK_ROOT_SECRET_ACCESS_KEY_FILE",
    "GANGPLANK_ID_TOKEN",
    "GANGPLANK_S3_ACCESS_KEY_ID",
    "GANGPLANK_S3_SECRET_ACCESS_KEY",
    "GANGPLANK_S3_SECRET_ACCESS_KEY_FILE",
];

/// A warning for each variable that is set and unknown.
pub(crate) fn unknown() -> Vec<String> {
    let known = known();
    let set = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    set.filter_map(|name| said_of(&name, &known)).collect()
}

fn said_of(name: &str, known: &BTreeSet<String>) -> Option<String> {
    let is_ours = name.starts_with(PREFIX) && !known.contains(name) && !is_kubernetes(name);
    let rest = name.strip_prefix(PREFIX)?;
    is_ours.then(|| match nearest(rest, known.iter().filter_map(|name| name.strip_prefix(PREFIX))) {
        Some(meant) => {
            format!("the variable {name} is not known and does nothing; did you mean {PREFIX}{meant}?")
        }
        None => format!("the variable {name} is not known and does nothing"),
    })
}

/// Kubernetes sets variables for each service of a namespace. A service may be called `gangplank`. Then its
/// variables have our prefix.
fn is_kubernetes(name: &str) -> bool {
    let rest = name.strip_prefix(PREFIX).unwrap_or_default();
    let is_port = rest == "PORT"
        || rest.strip_prefix("PORT_").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    is_port || rest.ends_with("SERVICE_HOST") || rest.contains("SERVICE_PORT")
}

/// The variables of all options.
fn known() -> BTreeSet<String> {
    let mut known: BTreeSet<String> = WITHOUT_OPTION.map(str::to_owned).into();
    collect(&Cli::command(), &mut known);
    known
}

fn collect(command: &clap::Command, known: &mut BTreeSet<String>) {
    known.extend(command.get_arguments().filter_map(|option| Some(option.get_env()?.to_str()?.to_owned())));
    command.get_subcommands().for_each(|each| collect(each, known));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nothing_reads_is_told() {
        let known = known();
        for name in known.iter().map(String::as_str).chain([
            "HOME",
            "GANGPLANK_PORT",
            "GANGPLANK_PORT_5000_TCP_ADDR",
            "GANGPLANK_SERVICE_PORT_HTTP",
            "GANGPLANK_ADMIN_SERVICE_HOST",
        ]) {
            assert_eq!(said_of(name, &known), None, "{name}");
        }
        assert!(
            said_of("GANGPLANK_LISTN", &known).is_some_and(|said| said.contains("mean GANGPLANK_LISTEN?"))
        );
        assert!(said_of("GANGPLANK_BANANA", &known).is_some_and(|said| said.ends_with("does nothing")));
    }
}
