//! Words that YAML reads as numbers, dates, booleans or null. As text they need quotes.

/// Whether the text would be read as something other than text if it had no quotes (YAML 1.2, with the dates, `=` and
/// `<<` of 1.1).
pub(crate) fn means_something_else(text: &str) -> bool {
    matches!(
        text,
        "" | "~"
            | "null"
            | "Null"
            | "NULL"
            | "true"
            | "True"
            | "TRUE"
            | "false"
            | "False"
            | "FALSE"
            | "="
            | "<<"
            | ".nan"
            | ".NaN"
            | ".NAN"
    ) || is_number(text)
        || is_date(text)
}

fn is_number(text: &str) -> bool {
    let all = |text: &str, allowed: fn(char) -> bool| !text.is_empty() && text.chars().all(allowed);
    let digit = |c: char| c.is_ascii_digit() || c == '_';
    let bare = text.strip_prefix(['-', '+']).unwrap_or(text);
    if let Some(rest) = bare.strip_prefix("0b") {
        return all(rest, |c| matches!(c, '0' | '1' | '_'));
    }
    if let Some(rest) = bare.strip_prefix("0x") {
        return all(rest, |c| c.is_ascii_hexdigit() || c == '_');
    }
    if let Some(rest) = bare.strip_prefix("0o") {
        return all(rest, |c| matches!(c, '0'..='7' | '_'));
    }
    // A word with an underscore first is text, because the reader decides by the first letter.
    if all(bare, digit) {
        return !text.starts_with('_');
    }
    if matches!(bare, ".inf" | ".Inf" | ".INF") {
        return true;
    }
    let (mantissa, exponent) = match bare.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (bare, None),
    };
    let signed = |text: &str| all(text.strip_prefix(['-', '+']).unwrap_or(text), |c| c.is_ascii_digit());
    if !exponent.is_none_or(signed) {
        return false;
    }
    match mantissa.split_once('.') {
        Some(("", fraction)) => {
            all(fraction, digit) && exponent.is_none_or(|exponent| exponent.starts_with(['-', '+']))
        }
        Some((whole, fraction)) => {
            whole.starts_with(|c: char| c.is_ascii_digit())
                && whole.chars().all(digit)
                && fraction.chars().all(digit)
        }
        None => {
            exponent.is_some()
                && mantissa.starts_with(|c: char| c.is_ascii_digit())
                && mantissa.chars().all(digit)
        }
    }
}

/// A date, or a date and a time.
fn is_date(text: &str) -> bool {
    let number = |text: &str, least: usize, most: usize| {
        (least..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let parts = |date: &str, least: usize| {
        let parts: Vec<&str> = date.split('-').collect();
        matches!(parts.as_slice(), [year, month, day]
            if number(year, 4, 4) && number(month, least, 2) && number(day, least, 2))
    };
    if parts(text, 2) {
        return true;
    }
    let Some(at) = text.find(['T', 't', ' ', '\t']) else { return false };
    let (date, rest) = text.split_at(at);
    let is_letter = rest.starts_with(['T', 't']);
    let rest = if is_letter { &rest[1..] } else { rest.trim_start_matches([' ', '\t']) };
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != ':' && c != '.').unwrap_or(rest.len());
    let (time, zone) = rest.split_at(end);
    let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
    let clock: Vec<&str> = clock.split(':').collect();
    let zone = zone.trim_start_matches([' ', '\t']);
    let is_zone = zone.is_empty()
        || zone == "Z"
        || zone.strip_prefix(['-', '+']).is_some_and(|offset| match offset.split_once(':') {
            Some((hours, minutes)) => number(hours, 1, 2) && number(minutes, 2, 2),
            None => number(offset, 1, 2),
        });
    parts(date, 1)
        && matches!(clock.as_slice(), [hour, minute, second]
            if number(hour, 1, 2) && number(minute, 2, 2) && number(second, 2, 2))
        && number(fraction, 0, usize::MAX)
        && is_zone
}
