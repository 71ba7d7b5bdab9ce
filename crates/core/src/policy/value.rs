//! Values other than text: numbers, times, booleans, networks.

use std::cmp::Ordering;
use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;

/// A decimal number, compared exactly. The id of a repository can be too long for floating point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    /// The digits before the point, without leading zeros.
    whole: String,
    /// The digits after the point, without zeros at the end.
    fraction: String,
}

impl Decimal {
    /// Reads digits with an optional sign and fraction, at most 40 before the point and 40 behind it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let all_digits =
            |part: &str| (1..=40).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        if !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let is_zero = whole.is_empty() && fraction.is_empty();
        Some(Self { negative: negative && !is_zero, whole: whole.to_owned(), fraction: fraction.to_owned() })
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let sizes = |one: &Self, other: &Self| {
            one.whole
                .len()
                .cmp(&other.whole.len())
                .then_with(|| one.whole.cmp(&other.whole))
                .then_with(|| one.fraction.cmp(&other.fraction))
        };
        match (self.negative, other.negative) {
            (false, false) => sizes(self, other),
            (true, true) => sizes(other, self),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Reads a time: seconds since 1970, or ISO 8601 as `2026-11-27`, `2026-11-27T02:35:51Z` or with an offset. Four
/// digits could be a year or seconds, so they are refused.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() != 4 {
        return Timestamp::from_second(text.parse().ok()?).ok();
    }
    let form =
        |places: &[(usize, u8)]| places.iter().all(|(at, byte)| text.as_bytes().get(*at) == Some(byte));
    if !form(&[(4, b'-'), (7, b'-')]) {
        return None;
    }
    if text.len() == 10 {
        return format!("{text}T00:00:00Z").parse().ok();
    }
    if !form(&[(10, b'T'), (13, b':')]) || text.contains('[') {
        return None;
    }
    text.parse().ok()
}

/// Reads a boolean.
pub(super) fn truth_value(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// Reads an address. An IPv4-mapped IPv6 address is converted to IPv4.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    text.parse().ok().map(|address: IpAddr| address.to_canonical())
}

/// Reads a network, or a single address. An IPv4-mapped IPv6 network is refused, because no address would ever be in
/// it.
pub(super) fn network(text: &str) -> Option<IpNet> {
    let network = match text.parse::<IpNet>() {
        Ok(network) => network,
        Err(_) => IpNet::from(text.parse::<IpAddr>().ok()?),
    };
    (network.addr() == network.addr().to_canonical()).then_some(network)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_compared_exactly() {
        let number = |text| Decimal::parse(text).unwrap();
        for (less, more) in [
            ("9007199254740992", "9007199254740993"),
            ("-2", "-1"),
            ("-1", "0"),
            ("9", "10"),
            ("0.1", "0.11"),
            ("1.09", "1.1"),
            ("-1.1", "-1.09"),
        ] {
            assert!(number(less) < number(more), "{less} {more}");
        }
        for (one, same) in [("1", "1.0"), ("+1", "001"), ("-0", "0.00"), ("10.5", "010.50")] {
            assert_eq!(number(one), number(same));
        }
        for bad in ["", "-", ".", "1.", ".5", "1e3", "0x1", "1,000", " 1", "1.2.3", "--1", "NaN", "١"] {
            assert_eq!(Decimal::parse(bad), None, "{bad}");
        }
        assert_eq!(Decimal::parse(&"1".repeat(41)), None);
    }

    #[test]
    fn moments_are_read_in_both_forms() {
        let at = |text| moment(text).unwrap().as_second();
        assert_eq!(at("2026-11-27T02:40:00Z"), 1_795_747_200);
        assert_eq!(at("2026-11-27T02:40Z"), 1_795_747_200);
        assert_eq!(at("2026-11-27T04:40:00+02:00"), 1_795_747_200);
        assert_eq!(at("2026-11-27T02:40:00.999Z"), 1_795_747_200);
        assert_eq!(at("1795747200"), 1_795_747_200);
        assert_eq!(at("2026-11-27"), 1_795_737_600);
        for bad in [
            "",
            "2026",
            "2026-11",
            "2026-13-01",
            "2026-11-27T02:40:00",
            "2026-11-27 02:40:00Z",
            "now",
            "-5",
            "99999999999999999999",
            "2026-11-27T02:40:00Z[UTC]",
            "20261127T024000Z",
            "2026-02-30",
        ] {
            assert_eq!(moment(bad), None, "{bad}");
        }
    }

    #[test]
    fn networks_hold_addresses_of_their_own_family() {
        let holds = |net: &str, ip: &str| network(net).unwrap().contains(&address(ip).unwrap());
        assert!(holds("10.0.0.0/8", "10.255.0.1") && !holds("10.0.0.0/8", "11.0.0.1"));
        assert!(holds("10.1.2.3/8", "10.9.9.9"));
        assert!(holds("192.0.2.1", "192.0.2.1") && !holds("192.0.2.1", "192.0.2.2"));
        assert!(holds("2001:db8::/32", "2001:db8:1::1") && !holds("2001:db8::/32", "2001:db9::1"));
        assert!(holds("192.0.2.0/24", "::ffff:192.0.2.7"));
        assert!(holds("0.0.0.0/0", "192.0.2.1") && !holds("0.0.0.0/0", "2001:db8::1"));
        for bad in
            ["", "10.0.0.0/33", "10.0.0", "10.0.0.0/", "*", "::ffff:10.0.0.0/104", "fe80::1%eth0", "host"]
        {
            assert_eq!(network(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn whole_numbers_are_ordered_as_numbers(one: i64, other: i64) {
            let read = |number: i64| Decimal::parse(&number.to_string()).unwrap();
            prop_assert_eq!(read(one).cmp(&read(other)), one.cmp(&other));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".*", digits in "[0-9T:Z.+-]{0,30}") {
            for text in [text, digits] {
                let _ = (Decimal::parse(&text), moment(&text), address(&text), network(&text));
            }
        }
    }
}
