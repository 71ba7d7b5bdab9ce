//! Limits failed logins of each address, against guessing of passwords. A correct password always works,
//! because it is looked up first.

use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::http::client_network::network;

/// The recent failed logins of each address.
pub(crate) struct FailedLogins(DefaultKeyedRateLimiter<IpAddr>);

impl FailedLogins {
    /// Lets each address fail `per_minute` times a minute; zero counts as one.
    pub(crate) fn new(per_minute: u32) -> Self {
        Self(RateLimiter::keyed(Quota::per_minute(NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN))))
    }

    /// Counts a failed login. Returns `false` if the address has had too many.
    pub(crate) fn count(&self, address: IpAddr) -> bool {
        self.0.check_key(&network(address)).is_ok()
    }

    /// Forgets addresses without recent failures.
    pub(crate) fn forget_idle(&self) {
        self.0.retain_recent();
        self.0.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_own_count() {
        let failed = FailedLogins::new(3);
        let (one, other) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        assert!((0..3).all(|_| failed.count(one)));
        assert!(!failed.count(one));
        assert!(failed.count(other));
    }
}
