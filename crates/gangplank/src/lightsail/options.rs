//! The options of an operation: one for each member of its input.

use gangplank_api::lightsail::{Operation, PushContainerImageRequest};
use gangplank_api::{Described as _, Kind, Member, Structure};

use super::argparse::{Spec, Takes};

/// The option that gives the whole input as JSON.
pub(crate) const CLI_INPUT_JSON: &str = "--cli-input-json";
/// The option that gives the whole input as YAML.
pub(crate) const CLI_INPUT_YAML: &str = "--cli-input-yaml";
/// The option that prints a sample and makes no call.
pub(crate) const GENERATE_CLI_SKELETON: &str = "--generate-cli-skeleton";

/// The kinds of samples.
pub(crate) const SKELETONS: &[&str] = &["input", "output", "yaml-input"];

/// A command that has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// An operation of the API.
    Call(Operation),
    /// Pushes an image and registers it. The AWS CLI needs its plugin for that.
    PushContainerImage,
}

impl Command {
    /// Every command, in alphabetical order.
    pub(crate) fn all() -> Vec<Self> {
        let mut all: Vec<Self> = Operation::ALL.iter().map(|operation| Self::Call(*operation)).collect();
        all.push(Self::PushContainerImage);
        all.sort_by_key(|command| command.name());
        all
    }

    /// Finds a command by its name.
    pub(crate) fn find(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|command| command.name() == name)
    }

    /// Its name. `GetContainerAPIMetadata` becomes `get-container-api-metadata`.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Call(operation) => kebab(operation.name()),
            Self::PushContainerImage => "push-container-image".to_owned(),
        }
    }

    /// The input that the command takes.
    pub(crate) fn input(self) -> &'static Structure {
        match self {
            Self::Call(operation) => operation.input(),
            Self::PushContainerImage => PushContainerImageRequest::STRUCTURE,
        }
    }

    /// The description of the command.
    pub(crate) fn documentation(self) -> &'static str {
        match self {
            Self::Call(operation) => operation.documentation(),
            Self::PushContainerImage => {
                "Pushes an image of the container engine of this machine, and registers it on a container service. \
                 `gangplank push` does the same from more sources, and prints the name in a form for scripts."
            }
        }
    }

    /// Whether it accepts its whole input at once, and prints samples.
    pub(crate) fn has_samples(self) -> bool {
        matches!(self, Self::Call(_))
    }
}

/// The option that sets a member.
pub(crate) fn option(member: &Member) -> String {
    format!("--{}", kebab(member.name))
}

/// The option that sets a boolean member to `false`.
pub(crate) fn negation(member: &Member) -> String {
    format!("--no-{}", kebab(member.name))
}

/// All options of a command, in the order of its input's members.
pub(crate) fn specs(command: Command) -> Vec<Spec> {
    let mut specs = Vec::new();
    for member in command.input().members {
        let takes = match member.shape.kind {
            Kind::Boolean => Takes::Nothing,
            Kind::List(_) => Takes::Many,
            _ => Takes::One,
        };
        specs.push(Spec::one(option(member)).taking(takes));
        if takes == Takes::Nothing {
            specs.push(Spec::one(negation(member)).taking(takes));
        }
    }
    if command.has_samples() {
        specs.push(Spec::one(CLI_INPUT_JSON));
        specs.push(Spec::one(CLI_INPUT_YAML));
        specs.push(Spec::one(GENERATE_CLI_SKELETON).taking(Takes::Maybe("input")).among(SKELETONS));
    }
    specs
}

/// Writes `serviceName` as `service-name`. Several capitals in a row are one word. If a small letter follows,
/// the last capital begins the next word.
fn kebab(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut kebab = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let after_small = at > 0 && !letters[at - 1].is_ascii_uppercase();
        let before_small = letters.get(at + 1).is_some_and(|next| !next.is_ascii_uppercase());
        if at > 0 && letter.is_ascii_uppercase() && (after_small || before_small) {
            kebab.push('-');
        }
        kebab.push(letter.to_ascii_lowercase());
    }
    kebab
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_aws_clis() {
        assert_eq!(kebab("GetContainerAPIMetadata"), "get-container-api-metadata");
        assert_eq!(kebab("serviceName"), "service-name");
        for each in Command::all() {
            assert_eq!(Command::find(&each.name()), Some(each));
        }
        assert_eq!(
            Command::find("create-container-service"),
            Some(Command::Call(Operation::CreateContainerService))
        );
    }

    #[test]
    fn a_boolean_has_two_options() {
        let names: Vec<_> = specs(Command::Call(Operation::UpdateContainerService))
            .into_iter()
            .map(|spec| spec.name)
            .collect();
        assert!(names.contains(&"--is-disabled".to_owned()), "{names:?}");
        assert!(names.contains(&"--no-is-disabled".to_owned()), "{names:?}");
    }
}
