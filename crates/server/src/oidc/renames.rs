//! Names that can pass to another owner.

/// The claims that a role remembers at its first exchange, if its trust policy names these claims. Later the
/// role refuses other values of these claims. When a repository or project is renamed, deleted or moved, others
/// can take its name. Its numeric ids are never given out again. The issuer does not matter, because many
/// organizations run their own servers.
pub fn remembered<'c>(claims_of_the_policy: impl IntoIterator<Item = &'c str>) -> Vec<&'static str> {
    let mut names = Vec::new();
    for claim in claims_of_the_policy {
        // The case of letters does not count in condition keys.
        let numbers: &[&str] = match claim.to_ascii_lowercase().as_str() {
            "repository" => &["repository_id", "repository_owner_id"],
            "project_path" => &["project_id", "namespace_id"],
            _ => &[],
        };
        names.extend(numbers);
    }
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_remembered_where_a_policy_names_names() {
        assert_eq!(remembered(["aud", "repository", "ref"]), ["repository_id", "repository_owner_id"]);
        assert_eq!(remembered(["PROJECT_PATH", "project_path"]), ["namespace_id", "project_id"]);
        assert_eq!(remembered(["sub", "repository_id", "repository_owner"]), [""; 0]);
        assert_eq!(remembered(["project_path", "repository"]).len(), 4);
    }
}
