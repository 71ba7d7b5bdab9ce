//! Errors in wire form.

use gangplank_api::{ApiError, ErrorCode};

#[test]
fn the_body_names_the_error_twice() {
    let error = ApiError::not_found("No container service \"www\".");
    let body = r#"{"__type":"NotFoundException","code":"NotFoundException","message":"No container service \"www\"."}"#;
    assert_eq!(String::from_utf8(error.body()).unwrap(), body);
    assert_eq!(error.to_string(), "NotFoundException: No container service \"www\".");
}

#[test]
fn docs_and_tip_stand_last() {
    let error = ApiError::service("m").with_docs("d").with_tip("t");
    let body =
        r#"{"__type":"ServiceException","code":"ServiceException","message":"m","docs":"d","tip":"t"}"#;
    assert_eq!(String::from_utf8(error.body()).unwrap(), body);
}

#[test]
fn each_error_has_its_status() {
    for code in ErrorCode::ALL {
        let expected = match code.as_str() {
            "ServiceException" => 500,
            "ServiceUnavailable" => 503,
            "RequestTimeoutException" => 408,
            "RequestEntityTooLarge" => 413,
            _ => 400,
        };
        assert_eq!(code.status(), expected, "{code}");
        assert_eq!(ApiError::new(*code, "").status(), expected, "{code}");
        assert_eq!(ErrorCode::parse(code.as_str()), Some(*code));
    }
    assert_eq!(ErrorCode::ALL.len(), 22);
}

#[test]
fn constructors_make_their_error() {
    for (error, code) in [
        (ApiError::access_denied(""), ErrorCode::AccessDeniedException),
        (ApiError::invalid_input(""), ErrorCode::InvalidInputException),
        (ApiError::not_found(""), ErrorCode::NotFoundException),
        (ApiError::operation_failure(""), ErrorCode::OperationFailureException),
        (ApiError::unauthenticated(""), ErrorCode::UnauthenticatedException),
        (ApiError::service(""), ErrorCode::ServiceException),
        (ApiError::serialization(""), ErrorCode::SerializationException),
        (ApiError::unknown_operation(""), ErrorCode::UnknownOperationException),
    ] {
        assert_eq!(error.code, code);
    }
}
