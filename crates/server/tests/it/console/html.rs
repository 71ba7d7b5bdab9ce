//! Checks that a page is well-formed, that its fields and links have names, and that its references have
//! targets.

use std::collections::BTreeSet;

/// Elements without an end tag.
const VOID: [&str; 7] = ["meta", "link", "img", "input", "br", "hr", "line"];

/// A tag: its name, and its attributes.
struct Tag<'a> {
    name: &'a str,
    attributes: Vec<(&'a str, &'a str)>,
}

impl<'a> Tag<'a> {
    fn read(text: &'a str) -> Self {
        let (name, mut rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let mut attributes = Vec::new();
        while let Some((name, after)) = rest.split_once("=\"") {
            let (value, after) = after.split_once('"').expect("an attribute ends");
            // All but the last of these names are attributes without a value.
            let mut names = name.split_whitespace().rev();
            attributes.push((names.next().expect("an attribute has a name"), value));
            attributes.extend(names.map(|name| (name, "")));
            rest = after;
        }
        attributes.extend(rest.split_whitespace().filter(|name| *name != "/").map(|name| (name, "")));
        Self { name: name.trim_end_matches('/'), attributes }
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.attributes.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}

/// Fails if a page has a mistake.
#[track_caller]
pub(crate) fn check(html: &str) {
    let mut open: Vec<&str> = Vec::new();
    let (mut ids, mut references, mut labelled, mut fields) =
        (BTreeSet::new(), Vec::new(), BTreeSet::new(), Vec::new());
    let (mut headings, mut mains) = (0, 0);
    for part in html.split('<').skip(1) {
        let (text, _) = part.split_once('>').unwrap_or_else(|| panic!("a tag does not end: {part}"));
        if text.starts_with('!') {
            continue;
        }
        if let Some(name) = text.strip_prefix('/') {
            assert_eq!(
                open.pop(),
                Some(name),
                "{name} is closed and was not the last that was opened: {html}"
            );
            continue;
        }
        let tag = Tag::read(text);
        headings += usize::from(tag.name == "h1");
        mains += usize::from(tag.name == "main");
        if let Some(id) = tag.get("id") {
            assert!(ids.insert(id), "the id {id} is there twice: {html}");
        }
        for name in ["aria-labelledby", "aria-describedby", "for"] {
            references.extend(tag.get(name).into_iter().flat_map(str::split_whitespace));
        }
        references.extend(tag.get("href").and_then(|target| target.strip_prefix('#')));
        labelled.extend(tag.get("for"));
        let is_hidden = tag.get("type") == Some("hidden");
        if ["input", "select", "textarea"].contains(&tag.name) && !is_hidden {
            // If a field is inside a label, the label names the field.
            let has_name = open.contains(&"label") || tag.get("aria-label").is_some();
            fields.extend((!has_name).then(|| tag.get("id").expect("a field has a label or an id")));
        }
        match tag.name {
            "img" => assert!(tag.get("alt").is_some(), "an image says nothing: {html}"),
            "th" => assert!(tag.get("scope").is_some(), "a heading of a table says not of what: {html}"),
            "svg" => assert!(tag.get("aria-label").is_some(), "a drawing says nothing: {html}"),
            "html" => assert_eq!(tag.get("lang"), Some("en")),
            _ => {}
        }
        if !VOID.contains(&tag.name) && !text.ends_with('/') {
            open.push(tag.name);
        }
    }
    assert_eq!(open, Vec::<&str>::new(), "not all is closed: {html}");
    assert_eq!((headings, mains), (1, 1), "a page has one heading and one main part: {html}");
    for reference in references {
        assert!(ids.contains(reference), "nothing has the id {reference}: {html}");
    }
    for field in fields {
        assert!(labelled.contains(field), "no label is for {field}: {html}");
    }
}

#[test]
fn such_faults_are_seen() {
    let page = |body: &str| format!("<html lang=\"en\"><body><main><h1>x</h1>{body}</main></body></html>");
    check(&page("<p>a<br><input type=\"hidden\" name=\"x\"><label>y <input></label></p>"));
    for fault in [
        "<p>",
        "<p></div>",
        "<h1>two</h1>",
        "<p id=\"a\"></p><p id=\"a\"></p>",
        "<a href=\"#nowhere\"></a>",
        "<input id=\"a\">",
        "<label for=\"a\"></label>",
        "<img src=\"x\">",
        "<th>x</th>",
    ] {
        let page = page(fault);
        assert!(std::panic::catch_unwind(|| check(&page)).is_err(), "{fault}");
    }
}
