//! The effect of policies and limits on an access key: every operation with every preset, and the logins of the
//! key.

use gangplank_testkit::{Api, ApiAnswer, Image, Login, TestServer};
use serde_json::{Value, json};

use crate::api_wire::now;
use crate::{server, server_with};

/// Makes a key. Returns the API called with it.
fn key(server: &TestServer, input: &Value) -> Api {
    let answer = server.api().gangplank("CreateAccessKey", input);
    assert_eq!(answer.status, 200, "{answer:?}");
    server.api().as_key(&answer.body["accessKey"])
}

const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// Every operation: an input for a service, whether the input names the service, and the presets that allow it.
fn operations(service: &str) -> Vec<(&'static str, &'static str, Value, bool, &'static str)> {
    let named = json!({ "serviceName": service });
    let with = |more: Value| {
        let mut input = named.clone();
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    let image = format!(":{service}.app.1");
    let l = "Lightsail_20161128.";
    let g = "Gangplank_20261123.";
    let metric = json!({ "metricName": "CPUUtilization", "startTime": 0, "endTime": 60, "period": 60, "statistics": ["Sum"] });
    let tags = json!([{ "key": "k", "value": "v" }]);
    vec![
        (
            l,
            "CreateCertificate",
            json!({ "certificateName": "cert", "domainName": "www.example.com" }),
            false,
            "",
        ),
        (l, "DeleteCertificate", json!({ "certificateName": "cert" }), false, ""),
        (l, "GetCertificates", json!({}), false, "read"),
        (l, "CreateContainerService", with(json!({ "power": "nano", "scale": 1 })), true, ""),
        (l, "UpdateContainerService", with(json!({ "scale": 2 })), true, ""),
        (l, "TagResource", json!({ "resourceName": service, "tags": tags }), true, ""),
        (l, "UntagResource", json!({ "resourceName": service, "tagKeys": ["k"] }), true, ""),
        (l, "GetContainerServices", named.clone(), true, "push deploy read"),
        (l, "GetContainerServicePowers", json!({}), false, "read"),
        (l, "GetContainerAPIMetadata", json!({}), false, "push deploy read"),
        (l, "CreateContainerServiceRegistryLogin", json!({}), false, "push deploy"),
        (l, "RegisterContainerImage", with(json!({ "label": "app", "digest": DIGEST })), true, ""),
        (l, "GetContainerImages", named.clone(), true, "push deploy read"),
        (l, "DeleteContainerImage", with(json!({ "image": image })), true, ""),
        (
            l,
            "CreateContainerServiceDeployment",
            with(json!({ "containers": { "app": { "image": "nginx" } } })),
            true,
            "deploy",
        ),
        (l, "GetContainerServiceDeployments", named.clone(), true, "deploy read"),
        (l, "GetContainerLog", with(json!({ "containerName": "app" })), true, "deploy read"),
        (l, "GetContainerServiceMetricData", with(metric), true, "read"),
        (g, "CreateRegistryLogin", named.clone(), true, "read"),
        (g, "CreateRegistryLogin", json!({ "scope": ["pull"] }), false, ""),
        (g, "GetImageOrigin", json!({ "image": image }), true, "read"),
        (g, "CreateImageIndex", json!({ "repository": "sr", "digests": [DIGEST] }), false, ""),
        (g, "ListRepositories", json!({}), false, ""),
        (g, "ListManifests", json!({ "repository": "sr" }), false, ""),
        (g, "GetManifest", json!({ "repository": "sr", "reference": "x" }), false, ""),
        (g, "ListRegistryLogins", json!({}), false, ""),
        (g, "RevokeRegistryLogin", json!({ "id": "999" }), false, ""),
        (g, "ListAccessKeys", json!({}), false, ""),
        (g, "ListAuditEvents", json!({}), false, ""),
        (g, "ListRoles", json!({}), false, ""),
        (g, "GetRole", json!({ "roleName": "r" }), false, ""),
        (g, "ListRoleSessions", json!({ "roleName": "r" }), false, ""),
        (g, "TryRole", json!({ "roleName": "r", "identityToken": "a.b.c" }), false, ""),
        // No caller with a policy or limits may do these.
        (g, "CreateAccessKey", json!({}), false, "-"),
        (
            g,
            "UpdateAccessKey",
            json!({ "accessKeyId": "GPAKNOBODYNOBODYNOBO", "status": "Disabled" }),
            false,
            "-",
        ),
        (g, "DeleteAccessKey", json!({ "accessKeyId": "GPAKNOBODYNOBODYNOBO" }), false, "-"),
        (g, "CreateRole", json!({ "roleName": "x", "trustPolicy": "{}" }), false, "-"),
        (g, "UpdateRole", json!({ "roleName": "x", "status": "Disabled" }), false, "-"),
        (g, "DeleteRole", json!({ "roleName": "x" }), false, "-"),
        (
            g,
            "RevokeRoleSession",
            json!({ "roleName": "x", "accessKeyId": "GPASNOBODYNOBODYNOBO" }),
            false,
            "-",
        ),
        // A key of the root account that is no root key.
        (g, "GetServerHealth", json!({}), false, "-"),
        (g, "CollectGarbage", json!({}), false, "-"),
        (l, "DeleteContainerService", named.clone(), true, ""),
    ]
}

#[test]
fn each_operation_is_for_those_whose_preset_has_it() {
    let server = server();
    let root = server.api();
    for preset in ["push", "deploy", "read", "all"] {
        let keys = [
            (key(&server, &json!({ "preset": preset })), &[][..]),
            (
                key(&server, &json!({ "preset": preset, "services": ["web", "shop-*"] })),
                &["web", "shop-1"][..],
            ),
        ];
        for (api, services) in keys {
            for service in ["web", "shop-1", "other", "absent"] {
                for (prefix, operation, input, names_service, presets) in operations(service) {
                    if service != "absent" {
                        root.ensure_service(service);
                    }
                    let is_in = services.is_empty() || !names_service || services.contains(&service);
                    let of_all = preset == "all" && presets != "-";
                    // The image is in no repository. So a preset that pushes to named repositories may not
                    // register it.
                    let expected = is_in && (presets.split(' ').any(|it| it == preset) || of_all);
                    let answer = api.call(&format!("{prefix}{operation}"), input.to_string().as_bytes(), &[]);
                    let allowed = answer.error() != "AccessDeniedException";
                    assert_eq!(allowed, expected, "{preset} {services:?} {operation} {service}: {answer:?}");
                }
            }
        }
    }
}

#[test]
fn an_image_is_registered_only_from_a_repository_that_is_named_and_by_whom_a_policy_names() {
    let server = server();
    let root = server.api();
    root.ensure_service("web");
    let operator = server.registry_as(&server.operator_login());
    let image = |repository: &str| operator.push_image(repository, "v1", &Image::unique(1));
    let register = |api: &Api, digest: &str| -> ApiAnswer {
        let input = json!({ "serviceName": "web", "label": "app", "digest": digest });
        api.lightsail("RegisterContainerImage", &input)
    };
    let (in_sr, in_team) = (image("sr"), image("team/app"));
    let push = key(&server, &json!({ "preset": "push" }));
    assert_eq!(register(&push, &in_sr).status, 200);
    let refused = register(&push, &in_team);
    assert_eq!(refused.error(), "AccessDeniedException");
    assert!(refused.body["tip"].as_str().unwrap().contains("--repository"), "{refused:?}");
    let team = key(&server, &json!({ "preset": "push", "repositories": ["team/*"] }));
    assert_eq!((register(&team, &in_team).status, register(&team, &in_sr).status), (200, 400));

    // Two keys: one of them puts an image that may be registered.
    let builds = root.gangplank("CreateAccessKey", &json!({ "preset": "push" })).body["accessKey"].clone();
    let id = builds["accessKeyId"].as_str().unwrap();
    let policy = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "lightsail:RegisterContainerImage", "Resource": "*",
        "Condition": {
            "ForAnyValue:StringEquals": { "gangplank:PutBy": format!("arn:aws:iam::000000000000:user/{id}") },
            "StringLike": { "gangplank:Label": "app*", "gangplank:ServiceName": "web" },
        },
    }]});
    let registers = key(&server, &json!({ "policy": policy.to_string() }));
    let built =
        server.registry_as(&root.as_key(&builds).push_login()).push_image("sr", "b", &Image::unique(1));
    assert_eq!(register(&registers, &built).status, 200);
    assert_eq!(register(&registers, &in_sr).error(), "AccessDeniedException");
    assert_eq!(register(&registers, DIGEST).error(), "AccessDeniedException");
    let other = json!({ "serviceName": "web", "label": "x", "digest": built });
    assert_eq!(registers.lightsail("RegisterContainerImage", &other).error(), "AccessDeniedException");
}

#[test]
fn a_policy_that_denies_is_stronger_and_tags_are_known() {
    let server = server();
    let root = server.api();
    for (name, team) in [("web", "a"), ("api", "b")] {
        root.ensure_service(name);
        let tags = json!([{ "key": "team", "value": team }]);
        assert_eq!(root.lightsail("TagResource", &json!({ "resourceName": name, "tags": tags })).status, 200);
    }
    let policy = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": "lightsail:*", "Resource": "*" },
        { "Effect": "Deny", "Action": "lightsail:UpdateContainerService", "Resource": "*",
          "Condition": { "StringNotEquals": { "aws:ResourceTag/team": "a" } } },
        { "Effect": "Deny", "Action": "lightsail:Delete*", "Resource": "*" },
    ]});
    let api = key(&server, &json!({ "policy": policy.to_string() }));
    let update =
        |name: &str| api.lightsail("UpdateContainerService", &json!({ "serviceName": name, "scale": 2 }));
    assert_eq!(update("web").status, 200);
    for name in ["api", "absent"] {
        let answer = update(name);
        assert_eq!(answer.error(), "AccessDeniedException");
        assert!(
            answer.message().ends_with("with an explicit deny in an identity-based policy"),
            "{answer:?}"
        );
    }
    assert!(update("absent").message().contains("ContainerService/*none*"));
    assert_eq!(
        api.lightsail("DeleteContainerService", &json!({ "serviceName": "web" })).error(),
        "AccessDeniedException"
    );
}

#[test]
fn only_a_proxy_that_is_known_says_that_a_call_came_by_tls() {
    let policy = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": "lightsail:*", "Resource": "*",
          "Condition": { "Bool": { "aws:SecureTransport": "true" } } },
    ]});
    for (proxies, error) in [("127.0.0.1", ""), ("192.0.2.1", "AccessDeniedException")] {
        let server = server_with(|builder| builder.arg("--trusted-proxies").arg(proxies));
        let api = key(&server, &json!({ "policy": policy.to_string() }));
        let target = "Lightsail_20161128.GetContainerServices";
        assert_eq!(api.call(target, b"{}", &[]).error(), "AccessDeniedException");
        let forwarded = [("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-Proto", "https")];
        assert_eq!(api.call(target, b"{}", &forwarded).error(), error, "{proxies}");
    }
}

#[test]
fn the_logins_of_a_key_are_as_narrow_as_it_is_and_end_with_it() {
    let server = server();
    server.api().ensure_service("web");
    let life = |login: &ApiAnswer| {
        let end = login.body["registryLogin"]["expiresAt"].as_f64().unwrap();
        #[expect(clippy::cast_possible_truncation, reason = "seconds")]
        let end = end.round() as i64;
        end - now()
    };
    let push = |api: &Api| api.lightsail("CreateContainerServiceRegistryLogin", &json!({}));
    assert!((43_195..=43_201).contains(&life(&push(&key(&server, &json!({}))))));
    assert!((595..=601).contains(&life(&push(&key(&server, &json!({ "maxLoginSeconds": 600 }))))));
    let ends = key(&server, &json!({ "expiresAt": now() + 90 }));
    assert!((85..=91).contains(&life(&push(&ends))));

    let team =
        key(&server, &json!({ "preset": "push", "repositories": ["team/*"], "description": "the team's" }));
    let registry = server.registry_as(&Login::of(&push(&team)));
    assert_eq!((registry.start_upload_status("team/app"), registry.start_upload_status("sr")), (202, 403));
    let text = registry.send("POST", "sr/blobs/uploads/").text().unwrap();
    assert!(text.contains("--repository"), "{text}");

    let all = key(&server, &json!({ "repositories": ["team/*"], "maxLoginSeconds": 600 }));
    let login = |more: Value| all.gangplank("CreateRegistryLogin", &more);
    let narrow = login(json!({ "scope": ["push", "pull"], "repositories": ["team/a"], "lifeSeconds": 60 }));
    assert!((55..=61).contains(&life(&narrow)));
    let narrow = server.registry_as(&Login::of(&narrow));
    assert_eq!((narrow.start_upload_status("team/a"), narrow.start_upload_status("team/b")), (202, 403));
    for wider in [
        json!({ "scope": ["push"], "repositories": ["sr"] }),
        json!({ "scope": ["push"], "lifeSeconds": 601 }),
        json!({ "scope": ["push"], "lifeSeconds": 59 }),
        json!({ "scope": ["push"], "sourceNetworks": ["nowhere"] }),
        json!({ "scope": ["push"], "repositories": ["UPPER"] }),
    ] {
        assert_eq!(login(wider.clone()).error(), "InvalidInputException", "{wider}");
    }
    let listed = server.api().gangplank("ListAccessKeys", &json!({})).body;
    let keys = listed["accessKeys"].as_array().unwrap();
    let team = keys.iter().find(|key| key["description"] == "the team's").unwrap();
    assert_eq!(team["repositories"], json!(["team/*"]));
    assert_eq!(team["createdBy"], "GPAKTESTTESTTESTTEST");
    assert!(team["policy"].is_string(), "{team}");
    if !crate::are_replicas("each tells of the use of keys once a minute") {
        assert!(team["lastUsedAt"].is_number(), "{team}");
    }
}

#[test]
fn a_key_ends_and_nothing_of_it_is_left() {
    let server = server();
    server.api().ensure_service("web");
    let api = key(&server, &json!({ "expiresAt": now() + 2 }));
    let registry = server.registry_as(&api.push_login());
    assert_eq!(registry.status("GET", ""), 200);
    std::thread::sleep(std::time::Duration::from_millis(2_300));
    let answer = api.lightsail("GetContainerServices", &json!({}));
    assert_eq!(answer.error(), "UnauthenticatedException", "{answer:?}");
    assert!(answer.message().contains("has expired"), "{answer:?}");
    assert_eq!(registry.status("GET", ""), 401);
    for bad in [
        json!({ "expiresAt": now() - 1 }),
        json!({ "root": true, "preset": "push" }),
        json!({ "root": true, "expiresAt": now() + 60 }),
        json!({ "preset": "push", "policy": "{}" }),
        json!({ "policy": "{}" }),
        json!({ "preset": "push", "repositories": [] }),
        json!({ "sourceNetworks": ["10.0.0.0/33"] }),
    ] {
        assert_eq!(server.api().gangplank("CreateAccessKey", &bad).error(), "InvalidInputException", "{bad}");
    }
}

#[test]
fn calls_and_logins_from_elsewhere_are_refused() {
    let server = server_with(|builder| builder.arg("--trusted-proxies").arg("127.0.0.1"));
    server.api().ensure_service("web");
    let api = key(&server, &json!({ "preset": "push", "sourceNetworks": ["192.0.2.0/24"] }));
    let from = |address: &str| {
        let target = "Lightsail_20161128.CreateContainerServiceRegistryLogin";
        api.call(target, b"{}", &[("X-Forwarded-For", address)])
    };
    let login = from("192.0.2.7");
    assert_eq!(login.status, 200, "{login:?}");
    let refused = from("198.51.100.1");
    assert_eq!(refused.error(), "AccessDeniedException");
    assert!(refused.message().contains("198.51.100.1"), "{refused:?}");
    let registry = server.registry_as(&Login::of(&login));
    let status = |address: &str| {
        let answer = registry.request("GET", "").header("X-Forwarded-For", address).send().unwrap();
        (answer.status().as_u16(), answer.text().unwrap())
    };
    assert_eq!(status("192.0.2.7").0, 200);
    let (refused, words) = status("198.51.100.1");
    assert!(refused == 403 && words.contains("DENIED") && words.contains("address"), "{refused} {words}");
}

#[test]
fn a_key_is_disabled_with_all_that_it_made() {
    let server = server();
    let root = server.api();
    let made = |api: &Api| {
        let answer = api.gangplank("CreateAccessKey", &json!({}));
        assert_eq!(answer.status, 200, "{answer:?}");
        (api.as_key(&answer.body["accessKey"]), answer.body["accessKey"]["accessKeyId"].clone())
    };
    let (first, id) = made(&root);
    let (second, _) = made(&first);
    let (third, _) = made(&second);
    let (stranger, _) = made(&root);
    let input = json!({ "accessKeyId": id, "status": "Disabled", "withMade": true });
    assert_eq!(root.gangplank("UpdateAccessKey", &input).status, 200);
    for api in [&first, &second, &third] {
        assert_eq!(api.lightsail("GetContainerServices", &json!({})).error(), "UnauthenticatedException");
    }
    assert_eq!(stranger.lightsail("GetContainerServices", &json!({})).status, 200);
}
