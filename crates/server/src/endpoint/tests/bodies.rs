//! Bodies pass through without being held in memory.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

const PIECE: usize = 64 << 10;
/// Much more than the memory that the server may use for it.
const LARGE: usize = 256 << 20;
const SPARE: u64 = 48 << 20;

/// The resident memory of this process, in bytes.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

/// The most bytes by which the process grows while a future runs.
async fn growth(done: impl Future<Output = ()>) -> u64 {
    let (before, is_over) = (resident(), Arc::new(AtomicBool::new(false)));
    let watched = Arc::clone(&is_over);
    let watching = std::thread::spawn(move || {
        let mut most = 0;
        while !watched.load(Ordering::Relaxed) {
            most = most.max(resident());
            std::thread::sleep(Duration::from_millis(5));
        }
        most
    });
    done.await;
    is_over.store(true, Ordering::Relaxed);
    watching.join().unwrap().saturating_sub(before)
}

/// A node that counts the bytes of a request, or answers with a large body.
pub(super) async fn large_node() -> SocketAddr {
    node(|mut visitor| async move {
        let head = visitor.head().await.unwrap();
        let (mut came, length) =
            (visitor.read.len(), header(&head, "content-length").map(str::parse::<usize>));
        if let Some(Ok(length)) = length {
            let mut piece = vec![0; PIECE];
            while came < length {
                came += visitor.stream.read(&mut piece).await.unwrap();
            }
            visitor.send(saying(&came.to_string())).await;
        } else {
            visitor.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
            let chunk = [format!("{PIECE:x}\r\n").as_bytes(), &vec![7; PIECE], b"\r\n"].concat();
            for _ in 0..LARGE / PIECE {
                visitor.send(&chunk).await;
            }
            visitor.send("0\r\n\r\n").await;
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_bodies_pass_both_ways_in_little_memory() {
    let site = Site::start().await;
    site.lead(&[large_node().await]);
    pass_in_little_memory(&site).await;
}

/// Sends and fetches large bodies at a [`large_node`].
pub(super) async fn pass_in_little_memory(site: &Site) {
    let grown = growth(async {
        let mut visitor = site.visitor().await;
        visitor.send(format!("PUT / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {LARGE}\r\n\r\n")).await;
        let piece = vec![7; PIECE];
        for _ in 0..LARGE / PIECE {
            visitor.send(&piece).await;
        }
        assert_eq!(visitor.answer().await.text(), LARGE.to_string());
        let mut visitor = site.visitor().await;
        visitor.send(get("/")).await;
        let head = visitor.head().await.unwrap();
        assert_eq!(header(&head, "transfer-encoding"), Some("chunked"));
        let (mut piece, mut came) = (vec![0; PIECE], visitor.read.len());
        // A slow client shows whether the server gathers the bytes that it does not read.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let end = b"0\r\n\r\n";
        let mut last = Vec::new();
        while !last.ends_with(end) {
            let read = visitor.stream.read(&mut piece).await.unwrap();
            assert!(read > 0);
            came += read;
            last.extend_from_slice(&piece[read.saturating_sub(5)..read]);
            last.drain(..last.len().saturating_sub(5));
        }
        assert!(came > LARGE, "{came}");
    })
    .await;
    assert!(grown < SPARE, "{grown}");
}

/// A node that returns each piece of a request before the next arrives.
pub(super) async fn echoing_pieces() -> SocketAddr {
    node(|mut visitor| async move {
        let head = visitor.head().await.unwrap();
        assert_eq!(header(&head, "te"), Some("trailers"));
        visitor.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n").await;
        // Each piece is returned before the next arrives.
        while let Some(line) = visitor.until(b"\r\n").await {
            let length = usize::from_str_radix(std::str::from_utf8(&line).unwrap().trim(), 16).unwrap();
            if length == 0 {
                break;
            }
            let piece = visitor.exactly(length + 2).await;
            visitor.send([&line[..], &piece].concat()).await;
        }
        let trailer = visitor.until(b"\r\n\r\n").await.unwrap();
        visitor.send(["0\r\n".as_bytes(), &trailer].concat()).await;
    })
    .await
}

#[tokio::test]
async fn pieces_pass_as_they_come_and_trailers_behind_them() {
    let site = Site::start().await;
    site.lead(&[echoing_pieces().await]);
    pass_in_pieces(&site).await;
}

/// Sends pieces to a node of [`echoing_pieces`].
pub(super) async fn pass_in_pieces(site: &Site) {
    let mut visitor = site.visitor().await;
    visitor
        .send(format!(
            "POST / HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\nTrailer: X-Sum\r\n\
             Connection: TE\r\n\r\n"
        ))
        .await;
    assert!(visitor.head().await.unwrap().starts_with("HTTP/1.1 200"));
    for piece in ["a", "bc", "def"] {
        let chunk = format!("{:X}\r\n{piece}\r\n", piece.len());
        visitor.send(&chunk).await;
        assert_eq!(visitor.exactly(chunk.len()).await, chunk.as_bytes());
    }
    visitor.send("0\r\nX-Sum: 7\r\n\r\n").await;
    let (rest, trailers) = visitor.chunks().await;
    assert!(rest.is_empty());
    assert_eq!(trailers.to_ascii_lowercase(), "x-sum: 7\r\n");
}

#[tokio::test]
async fn an_answer_that_breaks_off_does_not_seem_whole() {
    let site = Site::start().await;
    let address = node(|mut visitor| async move {
        visitor.head().await;
        visitor.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n").await;
    })
    .await;
    site.lead(&[address]);
    let mut visitor = site.visitor().await;
    visitor.send(get("/")).await;
    visitor.head().await.unwrap();
    while visitor.more().await {}
    assert_eq!(visitor.read, b"3\r\nabc\r\n", "without the chunk that ends a body");
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_by_the_node() {
    let site = Site::start().await;
    let address = node(|mut visitor| async move {
        let head = visitor.head().await.unwrap();
        assert_eq!(header(&head, "expect"), Some("100-continue"));
        match head.split(' ').nth(1).unwrap() {
            "/no" => return visitor.send("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n").await,
            "/mute" => {}
            _ => {
                tokio::time::sleep(Duration::from_millis(100)).await;
                assert!(visitor.read.is_empty(), "the body came unasked");
                visitor.send("HTTP/1.1 100 Continue\r\n\r\n").await;
            }
        }
        assert_eq!(visitor.exactly(5).await, b"hello");
        visitor.send(saying("thanks")).await;
    })
    .await;
    site.lead(&[address]);
    let ask = |path: &str| {
        format!("PUT {path} HTTP/1.1\r\nHost: {HOST}\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
    };
    for path in ["/yes", "/mute"] {
        let mut visitor = site.visitor().await;
        visitor.send(ask(path)).await;
        assert!(visitor.head().await.unwrap().starts_with("HTTP/1.1 100 "));
        visitor.send("hello").await;
        assert_eq!(visitor.answer().await.text(), "thanks");
    }
    let refused = site.ask(ask("/no")).await;
    assert_eq!(refused.status, 413, "without a 100 before it");
}

#[tokio::test]
async fn a_body_without_end_is_cut_off_at_the_node_too() {
    let site = Site::start().await;
    let (sender, mut ends) = tokio::sync::mpsc::unbounded_channel();
    let address = node(move |mut visitor| {
        let sender = sender.clone();
        async move {
            visitor.head().await;
            while visitor.more().await {}
            let _ = sender.send(std::mem::take(&mut visitor.read));
        }
    })
    .await;
    site.lead(&[address]);
    let head = format!("POST / HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\n\r\n");
    for bad in ["3\r\nabc\r\nx\r\n", "3\r\nabcd\r\n0\r\n\r\n", "-3\r\nabc\r\n0\r\n\r\n"] {
        let answer = site.ask(format!("{head}{bad}")).await;
        assert_eq!(answer.status, 400, "{bad:?}");
        let came = ends.recv().await.unwrap();
        assert!(!came.ends_with(b"0\r\n\r\n"), "the node takes it for whole: {bad:?}");
    }
    let mut visitor = site.visitor().await;
    visitor.send(format!("{head}3\r\nabc\r\n")).await;
    drop(visitor);
    assert_eq!(ends.recv().await.unwrap(), b"3\r\nabc\r\n");
}
