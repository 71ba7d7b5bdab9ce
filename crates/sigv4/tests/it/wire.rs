//! Requests as text, and the claims in them.

use gangplank_sigv4::{Claim, Policy, Refusal, Request};

/// A request that owns its parts, so that a test can change them.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: String,
}

impl Wire {
    /// Reads an HTTP/1.1 message, also one with bare line feeds, folded values or spaces in its path.
    pub(crate) fn parse(text: &str) -> Wire {
        let text = text.replace("\r\n", "\n");
        let (head, body) = text.split_once("\n\n").unwrap_or((text.trim_end(), ""));
        let mut lines = head.lines();
        let start = lines.next().unwrap();
        let (method, target) = start.strip_suffix(" HTTP/1.1").unwrap_or(start).split_once(' ').unwrap();
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (target, None),
        };
        let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
        for line in lines {
            if line.starts_with(' ') {
                headers.last_mut().unwrap().1.extend_from_slice(line.as_bytes());
            } else {
                let (name, value) = line.split_once(':').unwrap();
                headers.push((name.to_owned(), value.trim().as_bytes().to_vec()));
            }
        }
        Wire { method: method.to_owned(), path: path.to_owned(), query, headers, body: body.to_owned() }
    }

    pub(crate) fn request(&self) -> Request<'_> {
        Request {
            method: &self.method,
            path: &self.path,
            query: self.query.as_deref(),
            headers: self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect(),
        }
    }

    pub(crate) fn claim(&self, service: &str, now: i64) -> Result<Claim, Refusal> {
        let serves_region = |region: &str| region.starts_with("us-");
        Claim::parse(&self.request(), &Policy { service, now, max_skew: 900, serves_region: &serves_region })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name))?;
        Some(str::from_utf8(value).unwrap())
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        self.add(name, value);
    }

    pub(crate) fn add(&mut self, name: &str, value: &str) {
        self.headers.push((name.to_owned(), value.as_bytes().to_vec()));
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
    }

    /// The part of the `Authorization` header between a parameter's name and the next comma.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        let (_, rest) = self.header("authorization").unwrap().split_once(&format!("{name}=")).unwrap();
        rest.split(',').next().unwrap()
    }
}

pub(crate) fn sha256(body: &str) -> [u8; 32] {
    use sha2::Digest;
    sha2::Sha256::digest(body).into()
}

/// Unix seconds of a time such as `20261123T175245Z`, by counting days one by one. It is slow, and unlike the code
/// under test.
pub(crate) fn unix(time: &str) -> i64 {
    let number = |from: usize, to: usize| time[from..to].parse::<i64>().unwrap();
    let leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let february = if leap(number(0, 4)) { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30];
    let mut days = number(6, 8) - 1;
    days += (1970..number(0, 4)).map(|year| if leap(year) { 366 } else { 365 }).sum::<i64>();
    days += months.iter().take(usize::try_from(number(4, 6)).unwrap() - 1).sum::<i64>();
    days * 86_400 + number(9, 11) * 3600 + number(11, 13) * 60 + number(13, 15)
}
