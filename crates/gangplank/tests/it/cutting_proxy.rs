//! A proxy to a server that cuts connections after some bytes.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Listens in front of a server. The first `cuts` connections that send more than `after` bytes are cut there.
/// Returns host and port, and the number of cuts left.
pub(crate) fn start(server: String, after: usize, cuts: usize) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let left = Arc::new(AtomicUsize::new(cuts));
    let counted = Arc::clone(&left);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let upstream = TcpStream::connect(&server).unwrap();
            let (back, counted) =
                ((upstream.try_clone().unwrap(), client.try_clone().unwrap()), Arc::clone(&counted));
            thread::spawn(move || forward(client, upstream, after, &counted));
            thread::spawn(move || forward(back.0, back.1, usize::MAX, &AtomicUsize::new(0)));
        }
    });
    (address, left)
}

fn forward(mut from: TcpStream, mut to: TcpStream, after: usize, cuts: &AtomicUsize) {
    let (mut sent, mut buffer) = (0, vec![0; 1 << 16]);
    while let Ok(read) = from.read(&mut buffer)
        && read > 0
        && to.write_all(&buffer[..read]).is_ok()
    {
        sent += read;
        let one_less = |left: usize| left.checked_sub(1);
        if sent > after && cuts.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok() {
            let _ = from.shutdown(Shutdown::Both);
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
