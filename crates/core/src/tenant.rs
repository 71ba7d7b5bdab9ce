//! Owners: an account, and a region within it, as in Lightsail.

use std::fmt;

/// The 12 digits that name an account.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(String);

/// A text that is no account number.
#[derive(Debug, thiserror::Error)]
#[error("an account is 12 digits, for example 000000000000")]
pub struct BadAccountId;

impl AccountId {
    /// The account of the root access key, and the default for every new key.
    pub fn root() -> Self {
        Self("000000000000".to_owned())
    }

    /// Reads an account number.
    ///
    /// # Errors
    /// [`BadAccountId`] if the text is not 12 ASCII digits.
    pub fn parse(text: &str) -> Result<Self, BadAccountId> {
        if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadAccountId)
        }
    }

    /// The 12 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this account may manage the access keys of all others.
    pub fn is_root(&self) -> bool {
        self.0 == "000000000000"
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A region of Lightsail. Here it only separates names, and does not stand for a place.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region(String);

/// The regions of Lightsail's `RegionName`.
pub const REGIONS: [&str; 17] = [
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eu-central-1",
    "eu-north-1",
    "ca-central-1",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-southeast-3",
    "ap-southeast-5",
];

impl Region {
    /// The region in the files that the server writes for clients.
    pub fn default_region() -> Self {
        Self(REGIONS[0].to_owned())
    }

    /// Reads a region. `None` if Lightsail does not have it.
    pub fn parse(text: &str) -> Option<Self> {
        REGIONS.contains(&text).then(|| Self(text.to_owned()))
    }

    /// The name, such as `us-east-1`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One account in one region. Every name is looked up within a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tenant {
    /// The account that owns the tenant's things.
    pub account: AccountId,
    /// The region of the account.
    pub region: Region,
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.account, self.region)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_twelve_digits() {
        assert!(AccountId::parse("000000000000").unwrap().is_root());
        assert!(!AccountId::parse("123456789012").unwrap().is_root());
        for bad in ["", "12345678901", "1234567890123", "12345678901a", "١٢٣٤٥٦"] {
            assert!(AccountId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_region_is_one_of_lightsails() {
        assert!(Region::parse("eu-central-1").is_some());
        assert!(Region::parse("eu-central-9").is_none());
    }
}
