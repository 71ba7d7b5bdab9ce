//! The table of the operations.

use crate::ErrorCode;
use crate::ErrorCode::{
    AccessDeniedException, AccountSetupInProgressException, InvalidInputException, NotFoundException,
    OperationFailureException, RegionSetupInProgressException, ServiceException, UnauthenticatedException,
};
use crate::macros::operations;

use super::{
    ContainerServicesListResult, CreateCertificateRequest, CreateCertificateResult,
    CreateContainerServiceDeploymentRequest, CreateContainerServiceDeploymentResult,
    CreateContainerServiceRegistryLoginRequest, CreateContainerServiceRegistryLoginResult,
    CreateContainerServiceRequest, CreateContainerServiceResult, DeleteCertificateRequest,
    DeleteCertificateResult, DeleteContainerImageRequest, DeleteContainerImageResult,
    DeleteContainerServiceRequest, DeleteContainerServiceResult, GetCertificatesRequest,
    GetCertificatesResult, GetContainerAPIMetadataRequest, GetContainerAPIMetadataResult,
    GetContainerImagesRequest, GetContainerImagesResult, GetContainerLogRequest, GetContainerLogResult,
    GetContainerServiceDeploymentsRequest, GetContainerServiceDeploymentsResult,
    GetContainerServiceMetricDataRequest, GetContainerServiceMetricDataResult,
    GetContainerServicePowersRequest, GetContainerServicePowersResult, GetContainerServicesRequest,
    RegisterContainerImageRequest, RegisterContainerImageResult, TagResourceRequest, TagResourceResult,
    UntagResourceRequest, UntagResourceResult, UpdateContainerServiceRequest, UpdateContainerServiceResult,
};

/// The errors of every operation on container services.
const CONTAINERS: &[ErrorCode] = &[
    ServiceException,
    InvalidInputException,
    NotFoundException,
    AccessDeniedException,
    UnauthenticatedException,
    RegionSetupInProgressException,
];

/// The same, as the model lists them where a certificate is deleted.
const CERTIFICATE_DELETION: &[ErrorCode] = &[
    ServiceException,
    InvalidInputException,
    AccessDeniedException,
    NotFoundException,
    UnauthenticatedException,
    RegionSetupInProgressException,
];

/// The errors of the one operation that has no input to be wrong and nothing to be missing.
const METADATA: &[ErrorCode] =
    &[ServiceException, AccessDeniedException, UnauthenticatedException, RegionSetupInProgressException];

/// The errors of the operations on resources of any kind.
const RESOURCES: &[ErrorCode] = &[
    ServiceException,
    InvalidInputException,
    NotFoundException,
    OperationFailureException,
    AccessDeniedException,
    AccountSetupInProgressException,
    RegionSetupInProgressException,
    UnauthenticatedException,
];

operations! {
    /// An operation of the container part of Lightsail's API.
    target "Lightsail_20161128" of Lightsail;

    /// Asks for a certificate. This server takes certificates from files, so it refuses and says how.
    CreateCertificate:
        CreateCertificateRequest => CreateCertificateResult, CONTAINERS;
    /// Makes a container service: a place for images and, if given, the first deployment that runs them.
    CreateContainerService:
        CreateContainerServiceRequest => CreateContainerServiceResult, CONTAINERS;
    /// Starts a new deployment on a container service, in the place of the one that runs.
    CreateContainerServiceDeployment:
        CreateContainerServiceDeploymentRequest => CreateContainerServiceDeploymentResult, CONTAINERS;
    /// Makes a temporary login with which `docker` and its like push images to the registry of the account;
    /// it ends after twelve hours, and it can do nothing but push.
    CreateContainerServiceRegistryLogin:
        CreateContainerServiceRegistryLoginRequest => CreateContainerServiceRegistryLoginResult, CONTAINERS;
    /// Deletes a certificate. This server takes certificates from files, so it refuses and says how.
    DeleteCertificate:
        DeleteCertificateRequest => DeleteCertificateResult, CERTIFICATE_DELETION;
    /// Takes a registered image off its container service, for good.
    DeleteContainerImage:
        DeleteContainerImageRequest => DeleteContainerImageResult, CONTAINERS;
    /// Deletes a container service with its deployments and registered images, for good.
    DeleteContainerService:
        DeleteContainerServiceRequest => DeleteContainerServiceResult, CONTAINERS;
    /// Shows the certificates whose domain names can lead to container services.
    GetCertificates:
        GetCertificatesRequest => GetCertificatesResult, CONTAINERS;
    /// Shows what clients ought to know of the API, such as the newest version of the `lightsailctl` plugin.
    GetContainerAPIMetadata:
        GetContainerAPIMetadataRequest => GetContainerAPIMetadataResult, METADATA;
    /// Shows the images that are registered on a container service, the newest first.
    GetContainerImages:
        GetContainerImagesRequest => GetContainerImagesResult, CONTAINERS;
    /// Shows what a container has written, page by page, the oldest line first.
    GetContainerLog:
        GetContainerLogRequest => GetContainerLogResult, CONTAINERS;
    /// Shows the deployments of a container service, the newest first.
    GetContainerServiceDeployments:
        GetContainerServiceDeploymentsRequest => GetContainerServiceDeploymentsResult, CONTAINERS;
    /// Shows how much processor or memory a container service has used.
    GetContainerServiceMetricData:
        GetContainerServiceMetricDataRequest => GetContainerServiceMetricDataResult, CONTAINERS;
    /// Shows the sizes that the nodes of a container service come in.
    GetContainerServicePowers:
        GetContainerServicePowersRequest => GetContainerServicePowersResult, CONTAINERS;
    /// Shows one container service, or all of the region.
    GetContainerServices:
        GetContainerServicesRequest => ContainerServicesListResult, CONTAINERS;
    /// Attaches an image that was pushed to a container service, which can use it from then on.
    RegisterContainerImage:
        RegisterContainerImageRequest => RegisterContainerImageResult, CONTAINERS;
    /// Puts tags on a resource.
    TagResource:
        TagResourceRequest => TagResourceResult, RESOURCES;
    /// Takes tags off a resource.
    UntagResource:
        UntagResourceRequest => UntagResourceResult, RESOURCES;
    /// Changes the size, the number of nodes or other settings of a container service.
    UpdateContainerService:
        UpdateContainerServiceRequest => UpdateContainerServiceResult, CONTAINERS;
}
