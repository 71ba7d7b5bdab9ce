//! Command lines: splitting text into words without a shell, and quoting a word for a shell.

/// Splits a command line into words, with quotes and backslashes as in a shell. `None` if a quote is not closed.
pub(crate) fn split(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            letter if letter.is_whitespace() => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next()? {
                        '\'' => break,
                        letter => word.push(letter),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next()? {
                        '"' => break,
                        '\\' => match letters.next()? {
                            letter @ ('"' | '\\') => word.push(letter),
                            letter => word.extend(['\\', letter]),
                        },
                        letter => word.push(letter),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(letters.next()?),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    Some(words)
}

/// Quotes a word, so that a shell reads it as one word.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "/._-+:@%,=".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::{quoted, split};

    #[test]
    fn a_quoted_word_is_one_word() {
        assert_eq!(quoted("/srv/gangplank-data"), "/srv/gangplank-data");
        for word in ["", "my data", "it's", "$HOME", "a\"b"] {
            assert_eq!(split(&quoted(word)), Some(vec![word.to_owned()]), "{word}");
        }
    }

    #[test]
    fn words_are_split_as_a_shell_would() {
        let words = split(r#"a "b \"c\" \d" 'e f'\ g  '' "#).unwrap();
        assert_eq!(words, ["a", r#"b "c" \d"#, "e f g", ""]);
        assert_eq!(split("'open"), None);
    }
}
