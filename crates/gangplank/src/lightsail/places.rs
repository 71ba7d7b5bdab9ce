//! Words that may follow each operation on a command line, for completion in shells.

use gangplank_api::Kind;

use super::globals::GLOBALS;
use super::options::{self, Command};
use crate::help::completions::Place;

/// `gangplank lightsail` itself, and each of its commands.
pub(crate) fn places(path: &str) -> Vec<Place> {
    let globals = GLOBALS.iter().map(|global| global.name.to_owned());
    let choices = GLOBALS.iter().filter(|global| !global.choices.is_empty()).map(|global| {
        (global.name.to_owned(), global.choices.iter().map(|choice| (*choice).to_owned()).collect())
    });
    let choices: Vec<(String, Vec<String>)> = choices.collect();
    let mut words: Vec<String> = Command::all().into_iter().map(Command::name).collect();
    words.push("help".to_owned());
    words.extend(globals.clone());
    let mut places = vec![Place { path: path.to_owned(), words, values: choices.clone() }];
    for command in Command::all() {
        let mut words: Vec<String> = options::specs(command).into_iter().map(|spec| spec.name).collect();
        words.push("help".to_owned());
        words.extend(globals.clone());
        let mut values = choices.clone();
        if command.has_samples() {
            values.push((
                options::GENERATE_CLI_SKELETON.to_owned(),
                options::SKELETONS.iter().map(|skeleton| (*skeleton).to_owned()).collect(),
            ));
        }
        for member in command.input().members {
            let shape = match &member.shape.kind {
                Kind::List(element) => element,
                _ => member.shape,
            };
            if let Kind::String(string) = &shape.kind
                && !string.values.is_empty()
            {
                let allowed = string.values.iter().map(|value| (*value).to_owned()).collect();
                values.push((options::option(member), allowed));
            }
        }
        places.push(Place { path: format!("{path} {}", command.name()), words, values });
    }
    places
}
