//! The options of an operation: one for each member of its input, as the description has them.

use gangplank_api::lightsail::Operation;
use gangplank_api::{Kind, Member};

use super::grammar::{Spec, Takes};

/// Reads the whole input as JSON.
pub(crate) const CLI_INPUT_JSON: &str = "--cli-input-json";
/// Reads the whole input as YAML.
pub(crate) const CLI_INPUT_YAML: &str = "--cli-input-yaml";
/// Prints a sample in place of calling.
pub(crate) const GENERATE_CLI_SKELETON: &str = "--generate-cli-skeleton";

/// The samples there are.
pub(crate) const SKELETONS: &[&str] = &["input", "output", "yaml-input"];

/// The command that calls an operation: `GetContainerAPIMetadata` is called by `get-container-api-metadata`.
pub(crate) fn command(operation: Operation) -> String {
    kebab(operation.name())
}

/// The operation that a command calls.
pub(crate) fn operation(command: &str) -> Option<Operation> {
    Operation::ALL.iter().copied().find(|operation| self::command(*operation) == command)
}

/// The option that gives a member its value.
pub(crate) fn option(member: &Member) -> String {
    format!("--{}", kebab(member.name))
}

/// The option that gives a boolean member the value `false`.
pub(crate) fn negation(member: &Member) -> String {
    format!("--no-{}", kebab(member.name))
}

/// All options of an operation, in the order of its input's description.
pub(crate) fn specs(operation: Operation) -> Vec<Spec> {
    let mut specs = Vec::new();
    for member in operation.input().members {
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
    specs.push(Spec::one(CLI_INPUT_JSON));
    specs.push(Spec::one(CLI_INPUT_YAML));
    specs.push(Spec::one(GENERATE_CLI_SKELETON).taking(Takes::Maybe("input")).among(SKELETONS));
    specs
}

/// `serviceName` as `service-name`. Capitals in a row are one word, up to the one that begins the next.
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
        assert_eq!(operation("create-container-service"), Some(Operation::CreateContainerService));
        for each in Operation::ALL {
            assert_eq!(operation(&command(*each)), Some(*each));
        }
    }

    #[test]
    fn a_boolean_has_two_options() {
        let names: Vec<_> =
            specs(Operation::UpdateContainerService).into_iter().map(|spec| spec.name).collect();
        assert!(names.contains(&"--is-disabled".to_owned()), "{names:?}");
        assert!(names.contains(&"--no-is-disabled".to_owned()), "{names:?}");
    }
}
