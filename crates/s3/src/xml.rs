//! Parses the XML answers of S3, which are few and flat.

use roxmltree::{Document, Node};

use crate::error::{Error, Result, plain};

/// Parses an answer and passes its root on. Refuses a document whose root element has another name.
pub(crate) fn read<T>(
    call: &'static str,
    text: &str,
    root: &str,
    of: impl FnOnce(Node<'_, '_>) -> Option<T>,
) -> Result<T> {
    let refused = |why: String| Error::NotS3 { call, why };
    let document = Document::parse(text.trim_start()).map_err(|error| refused(plain(&error.to_string())))?;
    let found = document.root_element();
    if found.tag_name().name() != root {
        return Err(refused(format!("{} where {root} should be", plain(found.tag_name().name()))));
    }
    of(found).ok_or_else(|| refused(format!("{root} lacks what it should say")))
}

/// The code, the message and the region of an error; `None` if the text is no error.
pub(crate) fn error(text: &str) -> Option<(String, String, Option<String>)> {
    let document = Document::parse(text.trim_start()).ok()?;
    let root = document.root_element();
    (root.tag_name().name() == "Error").then(|| {
        let of = |name| plain(child(root, name).unwrap_or_default());
        (of("Code"), of("Message"), child(root, "Region").map(plain).filter(|region| !region.is_empty()))
    })
}

/// The text of a child; empty if the child has none.
pub(crate) fn child<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    children(node, name).next().map(|child| child.text().unwrap_or_default())
}

/// The children with a name.
pub(crate) fn children<'a, 'i: 'a>(node: Node<'a, 'i>, name: &str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| child.tag_name().name() == name)
}

/// Escapes text for XML.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_read_in_any_name_space() {
        let text = "  \n<?xml version=\"1.0\"?><Error xmlns=\"http://x/\"><Code>SlowDown</Code><Message>a\nb</Message></Error>";
        assert_eq!(error(text.trim_start()), Some(("SlowDown".into(), "a b".into(), None)));
        assert_eq!(error(text), error(text.trim_start()), "servers send white space while they work");
        assert_eq!(error("<Fine/>"), None);
        assert_eq!(error("<html>"), None);
    }

    #[test]
    fn another_answer_is_refused() {
        let asked = |text: &str| read("Call", text, "Root", |root| child(root, "A").map(str::to_owned));
        assert_eq!(asked("<Root><A>x</A></Root>").unwrap(), "x");
        for bad in ["", "<Root/>", "<Other><A>x</A></Other>", "<Root><A>x</A>", "garbage"] {
            assert!(matches!(asked(bad), Err(Error::NotS3 { .. })), "{bad}");
        }
    }

    #[test]
    fn escaped_text_is_read_back() {
        let odd = "a<b>&\"c\"";
        let text = format!("<Root><A>{}</A></Root>", escaped(odd));
        assert_eq!(read("Call", &text, "Root", |root| child(root, "A").map(str::to_owned)).unwrap(), odd);
    }
}
