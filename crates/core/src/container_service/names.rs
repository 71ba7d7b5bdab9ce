//! Names that follow from a container service and its tenant.

use super::{ContainerService, address_part, host_name};
use crate::tenant::{Region, Tenant};

impl ContainerService {
    /// Its ARN, which is unique in the world.
    pub fn arn(&self, tenant: &Tenant) -> String {
        let Tenant { account, region } = tenant;
        format!("arn:aws:lightsail:{region}:{account}:ContainerService/{}", self.uuid)
    }

    /// The role that its containers act as. Empty before its first deployment.
    pub fn principal_arn(&self, tenant: &Tenant) -> String {
        if self.last_version == 0 {
            return String::new();
        }
        let (Tenant { account, region }, name) = (tenant, &self.name);
        let part = address_part(&self.uuid);
        format!("arn:aws:iam::{account}:role/amazon/lightsail/{region}/containers/{name}/{part}")
    }

    /// The role that pulls from private registries. Empty if it is not wanted.
    pub fn puller_role_arn(&self, tenant: &Tenant) -> String {
        if !self.puller_role_active {
            return String::new();
        }
        let (Tenant { account, region }, name) = (tenant, &self.name);
        format!("arn:aws:iam::{account}:role/gangplank/{region}/containers/{name}/private-repo-access")
    }

    /// The name for other services of the tenant.
    pub fn private_domain_name(&self) -> String {
        format!("{}.service.local", self.name)
    }

    /// The host of its address, without a port, under the domain that all services share.
    pub fn host(&self, region: &Region, domain: &str) -> String {
        host_name(&self.name, &self.uuid, region, domain)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::service;
    use super::*;
    use crate::tenant::AccountId;

    #[test]
    fn names_follow_from_what_a_service_is() {
        let account = AccountId::parse("123456789012").unwrap();
        let tenant = Tenant { account, region: Region::parse("eu-west-1").unwrap() };
        let web = service();
        let part = address_part(&web.uuid);
        assert_eq!(
            web.arn(&tenant),
            "arn:aws:lightsail:eu-west-1:123456789012:ContainerService/6f0c1f6e-0000-4000-8000-000000000001"
        );
        assert_eq!(web.private_domain_name(), "web.service.local");
        assert_eq!(web.host(&tenant.region, "example.com"), format!("web.{part}.eu-west-1.cs.example.com"));
        assert_eq!((web.principal_arn(&tenant), web.puller_role_arn(&tenant)), Default::default());
        let web = ContainerService { last_version: 1, puller_role_active: true, ..web };
        assert_eq!(
            web.principal_arn(&tenant),
            format!("arn:aws:iam::123456789012:role/amazon/lightsail/eu-west-1/containers/web/{part}")
        );
        assert_eq!(
            web.puller_role_arn(&tenant),
            "arn:aws:iam::123456789012:role/gangplank/eu-west-1/containers/web/private-repo-access"
        );
    }
}
