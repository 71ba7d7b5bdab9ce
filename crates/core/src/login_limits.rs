//! Limits of the logins of a role, a session or an access key. A login keeps its own copy, which never becomes wider.

use std::net::IpAddr;
use std::time::Duration;

use crate::network::Network;
use crate::policy::RepositoryPattern;
use crate::registry_login::LIFETIME;

/// The shortest life that a login may be limited to.
pub const SHORTEST_LIFE: Duration = Duration::from_mins(1);

/// The largest number of patterns or networks in one list, and of lists.
pub const MOST_ITEMS: usize = 100;

/// The repositories and addresses for which a login may be used. The default is all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reach {
    /// Lists of patterns of repositories. One pattern of each list has to match. Without a list, all repositories
    /// match.
    pub repositories: Vec<Vec<RepositoryPattern>>,
    /// Networks of addresses. If it is empty, all addresses are accepted.
    pub networks: Vec<Network>,
}

/// The reason for which limits are refused: they are wider than those of the maker.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wider {
    /// This repository matches none of the maker's patterns.
    #[error("the repository {0} is beyond what the caller may give: name one that its own limits match")]
    Repository(String),
    /// This network is in none of the maker's networks.
    #[error("the network {0} is beyond those that the caller may be used from: name one within them")]
    Network(String),
    /// The life in seconds is longer than the second number.
    #[error("{0} s is a longer life than the caller's logins may have, which is {1} s: ask for no more")]
    Life(u64, u64),
    /// The life in seconds is too short.
    #[error("{0} s is shorter than any login lives: ask for 60 s or more")]
    TooShort(u64),
}

impl Reach {
    /// A reach with one list of patterns, and networks. An empty list is no limit.
    pub fn of(repositories: Vec<RepositoryPattern>, networks: Vec<Network>) -> Self {
        let repositories = if repositories.is_empty() { Vec::new() } else { vec![repositories] };
        Self { repositories, networks }
    }

    /// Whether it has no limits.
    pub fn is_everywhere(&self) -> bool {
        self.repositories.is_empty() && self.networks.is_empty()
    }

    /// Whether the repository is allowed.
    pub fn has_repository(&self, repository: &str) -> bool {
        self.repositories.iter().all(|list| list.iter().any(|pattern| pattern.matches(repository)))
    }

    /// Whether the address is allowed.
    pub fn has_address(&self, address: IpAddr) -> bool {
        self.networks.is_empty() || self.networks.iter().any(|network| network.contains(address))
    }

    /// Adds limits. An empty list adds none.
    ///
    /// # Errors
    /// If a repository without wildcards, or a network, is outside this reach. A wider pattern is no error,
    /// because only names that match both lists are allowed.
    pub fn narrowed(
        &self,
        repositories: Vec<RepositoryPattern>,
        networks: Vec<Network>,
    ) -> Result<Self, Wider> {
        let mut narrowed = self.clone();
        for pattern in &repositories {
            let text = pattern.as_str();
            if !text.contains(['*', '?']) && !self.has_repository(text) {
                return Err(Wider::Repository(text.to_owned()));
            }
        }
        if !repositories.is_empty() && self.repositories.last() != Some(&repositories) {
            narrowed.repositories.push(repositories);
        }
        if !networks.is_empty() {
            for network in &networks {
                if !self.networks.is_empty() && !self.networks.iter().any(|it| it.includes(network)) {
                    return Err(Wider::Network(network.to_string()));
                }
            }
            narrowed.networks = networks;
        }
        Ok(narrowed)
    }
}

/// Limits of the logins of a role or an access key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoginLimits {
    /// The longest life of a login.
    pub max_life: Option<Duration>,
    /// The repositories and addresses. The networks also limit the calls of the role or key.
    pub reach: Reach,
}

impl LoginLimits {
    /// Whether there are no limits.
    pub fn are_none(&self) -> bool {
        self.max_life.is_none() && self.reach.is_everywhere()
    }

    /// The life of a login, before the end of its maker is considered. `asked` is the requested life. The default is
    /// twelve hours.
    ///
    /// # Errors
    /// If the requested life is longer than the limit, or shorter than [`SHORTEST_LIFE`].
    pub fn life(&self, asked: Option<Duration>) -> Result<Duration, Wider> {
        let most = self.max_life.map_or(LIFETIME, |most| most.min(LIFETIME));
        match asked {
            Some(asked) if asked > most => Err(Wider::Life(asked.as_secs(), most.as_secs())),
            Some(asked) if asked < SHORTEST_LIFE => Err(Wider::TooShort(asked.as_secs())),
            Some(asked) => Ok(asked),
            None => Ok(most),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn patterns(texts: &[&str]) -> Vec<RepositoryPattern> {
        texts.iter().map(|text| RepositoryPattern::parse(text).unwrap()).collect()
    }

    fn networks(texts: &[&str]) -> Vec<Network> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn without_limits_everything_is_within() {
        let everywhere = Reach::default();
        assert!(everywhere.is_everywhere() && everywhere.has_repository("a/b"));
        assert!(everywhere.has_address("192.0.2.1".parse().unwrap()));
    }

    #[test]
    fn what_is_narrowed_is_never_wider() {
        let reach = Reach::of(patterns(&["team/*", "sr"]), networks(&["10.0.0.0/8"]));
        let narrow = reach.narrowed(patterns(&["**"]), Vec::new()).unwrap();
        for (repository, within) in [("team/a", true), ("sr", true), ("team/a/b", false), ("other", false)] {
            assert_eq!(reach.has_repository(repository), within, "{repository}");
            assert_eq!(narrow.has_repository(repository), within, "{repository}");
        }
        assert_eq!(narrow.networks, reach.networks);
        let narrow = reach.narrowed(patterns(&["team/app-*"]), networks(&["10.1.0.0/16"])).unwrap();
        assert!(narrow.has_repository("team/app-1") && !narrow.has_repository("team/web"));
        assert!(!narrow.has_repository("sr"));
        assert!(!narrow.has_address("10.2.0.1".parse().unwrap()));
        assert_eq!(
            reach.narrowed(patterns(&["team/a", "other"]), Vec::new()),
            Err(Wider::Repository("other".to_owned()))
        );
        assert_eq!(
            reach.narrowed(Vec::new(), networks(&["0.0.0.0/0"])),
            Err(Wider::Network("0.0.0.0/0".to_owned()))
        );
    }

    #[test]
    fn a_login_lives_no_longer_than_it_may() {
        let none = LoginLimits::default();
        assert_eq!(none.life(None), Ok(LIFETIME));
        let half_hour = LoginLimits { max_life: Some(Duration::from_mins(30)), ..none.clone() };
        assert_eq!(half_hour.life(None), Ok(Duration::from_mins(30)));
        assert_eq!(half_hour.life(Some(SHORTEST_LIFE)), Ok(SHORTEST_LIFE));
        assert_eq!(half_hour.life(Some(Duration::from_hours(1))), Err(Wider::Life(3_600, 1_800)));
        assert_eq!(none.life(Some(Duration::from_secs(59))), Err(Wider::TooShort(59)));
        assert_eq!(none.life(Some(Duration::from_hours(13))), Err(Wider::Life(46_800, 43_200)));
    }

    fn any_patterns() -> impl Strategy<Value = Vec<RepositoryPattern>> {
        let pattern = "[ab*?]{1,3}(/[ab*?]{1,3}){0,2}"
            .prop_filter_map("no pattern", |text| RepositoryPattern::parse(&text).ok());
        proptest::collection::vec(pattern, 0..3)
    }

    fn any_networks() -> impl Strategy<Value = Vec<Network>> {
        let network =
            (0u8..4, 0u8..=32).prop_map(|(byte, length)| format!("{byte}.0.0.0/{length}").parse().unwrap());
        proptest::collection::vec(network, 0..3)
    }

    proptest! {
        #[test]
        fn however_it_is_narrowed_it_never_gets_wider(
            first in (any_patterns(), any_networks()),
            more in proptest::collection::vec((any_patterns(), any_networks()), 0..3),
            repository in "[ab]{1,3}(/[ab]{1,3}){0,2}",
            address: [u8; 4],
        ) {
            let mut reach = Reach::of(first.0, first.1);
            let address = IpAddr::from([address[0] % 4, address[1], address[2], address[3]]);
            for (repositories, networks) in more {
                let Ok(narrow) = reach.narrowed(repositories.clone(), networks.clone()) else { continue };
                let asked = Reach::of(repositories, networks);
                let within = reach.has_repository(&repository) && asked.has_repository(&repository);
                prop_assert_eq!(narrow.has_repository(&repository), within);
                let within = reach.has_address(address) && asked.has_address(address);
                prop_assert_eq!(narrow.has_address(address), within);
                reach = narrow;
            }
        }
    }
}
