//! The sample of an input as YAML, with a comment about each member.

use gangplank_api::{Kind, Member, Shape, Structure};

use super::format::yaml::scalar;
use super::timestamp;

/// Writes the sample.
pub(crate) fn yaml_input(structure: &Structure) -> String {
    if structure.members.is_empty() {
        return "{}\n".to_owned();
    }
    let mut text = String::new();
    members(structure, "", "", &mut text);
    text
}

/// Writes members: the first behind `lead`, the others behind `indent`, which has the same width.
fn members(structure: &Structure, lead: &str, indent: &str, text: &mut String) {
    for (index, member) in structure.members.iter().enumerate() {
        text.push_str(if index == 0 { lead } else { indent });
        text.push_str(member.name);
        text.push(':');
        let head = head(member.shape);
        if !head.is_empty() {
            text.push(' ');
            text.push_str(&head);
        }
        // The AWS CLI indents the first comment of a map by one column less.
        text.push_str(if index == 0 { "  # " } else { " # " });
        text.push_str(&comment(member));
        text.push('\n');
        body(member.shape, indent, text);
    }
}

/// The text on the line of the name.
fn head(shape: &Shape) -> String {
    match &shape.kind {
        Kind::String(string) => scalar(&string.values.first().copied().unwrap_or_default().into()),
        Kind::Integer(_) => "0".to_owned(),
        Kind::Float | Kind::Double => "0.0".to_owned(),
        Kind::Boolean => "true".to_owned(),
        Kind::Timestamp => scalar(&timestamp::sample()),
        Kind::Structure(structure) if structure.members.is_empty() => "{}".to_owned(),
        Kind::List(_) | Kind::Map { .. } | Kind::Structure(_) => String::new(),
    }
}

/// The text on the lines below the name.
fn body(shape: &Shape, indent: &str, text: &mut String) {
    let deeper = format!("{indent}  ");
    match &shape.kind {
        Kind::Structure(structure) => members(structure, &deeper, &deeper, text),
        Kind::List(element) => match &element.kind {
            Kind::Structure(structure) => members(structure, &format!("{indent}- "), &deeper, text),
            _ => {
                text.extend([indent, "- ", &head(element), "\n"]);
                body(element, &deeper, text);
            }
        },
        Kind::Map { value, .. } => {
            let head = head(value);
            let gap = if head.is_empty() { "" } else { " " };
            text.extend([&deeper, "KeyName:", gap, &head, "\n"]);
            body(value, &deeper, text);
        }
        _ => {}
    }
}

fn comment(member: &Member) -> String {
    let mut parts = Vec::new();
    if member.required {
        parts.push("[REQUIRED]".to_owned());
    }
    parts.push(first_sentence(member.documentation));
    if let Kind::String(string) = &member.shape.kind
        && !string.values.is_empty()
    {
        parts.push(format!("Valid values are: {}.", string.values.join(", ")));
    }
    parts.join(" ")
}

/// The first sentence of a description, on one line.
fn first_sentence(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.find(". ") {
        Some(end) => text[..=end].to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use gangplank_api::lightsail::Operation;

    use serde_json::Value;

    use super::*;

    #[test]
    fn every_member_has_a_comment() {
        for operation in Operation::ALL {
            for line in yaml_input(operation.input()).lines().filter(|line| !line.contains("KeyName:")) {
                let is_member = line.contains(':');
                let words =
                    line.split_once("# ").map(|(_, comment)| comment.trim_start_matches("[REQUIRED]").trim());
                assert_eq!(is_member, words.is_some_and(|words| !words.is_empty()), "{line}");
            }
        }
    }

    #[test]
    fn every_sample_is_yaml_and_means_the_json_sample() {
        for operation in Operation::ALL {
            let text = yaml_input(operation.input());
            let read = super::super::yaml::parse(&text).unwrap_or(Value::Null);
            let mut wanted = Value::Object(super::super::skeleton::input(operation.input()));
            if let Some(members) = wanted.as_object_mut() {
                for value in members.values_mut() {
                    if let Some(shown) = value.as_str().and_then(timestamp::sample_as_text) {
                        *value = shown.into();
                    }
                }
            }
            assert_eq!(read, wanted, "{text}");
        }
    }
}
