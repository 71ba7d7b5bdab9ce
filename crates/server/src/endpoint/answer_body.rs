//! The body of a node's answer, on its way to the visitor.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::Visit;
use super::routes::UnderWay;

/// The body of a node's answer. Until the body ends, it counts as work of the node, if the node is here, and as
/// a visit of the connection.
pub(crate) struct NodeBody {
    body: Incoming,
    _under_way: Option<UnderWay>,
    _visit: Arc<Visit>,
}

impl NodeBody {
    pub(super) fn new(body: Incoming, under_way: Option<UnderWay>, visit: Arc<Visit>) -> Self {
        Self { body, _under_way: under_way, _visit: visit }
    }
}

impl Body for NodeBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        // If the node's answer breaks off, the visitor's connection must break, too. Otherwise the answer would
        // seem complete.
        Pin::new(&mut self.body).poll_frame(context).map(|it| it.map(|it| it.map_err(io::Error::other)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
