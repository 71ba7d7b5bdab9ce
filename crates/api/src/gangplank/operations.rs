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
    GetManifestRequest, GetManifestResult, GetRoleRequest, GetRoleResult, GetServerHealthRequest,
    GetServerHealthResult, ListAccessKeysRequest, ListAccessKeysResult, ListAuditEventsRequest,
    ListAuditEventsResult, ListManifestsRequest, ListManifestsResult, ListRegistryLoginsRequest,
    ListRegistryLoginsResult, ListRepositoriesRequest, ListRepositoriesResult, ListRoleSessionsRequest,
    ListRoleSessionsResult, ListRolesRequest, ListRolesResult, RevokeOwnRegistryLoginRequest,
    RevokeOwnRegistryLoginResult, RevokeRegistryLoginRequest, RevokeRegistryLoginResult,
    RevokeRoleSessionRequest, RevokeRoleSessionResult, TryRoleRequest, TryRoleResult, UpdateAccessKeyRequest,
    UpdateAccessKeyResult, UpdateRoleRequest, UpdateRoleResult,
};

/// The errors of operations that name no existing thing.
const GENERAL: &[ErrorCode] =
    &[ServiceException, InvalidInputException, AccessDeniedException, UnauthenticatedException];

/// The errors of operations on an existing thing.
const NAMED: &[ErrorCode] = &[
    ServiceException,
    InvalidInputException,
    NotFoundException,
    OperationFailureException,
    AccessDeniedException,
    UnauthenticatedException,
];

/// The errors of an exchange, where a token and not a key identifies the caller.
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

    /// Collects garbage in every account: content that is not registered and was not used for a while.
    CollectGarbage:
        CollectGarbageRequest => CollectGarbageResult, GENERAL;
    /// Makes an access key, the long-lived pair that signs API calls.
    CreateAccessKey:
        CreateAccessKeyRequest => CreateAccessKeyResult, GENERAL;
    /// Makes a one-time link that signs a browser in to the web console, as the caller who signs this call.
    CreateConsoleLink:
        CreateConsoleLinkRequest => CreateConsoleLinkResult, GENERAL;
    /// Makes an image index from manifests that the account has pushed, without returning any content.
    CreateImageIndex:
        CreateImageIndexRequest => CreateImageIndexResult, NAMED;
    /// Makes a registry login that may pull, push or delete, or that is for one service only.
    CreateRegistryLogin:
        CreateRegistryLoginRequest => CreateRegistryLoginResult, NAMED;
    /// Makes a role, which jobs take on by showing an identity token.
    CreateRole:
        CreateRoleRequest => CreateRoleResult, GENERAL;
    /// Deletes an access key, for good.
    DeleteAccessKey:
        DeleteAccessKeyRequest => DeleteAccessKeyResult, NAMED;
    /// Deletes a role, for good, and ends its sessions and logins.
    DeleteRole:
        DeleteRoleRequest => DeleteRoleResult, NAMED;
    /// Makes a registry login for the holder of an identity token that opens a role. The call is not signed.
    ExchangeIdentityToken:
        ExchangeIdentityTokenRequest => ExchangeIdentityTokenResult, EXCHANGE;
    /// Shows where an image came from: the jobs and keys that pushed it, and those that registered it.
    GetImageOrigin:
        GetImageOriginRequest => GetImageOriginResult, NAMED;
    /// Shows a manifest: its parts, its configuration, its referrers, and what keeps it from being collected.
    GetManifest:
        GetManifestRequest => GetManifestResult, NAMED;
    /// Shows a role.
    GetRole:
        GetRoleRequest => GetRoleResult, NAMED;
    /// Shows the state of the server: disk, database, damage, garbage, certificates.
    GetServerHealth:
        GetServerHealthRequest => GetServerHealthResult, GENERAL;
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
    /// Ends a registry login before its time, for the holder of its password. The call is not signed.
    RevokeOwnRegistryLogin:
        RevokeOwnRegistryLoginRequest => RevokeOwnRegistryLoginResult, OWN_LOGIN;
    /// Ends a registry login before its time.
    RevokeRegistryLogin:
        RevokeRegistryLoginRequest => RevokeRegistryLoginResult, NAMED;
    /// Ends a session of a role before its time, with its logins.
    RevokeRoleSession:
        RevokeRoleSessionRequest => RevokeRoleSessionResult, NAMED;
    /// Tests whether an identity token opens a role, and says why.
    TryRole:
        TryRoleRequest => TryRoleResult, NAMED;
    /// Switches an access key off, or on again.
    UpdateAccessKey:
        UpdateAccessKeyRequest => UpdateAccessKeyResult, NAMED;
    /// Switches a role off, or on again.
    UpdateRole:
        UpdateRoleRequest => UpdateRoleResult, NAMED;
}
