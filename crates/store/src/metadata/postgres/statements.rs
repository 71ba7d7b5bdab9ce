//! Texts of rules in the syntax of PostgreSQL.

/// Writes parameters like `?12` as `$12`, except in quoted text.
pub(super) fn with_dollars(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    let mut is_quoted = false;
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        is_quoted ^= character == '\'';
        let is_parameter = character == '?' && !is_quoted && rest.peek().is_some_and(char::is_ascii_digit);
        written.push(if is_parameter { '$' } else { character });
    }
    written
}

#[cfg(test)]
mod tests {
    use super::with_dollars;

    #[test]
    fn parameters_are_named_as_postgresql_does() {
        let text = "SELECT '?1', a FROM t WHERE b = ?1 AND (c = ?12 OR d = '''?')";
        assert_eq!(with_dollars(text), "SELECT '?1', a FROM t WHERE b = $1 AND (c = $12 OR d = '''?')");
    }
}
