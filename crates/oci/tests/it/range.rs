use gangplank_oci::RangeOutcome::{Part, Unsatisfiable, Whole};
use gangplank_oci::{ContentRange, ContentRangeError, byte_range};
use proptest::prelude::*;

#[test]
fn content_ranges_are_read_in_every_form_clients_use() {
    let range = ContentRange { first: 0, last: 99 };
    for text in [
        "0-99",
        " 0-99 ",
        "000-099",
        "bytes 0-99",
        "bytes=0-99",
        "bytes 0-99/*",
        "bytes 0-99/100",
        "Bytes 0-99",
    ] {
        assert_eq!(ContentRange::parse(text), Ok(range), "{text}");
    }
    assert_eq!(range.len(), 100);
    assert_eq!(range.to_string(), "0-99");
    assert_eq!(ContentRange { first: 7, last: 7 }.len(), 1);
}

#[test]
fn content_ranges_that_make_no_sense_are_refused() {
    for text in [
        "",
        "-",
        "0",
        "0-",
        "-99",
        "1-0",
        "a-b",
        "0-99/100",
        "0--1",
        "+0-9",
        "0 - 9",
        "0-9,20-29",
        "bytes",
        "bytes0-9",
        "bytes */100",
        "bytes 0-99/99",
        "bytes 0-99/",
        "bits 0-9",
        "0-18446744073709551615",
        "0-99999999999999999999999",
        "é0-9",
    ] {
        assert_eq!(ContentRange::parse(text), Err(ContentRangeError), "{text}");
    }
}

#[test]
fn readers_get_one_range() {
    let part = |first, last| Part { first, last };
    for (header, outcome) in [
        ("bytes=0-0", part(0, 0)),
        ("bytes=0-99", part(0, 99)),
        ("bytes=10-19", part(10, 19)),
        ("bytes=10-1000", part(10, 99)),
        ("bytes=10-99999999999999999999999", part(10, 99)),
        ("bytes=99-", part(99, 99)),
        ("bytes=5-", part(5, 99)),
        ("bytes=-1", part(99, 99)),
        ("bytes=-500", part(0, 99)),
        ("BYTES = 5-6 ", part(5, 6)),
        ("bytes=100-", Unsatisfiable),
        ("bytes=100-200", Unsatisfiable),
        ("bytes=99999999999999999999999-", Unsatisfiable),
        ("bytes=-0", Unsatisfiable),
        ("bytes=9-5", Unsatisfiable),
        ("bytes=0-4,10-14", Whole),
        ("bytes=", Whole),
        ("bytes=-", Whole),
        ("bytes", Whole),
        ("bytes=a-b", Whole),
        ("bytes=1-2-3", Whole),
        ("lines=0-4", Whole),
        ("", Whole),
    ] {
        assert_eq!(byte_range(header, 100), outcome, "{header}");
    }
    for (header, outcome) in [("bytes=0-", Unsatisfiable), ("bytes=-5", Whole), ("bytes=-0", Unsatisfiable)] {
        assert_eq!(byte_range(header, 0), outcome, "{header} of nothing");
    }
}

proptest! {
    #[test]
    fn content_range_round_trip(first in 0..u64::MAX - 1, more in 0_u64..1 << 40) {
        let range = ContentRange { first, last: first.saturating_add(more).min(u64::MAX - 1) };
        prop_assert_eq!(ContentRange::parse(&range.to_string()), Ok(range));
        prop_assert_eq!(range.first + (range.len() - 1), range.last);
    }

    #[test]
    fn a_part_is_inside_the_content(header in "(bytes=)?[0-9,-]{0,24}", size in prop_oneof![0_u64..200, any::<u64>()]) {
        if let Part { first, last } = byte_range(&header, size) {
            prop_assert!(first <= last && last < size);
        }
    }

    #[test]
    fn reading_never_panics(text: String, size: u64) {
        let _ = byte_range(&text, size);
        let _ = byte_range(&format!("bytes={text}"), size);
        let _ = ContentRange::parse(&text);
        let _ = ContentRange::parse(&format!("bytes {text}"));
    }
}
