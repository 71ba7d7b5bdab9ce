//! Targets, and how a request names its operation.

use gangplank_api::{Described, Request, Target, gangplank, lightsail};

#[test]
fn a_target_names_its_service_and_operation() {
    let login = Target::Lightsail(lightsail::Operation::CreateContainerServiceRegistryLogin);
    assert_eq!(Target::parse("Lightsail_20161128.CreateContainerServiceRegistryLogin"), Some(login));
    let list = Target::Gangplank(gangplank::Operation::ListAccessKeys);
    assert_eq!(Target::parse("Gangplank_20261123.ListAccessKeys"), Some(list));
}

#[test]
fn every_target_is_read_back() {
    let lightsail = lightsail::Operation::ALL.iter().copied().map(Target::Lightsail);
    let gangplank = gangplank::Operation::ALL.iter().copied().map(Target::Gangplank);
    for target in lightsail.chain(gangplank) {
        assert_eq!(Target::parse(target.as_str()), Some(target));
        assert!(target.as_str().ends_with(target.name()));
        assert!(!target.documentation().is_empty() && !target.errors().is_empty());
        assert!(target.input().name.ends_with("Request") && target.output().name.ends_with("Result"));
    }
}

#[test]
fn other_targets_are_unknown() {
    for target in [
        "",
        ".",
        "Lightsail_20161128",
        "Lightsail_20161128.",
        "Lightsail_20161128.GetInstances",
        "Lightsail_20161128.createContainerService",
        "Lightsail_20161128.CreateContainerService ",
        "Lightsail_20161128..CreateContainerService",
        "Lightsail_20161128.CreateAccessKey",
        "Gangplank_20261123.CreateContainerService",
        "lightsail_20161128.CreateContainerService",
        "CreateContainerService",
    ] {
        assert_eq!(Target::parse(target), None, "{target}");
    }
}

#[test]
fn a_request_knows_its_operation_and_answer() {
    type Register = lightsail::RegisterContainerImageRequest;
    assert_eq!(Register::OPERATION, Target::Lightsail(lightsail::Operation::RegisterContainerImage));
    assert_eq!(Register::OPERATION.input().name, Register::STRUCTURE.name);
    assert_eq!(<Register as Request>::Output::STRUCTURE.name, "RegisterContainerImageResult");
}

#[test]
fn a_structure_finds_its_members() {
    let input = lightsail::Operation::RegisterContainerImage.input();
    assert_eq!(input.member("digest").map(|member| member.required), Some(true));
    assert!(input.member("Digest").is_none());
}

#[test]
fn values_of_enumerations_are_read_back() {
    use gangplank_api::lightsail::{MetricUnit, OperationType, RegionName};
    assert_eq!(RegionName::parse("ap-southeast-5"), Some(RegionName::ApSoutheast5));
    assert_eq!(RegionName::parse("mars-1"), None);
    assert_eq!(RegionName::ALL.len(), 17);
    assert_eq!(OperationType::ALL.len(), 83);
    assert_eq!(MetricUnit::BytesPerSecond.to_string(), "Bytes/Second");
    assert!(OperationType::ALL.iter().all(|value| OperationType::parse(value.as_str()) == Some(*value)));
}
