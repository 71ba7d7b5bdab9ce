//! Roles: the permissions of a job with an identity token, and those that it keeps after the role is disabled.

use gangplank_testkit::{Image, Login};
use serde_json::{Value, json};

use crate::api_wire::{Call, WireAnswer};
use crate::keyless::{AUDIENCE, FORM, Keyless, Session, code, element};

fn text(answer: &WireAnswer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

/// Signs `GetCallerIdentity` with temporary keys.
fn who(keyless: &Keyless, session: &Session, change: impl FnOnce(&mut Call)) -> WireAnswer {
    let mut call = Call::new(&keyless.server, "", "Action=GetCallerIdentity&Version=2011-06-15");
    call.remove("x-amz-target");
    call.set("Content-Type", FORM);
    call.service = "sts";
    call.key = (session.id.clone(), session.secret.clone());
    call.session_token = Some(Box::leak(session.token.clone().into_boxed_str()));
    change(&mut call);
    call.signed().send()
}

#[test]
fn a_job_with_a_token_pushes_and_registers_and_does_nothing_else() {
    let keyless = Keyless::start();
    let root = keyless.server.api();
    root.ensure_service("web");
    root.ensure_service("other");
    let arn =
        keyless.role("push-web", &json!({ "preset": "push", "services": ["web"], "description": "CI" }));
    assert_eq!(arn, "arn:aws:iam::000000000000:role/push-web");

    let answer = keyless.assume(&arn, &keyless.token(), "");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = text(&answer);
    assert_eq!(element(&body, "Arn"), "arn:aws:sts::000000000000:assumed-role/push-web/ci");
    assert_eq!(element(&body, "Audience"), AUDIENCE);
    assert_eq!(element(&body, "SubjectFromWebIdentityToken"), "repo:acme/web:ref:refs/heads/main");
    let session = Session::of(&answer);
    assert!(
        session.id.starts_with("GPAS") && session.secret.bytes().all(|byte| byte.is_ascii_alphanumeric())
    );

    let identity = text(&who(&keyless, &session, |_| {}));
    assert_eq!(element(&identity, "Arn"), "arn:aws:sts::000000000000:assumed-role/push-web/ci");
    let user = element(&identity, "UserId");
    assert!(user.starts_with("GPAR") && user.ends_with(":ci"), "{identity}");

    let api = keyless.api_of(&session);
    let login = api.push_login();
    let registry = keyless.server.registry_as(&login);
    let digest = registry.push_image("sr", "v1", &Image::unique(1));
    assert_eq!(api.register("web", "app", &digest), ":web.app.1");

    // Services that the session may not read: one exists, and the other does not.
    for service in ["other", "nowhere"] {
        let input = json!({ "serviceName": service, "label": "app", "digest": digest });
        let answer = api.lightsail("RegisterContainerImage", &input);
        assert_eq!(answer.error(), "AccessDeniedException", "{answer:?}");
        let expected = "because no identity-based policy allows the lightsail:RegisterContainerImage action";
        assert!(answer.message().ends_with(expected), "{answer:?}");
        assert!(answer.message().starts_with("User: arn:aws:sts::000000000000:assumed-role/push-web/ci"));
    }
    assert_eq!(registry.start_upload_status("team/app"), 403);
    for operation in
        ["ListAccessKeys", "ListRoles", "ListAuditEvents", "ListRegistryLogins", "CollectGarbage"]
    {
        let answer = api.gangplank(operation, &json!({}));
        assert_eq!(answer.error(), "AccessDeniedException", "{operation}: {answer:?}");
    }
    let made = api.gangplank("CreateAccessKey", &json!({}));
    assert_eq!(made.error(), "AccessDeniedException");
    assert!(made.message().contains("makes and changes no access keys and no roles"), "{made:?}");

    // The origin of the image.
    let origin = root.gangplank("GetImageOrigin", &json!({ "image": ":web.app.1" })).body;
    assert_eq!(origin["digest"], digest.as_str());
    for list in ["pushes", "registrations"] {
        let origin = &origin[list][0];
        assert_eq!(origin["principal"], arn.as_str(), "{origin}");
        assert_eq!(origin["sessionName"], "ci");
        assert_eq!(origin["claims"]["sha"], "a".repeat(40));
        assert_eq!(origin["claims"]["run_id"], "4711");
    }
    assert_eq!(
        root.gangplank("GetImageOrigin", &json!({ "image": digest })).body["pushes"][0]["repository"],
        "sr"
    );
    let events = root.gangplank("ListAuditEvents", &json!({ "kind": "ManifestPushed" })).body;
    let push = &events["auditEvents"][0];
    assert_eq!((&push["roleName"], &push["sessionName"]), (&json!("push-web"), &json!("ci")), "{push}");
    assert_eq!(push["claims"]["run_id"], "4711");
    let events = root.gangplank("ListAuditEvents", &json!({ "kind": "AssumeRoleWithWebIdentity" })).body;
    assert_eq!(events["auditEvents"][0]["roleName"], "push-web", "{events}");
}

#[test]
fn a_disabled_role_ends_its_sessions_and_logins_at_the_next_request_and_for_good() {
    if crate::are_replicas("other replicas know of it within 5 s") {
        return;
    }
    let keyless = Keyless::start();
    let root = keyless.server.api();
    root.ensure_service("web");
    let arn = keyless.role("ci", &json!({ "preset": "deploy" }));
    let session = keyless.session(&arn);
    let api = keyless.api_of(&session);
    let signed = keyless.server.registry_as(&api.push_login());
    let answer = keyless.exchange(&arn, &keyless.token(), &json!({}));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let exchanged = Login {
        username: "AWS".to_owned(),
        password: answer.json()["registryLogin"]["password"].as_str().unwrap().to_owned(),
        registry: keyless.server.host(),
    };
    let exchanged = keyless.server.registry_as(&exchanged);
    assert_eq!((signed.status("GET", ""), exchanged.status("GET", "")), (200, 200));

    let status = |status: &str| {
        let answer = root.gangplank("UpdateRole", &json!({ "roleName": "ci", "status": status }));
        assert_eq!(answer.status, 200, "{answer:?}");
    };
    status("Disabled");
    for _ in 0..2 {
        assert_eq!((signed.status("GET", ""), exchanged.status("GET", "")), (401, 401));
        let answer = api.lightsail("GetContainerServices", &json!({ "serviceName": "web" }));
        assert_eq!(answer.error(), "UnauthenticatedException", "{answer:?}");
        assert_eq!(code(&who(&keyless, &session, |_| {})), (403, "InvalidClientTokenId".to_owned()));
        // When the role is enabled again, it allows new sessions. The old ones stay ended.
        status("Active");
    }
    assert_eq!(keyless.assume(&arn, &keyless.token(), "").status, 200);
    assert_eq!(root.gangplank("DeleteRole", &json!({ "roleName": "ci" })).status, 200);
    assert_eq!(code(&keyless.assume(&arn, &keyless.token(), "")), (403, "AccessDenied".to_owned()));
}

#[test]
fn one_session_is_ended_and_the_others_go_on() {
    let keyless = Keyless::start();
    let root = keyless.server.api();
    root.ensure_service("web");
    let arn = keyless.role("ci", &json!({ "preset": "deploy", "maxLoginSeconds": 43_200 }));
    let sessions = ["leaked", "other"].map(|name| {
        let answer = keyless.assume(&arn, &keyless.token(), &format!("&RoleSessionName={name}"));
        Session::of(&answer)
    });
    let apis = [keyless.api_of(&sessions[0]), keyless.api_of(&sessions[1])];
    let registries = [
        keyless.server.registry_as(&apis[0].push_login()),
        keyless.server.registry_as(&apis[1].push_login()),
    ];
    let upload = registries[0].start_upload("sr");
    let list =
        || root.gangplank("ListRoleSessions", &json!({ "roleName": "ci" })).body["roleSessions"].clone();
    let listed = list();
    assert_eq!((&listed[0]["sessionName"], &listed[1]["sessionName"]), (&json!("other"), &json!("leaked")));
    assert_eq!(
        (&listed[1]["accessKeyId"], &listed[1]["claims"]["run_id"]),
        (&json!(sessions[0].id), &json!("4711"))
    );
    assert!(
        !listed.to_string().contains(&sessions[0].secret) && !listed.to_string().contains(&sessions[0].token)
    );
    let page = root.gangplank("ListRoleSessions", &json!({ "roleName": "ci", "maxResults": 1 })).body;
    let next = json!({ "roleName": "ci", "maxResults": 1, "nextToken": page["nextToken"] });
    assert_eq!(root.gangplank("ListRoleSessions", &next).body["roleSessions"], json!([listed[1]]));

    let revoke = |role: &str, key: &str| {
        root.gangplank("RevokeRoleSession", &json!({ "roleName": role, "accessKeyId": key }))
    };
    keyless.role("elsewhere", &json!({}));
    for (role, key) in
        [("elsewhere", sessions[0].id.as_str()), ("ci", "GPASNOBODYNOBODYNOBO"), ("absent", &sessions[0].id)]
    {
        assert_eq!(revoke(role, key).error(), "NotFoundException", "{role} {key}");
    }
    assert_eq!(registries[0].status("GET", ""), 200);
    for _ in 0..2 {
        let answer = revoke("ci", &sessions[0].id);
        assert_eq!(answer.status, 200, "{answer:?}");
        let refused = apis[0].lightsail("GetContainerServices", &json!({ "serviceName": "web" }));
        assert_eq!(refused.error(), "UnauthenticatedException", "{refused:?}");
        assert_eq!(code(&who(&keyless, &sessions[0], |_| {})), (403, "InvalidClientTokenId".to_owned()));
        assert_eq!((registries[0].status("GET", ""), registries[0].status("GET", &upload)), (401, 401));
    }
    assert_eq!(registries[1].status("GET", ""), 200);
    assert_eq!(apis[1].lightsail("GetContainerServices", &json!({})).status, 200);
    assert_eq!(list(), json!([listed[0]]));
    let events = root.gangplank("ListAuditEvents", &json!({ "kind": "RevokeRoleSession" })).body;
    assert_eq!(events["auditEvents"].as_array().map(Vec::len), Some(1), "{events}");
    assert_eq!(events["auditEvents"][0]["subject"], format!("ci/{}", sessions[0].id), "{events}");
}

#[test]
fn temporary_keys_come_with_their_token_and_others_without() {
    let keyless = Keyless::start();
    let arn = keyless.role("ci", &json!({}));
    let session = keyless.session(&arn);
    let other = keyless.session(&arn);
    let unknown = || (403, "InvalidClientTokenId".to_owned());
    assert_eq!(code(&who(&keyless, &session, |call| call.session_token = None)), unknown());
    assert_eq!(code(&who(&keyless, &session, |call| call.session_token = Some("gps_wrong"))), unknown());
    assert_eq!(code(&who(&keyless, &Session { token: other.token, ..session.clone() }, |_| {})), unknown());
    assert_eq!(
        code(&who(&keyless, &Session { secret: other.secret, ..session.clone() }, |_| {})),
        (403, "SignatureDoesNotMatch".to_owned())
    );
    let root = crate::api_wire::ROOT_KEY;
    let lasting = Session { id: root.0.to_owned(), secret: root.1.to_owned(), token: session.token.clone() };
    assert_eq!(code(&who(&keyless, &lasting, |_| {})), unknown());
    assert_eq!(
        keyless.api_of(&lasting).gangplank("ListRoles", &json!({})).error(),
        "UnrecognizedClientException"
    );
    // Not signed.
    let mut call = Call::new(&keyless.server, crate::api_wire::LIST, "{}");
    call.key = (session.id.clone(), session.secret.clone());
    let mut call = call.signed();
    call.add("X-Amz-Security-Token", &session.token);
    assert_eq!(call.send().error(), "InvalidSignatureException");
}

/// Changes the claims of a token, so that it is refused.
type Change = fn(&mut Value);

#[test]
fn a_token_that_is_not_good_opens_nothing_and_says_why() {
    if crate::are_replicas("each replica has its own limit") {
        return;
    }
    let keyless = Keyless::start();
    let arn = keyless.role("ci", &json!({ "maxSessionSeconds": 900 }));
    let refused = |token: &str, more: &str| code(&keyless.assume(&arn, token, more));
    let denied = || (403, "AccessDenied".to_owned());
    let invalid = || (400, "InvalidIdentityToken".to_owned());
    let bad: [(Change, (u16, String)); 8] = [
        (|it| it["aud"] = json!("sts.amazonaws.com"), invalid()),
        (|it| it["iss"] = json!("https://ci.example"), invalid()),
        (|it| it["iat"] = json!(crate::api_wire::now() + 600), invalid()),
        (|it| it["exp"] = json!(crate::api_wire::now() - 90), (400, "ExpiredTokenException".to_owned())),
        (|it| it["repository"] = json!("acme/other"), denied()),
        (|it| it["repository"] = json!("ACME/web"), denied()),
        (|it| it["repository"] = json!(["acme/web"]), denied()),
        (|it| drop(it.as_object_mut().unwrap().remove("repository")), denied()),
    ];
    for (change, expected) in bad {
        let token = keyless.token_with(change);
        assert_eq!(refused(&token, ""), expected, "{}", keyless.assume(&arn, &token, "").text());
    }
    // A role that does not exist has the same message.
    let message =
        |arn: &str, token: &str| element(&text(&keyless.assume(arn, token, "")), "Message").to_owned();
    let other = keyless.token_with(|it| it["repository"] = json!("acme/other"));
    for nowhere in ["arn:aws:iam::000000000000:role/none", "arn:aws:iam::999999999999:role/ci"] {
        assert_eq!(message(nowhere, &keyless.token()), message(&arn, &other), "{nowhere}");
    }
    assert_eq!(message(&arn, &other), "Not authorized to perform sts:AssumeRoleWithWebIdentity");
    assert_eq!(refused(&keyless.token(), "&DurationSeconds=901"), (400, "ValidationError".to_owned()));
    assert_eq!(refused(&other, "&DurationSeconds=901"), denied());
    assert_eq!(refused(&keyless.token(), "&Policy=%7B%7D"), (400, "MalformedPolicyDocument".to_owned()));
    assert_eq!(refused(&keyless.token(), "&PolicyArns.member.1.arn=x"), (400, "ValidationError".to_owned()));
    // After many failures, no further ones are recorded, and a valid token still works.
    let slow = (0..80).map(|_| refused(&other, "").1).find(|code| code == "Throttling");
    assert!(slow.is_some());
    assert_eq!(keyless.assume(&arn, &keyless.token(), "&DurationSeconds=900").status, 200);
    let events = keyless.server.api().gangplank("ListAuditEvents", &json!({})).body;
    let reasons: Vec<&str> = events["auditEvents"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["action"] == "AssumeRoleWithWebIdentity")
        .filter_map(|event| event["reason"].as_str())
        .collect();
    for reason in ["TrustPolicy", "DurationSeconds", "InvalidIdentityToken", "ExpiredToken", "NoSuchRole"] {
        assert!(reasons.contains(&reason), "{reason}: {reasons:?}");
    }
}

#[test]
fn a_name_that_changed_hands_opens_nothing() {
    let keyless = Keyless::start();
    let arn = keyless.role("ci", &json!({}));
    assert_eq!(keyless.assume(&arn, &keyless.token(), "").status, 200);
    for claim in ["repository_id", "repository_owner_id"] {
        let renamed = keyless.token_with(|it| it[claim] = json!("99"));
        assert_eq!(code(&keyless.assume(&arn, &renamed, "")).1, "AccessDenied", "{claim}");
        let without = keyless.token_with(|it| drop(it.as_object_mut().unwrap().remove(claim)));
        assert_eq!(code(&keyless.assume(&arn, &without, "")).1, "AccessDenied", "{claim}");
    }
    assert_eq!(keyless.assume(&arn, &keyless.token(), "").status, 200);
    let role = keyless.server.api().gangplank("GetRole", &json!({ "roleName": "ci" })).body;
    let remembered = role["role"]["rememberedClaims"].as_object().unwrap();
    let mut values: Vec<&str> = remembered.values().filter_map(Value::as_str).collect();
    values.sort_unstable();
    assert_eq!(values, ["77", "88"], "{role}");
}

#[test]
fn a_token_is_exchanged_for_a_login_in_one_call() {
    let keyless = Keyless::start();
    let root = keyless.server.api();
    let arn =
        keyless.role("ci", &json!({ "preset": "all", "maxLoginSeconds": 1800, "repositories": ["team/*"] }));
    let error = |answer: &WireAnswer| (answer.status, answer.error());
    let denied = || (400, "AccessDeniedException".to_owned());
    let none = keyless.exchange(&arn, &keyless.token(), &json!({}));
    assert_eq!(error(&none), (400, "InvalidInputException".to_owned()), "there is no service yet");
    root.ensure_service("web");
    let answer = keyless.exchange(&arn, &keyless.token(), &json!({}));
    let login = &answer.json()["registryLogin"];
    let life =
        login["expiresAt"].as_f64().unwrap() - f64::from(i32::try_from(crate::api_wire::now()).unwrap());
    assert!((1790.0..=1801.0).contains(&life), "{life}");
    let as_login = |answer: &WireAnswer| Login {
        username: "AWS".to_owned(),
        password: answer.json()["registryLogin"]["password"].as_str().unwrap().to_owned(),
        registry: keyless.server.host(),
    };
    let registry = keyless.server.registry_as(&as_login(&answer));
    let digest = registry.push_image("team/app", "v1", &Image::unique(1));
    assert_eq!(registry.start_upload_status("sr"), 403);

    let narrow =
        keyless.exchange(&arn, &keyless.token(), &json!({ "lifeSeconds": 60, "repositories": ["team/a"] }));
    assert_eq!(narrow.status, 200, "{}", narrow.text());
    let narrow = keyless.server.registry_as(&as_login(&narrow));
    assert_eq!((narrow.start_upload_status("team/a"), narrow.start_upload_status("team/app")), (202, 403));
    for wider in [json!({ "lifeSeconds": 3600 }), json!({ "repositories": ["sr"] })] {
        let answer = keyless.exchange(&arn, &keyless.token(), &wider);
        assert_eq!(error(&answer), (400, "InvalidInputException".to_owned()), "{}", answer.text());
    }

    // A login that pulls registered images.
    assert_eq!(root.register("web", "app", &digest), ":web.app.1");
    let pull = keyless.exchange(&arn, &keyless.token(), &json!({ "serviceName": "web" }));
    let pull = keyless.server.registry_as(&as_login(&pull));
    assert_eq!(pull.status("GET", "web/manifests/app.1"), 200);
    assert_eq!(pull.start_upload_status("web"), 403);
    let pushes = keyless.role("pushes", &json!({ "preset": "push" }));
    assert_eq!(
        error(&keyless.exchange(&pushes, &keyless.token(), &json!({ "serviceName": "web" }))),
        denied()
    );

    let other = keyless.token_with(|it| it["ref"] = json!("refs/heads/x"));
    assert_eq!(keyless.exchange(&arn, &other, &json!({})).status, 200, "no ref is asked for");
    let target = keyless.token_with(|it| it["repository"] = json!("acme/other"));
    assert_eq!(error(&keyless.exchange(&arn, &target, &json!({}))), denied());
    let expired = keyless.token_with(|it| it["exp"] = json!(crate::api_wire::now() - 90));
    assert_eq!(error(&keyless.exchange(&arn, &expired, &json!({}))).1, "ExpiredTokenException");
    assert_eq!(error(&keyless.exchange(&arn, "a.b.c", &json!({}))).1, "InvalidIdentityTokenException");
    let region = json!({ "region": "nowhere-1" });
    assert_eq!(error(&keyless.exchange(&arn, &keyless.token(), &region)).1, "InvalidInputException");
}

#[test]
fn a_role_trusts_whom_it_names_or_is_not_made() {
    let keyless = Keyless::start();
    let refused = |more: Value, words: &str| {
        let answer = keyless.try_role("r", &more);
        assert_eq!(answer.error(), "InvalidInputException", "{answer:?}");
        assert!(answer.message().contains(words), "{words}: {answer:?}");
    };
    let issuer = keyless.issuer.url.as_str();
    refused(
        json!({ "trust": { "issuer": "https://ci.example", "claims": { "sub": "x" } } }),
        "not configured",
    );
    refused(json!({ "trust": { "issuer": issuer, "audience": "x", "claims": { "sub": "x" } } }), AUDIENCE);
    refused(json!({ "trust": { "issuer": issuer, "claims": { "ref": "refs/heads/main" } } }), "trust policy");
    refused(json!({ "trust": null }), "Exactly one of trust and trustPolicy");
    let answer = keyless.try_role("r", &json!({ "policy": "{}" }));
    assert_eq!(answer.error(), "InvalidInputException", "{answer:?}");
    keyless.role("r", &json!({}));
    refused(json!({}), "already");

    // Condition by condition.
    let api = keyless.server.api();
    let tried =
        |token: &str| api.gangplank("TryRole", &json!({ "roleName": "r", "identityToken": token })).body;
    let good = tried(&keyless.token());
    assert_eq!(good["trusted"], true, "{good}");
    let bad = tried(&keyless.token_with(|it| it["repository"] = json!("acme/other")));
    assert_eq!(bad["trusted"], false);
    let check =
        bad["checks"].as_array().unwrap().iter().find(|check| check["subject"] == "repository").unwrap();
    assert_eq!(
        (&check["found"], &check["wanted"][0], &check["holds"]),
        (&json!("acme/other"), &json!("acme/web"), &json!(false))
    );
    let broken = tried("a.b.c");
    assert!(
        broken["trusted"] == false && broken["reason"].is_string() && broken["claims"].is_null(),
        "{broken}"
    );
    let listed = api.gangplank("ListRoles", &json!({ "maxResults": 1 })).body;
    assert_eq!(listed["roles"][0]["roleName"], "r");
}
