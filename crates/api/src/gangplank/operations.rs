//! The table of the operations.

use crate::ErrorCode;
use crate::ErrorCode::{
    AccessDeniedException, InvalidInputException, NotFoundException, OperationFailureException,
    ServiceException, UnauthenticatedException,
};
use crate::macros::operations;

use super::{
    CollectGarbageRequest, CollectGarbageResult, CreateAccessKeyRequest, CreateAccessKeyResult,
    CreateImageIndexRequest, CreateImageIndexResult, CreateRegistryLoginRequest, CreateRegistryLoginResult,
    DeleteAccessKeyRequest, DeleteAccessKeyResult, ListAccessKeysRequest, ListAccessKeysResult,
    ListAuditEventsRequest, ListAuditEventsResult, ListRegistryLoginsRequest, ListRegistryLoginsResult,
    RevokeRegistryLoginRequest, RevokeRegistryLoginResult, UpdateAccessKeyRequest, UpdateAccessKeyResult,
};

/// The errors of the operations that name nothing that could be missing.
const GENERAL: &[ErrorCode] =
    &[ServiceException, InvalidInputException, AccessDeniedException, UnauthenticatedException];

/// The errors of the operations on something that is there, or is not.
const NAMED: &[ErrorCode] = &[
    ServiceException,
    InvalidInputException,
    NotFoundException,
    OperationFailureException,
    AccessDeniedException,
    UnauthenticatedException,
];

operations! {
    /// An operation of our own.
    target "Gangplank_20261123" of Gangplank;

    /// Collects garbage: what is not registered and has not been used for a while, in every account.
    CollectGarbage:
        CollectGarbageRequest => CollectGarbageResult, GENERAL;
    /// Makes an access key, the long-lived pair that signs API calls.
    CreateAccessKey:
        CreateAccessKeyRequest => CreateAccessKeyResult, GENERAL;
    /// Makes an image index of manifests that the account has pushed, without reading anything to the caller.
    CreateImageIndex:
        CreateImageIndexRequest => CreateImageIndexResult, NAMED;
    /// Makes a registry login that may pull, push or delete, or that is for one service only.
    CreateRegistryLogin:
        CreateRegistryLoginRequest => CreateRegistryLoginResult, NAMED;
    /// Deletes an access key, for good.
    DeleteAccessKey:
        DeleteAccessKeyRequest => DeleteAccessKeyResult, NAMED;
    /// Shows access keys, without their secrets.
    ListAccessKeys:
        ListAccessKeysRequest => ListAccessKeysResult, GENERAL;
    /// Shows the audit trail: who did what, from where.
    ListAuditEvents:
        ListAuditEventsRequest => ListAuditEventsResult, GENERAL;
    /// Shows the registry logins of the account, without their passwords.
    ListRegistryLogins:
        ListRegistryLoginsRequest => ListRegistryLoginsResult, GENERAL;
    /// Ends a registry login before its time.
    RevokeRegistryLogin:
        RevokeRegistryLoginRequest => RevokeRegistryLoginResult, NAMED;
    /// Switches an access key off, or on again.
    UpdateAccessKey:
        UpdateAccessKeyRequest => UpdateAccessKeyResult, NAMED;
}
