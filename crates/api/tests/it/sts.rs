//! The forms of STS's requests and answers.

use std::time::Duration;

use gangplank_api::sts::{
    AssumeRoleWithWebIdentity, AssumedRole, CallerIdentity, Operation, Parameters, StsError, StsErrorCode,
};
use gangplank_api::{ApiError, ErrorCode, Secret, Timestamp};
use proptest::prelude::*;

const ROLE: &str = "arn:aws:iam::000000000000:role/push-web";

fn parameters(form: &str) -> Parameters {
    Parameters::parse(form.as_bytes()).expect("parameters")
}

/// Reads a request that is complete, with the given parameters changed.
fn read(changed: &[(&str, &str)]) -> Result<AssumeRoleWithWebIdentity, StsError> {
    let mut given = vec![("RoleArn", ROLE), ("RoleSessionName", "ci"), ("WebIdentityToken", "a.b.c")];
    given.retain(|(name, _)| changed.iter().all(|(other, _)| other != name));
    given.extend(changed.iter().filter(|(_, value)| *value != "-"));
    let form = given.iter().fold(String::new(), |form, (name, value)| {
        value.bytes().fold(form + "&" + name + "=", |form, byte| form + &format!("%{byte:02x}"))
    });
    AssumeRoleWithWebIdentity::read(&parameters(&form))
}

#[track_caller]
fn refused(changed: &[(&str, &str)], words: &str) {
    let error = read(changed).expect_err("a refusal");
    assert_eq!(error.code, StsErrorCode::ValidationError, "{error}");
    assert!(error.message.contains(words), "{error}");
}

#[test]
fn a_form_names_an_operation_and_a_version() {
    let of = |form: &str| Operation::of(&parameters(form)).map_err(|error| (error.code, error.message));
    assert_eq!(of("Action=GetCallerIdentity&Version=2011-06-15"), Ok(Operation::GetCallerIdentity));
    let assume = "Version=2011-06-15&x=y&%41ction=AssumeRoleWithWebIdentity";
    assert_eq!(of(assume), Ok(Operation::AssumeRoleWithWebIdentity));
    for (form, code, words) in [
        ("", StsErrorCode::MissingAction, "Action"),
        ("action=GetCallerIdentity", StsErrorCode::MissingAction, "Action"),
        ("Action=GetCallerIdentity", StsErrorCode::InvalidAction, "NO_VERSION_SPECIFIED"),
        ("Action=getCallerIdentity&Version=2011-06-15", StsErrorCode::InvalidAction, "getCallerIdentity"),
        ("Action=AssumeRole&Version=2011-06-15", StsErrorCode::InvalidAction, "AssumeRole for version"),
        ("Action=GetCallerIdentity&Version=2012-01-01", StsErrorCode::InvalidAction, "2012-01-01"),
    ] {
        let (found, message) = of(form).unwrap_err();
        assert!(found == code && message.contains(words), "{form}: {found} {message}");
    }
    let (_, message) = of(&format!("Action={}", "x".repeat(9_000))).unwrap_err();
    assert!(message.len() < 300, "{message}");
}

#[test]
fn a_parameter_is_given_once() {
    for form in
        ["Action=A&Action=A", "Action=A&Act%69on=B", "x=1&y=2&x", "WebIdentityToken=a&WebIdentityToken=b"]
    {
        let error = Parameters::parse(form.as_bytes()).unwrap_err();
        assert_eq!(error.code, StsErrorCode::ValidationError, "{form}");
        assert!(error.message.contains("given twice"), "{error}");
    }
    assert!(!format!("{:?}", parameters("WebIdentityToken=secret")).contains("secret"));
}

#[test]
fn a_role_is_asked_for_with_a_token() {
    let asked = read(&[]).unwrap();
    assert_eq!((asked.role_arn.as_str(), asked.role_session_name.as_str()), (ROLE, "ci"));
    assert_eq!((asked.web_identity_token.expose(), asked.duration, asked.policy), ("a.b.c", None, None));
    let whole = read(&[
        ("WebIdentityToken", "a.b.c\r\n \n"),
        ("DurationSeconds", "3600"),
        ("Policy", "{}"),
        ("ProviderId", "x"),
        ("Tags.member.1.Key", "x"),
    ])
    .unwrap();
    assert_eq!(whole.web_identity_token.expose(), "a.b.c", "white space at the end is a file's");
    assert_eq!((whole.duration, whole.policy.as_deref()), (Some(Duration::from_hours(1)), Some("{}")));
    assert!(!format!("{whole:?}").contains("a.b.c"));
}

#[test]
fn what_is_out_of_bounds_is_refused_by_name() {
    let long = |length: usize| "x".repeat(length);
    for (name, value, words) in [
        ("RoleArn", "-".to_owned(), "'roleArn' failed to satisfy constraint: Member must not be null"),
        ("RoleArn", long(19), "greater than or equal to 20"),
        ("RoleArn", long(2049), "less than or equal to 2048"),
        ("RoleSessionName", "-".to_owned(), "'roleSessionName'"),
        ("RoleSessionName", "c".to_owned(), "greater than or equal to 2"),
        ("RoleSessionName", long(65), "less than or equal to 64"),
        ("RoleSessionName", "a b".to_owned(), r"[\w+=,.@-]*"),
        ("RoleSessionName", "a/b".to_owned(), r"[\w+=,.@-]*"),
        ("RoleSessionName", "aé".to_owned(), r"[\w+=,.@-]*"),
        ("WebIdentityToken", "-".to_owned(), "'webIdentityToken'"),
        ("WebIdentityToken", "abc\n\n".to_owned(), "greater than or equal to 4"),
        ("WebIdentityToken", long(20_001), "less than or equal to 20000"),
        ("Policy", String::new(), "greater than or equal to 1"),
        ("Policy", long(2049), "less than or equal to 2048"),
        ("DurationSeconds", "899".to_owned(), "between 900 and 43200"),
        ("DurationSeconds", "43201".to_owned(), "between 900 and 43200"),
        ("DurationSeconds", String::new(), "'durationSeconds'"),
        ("DurationSeconds", "+900".to_owned(), "whole number"),
        ("DurationSeconds", "900.0".to_owned(), "whole number"),
        ("DurationSeconds", "99999999999999999999999".to_owned(), "whole number"),
        ("PolicyArns.member.1.arn", "arn:aws:iam::aws:policy/A".to_owned(), "PolicyArns"),
        ("PolicyArns", String::new(), "PolicyArns"),
    ] {
        refused(&[(name, &value)], words);
        if value.len() > 3 && !name.starts_with("PolicyArns") {
            let error = read(&[(name, &value)]).unwrap_err();
            assert!(!error.message.contains(&value), "{error}");
        }
    }
    for (name, value) in [
        ("RoleArn", long(20)),
        ("RoleArn", long(2048)),
        ("RoleSessionName", long(64)),
        ("RoleSessionName", "aZ0_+=,.@-".to_owned()),
        ("WebIdentityToken", long(4)),
        ("WebIdentityToken", long(20_000)),
        ("Policy", long(2048)),
        ("DurationSeconds", "900".to_owned()),
        ("DurationSeconds", "43200".to_owned()),
        ("PolicyArnsX", "x".to_owned()),
    ] {
        assert!(read(&[(name, &value)]).is_ok(), "{name} {}", value.len());
    }
    refused(&[("RoleArn", "-"), ("WebIdentityToken", "-"), ("DurationSeconds", "1")], "3 validation errors");
}

fn text(body: Vec<u8>) -> String {
    String::from_utf8(body).expect("text")
}

#[test]
fn an_identity_is_told() {
    let identity = CallerIdentity {
        arn: "arn:aws:iam::000000000000:user/A&B".to_owned(),
        user_id: "A&B".to_owned(),
        account: "000000000000".to_owned(),
    };
    assert_eq!(
        text(identity.body("r")),
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
         <Arn>arn:aws:iam::000000000000:user/A&amp;B</Arn><UserId>A&amp;B</UserId><Account>000000000000</Account>\
         </GetCallerIdentityResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>\
         </GetCallerIdentityResponse>\n"
    );
}

#[test]
fn keys_are_handed_out_and_never_shown() {
    let assumed = AssumedRole {
        audience: "https://registry.example".to_owned(),
        assumed_role_id: "GPARXXXXXXXXXXXXXXXX:ci".to_owned(),
        arn: "arn:aws:sts::000000000000:assumed-role/push-web/ci".to_owned(),
        provider: "arn:aws:iam::000000000000:oidc-provider/issuer.example".to_owned(),
        access_key_id: "GPASXXXXXXXXXXXXXXXX".to_owned(),
        secret_access_key: Secret::from("the/secret+".to_owned()),
        session_token: Secret::from("the-token".to_owned()),
        expiration: Timestamp::from_seconds(1_795_746_951),
        subject: "é".repeat(300),
    };
    let body = text(assumed.body("r"));
    let credentials = "<Credentials><AccessKeyId>GPASXXXXXXXXXXXXXXXX</AccessKeyId><SecretAccessKey>the/secret+\
                       </SecretAccessKey><SessionToken>the-token</SessionToken><Expiration>2026-11-27T02:35:51Z\
                       </Expiration></Credentials>";
    assert!(body.contains(credentials), "{body}");
    let subject = format!("<SubjectFromWebIdentityToken>{}</SubjectFromWebIdentityToken>", "é".repeat(255));
    assert!(body.contains(&subject), "{body}");
    for name in
        ["Audience", "AssumedRoleUser", "AssumedRoleId", "Provider", "AssumeRoleWithWebIdentityResult"]
    {
        assert!(
            body.contains(&format!("<{name}>")) && body.contains(&format!("</{name}>")),
            "{name} in {body}"
        );
    }
    let shown = format!("{assumed:?}");
    assert!(!shown.contains("the/secret+") && !shown.contains("the-token"), "{shown}");
}

#[test]
fn errors_have_the_names_of_the_query_protocol() {
    for (code, expected, status) in [
        (ErrorCode::UnrecognizedClientException, "InvalidClientTokenId", 403),
        (ErrorCode::UnauthenticatedException, "InvalidClientTokenId", 403),
        (ErrorCode::InvalidSignatureException, "SignatureDoesNotMatch", 403),
        (ErrorCode::MissingAuthenticationTokenException, "MissingAuthenticationToken", 403),
        (ErrorCode::ExpiredTokenException, "ExpiredToken", 403),
        (ErrorCode::IncompleteSignatureException, "IncompleteSignature", 400),
        (ErrorCode::RequestExpired, "RequestExpired", 400),
        (ErrorCode::ThrottlingException, "Throttling", 400),
        (ErrorCode::RequestEntityTooLarge, "RequestEntityTooLarge", 413),
        (ErrorCode::ServiceUnavailable, "ServiceUnavailable", 503),
        (ErrorCode::ServiceException, "InternalFailure", 500),
    ] {
        let error = StsError::from(ApiError::new(code, "no <b>").with_tip("Try."));
        assert_eq!((error.code.as_str(), error.code.status()), (expected, status));
        let fault = if status < 500 { "Sender" } else { "Receiver" };
        assert_eq!(
            text(error.body("r")),
            format!(
                "<ErrorResponse><Error><Type>{fault}</Type><Code>{expected}</Code><Message>no &lt;b&gt; Try.</Message>\
                 </Error><RequestId>r</RequestId></ErrorResponse>\n"
            )
        );
    }
    for code in ErrorCode::ALL {
        let name = StsError::from(ApiError::new(*code, "")).code.as_str();
        assert!(!name.ends_with("Exception"), "{name}");
    }
    let denied = StsError::not_trusted();
    assert_eq!((denied.code.as_str(), denied.code.status()), ("AccessDenied", 403));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(parameters) = Parameters::parse(&body) {
            let _ = Operation::of(&parameters);
            let _ = AssumeRoleWithWebIdentity::read(&parameters);
        }
    }

    #[test]
    fn what_is_read_is_within_bounds(arn in ".{0,40}", name in "[a-z /=]{0,70}", seconds in "[0-9]{0,6}") {
        if let Ok(asked) = read(&[("RoleArn", &arn), ("RoleSessionName", &name), ("DurationSeconds", &seconds)]) {
            prop_assert!(asked.role_arn.chars().count() >= 20);
            prop_assert!((2..=64).contains(&asked.role_session_name.len()) && !name.contains([' ', '/']));
            let duration = asked.duration.map(|duration| duration.as_secs());
            prop_assert!(duration.is_some_and(|duration| (900..=43_200).contains(&duration)));
        }
    }
}
