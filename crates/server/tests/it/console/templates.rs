//! No template may bypass escaping, or use anything that the content security policy forbids.

use std::fs;
use std::path::{Path, PathBuf};

fn templates(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { templates(&path, found) } else { found.push(path) }
    }
}

/// Whether a tag has an attribute that is a script: ` onclick=`.
fn has_handler(tag: &str) -> bool {
    tag.split_whitespace().skip(1).any(|word| {
        let name = word.split('=').next().unwrap_or_default();
        word.contains('=') && name.len() > 2 && name.starts_with("on")
    })
}

fn faults(html: &str) -> Vec<&'static str> {
    let html = html.to_lowercase();
    let tags: Vec<&str> = html.split('<').skip(1).map(|tag| tag.split('>').next().unwrap()).collect();
    let is_inline = |tag: &&str| tag.starts_with("script") && !tag.contains("src=");
    [
        ("|safe", html.contains("|safe") || html.contains("| safe")),
        (
            "escaping switched off",
            html.contains("escape(") || html.contains("|escape") || html.contains("{% filter"),
        ),
        ("style=", html.contains("style=") || html.contains("<style")),
        ("on...=", tags.iter().any(|tag| has_handler(tag))),
        ("script without src", tags.iter().any(is_inline)),
        ("javascript:", html.contains("javascript:")),
        (
            "another host",
            html.contains("src=\"http") || html.contains("href=\"http") || html.contains("=\"//"),
        ),
    ]
    .into_iter()
    .filter_map(|(fault, is_there)| is_there.then_some(fault))
    .collect()
}

#[test]
fn templates_have_no_way_around_escaping_and_nothing_inline() {
    let mut found = Vec::new();
    templates(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../console/templates"), &mut found);
    assert!(found.len() >= 15, "{found:?}");
    for path in found {
        let html = fs::read_to_string(&path).unwrap();
        assert!(path.extension().is_some_and(|it| it == "html"), "only .html is escaped: {}", path.display());
        assert_eq!(faults(&html), Vec::<&str>::new(), "{}", path.display());
    }
}

#[test]
fn such_faults_are_seen() {
    for (html, fault) in [
        ("{{ x|safe }}", "|safe"),
        ("<p style=\"x\">", "style="),
        ("<p ONCLICK=\"x\">", "on...="),
        ("<a\nonfocus=x>", "on...="),
        ("<script>x</script>", "script without src"),
        ("<a href=\"javascript:x\">", "javascript:"),
        ("<img src=\"https://x\">", "another host"),
        ("{% filter upper %}", "escaping switched off"),
    ] {
        assert_eq!(faults(html), [fault], "{html}");
    }
}
