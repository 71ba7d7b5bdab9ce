//! Writes XML for answers: elements and text. Nothing here reads XML.

/// Appends an element with text in it.
pub(crate) fn push(out: &mut String, name: &str, text: &str) {
    out.extend(["<", name, ">"]);
    push_text(out, text);
    out.extend(["</", name, ">"]);
}

/// Appends text. Characters that XML 1.0 cannot express become U+FFFD.
fn push_text(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A parser would turn it into a line feed.
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' => out.push(character),
            '\0'..' ' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_opens_no_element() {
        let mut out = String::new();
        push(&mut out, "A", "a<b>&amp;]]>\u{1}\0\r\n\u{ffff}é");
        let expected = "<A>a&lt;b&gt;&amp;amp;]]&gt;\u{fffd}\u{fffd}&#13;\n\u{fffd}é</A>";
        assert_eq!(out, expected);
    }
}
