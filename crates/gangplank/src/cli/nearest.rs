//! "Did you mean": the known name that is nearest to an unknown one.

/// The nearest name, if at most a third of the letters differ. Upper case and the kind of dash are ignored.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace('_', "-");
    let word = plain(word);
    let near = known.into_iter().map(|name| (strsim::osa_distance(&word, &plain(name)), name));
    let (distance, name) = near.min_by_key(|(distance, _)| *distance)?;
    (distance * 3 <= word.chars().count().max(3)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_understood_and_another_word_is_not() {
        let known = ["listen", "data-dir", "max-blob-bytes", "log"];
        for (word, expected) in [
            ("lisden", Some("listen")),
            ("listne", Some("listen")),
            ("data_dir", Some("data-dir")),
            ("DATA-DIRS", Some("data-dir")),
            ("max-blob-size", Some("max-blob-bytes")),
            ("logg", Some("log")),
            ("colour", None),
            ("x", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
    }
}
