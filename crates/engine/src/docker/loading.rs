//! Loads images from archives.

use bollard::query_parameters::ImportImageOptionsBuilder;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, stream};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::client::{Client, PROGRESS};
use super::failure::Trouble;

/// The size of a piece of an archive, in bytes.
const PIECE: usize = 256 * 1024;

/// Loads an archive.
pub(super) async fn load(
    client: &Client,
    archive: impl AsyncRead + Send + Unpin + 'static,
) -> Result<(), Trouble> {
    let engine = client.engine().await?;
    let options = ImportImageOptionsBuilder::new().quiet(true).build();
    // The engine sends nothing before the whole archive has arrived, so a large one may take long.
    Client::each(PROGRESS * 10, engine.import_image_stream(options, pieces(archive), None), |_| Ok(())).await
}

/// Loads an archive that is in memory.
pub(super) async fn load_bytes(client: &Client, archive: Bytes) -> Result<(), Trouble> {
    load(client, std::io::Cursor::new(archive)).await
}

fn pieces(
    archive: impl AsyncRead + Send + Unpin + 'static,
) -> impl Stream<Item = std::io::Result<Bytes>> + Send + 'static {
    stream::try_unfold(archive, |mut archive| async move {
        let mut piece = BytesMut::with_capacity(PIECE);
        let length = archive.read_buf(&mut piece).await?;
        Ok((length > 0).then(|| (piece.freeze(), archive)))
    })
}
