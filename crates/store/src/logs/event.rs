//! A line in a file: one JSON object. The time comes first, so that it can be read without parsing the rest.

use std::borrow::Cow;

use gangplank_core::Time;
use serde::{Deserialize, Serialize};

use super::{LogLine, Pipe};

/// The bytes before the time.
const HEAD: &[u8] = br#"{"at":"#;

/// A line, as it is in a file.
#[derive(Serialize, Deserialize)]
pub(super) struct Event<'a> {
    pub(super) at: i64,
    #[serde(borrow)]
    pub(super) node: Cow<'a, str>,
    /// Only what is not standard output is named.
    #[serde(default, skip_serializing_if = "is_output")]
    pub(super) pipe: Pipe,
    #[serde(borrow)]
    pub(super) text: Cow<'a, str>,
}

impl<'a> Event<'a> {
    /// Reads a line; `None` if it is torn or has another form.
    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }

    /// A copy that borrows nothing.
    pub(super) fn into_line(self) -> LogLine {
        LogLine {
            at: Time(self.at),
            node: self.node.into_owned(),
            pipe: self.pipe,
            text: self.text.into_owned(),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_output(pipe: &Pipe) -> bool {
    *pipe == Pipe::Output
}

/// Encodes a line with a line feed at its end. JSON escapes every other line feed.
pub(super) fn encode(line: &LogLine) -> Vec<u8> {
    let event = Event {
        at: line.at.0,
        node: Cow::Borrowed(&line.node),
        pipe: line.pipe,
        text: Cow::Borrowed(&line.text),
    };
    let mut encoded = Vec::with_capacity(line.text.len() + line.node.len() + 64);
    // Serializing texts and a number into memory cannot fail.
    let _ = serde_json::to_writer(&mut encoded, &event);
    encoded.push(b'\n');
    encoded
}

/// The time of an encoded line; `None` if it has another form.
pub(super) fn time_of(line: &[u8]) -> Option<Time> {
    let rest = line.strip_prefix(HEAD)?;
    let end = rest.iter().take(21).position(|byte| *byte == b',')?;
    std::str::from_utf8(&rest[..end]).ok()?.parse().ok().map(Time)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_line_comes_back_as_it_was(
            at: i64,
            node in "[0-9-]{0,5}",
            pipe in prop_oneof![Just(Pipe::Output), Just(Pipe::Errors)],
            text in any::<String>(),
        ) {
            let line = LogLine { at: Time(at), node, pipe, text };
            let encoded = encode(&line);
            prop_assert_eq!(encoded.split(|byte| *byte == b'\n').count(), 2);
            prop_assert_eq!(time_of(&encoded), Some(line.at));
            prop_assert_eq!(Event::parse(&encoded).map(Event::into_line), Some(line));
        }

        #[test]
        fn what_is_torn_is_no_line(text in "[a-z\"\\\\]{0,9}", cut in 1_usize..20) {
            let encoded = encode(&LogLine {
                at: Time(1_800_000_000_000),
                node: "1-0".to_owned(),
                pipe: Pipe::Output,
                text,
            });
            let torn = &encoded[..encoded.len() - 1 - cut];
            prop_assert!(Event::parse(torn).is_none());
        }
    }

    #[test]
    fn control_characters_are_escaped() {
        let line = LogLine {
            at: Time(1),
            node: String::new(),
            pipe: Pipe::Output,
            text: "\u{1b}[31mred\r\0".to_owned(),
        };
        let encoded = String::from_utf8(encode(&line)).unwrap();
        assert_eq!(encoded, "{\"at\":1,\"node\":\"\",\"text\":\"\\u001b[31mred\\r\\u0000\"}\n");
        assert_eq!(time_of(b"{\"at\":x,"), None);
        assert_eq!(time_of(b"{\"at\":1"), None);
    }
}
