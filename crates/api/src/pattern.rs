//! The forms of strings. Each has a text for pages and messages, an explanation, and a function that decides.
//!
//! The functions are written by hand. There are a dozen, each has a few lines, and no input makes one slow.

/// The form of a whole string.
#[derive(Debug, Clone, Copy)]
pub struct Pattern {
    /// The regular expression.
    pub text: &'static str,
    /// An explanation, as a sentence.
    pub words: &'static str,
    decide: fn(&str) -> bool,
}

impl Pattern {
    pub(crate) const fn new(text: &'static str, words: &'static str, decide: fn(&str) -> bool) -> Self {
        Self { text, words, decide }
    }

    /// Whether the text has this form.
    pub fn matches(&self, text: &str) -> bool {
        (self.decide)(text)
    }
}

/// Names of services and containers, and labels. The service model has no group in its pattern; this server does not
/// need one.
pub(crate) const NAME: Pattern = Pattern::new(
    "^(?:[a-z0-9]{1,2}|[a-z0-9][a-z0-9-]+[a-z0-9])$",
    "Use lower-case letters, digits and hyphens, with no hyphen at the beginning or at the end.",
    is_name,
);
/// Names of resources of any kind.
pub(crate) const RESOURCE_NAME: Pattern = Pattern::new(
    r"\w[\w\-]*\w",
    "Use two or more letters, digits, underscores and hyphens, with no hyphen at the beginning or at the end.",
    is_resource_name,
);
/// Amazon's resource names.
pub(crate) const ARN: Pattern = Pattern::new(
    "^arn:(aws[^:]*):([a-zA-Z0-9-]+):([a-z0-9-]+):([0-9]+):([a-zA-Z]+)/([a-zA-Z0-9-]+)$",
    "It looks like arn:aws:lightsail:REGION:ACCOUNT:ContainerService/ID, as get-container-services shows it.",
    is_arn,
);
/// At least one character that is no space.
pub(crate) const NOT_BLANK: Pattern =
    Pattern::new(r".*\S.*", "It cannot be blank.", |text| text.contains(|c: char| !c.is_whitespace()));
/// Digests of content.
pub(crate) const DIGEST: Pattern = Pattern::new(
    "^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$",
    "A digest is sha256: and 64 hexadecimal digits in lower case, as a push prints it.",
    is_digest,
);
/// Names of registered images.
pub(crate) const IMAGE_NAME: Pattern = Pattern::new(
    "^:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?[.][a-z0-9](?:[a-z0-9-]{0,51}[a-z0-9])?[.][1-9][0-9]{0,17}$",
    "A registered image is named :SERVICE.LABEL.NUMBER, as get-container-images shows it.",
    |text| image_name(text).is_some(),
);
/// Keys of tags.
pub(crate) const TAG_KEY: Pattern = Pattern::new(
    r"^[\p{Alphabetic}\p{N} +\-=._:/@]{1,128}$",
    "Use 1 to 128 letters, digits, spaces and + - = . _ : / @.",
    |text| !text.is_empty() && text.chars().count() <= 128 && text.chars().all(is_tag_character),
);
/// Values of tags.
pub(crate) const TAG_VALUE: Pattern = Pattern::new(
    r"^[\p{Alphabetic}\p{N} +\-=._:/@]{0,256}$",
    "Use up to 256 letters, digits, spaces and + - = . _ : / @.",
    |text| text.chars().count() <= 256 && text.chars().all(is_tag_character),
);
/// Names in the DNS.
pub(crate) const DOMAIN: Pattern = Pattern::new(
    "^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?[.])+[a-zA-Z](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$",
    "It is a name like www.example.com, without a scheme, a port or a wildcard.",
    is_domain,
);
/// Account numbers.
pub(crate) const ACCOUNT: Pattern = Pattern::new("^[0-9]{12}$", "An account is 12 digits.", |text| {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
});
/// Identifiers made by the server.
pub(crate) const IDENTIFIER: Pattern = Pattern::new(
    "^[A-Za-z0-9_-]{1,128}$",
    "It is an identifier that the server gave: letters, digits, underscores and hyphens.",
    |text| (1..=128).contains(&text.len()) && text.bytes().all(|byte| is_word(byte) || byte == b'-'),
);

/// Names of services in a limit, with wildcards.
pub(crate) const SERVICE_PATTERN: Pattern = Pattern::new(
    "^[a-z0-9*?-]{1,63}$",
    "Use lower-case letters, digits and hyphens, * for any characters and ? for one.",
    |text| {
        let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"*?-".contains(&byte);
        (1..=63).contains(&text.len()) && text.bytes().all(good)
    },
);
/// Names of roles. (IAM: `RoleName`.)
pub(crate) const ROLE_NAME: Pattern =
    Pattern::new(r"^[\w+=,.@-]{1,64}$", "Use 1 to 64 letters, digits and + = , . @ _ -.", |text| {
        (1..=64).contains(&text.len()) && text.bytes().all(|byte| is_word(byte) || b"+=,.@-".contains(&byte))
    });
/// Names of registered images, and digests.
pub(crate) const IMAGE_OR_DIGEST: Pattern = Pattern::new(
    "^(?::[a-z0-9-]{1,63}[.][a-z0-9-]{1,53}[.][1-9][0-9]{0,17}|sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$",
    "It is a registered image, :SERVICE.LABEL.NUMBER, or a digest, sha256: and 64 hexadecimal digits in lower case.",
    |text| image_name(text).is_some() || is_digest(text),
);

/// Whether a text has the form of a name of a service or container, or of a label. Its length is not checked.
pub fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    let inner = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
    *first != b'-' && *last != b'-' && bytes.iter().all(inner)
}

/// Whether the text is a digest: `sha256:` and 64, or `sha512:` and 128 lower-case hexadecimal digits.
pub fn is_digest(text: &str) -> bool {
    let (digits, length) = match text.split_once(':') {
        Some(("sha256", digits)) => (digits, 64),
        Some(("sha512", digits)) => (digits, 128),
        _ => return false,
    };
    digits.len() == length && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The service, the label and the number of a registered image's name, `:service.label.N`.
pub fn image_name(text: &str) -> Option<(&str, &str, i64)> {
    let (service, label, number) = image_parts(text)?;
    let digits = number.len() <= 18 && number.bytes().all(|byte| byte.is_ascii_digit());
    let number = number.parse().ok().filter(|_| digits && !number.starts_with('0'))?;
    Some((service, label, number))
}

/// The service of a registered image that the text names, also as `:service.label.latest`.
pub(crate) fn image_reference_service(text: &str) -> Option<&str> {
    let named = image_name(text).map(|(service, ..)| service);
    named.or_else(|| {
        image_parts(text).filter(|(.., version)| *version == "latest").map(|(service, ..)| service)
    })
}

/// Whether a text names an image of a public registry, in the form of container engines:
/// `[HOST[:PORT]/]PATH[:TAG][@DIGEST]`.
pub(crate) fn is_public_reference(text: &str) -> bool {
    let (name, digest) = text.split_once('@').map_or((text, None), |(name, digest)| (name, Some(digest)));
    let (name, tag) = match name.rsplit_once(':') {
        // Before a slash, a colon begins a port.
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (name, None),
    };
    let path = match name.split_once('/') {
        Some((host, path)) if host == "localhost" || host.contains(['.', ':', '[']) => {
            if !is_registry_host(host) {
                return false;
            }
            path
        }
        _ => name,
    };
    path.len() <= 255
        && path.split('/').all(is_path_component)
        && tag.is_none_or(is_tag)
        && digest.is_none_or(is_reference_digest)
}

fn is_registry_host(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let label = |label: &str| {
        let bytes = label.as_bytes();
        let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        ends(bytes.first())
            && ends(bytes.last())
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
    };
    let is_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.len() <= 253 && host.split('.').all(label),
    };
    is_host
        && port.is_none_or(|port| port.bytes().all(|it| it.is_ascii_digit()) && port.parse::<u16>().is_ok())
}

/// Whether a text consists of lower-case letters and digits. One dot, one or two underscores, or any number of
/// hyphens may be between them.
fn is_path_component(text: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let separators = text.split(is_letter).filter(|between| !between.is_empty());
    let good = |between: &str| matches!(between, "." | "_" | "__") || between.bytes().all(|it| it == b'-');
    text.starts_with(is_letter) && text.ends_with(is_letter) && separators.into_iter().all(good)
}

fn is_tag(text: &str) -> bool {
    let bytes = text.as_bytes();
    (1..=128).contains(&bytes.len())
        && is_word(bytes[0])
        && bytes.iter().all(|byte| is_word(*byte) || matches!(byte, b'.' | b'-'))
}

/// Whether a text has the form of a digest: an algorithm and at least 32 hexadecimal digits.
fn is_reference_digest(text: &str) -> bool {
    let Some((algorithm, digits)) = text.split_once(':') else { return false };
    let name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'.' | b'_' | b'-');
    algorithm.starts_with(|first: char| first.is_ascii_alphabetic())
        && algorithm.bytes().all(name)
        && (32..=256).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn image_parts(text: &str) -> Option<(&str, &str, &str)> {
    let (service, rest) = text.strip_prefix(':')?.split_once('.')?;
    let (label, version) = rest.split_once('.')?;
    let named = is_name(service) && service.len() <= 63 && is_name(label) && label.len() <= 53;
    named.then_some((service, label, version))
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_resource_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let ends = bytes.first().copied().is_some_and(is_word) && bytes.last().copied().is_some_and(is_word);
    ends && bytes.len() >= 2 && bytes.iter().all(|byte| is_word(*byte) || *byte == b'-')
}

fn is_arn(text: &str) -> bool {
    let all = |part: &str, allowed: fn(u8) -> bool| !part.is_empty() && part.bytes().all(allowed);
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, service, region, account, resource] = parts[..] else { return false };
    let Some((kind, id)) = resource.split_once('/') else { return false };
    partition.starts_with("aws")
        && all(service, |byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && all(region, |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && all(account, |byte| byte.is_ascii_digit())
        && all(kind, |byte| byte.is_ascii_alphabetic())
        && all(id, |byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_tag_character(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, ' ' | '+' | '-' | '=' | '.' | '_' | ':' | '/' | '@')
}

fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        let bytes = label.as_bytes();
        (1..=63).contains(&bytes.len())
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
            && bytes[0] != b'-'
            && bytes[bytes.len() - 1] != b'-'
    };
    let Some((_, top)) = text.rsplit_once('.') else { return false };
    text.len() <= 253
        && text.split('.').all(label)
        && top.starts_with(|first: char| first.is_ascii_alphabetic())
}
