//! Cases that other evaluators got wrong, and the usual purposes of policies.

use super::*;

const CONDITION_ON: Action = Action::RegisterContainerImage;

/// A policy of one statement with this condition. If the effect is Deny, another statement allows everything.
fn with_condition(effect: &str, condition: Value) -> PermissionPolicy {
    let one = json!({ "Effect": effect, "Action": "*", "Resource": "*", "Condition": condition });
    match effect {
        "Deny" => permission(json!([one, { "Effect": "Allow", "Action": "*", "Resource": "*" }])),
        _ => permission(json!(one)),
    }
    .unwrap()
}

/// Whether such a policy allows the action.
fn allowed(effect: &str, condition: Value, facts: &Facts) -> bool {
    decide(&with_condition(effect, condition), CONDITION_ON, SERVICE, facts).is_ok()
}

#[test]
fn the_eighteen_cases() {
    let label = |label: &str| Facts::new().with("gangplank:Label", label);
    let from = |address: &str| Facts::new().with("aws:SourceIp", address);
    let none = Facts::new();

    // 1. The case of actions does not matter. 2. The case of resources does.
    let policy = permission(json!({ "Effect": "Allow", "Action": "LIGHTSAIL:registercontainerimage",
        "Resource": "arn:aws:lightsail:*:*:ContainerService/Ab*" }))
    .unwrap();
    let service = |id: &str| format!("arn:aws:lightsail:us-east-1:000000000000:ContainerService/{id}");
    assert!(decide(&policy, CONDITION_ON, &service("Abc"), &none).is_ok());
    assert!(decide(&policy, CONDITION_ON, &service("abc"), &none).is_err());

    // 3. A statement that denies wins over all that allow, in any order.
    let (allow, deny) = (
        json!({ "Effect": "Allow", "Action": "*", "Resource": "*" }),
        json!({ "Effect": "Deny", "Action": "lightsail:Register*", "Resource": "*" }),
    );
    for statements in [json!([allow, deny]), json!([deny, allow]), json!([allow, deny, allow])] {
        let policy = permission(statements).unwrap();
        let denial = decide(&policy, CONDITION_ON, SERVICE, &none).unwrap_err();
        assert!(denial.explicit);
        assert!(decide(&policy, Action::GetContainerImages, TENANT, &none).is_ok());
    }

    // 4. An action that no statement allows is denied.
    let policy =
        permission(json!({ "Effect": "Allow", "Action": "lightsail:Get*", "Resource": "*" })).unwrap();
    assert!(!decide(&policy, CONDITION_ON, SERVICE, &none).unwrap_err().explicit);

    // 5. A missing key does not match, 6. but a negated operator holds, 7. and so does IfExists.
    assert!(!allowed("Allow", json!({"StringEquals": {"gangplank:Label": "a"}}), &none));
    assert!(allowed("Allow", json!({"StringNotEquals": {"gangplank:Label": "a"}}), &none));
    assert!(!allowed("Deny", json!({"StringNotLike": {"gangplank:Label": "a*"}}), &none));
    assert!(allowed("Allow", json!({"StringEqualsIfExists": {"gangplank:Label": "a"}}), &none));
    assert!(!allowed("Allow", json!({"StringEqualsIfExists": {"gangplank:Label": "a"}}), &label("b")));

    // 8. Null says whether a key is missing.
    assert!(allowed("Allow", json!({"Null": {"gangplank:Label": true}}), &none));
    assert!(!allowed("Allow", json!({"Null": {"gangplank:Label": "false"}}), &none));

    // 9. One of several values has to match. 10. With a negated operator, no value may match.
    assert!(allowed("Allow", json!({"StringEquals": {"gangplank:Label": ["a", "b"]}}), &label("b")));
    for value in ["a", "b"] {
        let neither = json!({"StringNotEquals": {"gangplank:Label": ["a", "b"]}});
        assert!(!allowed("Allow", neither.clone(), &label(value)));
        assert!(allowed("Deny", neither.clone(), &label(value)));
        assert!(!allowed("Deny", neither, &label("c")));
    }

    // 11. All operators and keys have to hold.
    let both = json!({"StringEquals": {"gangplank:Label": "a", "gangplank:ServiceName": "web"},
        "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}});
    let facts = label("a").with("gangplank:ServiceName", "web").with("aws:SourceIp", "10.1.1.1");
    assert!(allowed("Allow", both.clone(), &facts));
    assert!(!allowed("Allow", both, &label("a").with("gangplank:ServiceName", "web")));

    // 12. Networks of IPv4. 13. Networks of IPv6.
    let build_nodes = json!({"NotIpAddress": {"aws:SourceIp": ["10.0.0.0/8", "2001:db8::/32"]}});
    assert!(allowed("Deny", build_nodes.clone(), &from("10.9.9.9")));
    assert!(!allowed("Deny", build_nodes.clone(), &from("192.0.2.1")));
    assert!(allowed("Deny", build_nodes.clone(), &from("2001:db8::7")));
    assert!(!allowed("Deny", build_nodes, &from("2001:db9::7")));

    // 14. Times, in both forms.
    let until = json!({"DateLessThan": {"aws:CurrentTime": "2026-12-01T00:00:00Z"},
        "NumericGreaterThan": {"aws:EpochTime": 1_790_000_000}});
    assert!(allowed("Allow", until.clone(), &Facts::new().at(crate::Time(1_795_747_200_000))));
    assert!(!allowed("Allow", until, &Facts::new().at(crate::Time(1_797_000_000_000))));

    // 15. ForAllValues holds for an empty list, 16. but ForAnyValue does not.
    assert!(allowed("Allow", json!({"ForAllValues:StringEquals": {"aws:TagKeys": "a"}}), &none));
    assert!(!allowed("Allow", json!({"ForAnyValue:StringEquals": {"aws:TagKeys": "a"}}), &none));

    // 17. An unknown element is refused, so a misspelled Condition does not make a statement unconditional.
    let mistyped = permission(json!({ "Effect": "Allow", "Action": "*", "Resource": "*",
        "Conditions": {"Bool": {"aws:SecureTransport": "true"}} }));
    assert!(mistyped.unwrap_err().problem.starts_with("has `Conditions`"));

    // 18. A Deny without a resource is refused. An ARN with fewer segments matches all ARNs that begin with them.
    assert!(permission(json!({ "Effect": "Deny", "Action": "*" })).is_err());
    let policy =
        permission(json!({ "Effect": "Allow", "Action": "*", "Resource": "arn:aws:lightsail:*" })).unwrap();
    assert!(decide(&policy, CONDITION_ON, SERVICE, &none).is_ok());
    assert!(decide(&policy, Action::ListRoles, "arn:aws:gangplank:us-east-1:000000000000:*", &none).is_err());
}

#[test]
fn all_but_those_are_meant() {
    let policy = permission(json!([
        { "Effect": "Allow", "NotAction": ["lightsail:Delete*", "gangplank:*"], "Resource": "*" },
        { "Effect": "Deny", "Action": "lightsail:RegisterContainerImage", "NotResource": SERVICE },
    ]))
    .unwrap();
    let allowed = |action, resource| decide(&policy, action, resource, &Facts::new()).is_ok();
    assert!(allowed(Action::GetContainerImages, TENANT));
    assert!(!allowed(Action::DeleteContainerImage, SERVICE));
    assert!(!allowed(Action::ListRoles, TENANT));
    assert!(allowed(Action::RegisterContainerImage, SERVICE));
    assert!(!allowed(
        Action::RegisterContainerImage,
        "arn:aws:lightsail:us-east-1:000000000000:ContainerService/9"
    ));
}

#[test]
fn a_login_cannot_be_narrowed_to_a_service_as_in_lightsail() {
    let policy =
        permission(json!({ "Effect": "Allow", "Action": "lightsail:*", "Resource": SERVICE })).unwrap();
    let tenant = crate::Tenant { account: crate::AccountId::root(), region: crate::Region::default_region() };
    let allowed = |action: Action| {
        decide(&policy, action, &action.resource(&tenant, Some("1-2")), &Facts::new()).is_ok()
    };
    assert!(!allowed(Action::CreateContainerServiceRegistryLogin));
    assert!(!allowed(Action::GetContainerImages));
    assert!(allowed(Action::RegisterContainerImage));
    let unknown = Action::RegisterContainerImage.resource(&tenant, None);
    assert!(decide(&policy, Action::RegisterContainerImage, &unknown, &Facts::new()).is_err());
}

#[test]
fn what_cannot_be_decided_allows_nothing_and_denies() {
    let spoilt = Facts::new().with("aws:SourceIp", "unknown");
    for operator in ["IpAddress", "NotIpAddress", "NotIpAddressIfExists"] {
        let condition = json!({operator: {"aws:SourceIp": "10.0.0.0/8"}});
        assert!(!allowed("Allow", condition.clone(), &spoilt), "{operator}");
        assert!(!allowed("Deny", condition, &spoilt), "{operator}");
    }
}

#[test]
fn a_session_keeps_what_both_allow() {
    let role = [permission(json!([
        { "Effect": "Allow", "Action": "lightsail:*", "Resource": "*" },
        { "Effect": "Deny", "Action": "lightsail:DeleteContainerService", "Resource": "*" },
    ]))
    .unwrap()];
    let session = permission(json!([
        { "Effect": "Allow", "Action": ["lightsail:Get*", "lightsail:Delete*", "gangplank:*"], "Resource": "*" },
        { "Effect": "Deny", "Action": "lightsail:GetContainerLog", "Resource": "*" },
    ]))
    .unwrap();
    let facts = Facts::new();
    let decide = |identity: &[PermissionPolicy], session: Option<&PermissionPolicy>, action| {
        Permissions { identity, session }.decide(&Request { action, resource: TENANT, facts: &facts })
    };
    let denied = |policy, explicit, action| Err(Denial { action, policy, explicit });
    for (action, decision) in [
        (Action::GetContainerImages, Ok(())),
        (Action::DeleteContainerImage, Ok(())),
        (Action::RegisterContainerImage, denied(PolicyKind::Session, false, Action::RegisterContainerImage)),
        (Action::GetContainerLog, denied(PolicyKind::Session, true, Action::GetContainerLog)),
        (Action::DeleteContainerService, denied(PolicyKind::Identity, true, Action::DeleteContainerService)),
        (Action::ListRoles, denied(PolicyKind::Identity, false, Action::ListRoles)),
    ] {
        assert_eq!(decide(&role, Some(&session), action), decision, "{action}");
    }
    // If a holder has several policies, each can allow. Without any policy, nothing is allowed.
    let two = [role[0].clone(), session.clone()];
    assert_eq!(decide(&two, None, Action::ListRoles), Ok(()));
    assert!(decide(&two, None, Action::GetContainerLog).is_err());
    assert!(decide(&[], None, Action::GetContainerImages).is_err());
}

#[test]
fn a_denial_speaks_as_amazons_does() {
    let text = |policy, explicit| Denial { action: Action::ListRoles, policy, explicit }.to_string();
    assert_eq!(
        text(PolicyKind::Identity, false),
        "because no identity-based policy allows the gangplank:ListRoles action"
    );
    assert_eq!(text(PolicyKind::Identity, true), "with an explicit deny in an identity-based policy");
    assert_eq!(text(PolicyKind::Session, true), "with an explicit deny in a session policy");
}

#[test]
fn only_what_conditions_ask_for_has_to_be_known() {
    let policy = [permission(json!([
        { "Effect": "Allow", "Action": "lightsail:RegisterContainerImage", "Resource": "*",
          "Condition": {"ForAnyValue:ArnLike": {"gangplank:PutBy": "arn:aws:iam::*:role/build"}} },
        { "Effect": "Allow", "Action": "lightsail:Delete*", "Resource": "*",
          "Condition": {"StringEquals": {"AWS:ResourceTag/team": "${aws:userid}"}} },
        { "Effect": "Allow", "Action": "lightsail:Get*",
          "Resource": "arn:aws:lightsail:*:${aws:PrincipalAccount}:*" },
    ]))
    .unwrap()];
    let session = permission(json!({ "Effect": "Deny", "Action": "lightsail:Update*", "Resource": "*",
        "Condition": {"Null": {"gangplank:ServiceName": "true"}} }))
    .unwrap();
    let all = Permissions { identity: &policy, session: Some(&session) };
    assert!(all.ask_for(Action::RegisterContainerImage, "gangplank:putby"));
    assert!(!all.ask_for(Action::RegisterContainerImage, "gangplank:Repository"));
    assert!(!all.ask_for(Action::GetContainerImages, "gangplank:PutBy"));
    assert!(all.ask_for(Action::DeleteContainerImage, "aws:ResourceTag/"));
    assert!(!all.ask_for(Action::DeleteContainerImage, "aws:ResourceTag"));
    assert!(all.ask_for(Action::DeleteContainerImage, "aws:userid"));
    assert!(all.ask_for(Action::GetContainerImages, "aws:PrincipalAccount"));
    assert!(all.ask_for(Action::UpdateContainerService, "gangplank:ServiceName"));
}
