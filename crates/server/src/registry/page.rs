//! Lists that are answered one page at a time.

/// The most entries of one page. A client that wants more follows the link.
pub(super) const MAX_PAGE: usize = 10_000;

/// Cuts a list to one page. The list was read one entry longer than the page. Also returns the last entry of
/// the page, if there is more.
pub(super) fn cut(mut names: Vec<String>, page: usize) -> (Vec<String>, Option<String>) {
    let more = names.len() > page;
    names.truncate(page);
    let last = names.last().filter(|_| more).cloned();
    (names, last)
}

/// The `Link` header that leads to the next page.
pub(super) fn next(location: &str) -> String {
    format!("<{location}>; rel=\"next\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_whether_there_is_another() {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(cut(names(&["a", "b", "c"]), 2), (names(&["a", "b"]), Some("b".to_owned())));
        assert_eq!(cut(names(&["a", "b"]), 2), (names(&["a", "b"]), None));
        assert_eq!(cut(names(&["a"]), 0), (Vec::new(), None));
    }
}
