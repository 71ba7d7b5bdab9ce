//! Every operation, under every preset, with its resources.

use super::*;
use crate::{AccountId, Region, Tenant};

/// The actions of a preset, by their names alone.
fn expected(preset: Preset, action: Action) -> bool {
    let push = [
        "lightsail:CreateContainerServiceRegistryLogin",
        "lightsail:RegisterContainerImage",
        "lightsail:GetContainerImages",
        "lightsail:GetContainerServices",
        "lightsail:GetContainerAPIMetadata",
    ];
    let deploy = [
        "lightsail:CreateContainerServiceDeployment",
        "lightsail:GetContainerServiceDeployments",
        "lightsail:GetContainerLog",
    ];
    let name = action.as_str();
    match preset {
        Preset::Push => push.contains(&name),
        Preset::Deploy => push.contains(&name) || deploy.contains(&name),
        Preset::Read => {
            name.starts_with("lightsail:Get")
                || ["gangplank:CreatePullLogin", "gangplank:GetImageOrigin"].contains(&name)
        }
        Preset::All => true,
    }
}

/// Operations that never name a service.
const NO_SERVICE: [&str; 6] = [
    "CreateCertificate",
    "CreateContainerServiceRegistryLogin",
    "DeleteCertificate",
    "GetCertificates",
    "GetContainerAPIMetadata",
    "GetContainerServicePowers",
];

fn tenant() -> Tenant {
    Tenant { account: AccountId::root(), region: Region::default_region() }
}

/// Asks for an action as the server would: with a service or without one, and with an image that some repositories
/// have.
fn allowed(policy: &PermissionPolicy, action: Action, service: Option<&str>, held_by: &[&str]) -> bool {
    let mut facts = Facts::new();
    if let Some(service) = service.filter(|_| action.names_service()) {
        facts = facts.with("gangplank:ServiceName", service);
    }
    if action.names_repository() && !held_by.is_empty() {
        facts = facts.with_many("gangplank:Repository", held_by.iter().copied());
    }
    let resource = action.resource(&tenant(), service.map(|_| "1-2"));
    decide(policy, action, &resource, &facts).is_ok()
}

fn limits(services: &[&str], repositories: &[&str]) -> Limits {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Limits { services: texts(services), repositories: texts(repositories) }
}

#[test]
fn presets_allow_what_they_list_on_any_service() {
    for preset in Preset::ALL {
        let policy = preset.policy(&Limits::default()).unwrap();
        for action in Action::ALL.iter().copied() {
            for service in [Some("web"), Some("api"), None] {
                let allowed = allowed(&policy, action, service, &["sr"]);
                assert_eq!(allowed, expected(preset, action), "{preset} {action} {service:?}");
            }
        }
    }
}

#[test]
fn with_services_an_operation_must_name_one_of_them() {
    for preset in Preset::ALL {
        let policy = preset.policy(&limits(&["web", "shop-*"], &[])).unwrap();
        for action in Action::ALL.iter().copied() {
            let (_, operation) = action.as_str().split_once(':').unwrap();
            let names_one = action.as_str().starts_with("lightsail:") && !NO_SERVICE.contains(&operation)
                || [Action::CreatePullLogin, Action::GetImageOrigin].contains(&action);
            for (service, is_one) in
                [(Some("web"), true), (Some("shop-a"), true), (Some("api"), false), (None, false)]
            {
                let expected =
                    expected(preset, action) && !action.changes_principals() && (is_one || !names_one);
                assert_eq!(
                    allowed(&policy, action, service, &["sr"]),
                    expected,
                    "{preset} {action} {service:?}"
                );
            }
        }
    }
}

#[test]
fn with_repositories_an_image_must_be_in_one_of_them() {
    for preset in Preset::ALL {
        let policy = preset.policy(&limits(&[], &["team/*", "base"])).unwrap();
        for action in Action::ALL.iter().copied() {
            let concerned = [
                Action::RegisterContainerImage,
                Action::CreateImageIndex,
                Action::GetManifest,
                Action::ListManifests,
            ]
            .contains(&action);
            for (held_by, is_one) in [
                (&["team/app"][..], true),
                (&["sr", "base"], true),
                (&["sr"], false),
                (&["team/app/debug"], false),
                (&[], false),
            ] {
                let expected =
                    expected(preset, action) && !action.changes_principals() && (is_one || !concerned);
                assert_eq!(
                    allowed(&policy, action, Some("web"), held_by),
                    expected,
                    "{preset} {action} {held_by:?}"
                );
            }
        }
    }
}

#[test]
fn a_pushing_preset_without_repositories_has_lightsails_own() {
    for preset in [Preset::Push, Preset::Deploy] {
        let policy = preset.policy(&Limits::default()).unwrap();
        let register =
            |held_by: &[&str]| allowed(&policy, Action::RegisterContainerImage, Some("web"), held_by);
        assert!(register(&["sr"]) && register(&["other", "sr"]));
        assert!(!register(&["other"]) && !register(&["sr/x"]) && !register(&[]));
        let anywhere = preset.policy(&limits(&[], &["**"])).unwrap();
        assert!(allowed(&anywhere, Action::RegisterContainerImage, Some("web"), &["a/b"]));
    }
}

#[test]
fn presets_are_policies_that_can_be_shown() {
    assert_eq!(
        Preset::All.policy(&Limits::default()).unwrap().to_json(),
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#
    );
    assert_eq!(
        Preset::Push.policy(&limits(&["web"], &[])).unwrap().to_json(),
        concat!(
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","#,
            r#""Action":["lightsail:CreateContainerServiceRegistryLogin","lightsail:GetContainerAPIMetadata"],"#,
            r#""Resource":"*"},{"Effect":"Allow","#,
            r#""Action":["lightsail:GetContainerImages","lightsail:GetContainerServices"],"Resource":"*","#,
            r#""Condition":{"StringLike":{"gangplank:ServiceName":"web"}}},{"Effect":"Allow","#,
            r#""Action":"lightsail:RegisterContainerImage","Resource":"*","#,
            r#""Condition":{"StringLike":{"gangplank:ServiceName":"web"},"#,
            r#""ForAnyValue:StringLike":{"gangplank:Repository":"sr"}}}]}"#
        )
    );
    for preset in Preset::ALL {
        assert_eq!(Preset::parse(preset.as_str()), Some(preset));
    }
    assert_eq!(Preset::parse("admin"), None);
    assert!(Preset::Push.policy(&limits(&["${x"], &[])).is_err());
    let too_many: Vec<&str> = vec!["web"; 300];
    assert!(Preset::Push.policy(&limits(&too_many, &[])).is_err());
}
