//! Checks the domain names of a service.

use std::collections::BTreeSet;

use super::ContainerService;

/// The largest number of domain names. Lightsail has the same limit.
pub const MAX_DOMAINS: usize = 4;

/// The reason for which a service cannot have its domain names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DomainRefusal {
    /// There are more than [`MAX_DOMAINS`].
    TooMany,
    /// Another service has this name, or this service names it twice.
    Taken(String),
}

impl ContainerService {
    /// Its domain names in lower case, as they are compared. There are at most [`MAX_DOMAINS`].
    ///
    /// # Errors
    /// [`DomainRefusal::TooMany`].
    pub fn compared_domains(&self) -> Result<Vec<String>, DomainRefusal> {
        let domains = self.domains();
        if domains.clone().nth(MAX_DOMAINS).is_some() {
            return Err(DomainRefusal::TooMany);
        }
        Ok(domains.map(|domain| domain.to_ascii_lowercase()).collect())
    }

    /// Checks its domain names. `others` has the domain names of all other services of the server, in lower
    /// case. A name belongs to the first service that asked for it, whatever its account.
    ///
    /// # Errors
    /// [`DomainRefusal`] for the first name that it cannot have.
    pub fn check_domains(&self, others: &BTreeSet<String>) -> Result<(), DomainRefusal> {
        let compared = self.compared_domains()?;
        for (index, (name, spelling)) in compared.iter().zip(self.domains()).enumerate() {
            if others.contains(name) || compared[..index].contains(name) {
                return Err(DomainRefusal::Taken(spelling.clone()));
            }
        }
        Ok(())
    }

    fn domains(&self) -> impl Iterator<Item = &String> + Clone {
        self.public_domain_names.values().flatten()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::service;
    use super::*;

    fn with(domains: &[&str]) -> ContainerService {
        let domains = domains.iter().map(|it| (*it).to_owned()).collect();
        ContainerService { public_domain_names: [("one".to_owned(), domains)].into(), ..service() }
    }

    fn others(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|it| (*it).to_owned()).collect()
    }

    fn taken(name: &str) -> Result<(), DomainRefusal> {
        Err(DomainRefusal::Taken(name.to_owned()))
    }

    #[test]
    fn a_name_leads_to_one_service_however_it_is_spelt() {
        let free = with(&["A.example", "b.example"]);
        assert_eq!(free.check_domains(&others(&["c.example"])), Ok(()));
        assert_eq!(free.check_domains(&others(&["b.example", "a.example"])), taken("A.example"));
        assert_eq!(with(&["a.example", "A.Example"]).check_domains(&others(&[])), taken("A.Example"));
        let mut two = with(&["a.example"]);
        two.public_domain_names.insert("two".to_owned(), vec!["A.EXAMPLE".to_owned()]);
        assert_eq!(two.check_domains(&others(&[])), taken("A.EXAMPLE"));
    }

    #[test]
    fn a_service_has_at_most_four() {
        let five = with(&["a.example", "a.example", "c.example", "d.example", "e.example"]);
        assert_eq!(five.check_domains(&others(&["a.example"])), Err(DomainRefusal::TooMany));
        assert_eq!(with(&["a", "b", "c", "d"]).check_domains(&others(&[])), Ok(()));
    }

    proptest! {
        #[test]
        fn services_that_are_admitted_share_no_name(
            first in proptest::collection::vec("[aAbB]{1,2}", 0..6),
            second in proptest::collection::vec("[aAbB]{1,2}", 0..6),
        ) {
            let of = |domains: &Vec<String>| with(&domains.iter().map(String::as_str).collect::<Vec<_>>());
            let (first, second) = (of(&first), of(&second));
            prop_assume!(first.check_domains(&BTreeSet::new()).is_ok());
            let has: BTreeSet<_> = first.compared_domains().unwrap().into_iter().collect();
            prop_assert_eq!(has.len(), first.domains().count());
            if second.check_domains(&has).is_ok() {
                prop_assert!(second.compared_domains().unwrap().iter().all(|name| !has.contains(name)));
            }
        }
    }
}
