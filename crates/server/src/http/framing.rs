//! Finds requests that state the length of their body twice: with a length and with a transfer coding.
//!
//! hyper uses the coding, and drops the length without a message. A proxy in front may use the length. Then the
//! two disagree where the body ends. A part of the body could pass as the next request, or the next request as
//! a part of the body. So this follows the bytes on their way to hyper, from head to head. Requests that hyper
//! refuses need no check, because hyper closes their connection.

/// Follows the bytes of one connection, in constant memory.
#[derive(Debug, Default)]
pub(super) struct Framing {
    at: At,
    /// How many heads are complete.
    heads: usize,
    line: Line,
    head: Head,
}

/// The part of a message that the next byte belongs to.
#[derive(Debug, Default, PartialEq)]
enum At {
    /// The request line, or an empty line before it.
    #[default]
    FirstLine,
    Headers,
    /// The body, with this many bytes to come.
    Body(u64),
    ChunkSize,
    /// A chunk and the end of its line, with this many bytes to come.
    Chunk(u64),
    Trailers,
    /// The framing has an error, so the bytes after it are not followed.
    Over,
}

/// The framing that the head has stated so far.
#[derive(Debug, Default)]
struct Head {
    length: Option<u64>,
    has_coding: bool,
    /// The line of the length is too long to be followed. No honest client sends such a line.
    is_unclear: bool,
}

/// The part of a line that is kept, in bytes. It holds a name, white space and the digits of a length.
const KEPT: usize = 128;

/// The current line.
#[derive(Debug)]
struct Line {
    kept: [u8; KEPT],
    length: usize,
    is_longer: bool,
}

impl Default for Line {
    fn default() -> Self {
        Self { kept: [0; KEPT], length: 0, is_longer: false }
    }
}

impl Framing {
    /// Follows further bytes. Returns the number, from 0, of the first request that states its length twice.
    /// The bytes after that head are not checked.
    pub(super) fn follow(&mut self, mut came: &[u8]) -> Option<usize> {
        while !came.is_empty() {
            match &mut self.at {
                At::Over => return None,
                At::Body(left) | At::Chunk(left) => {
                    let some = usize::try_from(*left).unwrap_or(usize::MAX).min(came.len());
                    *left -= some as u64;
                    came = &came[some..];
                    match self.at {
                        At::Body(0) => self.at = At::FirstLine,
                        At::Chunk(0) => self.at = At::ChunkSize,
                        _ => {}
                    }
                }
                At::FirstLine | At::Headers | At::ChunkSize | At::Trailers => {
                    let end = came.iter().position(|byte| *byte == b'\n');
                    let (piece, rest) = came.split_at(end.unwrap_or(came.len()));
                    self.line.take(piece);
                    end?;
                    came = &rest[1..];
                    if self.line_ends() {
                        self.at = At::Over;
                        return Some(self.heads - 1);
                    }
                }
            }
        }
        None
    }

    /// Ends the current line. Returns whether it ended a head that states its length twice.
    fn line_ends(&mut self) -> bool {
        let line = std::mem::take(&mut self.line);
        let text = line.text();
        match self.at {
            At::FirstLine if text.is_empty() => {}
            At::FirstLine => (self.at, self.head) = (At::Headers, Head::default()),
            At::Headers if text.is_empty() => {
                self.heads += 1;
                self.at = match self.head {
                    Head { length: Some(_), has_coding: true, .. } | Head { is_unclear: true, .. } => {
                        return true;
                    }
                    Head { has_coding: true, .. } => At::ChunkSize,
                    Head { length: None | Some(0), .. } => At::FirstLine,
                    Head { length: Some(length), .. } => At::Body(length),
                };
            }
            At::Headers => self.head.header(&line),
            At::ChunkSize => {
                let digits = text.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
                let size = std::str::from_utf8(&text[..digits]).ok();
                self.at = match size.and_then(|size| u64::from_str_radix(size, 16).ok()) {
                    None => At::Over,
                    Some(0) => At::Trailers,
                    // The line end after the chunk counts as part of it.
                    Some(size) => At::Chunk(size.saturating_add(2)),
                };
            }
            At::Trailers if text.is_empty() => self.at = At::FirstLine,
            At::Trailers | At::Body(_) | At::Chunk(_) | At::Over => {}
        }
        false
    }
}

impl Head {
    fn header(&mut self, line: &Line) {
        let text = line.text();
        let Some(colon) = text.iter().position(|byte| *byte == b':') else { return };
        let (name, value) = (&text[..colon], text[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.has_coding = true;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            // Next to a coding, hyper accepts any length, even one that is not a number.
            let length = std::str::from_utf8(value).ok().and_then(|value| value.parse().ok());
            self.length = Some(length.unwrap_or(0));
            self.is_unclear |= line.is_longer;
        }
    }
}

impl Line {
    fn take(&mut self, piece: &[u8]) {
        let some = piece.len().min(KEPT - self.length);
        self.kept[self.length..self.length + some].copy_from_slice(&piece[..some]);
        self.length += some;
        self.is_longer |= some < piece.len();
    }

    /// The kept part of the line, without a carriage return at its end.
    fn text(&self) -> &[u8] {
        let kept = &self.kept[..self.length];
        if self.is_longer { kept } else { kept.strip_suffix(b"\r").unwrap_or(kept) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first request that states its length twice. The result must not depend on how the bytes are split.
    fn twice(bytes: &str) -> Option<usize> {
        let follow = |size| {
            let mut framing = Framing::default();
            bytes.as_bytes().chunks(size).find_map(|piece| framing.follow(piece))
        };
        let whole = follow(usize::MAX);
        for size in 1..=bytes.len().min(40) {
            assert_eq!(follow(size), whole, "{bytes:?} in pieces of {size}");
        }
        whole
    }

    const BOTH: &str = "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n";

    #[test]
    fn a_length_beside_a_coding_is_seen() {
        for headers in [
            "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nHost: a\r\ncontent-LENGTH:3\r\n",
            "transfer-encoding:chunked\nContent-Length:\t3\n",
            "Transfer-Encoding: chunked\r\nContent-Length: nonsense\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length:\r\n",
            &format!("Content-Length:{}0\r\n", " ".repeat(500)),
            &format!("Transfer-Encoding:{}chunked\r\nContent-Length: 0\r\n", " ".repeat(500)),
        ] {
            assert_eq!(twice(&format!("\r\n\nPOST / HTTP/1.1\r\n{headers}\r\n")), Some(0), "{headers:?}");
        }
        for headers in ["", "Content-Length: 0\r\n", "Content-Lengths: 3\r\nTransfer-Encoding: chunked\r\n"] {
            assert_eq!(twice(&format!("POST / HTTP/1.1\r\n{headers}\r\n")), None, "{headers:?}");
        }
    }

    #[test]
    fn bodies_are_not_taken_for_heads() {
        let sized = format!("PUT / HTTP/1.1\r\nContent-Length: {}\r\n\r\n{BOTH}", BOTH.len());
        let chunked = format!(
            "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{:X};a=b\r\n{BOTH}\r\n0\r\nContent-Length: 3\r\n\r\n",
            BOTH.len()
        );
        assert_eq!(twice(&sized), None);
        assert_eq!(twice(&chunked), None);
        assert_eq!(twice(&format!("{sized}{chunked}GET / HTTP/1.1\r\nHost: a\r\n\r\n{BOTH}")), Some(3));
    }

    #[test]
    fn nonsense_ends_it() {
        let chunked = "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(twice(&format!("{chunked}x\r\n{BOTH}")), None);
        assert_eq!(twice(&format!("{chunked}ffffffffffffffff\r\n{BOTH}")), None);
        assert_eq!(twice(&format!("PUT / HTTP/1.1\r\nContent-Length: {}\r\n\r\n{BOTH}", u64::MAX)), None);
    }
}
