//! Properties that hold for every input.

use gangplank_api::lightsail::{
    CreateContainerServiceDeploymentRequest, CreateContainerServiceRequest,
    GetContainerServiceMetricDataRequest, GetContainerServicesRequest, TagResourceRequest,
};
use gangplank_api::{
    ErrorCode, Kind, Shape, Structure, Target, Timestamp, decode, encode, gangplank, lightsail,
};
use gangplank_api::{image_name, is_name};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

/// Any JSON, often with words that requests have.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        "[a-zA-Z0-9:._-]{0,9}",
        any::<String>(),
        Just("nano".to_owned()),
        Just("HTTP".to_owned())
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-1..25).prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 8, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            btree_map(word.clone(), inner, 0..5)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// A value of the right type. Its constraints may be violated.
fn of_shape(shape: &'static Shape) -> BoxedStrategy<Value> {
    match &shape.kind {
        Kind::String(constraints) if !constraints.values.is_empty() => {
            prop_oneof![9 => select(constraints.values).prop_map(Value::from), 1 => Just(json!("x"))].boxed()
        }
        Kind::String(_) => {
            prop_oneof![9 => "[a-z0-9]{1,5}", 1 => any::<String>()].prop_map(Value::from).boxed()
        }
        Kind::Integer(_) => prop_oneof![9 => 1..20, 1 => any::<i32>()].prop_map(Value::from).boxed(),
        Kind::Boolean => any::<bool>().prop_map(Value::from).boxed(),
        Kind::Float | Kind::Double => (-1e30..1e30).prop_map(Value::from).boxed(),
        Kind::Timestamp => (0.0..2e9).prop_map(Value::from).boxed(),
        Kind::List(element) => vec(of_shape(element), 0..3).prop_map(Value::from).boxed(),
        Kind::Map { key, value } => vec((of_shape(key), of_shape(value)), 0..3).prop_map(object).boxed(),
        Kind::Structure(structure) => of_structure(structure),
    }
}

fn object(entries: impl IntoIterator<Item = (Value, Value)>) -> Value {
    entries.into_iter().map(|(key, value)| (key.as_str().unwrap_or_default().to_owned(), value)).collect()
}

fn of_structure(structure: &'static Structure) -> BoxedStrategy<Value> {
    let members: Vec<_> = structure
        .members
        .iter()
        .map(|member| {
            let share = if member.required { 0.99 } else { 0.5 };
            proptest::option::weighted(share, of_shape(member.shape)).prop_map(|value| (member.name, value))
        })
        .collect();
    members
        .prop_map(|members| {
            let given = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
            Value::Object(given.collect::<Map<_, _>>())
        })
        .boxed()
}

/// Reads a body as the input of every operation. Nothing may panic.
fn read_as_everything(body: &[u8]) {
    let _ = decode::<CreateContainerServiceRequest>(body);
    let _ = decode::<CreateContainerServiceDeploymentRequest>(body);
    let _ = decode::<GetContainerServiceMetricDataRequest>(body);
    let _ = decode::<TagResourceRequest>(body);
    let _ = decode::<gangplank::CreateRegistryLoginRequest>(body);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(body: Vec<u8>) {
        read_as_everything(&body);
        let _ = Target::parse(&String::from_utf8_lossy(&body));
    }

    #[test]
    fn no_json_makes_it_panic(value in any_json()) {
        read_as_everything(value.to_string().as_bytes());
    }

    #[test]
    fn no_almost_json_makes_it_panic(text in r#"[\[\]{}:,"\\ua0-9eE+.-]{0,40}"#) {
        read_as_everything(text.as_bytes());
    }

    #[test]
    fn what_has_the_right_types_is_read_or_refused_for_its_values(
        value in of_structure(lightsail::Operation::CreateContainerService.input())
    ) {
        match decode::<CreateContainerServiceRequest>(value.to_string().as_bytes()) {
            Ok(request) => prop_assert_eq!(decode(&encode(&request)), Ok(request)),
            Err(error) => prop_assert_eq!(error.code, ErrorCode::InvalidInputException),
        }
    }

    #[test]
    fn what_is_answered_is_read_back(value in of_structure(lightsail::Operation::GetContainerServices.output())) {
        if let Ok(answer) = serde_json::from_value::<lightsail::ContainerServicesListResult>(value) {
            let again: lightsail::ContainerServicesListResult = serde_json::from_slice(&encode(&answer)).unwrap();
            prop_assert_eq!(again, answer);
        }
    }

    #[test]
    fn moments_are_read_back(milliseconds in Timestamp::MIN.0..=Timestamp::MAX.0) {
        let text = encode(&Timestamp(milliseconds));
        prop_assert_eq!(serde_json::from_slice::<Timestamp>(&text).unwrap(), Timestamp(milliseconds));
    }

    #[test]
    fn numbers_are_moments_or_refused(seconds: f64) {
        let text = serde_json::to_string(&seconds).unwrap();
        if let Ok(moment) = serde_json::from_str::<Timestamp>(&text) {
            prop_assert!((Timestamp::MIN..=Timestamp::MAX).contains(&moment));
        }
    }

    #[test]
    fn names_of_the_pattern_are_accepted(name in "[a-z0-9]{1,2}|[a-z0-9][a-z0-9-]{1,61}[a-z0-9]") {
        prop_assert!(is_name(&name));
        let body = json!({"serviceName": name}).to_string();
        prop_assert!(decode::<GetContainerServicesRequest>(body.as_bytes()).is_ok());
    }

    #[test]
    fn other_names_are_refused(name in "[a-z0-9-]{0,5}[^a-z0-9-][a-z0-9-]{0,5}|-[a-z0-9-]{0,5}|[a-z0-9-]{0,5}-") {
        prop_assert!(!is_name(&name));
    }

    #[test]
    fn image_names_are_taken_apart(
        service in "[a-z0-9][a-z0-9-]{0,20}[a-z0-9]", label in "[a-z0-9]{1,53}", number in 1..10_i64.pow(18)
    ) {
        let image = format!(":{service}.{label}.{number}");
        prop_assert_eq!(image_name(&image), Some((&*service, &*label, number)));
    }

    #[test]
    fn messages_stay_short_and_printable(name in any::<String>()) {
        let body = json!({"serviceName": name}).to_string();
        if let Err(error) = decode::<GetContainerServicesRequest>(body.as_bytes()) {
            prop_assert!(error.message.len() < 1000, "{}", error.message);
            prop_assert!(!error.message.chars().any(char::is_control), "{}", error.message);
        }
    }
}
