//! A crowd of connections that ask for nothing, and come back when they are closed.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::LocalSet;

use crate::hostile::client::connect;

/// Gathers 10,000 connections. `part` is the number of this half of the crowd, from 0.
pub(super) fn gather(local: &LocalSet, server: SocketAddr, part: u8) {
    for number in 0..10_000_u32 {
        let last = u8::try_from(number % 125).unwrap_or(0) + 125 * part + 1;
        local.spawn_local(async move {
            // The connections come one after the other.
            tokio::time::sleep(Duration::from_micros(u64::from(number) * 200)).await;
            loop {
                if let Ok(mut stream) = connect(server, Ipv4Addr::new(127, 0, 1, last)).await {
                    // Every second connection asks for something, and stays open.
                    let asked = match number % 2 {
                        0 => stream.write_all(b"GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n").await,
                        _ => Ok(()),
                    };
                    let mut answer = [0; 1024];
                    while asked.is_ok() && stream.read(&mut answer).await.is_ok_and(|read| read > 0) {}
                }
                tokio::time::sleep(Duration::from_secs(10)).await;
            }
        });
    }
}
