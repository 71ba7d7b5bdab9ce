//! Compares our descriptions with botocore's model: member by member, in order.

use std::sync::LazyLock;

use gangplank_api::lightsail::Operation;
use gangplank_api::{ErrorCode, Kind, Range, Shape, StringShape, Structure};
use serde_json::Value;

static MODEL: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../lightsail-shapes.json")).expect("the fixture is JSON")
});

#[test]
fn the_operations_are_those_of_the_model() {
    let operations = MODEL["operations"].as_object().unwrap();
    let ours: Vec<&str> = Operation::ALL.iter().map(|operation| operation.name()).collect();
    assert_eq!(ours, operations.keys().collect::<Vec<_>>());
    assert_eq!(ours.len(), 19);
    assert_eq!(Operation::TARGET_PREFIX, MODEL["targetPrefix"]);
}

#[test]
fn each_operation_has_the_input_the_output_and_the_errors_of_the_model() {
    for operation in Operation::ALL {
        let facts = &MODEL["operations"][operation.name()];
        assert_eq!(operation.input().name, facts["input"], "{operation:?}");
        assert_eq!(operation.output().name, facts["output"], "{operation:?}");
        let errors: Vec<&str> = operation.errors().iter().map(|error| error.as_str()).collect();
        assert_eq!(Value::from(errors), facts["errors"], "{operation:?}");
    }
}

#[test]
fn each_structure_has_the_members_and_constraints_of_the_model() {
    let mut seen = Vec::new();
    for operation in Operation::ALL {
        check_structure(operation.input(), &mut seen);
        check_structure(operation.output(), &mut seen);
    }
    let shapes = MODEL["shapes"].as_object().unwrap();
    let structures = shapes.values().filter(|facts| facts["type"] == "structure").count();
    assert_eq!(seen.len(), structures, "a structure of the model is not reached");
}

#[test]
fn everything_is_documented_in_one_paragraph() {
    for operation in Operation::ALL {
        assert!(operation.documentation().ends_with('.'), "{operation:?}");
        for structure in [operation.input(), operation.output()] {
            assert!(structure.documentation.ends_with('.'), "{}", structure.name);
            for member in structure.members {
                let text = member.documentation;
                assert!(text.ends_with('.') && !text.starts_with(' ') && !text.contains('\n'), "{text:?}");
            }
        }
    }
}

fn check_structure(structure: &'static Structure, seen: &mut Vec<&'static str>) {
    if seen.contains(&structure.name) {
        return;
    }
    seen.push(structure.name);
    let members = MODEL["shapes"][structure.name]["members"].as_array().expect(structure.name);
    let names: Vec<&str> = structure.members.iter().map(|member| member.name).collect();
    let expected: Vec<&str> = members.iter().map(|member| name_in(member, "name")).collect();
    assert_eq!(names, expected, "the members of {}", structure.name);
    for (member, facts) in structure.members.iter().zip(members) {
        let at = format!("{}.{}", structure.name, member.name);
        assert_eq!(member.required, facts["required"], "{at}");
        check_shape(member.shape, name_in(facts, "shape"), &at, seen);
    }
}

fn check_shape(shape: &'static Shape, name: &str, at: &str, seen: &mut Vec<&'static str>) {
    let facts = &MODEL["shapes"][name];
    let kind = match &shape.kind {
        Kind::String(constraints) => {
            check_string(constraints, facts, at);
            "string"
        }
        Kind::Integer(range) => {
            check_range(*range, facts, at);
            "integer"
        }
        Kind::Boolean => "boolean",
        Kind::Float => "float",
        Kind::Double => "double",
        Kind::Timestamp => "timestamp",
        Kind::List(element) => {
            check_shape(element, name_in(facts, "member"), at, seen);
            "list"
        }
        Kind::Map { key, value } => {
            check_shape(key, name_in(facts, "key"), at, seen);
            check_shape(value, name_in(facts, "value"), at, seen);
            "map"
        }
        Kind::Structure(structure) => {
            check_structure(structure, seen);
            "structure"
        }
    };
    assert_eq!(kind, facts["type"], "{at}");
    if !matches!(kind, "list" | "map") {
        assert_eq!(shape.name, name, "{at}");
    }
}

fn name_in<'a>(facts: &'a Value, key: &str) -> &'a str {
    facts[key].as_str().expect("the fixture has the name")
}

/// Patterns may be stricter than in the model, because clients do not check them. Everything else is equal.
fn check_string(constraints: &StringShape, facts: &Value, at: &str) {
    check_range(constraints.length, facts, at);
    let values = facts["enum"].as_array().cloned().unwrap_or_default();
    assert_eq!(Value::from(constraints.values), Value::from(values), "{at}");
    let Some(pattern) = facts["pattern"].as_str() else { return };
    let ours = constraints.pattern.unwrap_or_else(|| panic!("{at} has no pattern")).text;
    let grouped = pattern
        .strip_prefix('^')
        .and_then(|rest| rest.strip_suffix('$'))
        .map(|inner| format!("^(?:{inner})$"));
    assert!(
        ours == pattern || grouped.is_some_and(|grouped| ours == grouped),
        "{at}: {ours} is not {pattern}"
    );
}

fn check_range(range: Range, facts: &Value, at: &str) {
    let fact =
        |key: &str| facts[key].as_i64().map(|bound| i32::try_from(bound).expect("a bound has 32 bits"));
    assert_eq!(range, Range { min: fact("min"), max: fact("max") }, "{at}");
}

#[test]
fn the_errors_of_the_model_come_first() {
    let modelled: Vec<&str> = ErrorCode::VALUES[..8].to_vec();
    assert!(modelled.iter().all(|name| name.ends_with("Exception")));
    for operation in Operation::ALL {
        assert!(operation.errors().iter().all(|error| modelled.contains(&error.as_str())), "{operation:?}");
    }
}
