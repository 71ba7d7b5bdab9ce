//! The kinds of recorded operations. All of Lightsail's are here, because clients know them all.

use crate::macros::enumeration;

enumeration! {
    /// The kind of a recorded operation. The kinds of container services are next to each other. There is no kind for tags.
    pub enum OperationType {
        DeleteKnownHostKeys, DeleteInstance, CreateInstance, StopInstance, StartInstance, RebootInstance,
        OpenInstancePublicPorts, PutInstancePublicPorts, CloseInstancePublicPorts, AllocateStaticIp,
        ReleaseStaticIp, AttachStaticIp, DetachStaticIp, UpdateDomainEntry, DeleteDomainEntry, CreateDomain,
        DeleteDomain, CreateInstanceSnapshot, DeleteInstanceSnapshot, CreateInstancesFromSnapshot,
        CreateLoadBalancer, DeleteLoadBalancer, AttachInstancesToLoadBalancer,
        DetachInstancesFromLoadBalancer, UpdateLoadBalancerAttribute, CreateLoadBalancerTlsCertificate,
        DeleteLoadBalancerTlsCertificate, AttachLoadBalancerTlsCertificate, CreateDisk, DeleteDisk,
        AttachDisk, DetachDisk, CreateDiskSnapshot, DeleteDiskSnapshot, CreateDiskFromSnapshot,
        CreateRelationalDatabase, UpdateRelationalDatabase, DeleteRelationalDatabase,
        CreateRelationalDatabaseFromSnapshot, CreateRelationalDatabaseSnapshot,
        DeleteRelationalDatabaseSnapshot, UpdateRelationalDatabaseParameters, StartRelationalDatabase,
        RebootRelationalDatabase, StopRelationalDatabase, EnableAddOn, DisableAddOn, PutAlarm, GetAlarms,
        DeleteAlarm, TestAlarm, CreateContactMethod, GetContactMethods, SendContactMethodVerification,
        DeleteContactMethod, CreateDistribution, UpdateDistribution, DeleteDistribution,
        ResetDistributionCache, AttachCertificateToDistribution, DetachCertificateFromDistribution,
        UpdateDistributionBundle, SetIpAddressType, CreateCertificate, DeleteCertificate,
        CreateContainerService, UpdateContainerService, DeleteContainerService,
        CreateContainerServiceDeployment, CreateContainerServiceRegistryLogin, RegisterContainerImage,
        DeleteContainerImage, CreateBucket, DeleteBucket, CreateBucketAccessKey, DeleteBucketAccessKey,
        UpdateBucketBundle, UpdateBucket, SetResourceAccessForBucket, UpdateInstanceMetadataOptions,
        StartGuiSession = "StartGUISession", StopGuiSession = "StopGUISession", SetupInstanceHttps,
    }
}
