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

/// The errors of an operation, in the order of the model for the deletion of a certificate.
const CERTIFICATE_DELETION: &[ErrorCode] = &[
    ServiceException,
    InvalidInputException,
    AccessDeniedException,
    NotFoundException,
    UnauthenticatedException,
    RegionSetupInProgressException,
];

/// The errors of the one operation without any input.
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

    /// Asks for a certificate. This server has certificates in files, so it refuses, and the message says what to do.
    CreateCertificate:
        CreateCertificateRequest => CreateCertificateResult, CONTAINERS;
    /// Makes a container service, which holds images and runs them. It may start a first deployment.
    CreateContainerService:
        CreateContainerServiceRequest => CreateContainerServiceResult, CONTAINERS;
    /// Starts a new deployment on a container service. It takes the place of the current one.
    CreateContainerServiceDeployment:
        CreateContainerServiceDeploymentRequest => CreateContainerServiceDeploymentResult, CONTAINERS;
    /// Makes a temporary login with which `docker` and other clients push images to the registry of the account. It
    /// ends after twelve hours, and can only push.
    CreateContainerServiceRegistryLogin:
        CreateContainerServiceRegistryLoginRequest => CreateContainerServiceRegistryLoginResult, CONTAINERS;
    /// Deletes a certificate. This server has certificates in files, so it refuses, and the message says what to do.
    DeleteCertificate:
        DeleteCertificateRequest => DeleteCertificateResult, CERTIFICATE_DELETION;
    /// Removes a registered image from its container service, for good.
    DeleteContainerImage:
        DeleteContainerImageRequest => DeleteContainerImageResult, CONTAINERS;
    /// Deletes a container service with its deployments and registered images, for good.
    DeleteContainerService:
        DeleteContainerServiceRequest => DeleteContainerServiceResult, CONTAINERS;
    /// Shows the certificates for domain names of container services.
    GetCertificates:
        GetCertificatesRequest => GetCertificatesResult, CONTAINERS;
    /// Shows facts about the API for clients, such as the newest version of the `lightsailctl` plugin.
    GetContainerAPIMetadata:
        GetContainerAPIMetadataRequest => GetContainerAPIMetadataResult, METADATA;
    /// Shows the images that are registered on a container service, the newest first.
    GetContainerImages:
        GetContainerImagesRequest => GetContainerImagesResult, CONTAINERS;
    /// Shows the output of a container, page by page, the oldest line first.
    GetContainerLog:
        GetContainerLogRequest => GetContainerLogResult, CONTAINERS;
    /// Shows the deployments of a container service, the newest first.
    GetContainerServiceDeployments:
        GetContainerServiceDeploymentsRequest => GetContainerServiceDeploymentsResult, CONTAINERS;
    /// Shows how much processor or memory a container service has used.
    GetContainerServiceMetricData:
        GetContainerServiceMetricDataRequest => GetContainerServiceMetricDataResult, CONTAINERS;
    /// Shows the sizes of nodes for container services.
    GetContainerServicePowers:
        GetContainerServicePowersRequest => GetContainerServicePowersResult, CONTAINERS;
    /// Shows one container service, or all in the region.
    GetContainerServices:
        GetContainerServicesRequest => ContainerServicesListResult, CONTAINERS;
    /// Registers a pushed image on a container service, which can use it from then on.
    RegisterContainerImage:
        RegisterContainerImageRequest => RegisterContainerImageResult, CONTAINERS;
    /// Adds tags to a resource.
    TagResource:
        TagResourceRequest => TagResourceResult, RESOURCES;
    /// Removes tags from a resource.
    UntagResource:
        UntagResourceRequest => UntagResourceResult, RESOURCES;
    /// Changes the size, the number of nodes or other settings of a container service.
    UpdateContainerService:
        UpdateContainerServiceRequest => UpdateContainerServiceResult, CONTAINERS;
}
