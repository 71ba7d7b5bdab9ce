//! A connection of the benchmark, with or without TLS.

use std::fs::File;
use std::io::{self, Read, Take, Write};
use std::net::TcpStream;

use anyhow::Result;
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

use crate::target::Target;

/// Bytes that are encrypted at a time.
const PIECE: usize = 256 << 10;

/// A connection that blocks.
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Stream {
    pub(crate) fn open(target: &Target) -> Result<Self> {
        let stream = TcpStream::connect(target.address)?;
        stream.set_nodelay(true)?;
        let Some(tls) = &target.tls else { return Ok(Self::Plain(stream)) };
        let connection = ClientConnection::new(tls.client.clone(), server_name(target))?;
        Ok(Self::Tls(Box::new(StreamOwned::new(connection, stream))))
    }

    /// Sends the next bytes of a file. Without TLS this uses sendfile(2).
    pub(crate) fn send_file(&mut self, mut file: Take<&File>) -> io::Result<()> {
        match self {
            Self::Plain(stream) => io::copy(&mut file, stream).map(drop),
            Self::Tls(stream) => {
                let mut piece = vec![0; PIECE];
                loop {
                    match file.read(&mut piece)? {
                        0 => return stream.flush(),
                        read => stream.write_all(&piece[..read])?,
                    }
                }
            }
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

/// Both directions of a connection.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Duplex for T {}

/// Opens a connection that does not block.
pub(crate) async fn open(target: &Target) -> Result<Box<dyn Duplex>> {
    let stream = tokio::net::TcpStream::connect(target.address).await?;
    stream.set_nodelay(true)?;
    let Some(tls) = &target.tls else { return Ok(Box::new(stream)) };
    Ok(Box::new(TlsConnector::from(tls.client.clone()).connect(server_name(target), stream).await?))
}

fn server_name(target: &Target) -> ServerName<'static> {
    ServerName::IpAddress(target.address.ip().into())
}
