//! Timestamps in wire form.

use gangplank_api::Timestamp;

fn read(text: &str) -> Result<Timestamp, serde_json::Error> {
    serde_json::from_str(text)
}

fn write(moment: Timestamp) -> String {
    serde_json::to_string(&moment).expect("a moment is JSON")
}

#[test]
fn seconds_are_written_with_a_fraction_only_where_needed() {
    for (milliseconds, text) in [
        (0, "0"),
        (1_603_389_001_000, "1603389001"),
        (1_603_389_001_123, "1603389001.123"),
        (1_603_389_001_100, "1603389001.1"),
        (1, "0.001"),
        (-1, "-0.001"),
        (-1000, "-1"),
        (253_402_300_799_999, "253402300799.999"),
        (-62_135_596_800_000, "-62135596800"),
    ] {
        assert_eq!(write(Timestamp(milliseconds)), text);
        assert_eq!(read(text).unwrap(), Timestamp(milliseconds));
    }
}

#[test]
fn integers_fractions_and_exponents_are_read() {
    for text in ["1603389001", "1603389001.0", "1.603389001E9", "1603389001e0", "16033890010e-1"] {
        assert_eq!(read(text).unwrap(), Timestamp(1_603_389_001_000), "{text}");
    }
    assert_eq!(read("1.603389001123E9").unwrap(), Timestamp(1_603_389_001_123));
    assert_eq!(read("1603389001.1234567").unwrap(), Timestamp(1_603_389_001_123));
    assert_eq!(read("-0.0").unwrap(), Timestamp(0));
}

#[test]
fn other_things_are_no_moments() {
    for text in [
        "\"1603389001\"",
        "\"2020-10-22T17:50:01Z\"",
        "true",
        "null",
        "[]",
        "{}",
        "1603389001123",
        "253402300800",
        "-62135596801",
        "1e300",
        "-1e300",
        "18446744073709551615",
        "9223372036854775807",
    ] {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn seconds_round_down() {
    assert_eq!(Timestamp::from_seconds(7), Timestamp(7000));
    assert_eq!(Timestamp(7999).seconds(), 7);
    assert_eq!(Timestamp(-1).seconds(), -1);
}

#[test]
fn any_number_of_milliseconds_can_be_written() {
    for milliseconds in [i64::MIN, i64::MAX] {
        assert!(write(Timestamp(milliseconds)).parse::<f64>().is_ok());
    }
}
