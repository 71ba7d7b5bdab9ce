//! Times in SigV4's form, ISO 8601 basic format in UTC: `20261123T175245Z`. The first 8 characters are the day.

const SECONDS_PER_DAY: i64 = 86_400;

/// The Unix seconds of a time, if it has exactly that form and exists in the Gregorian calendar. A leap second is
/// refused, because Unix time has no number for it.
pub(crate) fn parse(text: &[u8]) -> Option<i64> {
    let (date, time) = text.split_at_checked(8)?;
    let [b'T', time @ .., b'Z'] = time else { return None };
    if time.len() != 6 {
        return None;
    }
    let (year, month, day) = (number(&date[..4])?, number(&date[4..6])?, number(&date[6..])?);
    let (hour, minute, second) = (number(&time[..2])?, number(&time[2..4])?, number(&time[4..])?);
    let month_index = usize::try_from(month).ok()?.checked_sub(1)?;
    let lengths = month_lengths(year);
    if day < 1 || day > *lengths.get(month_index)? || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = days_before(year) + lengths[..month_index].iter().sum::<i64>() + day - 1;
    Some(days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second)
}

/// The text of a time that is given in Unix seconds. Only the years 0 to 9999 give the sixteen characters of this
/// form, so a request cannot be signed in another year.
pub(crate) fn format(seconds: i64) -> String {
    let days = seconds.div_euclid(SECONDS_PER_DAY);
    let second = seconds.rem_euclid(SECONDS_PER_DAY);
    // 400 years have 146,097 days. The estimate is at most a year off.
    let mut year = 1970 + days * 400 / 146_097;
    while days_before(year) > days {
        year -= 1;
    }
    while days_before(year + 1) <= days {
        year += 1;
    }
    let (mut month, mut day) = (1, days - days_before(year) + 1);
    for length in month_lengths(year) {
        if day <= length {
            break;
        }
        month += 1;
        day -= length;
    }
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// Days from 1970-01-01 to the first of January of a year.
fn days_before(year: i64) -> i64 {
    let from_year_one =
        |years: i64| years * 365 + years.div_euclid(4) - years.div_euclid(100) + years.div_euclid(400);
    from_year_one(year - 1) - from_year_one(1969)
}

fn month_lengths(year: i64) -> [i64; 12] {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
}

fn number(digits: &[u8]) -> Option<i64> {
    digits
        .iter()
        .try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0')))
}
