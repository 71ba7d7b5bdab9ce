//! Translates the limits of keys, roles and logins into the shapes of the API.

use gangplank_core::Reach;

/// The patterns of repositories. `None` means all repositories.
pub(super) fn repositories(reach: &Reach) -> Option<Vec<String>> {
    let texts = |list: &[gangplank_core::policy::RepositoryPattern]| -> Vec<String> {
        list.iter().map(|pattern| pattern.as_str().to_owned()).collect()
    };
    match &reach.repositories[..] {
        [] => None,
        [list] => Some(texts(list)),
        // A repository has to match every list.
        lists => {
            let all: Vec<String> =
                lists.iter().map(|list| format!("({})", texts(list).join(" or "))).collect();
            Some(vec![all.join(" and ")])
        }
    }
}

/// The networks. `None` means all networks.
pub(super) fn networks(reach: &Reach) -> Option<Vec<String>> {
    let networks: Vec<String> = reach.networks.iter().map(ToString::to_string).collect();
    (!networks.is_empty()).then_some(networks)
}

/// A duration, in seconds.
pub(super) fn seconds(length: std::time::Duration) -> i32 {
    i32::try_from(length.as_secs()).unwrap_or(i32::MAX)
}
