//! The short enumerations.

use crate::macros::enumeration;

enumeration! {
    /// The size of the nodes of a service.
    pub enum ContainerServicePowerName {
        Nano = "nano", Micro = "micro", Small = "small", Medium = "medium", Large = "large",
        Xlarge = "xlarge",
    }
}

enumeration! {
    /// The state of a container service.
    pub enum ContainerServiceState {
        /// It is being made.
        Pending = "PENDING",
        /// It exists, and no deployment runs.
        Ready = "READY",
        /// Its deployment runs.
        Running = "RUNNING",
        /// Its settings are being changed.
        Updating = "UPDATING",
        /// It is being deleted.
        Deleting = "DELETING",
        /// It is switched off.
        Disabled = "DISABLED",
        /// A deployment is being started.
        Deploying = "DEPLOYING",
    }
}

enumeration! {
    /// The progress of a container service's current change.
    pub enum ContainerServiceStateDetailCode {
        CreatingSystemResources = "CREATING_SYSTEM_RESOURCES",
        CreatingNetworkInfrastructure = "CREATING_NETWORK_INFRASTRUCTURE",
        ProvisioningCertificate = "PROVISIONING_CERTIFICATE",
        ProvisioningService = "PROVISIONING_SERVICE",
        CreatingDeployment = "CREATING_DEPLOYMENT",
        EvaluatingHealthCheck = "EVALUATING_HEALTH_CHECK",
        ActivatingDeployment = "ACTIVATING_DEPLOYMENT",
        CertificateLimitExceeded = "CERTIFICATE_LIMIT_EXCEEDED",
        UnknownError = "UNKNOWN_ERROR",
    }
}

enumeration! {
    /// The state of a deployment.
    pub enum ContainerServiceDeploymentState {
        /// It is being started.
        Activating = "ACTIVATING",
        /// It runs.
        Active = "ACTIVE",
        /// It ran before the current one.
        Inactive = "INACTIVE",
        /// It could not be started.
        Failed = "FAILED",
    }
}

enumeration! {
    /// The protocol of a container's open port.
    pub enum ContainerServiceProtocol {
        Http = "HTTP", Https = "HTTPS", Tcp = "TCP", Udp = "UDP",
    }
}

enumeration! {
    /// A measurement of container services.
    pub enum ContainerServiceMetricName {
        CpuUtilization = "CPUUtilization", MemoryUtilization = "MemoryUtilization",
    }
}

enumeration! {
    /// How the measurements of a period are combined into one number.
    pub enum MetricStatistic { Minimum, Maximum, Sum, Average, SampleCount }
}

enumeration! {
    /// The unit of a measurement.
    pub enum MetricUnit {
        Seconds, Microseconds, Milliseconds, Bytes, Kilobytes, Megabytes, Gigabytes, Terabytes, Bits,
        Kilobits, Megabits, Gigabits, Terabits, Percent, Count, BytesPerSecond = "Bytes/Second",
        KilobytesPerSecond = "Kilobytes/Second", MegabytesPerSecond = "Megabytes/Second",
        GigabytesPerSecond = "Gigabytes/Second", TerabytesPerSecond = "Terabytes/Second",
        BitsPerSecond = "Bits/Second", KilobitsPerSecond = "Kilobits/Second",
        MegabitsPerSecond = "Megabits/Second", GigabitsPerSecond = "Gigabits/Second",
        TerabitsPerSecond = "Terabits/Second", CountPerSecond = "Count/Second", None,
    }
}

enumeration! {
    /// The progress of an operation.
    pub enum OperationStatus { NotStarted, Started, Failed, Completed, Succeeded }
}

enumeration! {
    /// Whether a certificate can be used.
    pub enum CertificateStatus {
        PendingValidation = "PENDING_VALIDATION",
        /// It can be used.
        Issued = "ISSUED",
        Inactive = "INACTIVE",
        /// It has expired.
        Expired = "EXPIRED",
        ValidationTimedOut = "VALIDATION_TIMED_OUT", Revoked = "REVOKED", Failed = "FAILED",
    }
}

enumeration! {
    /// Whether the issuer of a certificate has verified who owns a domain.
    pub enum CertificateDomainValidationStatus {
        PendingValidation = "PENDING_VALIDATION", Failed = "FAILED", Success = "SUCCESS",
    }
}

enumeration! {
    /// Whether a record was added to the DNS.
    pub enum DnsRecordCreationStateCode { Succeeded = "SUCCEEDED", Started = "STARTED", Failed = "FAILED" }
}

enumeration! {
    /// The progress of a certificate's renewal.
    pub enum RenewalStatus { PendingAutoRenewal, PendingValidation, Success, Failed }
}

enumeration! {
    /// The kind of a resource.
    pub enum ResourceType {
        ContainerService, Instance, StaticIp, KeyPair, InstanceSnapshot, Domain, PeeredVpc, LoadBalancer,
        LoadBalancerTlsCertificate, Disk, DiskSnapshot, RelationalDatabase, RelationalDatabaseSnapshot,
        ExportSnapshotRecord, CloudFormationStackRecord, Alarm, ContactMethod, Distribution, Certificate,
        Bucket,
    }
}

enumeration! {
    /// A region that Lightsail has.
    pub enum RegionName {
        UsEast1 = "us-east-1", UsEast2 = "us-east-2", UsWest1 = "us-west-1", UsWest2 = "us-west-2",
        EuWest1 = "eu-west-1", EuWest2 = "eu-west-2", EuWest3 = "eu-west-3", EuCentral1 = "eu-central-1",
        EuNorth1 = "eu-north-1", CaCentral1 = "ca-central-1", ApSouth1 = "ap-south-1",
        ApSoutheast1 = "ap-southeast-1", ApSoutheast2 = "ap-southeast-2", ApNortheast1 = "ap-northeast-1",
        ApNortheast2 = "ap-northeast-2", ApSoutheast3 = "ap-southeast-3", ApSoutheast5 = "ap-southeast-5",
    }
}
