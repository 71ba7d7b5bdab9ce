//! The table of the operations.

use crate::ErrorCode;
use crate::ErrorCode::{
    AccessDeniedException, ExpiredTokenException, IDPCommunicationErrorException,
    InvalidIdentityTokenException, InvalidInputException, NotFoundException, OperationFailureException,
    ServiceException, ThrottlingException, UnauthenticatedException,
};
use crate::macros::operations;

use super::{
    CollectGarbageRequest, CollectGarbageResult, CreateAccessKeyRequest, CreateAccessKeyResult,
    CreateConsoleLinkRequest, CreateConsoleLinkResult, CreateImageIndexRequest, CreateImageIndexResult,
    CreateRegistryLoginRequest, CreateRegistryLoginResult, CreateRoleRequest, CreateRoleResult,
    DeleteAccessKeyRequest, DeleteAccessKeyResult, DeleteRoleRequest, DeleteRoleResult,
    ExchangeIdentityTokenRequest, ExchangeIdentityTokenResult, GetImageOriginRequest, GetImageOriginResult,
    GetManifestRequest, GetManifestResult, GetRoleRequest, GetRoleResult, ListAccessKeysRequest,
    ListAccessKeysResult, ListAuditEventsRequest, ListAuditEventsResult, ListManifestsRequest,
    ListManifestsResult, ListRegistryLoginsRequest, ListRegistryLoginsResult, ListRepositoriesRequest,
    ListRepositoriesResult, ListRoleSessionsRequest, ListRoleSessionsResult, ListRolesRequest,
    ListRolesResult, RevokeOwnRegistryLoginRequest, RevokeOwnRegistryLoginResult, RevokeRegistryLoginRequest,
    RevokeRegistryLoginResult, RevokeRoleSessionRequest, RevokeRoleSessionResult, TryRoleRequest,
    TryRoleResult, UpdateAccessKeyRequest, UpdateAccessKeyResult, UpdateRoleRequest, UpdateRoleResult,
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

/// The errors of an exchange, where a token and not a key says who asks.
const EXCHANGE: &[ErrorCode] = &[
    ServiceException,
    InvalidInputException,
    InvalidIdentityTokenException,
    ExpiredTokenException,
    IDPCommunicationErrorException,
    AccessDeniedException,
    ThrottlingException,
];

/// The errors of an operation on a login by its own password.
const OWN_LOGIN: &[ErrorCode] =
    &[ServiceException, InvalidInputException, NotFoundException, ThrottlingException];

operations! {
    /// An operation of our own.
    target "Gangplank_20261123" of Gangplank;

    /// Collects garbage: what is not registered and has not been used for a while, in every account.
    CollectGarbage:
        CollectGarbageRequest => CollectGarbageResult, GENERAL;
    /// Makes an access key, the long-lived pair that signs API calls.
    CreateAccessKey:
        CreateAccessKeyRequest => CreateAccessKeyResult, GENERAL;
    /// Makes a one-time link that signs a browser in to the web console, as whoever signs this call.
    CreateConsoleLink:
        CreateConsoleLinkRequest => CreateConsoleLinkResult, GENERAL;
    /// Makes an image index of manifests that the account has pushed, without reading anything to the caller.
    CreateImageIndex:
        CreateImageIndexRequest => CreateImageIndexResult, NAMED;
    /// Makes a registry login that may pull, push or delete, or that is for one service only.
    CreateRegistryLogin:
        CreateRegistryLoginRequest => CreateRegistryLoginResult, NAMED;
    /// Makes a role, which jobs become that show an identity token.
    CreateRole:
        CreateRoleRequest => CreateRoleResult, GENERAL;
    /// Deletes an access key, for good.
    DeleteAccessKey:
        DeleteAccessKeyRequest => DeleteAccessKeyResult, NAMED;
    /// Deletes a role, for good, and ends its sessions and logins.
    DeleteRole:
        DeleteRoleRequest => DeleteRoleResult, NAMED;
    /// Makes a registry login for whoever holds an identity token that opens a role. Nobody signs this call.
    ExchangeIdentityToken:
        ExchangeIdentityTokenRequest => ExchangeIdentityTokenResult, EXCHANGE;
    /// Shows where an image came from: which jobs and keys pushed it, and which registered it.
    GetImageOrigin:
        GetImageOriginRequest => GetImageOriginResult, NAMED;
    /// Shows a manifest: what it is made of, what its configuration says, what is about it and what holds it.
    GetManifest:
        GetManifestRequest => GetManifestResult, NAMED;
    /// Shows a role.
    GetRole:
        GetRoleRequest => GetRoleResult, NAMED;
    /// Shows access keys, without their secrets.
    ListAccessKeys:
        ListAccessKeysRequest => ListAccessKeysResult, GENERAL;
    /// Shows the audit trail: who did what, from where.
    ListAuditEvents:
        ListAuditEventsRequest => ListAuditEventsResult, GENERAL;
    /// Shows the manifests of a repository, the newest first.
    ListManifests:
        ListManifestsRequest => ListManifestsResult, NAMED;
    /// Shows the registry logins of the account, without their passwords.
    ListRegistryLogins:
        ListRegistryLoginsRequest => ListRegistryLoginsResult, GENERAL;
    /// Shows the repositories of the account.
    ListRepositories:
        ListRepositoriesRequest => ListRepositoriesResult, GENERAL;
    /// Shows the roles of the account.
    ListRoles:
        ListRolesRequest => ListRolesResult, GENERAL;
    /// Shows the sessions of a role that have not ended.
    ListRoleSessions:
        ListRoleSessionsRequest => ListRoleSessionsResult, NAMED;
    /// Ends a registry login before its time, for whoever has its password. Nobody signs this call.
    RevokeOwnRegistryLogin:
        RevokeOwnRegistryLoginRequest => RevokeOwnRegistryLoginResult, OWN_LOGIN;
    /// Ends a registry login before its time.
    RevokeRegistryLogin:
        RevokeRegistryLoginRequest => RevokeRegistryLoginResult, NAMED;
    /// Ends a session of a role before its time, with its logins.
    RevokeRoleSession:
        RevokeRoleSessionRequest => RevokeRoleSessionResult, NAMED;
    /// Tries whether an identity token opens a role, and says why.
    TryRole:
        TryRoleRequest => TryRoleResult, NAMED;
    /// Switches an access key off, or on again.
    UpdateAccessKey:
        UpdateAccessKeyRequest => UpdateAccessKeyResult, NAMED;
    /// Switches a role off, or on again.
    UpdateRole:
        UpdateRoleRequest => UpdateRoleResult, NAMED;
}
