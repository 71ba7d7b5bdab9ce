//! Decides whether a registry login is live, from its own facts and those of its maker.

use crate::time::Time;

/// The facts that decide whether a login is live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginFacts {
    /// Whether it was revoked.
    pub is_revoked: bool,
    /// When it expires, by the wall clock.
    pub expires_at: Time,
    /// The current state of its maker.
    pub maker: Maker,
    /// The current state of its service.
    pub service: ServiceOfLogin,
}

/// The current state of a login's maker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    /// The server itself.
    Server,
    /// An access key. `None` if the account has no key with this id.
    Key(Option<KeyFacts>),
    /// A session of a role. `None` if the role was deleted.
    Role(Option<RoleFacts>),
}

/// The current state of an access key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyFacts {
    /// Whether its calls and logins are accepted.
    pub is_enabled: bool,
    /// When it expires, by the wall clock. `None` if it does not expire.
    pub expires_at: Option<Time>,
}

/// The current state of a role, and the generation of a session or login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoleFacts {
    /// Whether its sessions are accepted.
    pub is_enabled: bool,
    /// The current generation of the role. A new generation ends all sessions and logins of earlier ones.
    pub generation: i64,
    /// The generation in which the session or login was made.
    pub made_in: i64,
}

/// The service of a pull login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceOfLogin {
    /// The login is for no service.
    None,
    /// The service exists.
    There,
    /// The service was deleted. A login without a service would read every repository.
    Gone,
}

/// The reason for which a login has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was revoked.
    Revoked,
    /// Its key was deleted, or belongs to another account.
    KeyGone,
    /// Its key is disabled.
    KeyDisabled,
    /// Its role was deleted.
    RoleGone,
    /// Its role is disabled.
    RoleDisabled,
    /// Its role has a new generation, or its session was revoked.
    RoleMovedOn,
    /// Its service was deleted.
    ServiceGone,
    /// It has expired, or its key has.
    Expired,
}

impl RoleFacts {
    /// Whether sessions and logins of this generation are live.
    pub fn is_live(self) -> bool {
        self.is_enabled && self.generation == self.made_in
    }
}

impl LoginFacts {
    /// The reason for which it was ended, if it was. It may also have expired: see [`ends_at`](Self::ends_at).
    pub fn ended(self) -> Option<Ended> {
        if self.is_revoked {
            return Some(Ended::Revoked);
        }
        let by_maker = match self.maker {
            Maker::Server | Maker::Key(Some(KeyFacts { is_enabled: true, .. })) => None,
            Maker::Key(Some(_)) => Some(Ended::KeyDisabled),
            Maker::Key(None) => Some(Ended::KeyGone),
            Maker::Role(None) => Some(Ended::RoleGone),
            Maker::Role(Some(RoleFacts { is_enabled: false, .. })) => Some(Ended::RoleDisabled),
            Maker::Role(Some(role)) => (!role.is_live()).then_some(Ended::RoleMovedOn),
        };
        by_maker.or(match self.service {
            ServiceOfLogin::None | ServiceOfLogin::There => None,
            ServiceOfLogin::Gone => Some(Ended::ServiceGone),
        })
    }

    /// When it expires. It never outlives its key.
    pub fn ends_at(self) -> Time {
        match self.maker {
            Maker::Key(Some(KeyFacts { expires_at: Some(end), .. })) => end.min(self.expires_at),
            Maker::Key(_) | Maker::Role(_) | Maker::Server => self.expires_at,
        }
    }

    /// The reason for which it is not live at `now`. `None` if it is live. It has expired at the very moment of its
    /// end.
    pub fn ended_at(self, now: Time) -> Option<Ended> {
        self.ended().or_else(|| (self.ends_at() <= now).then_some(Ended::Expired))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Time = Time(1_800_000_000_000);
    const KEY: KeyFacts = KeyFacts { is_enabled: true, expires_at: None };
    const ROLE: RoleFacts = RoleFacts { is_enabled: true, generation: 3, made_in: 3 };

    fn by(maker: Maker) -> LoginFacts {
        LoginFacts { is_revoked: false, expires_at: Time(NOW.0 + 1), maker, service: ServiceOfLogin::None }
    }

    #[test]
    fn a_login_goes_on_as_long_as_all_that_it_came_from() {
        let key = |key| by(Maker::Key(Some(key)));
        let role = |role| by(Maker::Role(Some(role)));
        for (facts, expected) in [
            (by(Maker::Server), None),
            (key(KEY), None),
            (role(ROLE), None),
            (LoginFacts { service: ServiceOfLogin::There, ..key(KEY) }, None),
            (LoginFacts { is_revoked: true, ..key(KEY) }, Some(Ended::Revoked)),
            (LoginFacts { is_revoked: true, ..by(Maker::Server) }, Some(Ended::Revoked)),
            (key(KeyFacts { is_enabled: false, ..KEY }), Some(Ended::KeyDisabled)),
            (by(Maker::Key(None)), Some(Ended::KeyGone)),
            (by(Maker::Role(None)), Some(Ended::RoleGone)),
            (role(RoleFacts { is_enabled: false, ..ROLE }), Some(Ended::RoleDisabled)),
            // The role was disabled and enabled again. The generation of a revoked session is -1.
            (role(RoleFacts { generation: 4, ..ROLE }), Some(Ended::RoleMovedOn)),
            (role(RoleFacts { made_in: -1, ..ROLE }), Some(Ended::RoleMovedOn)),
            (LoginFacts { service: ServiceOfLogin::Gone, ..key(KEY) }, Some(Ended::ServiceGone)),
        ] {
            assert_eq!(facts.ended(), expected, "{facts:?}");
            assert_eq!(facts.ended_at(NOW), expected, "{facts:?}");
        }
    }

    #[test]
    fn it_ends_at_its_time_and_with_its_key() {
        let login = LoginFacts { expires_at: NOW, ..by(Maker::Server) };
        assert_eq!(login.ended_at(Time(NOW.0 - 1)), None);
        assert_eq!(login.ended_at(NOW), Some(Ended::Expired));
        let with_key = |end| by(Maker::Key(Some(KeyFacts { expires_at: Some(end), ..KEY })));
        assert_eq!(with_key(NOW).ended_at(NOW), Some(Ended::Expired));
        assert_eq!(with_key(NOW).ends_at(), NOW);
        assert_eq!(with_key(Time(i64::MAX)).ends_at(), Time(NOW.0 + 1));
    }

    fn any_facts() -> impl Strategy<Value = LoginFacts> {
        let time = 0..6i64;
        let key = (any::<bool>(), proptest::option::of(time.clone().prop_map(Time)))
            .prop_map(|(is_enabled, expires_at)| KeyFacts { is_enabled, expires_at });
        let role = (any::<bool>(), 0..3i64, -1..3i64)
            .prop_map(|(is_enabled, generation, made_in)| RoleFacts { is_enabled, generation, made_in });
        let maker = prop_oneof![
            Just(Maker::Server),
            proptest::option::of(key).prop_map(Maker::Key),
            proptest::option::of(role).prop_map(Maker::Role),
        ];
        let service =
            prop_oneof![Just(ServiceOfLogin::None), Just(ServiceOfLogin::There), Just(ServiceOfLogin::Gone)];
        (any::<bool>(), time.prop_map(Time), maker, service).prop_map(
            |(is_revoked, expires_at, maker, service)| LoginFacts { is_revoked, expires_at, maker, service },
        )
    }

    proptest! {
        #[test]
        fn it_is_live_if_nothing_ended_it_and_never_again(facts in any_facts(), now in 0..6i64, later in 0..6i64) {
            let maker_is_live = match facts.maker {
                Maker::Server => true,
                Maker::Key(key) => {
                    key.is_some_and(|key| key.is_enabled && key.expires_at.is_none_or(|end| end.0 > now))
                }
                Maker::Role(role) => role.is_some_and(RoleFacts::is_live),
            };
            let is_live = !facts.is_revoked && facts.expires_at.0 > now && maker_is_live
                && facts.service != ServiceOfLogin::Gone;
            prop_assert_eq!(facts.ended_at(Time(now)).is_none(), is_live);
            if !is_live {
                prop_assert!(facts.ended_at(Time(now + later)).is_some(), "time brings nothing back");
            }
            // A cache may keep the login and its end until one of the facts changes. The cache's answer is then
            // always right.
            let kept = facts.ended().is_none().then_some(facts.ends_at());
            prop_assert_eq!(kept.is_some_and(|end| end.0 > now), is_live);
            let revoked = LoginFacts { is_revoked: true, ..facts };
            prop_assert!(revoked.ended_at(Time(now)).is_some());
        }
    }
}
