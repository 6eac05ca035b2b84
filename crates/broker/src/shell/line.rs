use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};

use super::codec::{self, Decoded};
use crate::frame::FrameError;
use crate::packet::Incoming;

/// Free room for one read; small, as tens of thousands of devices each hold one buffer.
const READ_BYTES: usize = 2 * 1024;

/// Longest time for the last words on a connection that ends.
const FLUSH_TIME_MAX: Duration = Duration::from_secs(2);

/// One connection: a stream of bytes, and what was read and not yet understood, said and not yet written.
#[derive(Debug)]
pub(crate) struct Line<S> {
    pub(crate) reader: ReadHalf<S>,
    pub(crate) writer: WriteHalf<S>,
    pub(crate) incoming: BytesMut,
    pub(crate) outgoing: BytesMut,
}

impl<S: AsyncRead + AsyncWrite> Line<S> {
    pub(crate) fn new(stream: S) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self { reader, writer, incoming: BytesMut::with_capacity(READ_BYTES), outgoing: BytesMut::new() }
    }

    /// The next packet, if all of it was read; otherwise there is room to read on.
    pub(crate) fn next_packet(&mut self) -> Result<Option<Incoming>, FrameError> {
        match codec::decode(&mut self.incoming)? {
            Decoded::Packet(packet) => Ok(Some(packet)),
            Decoded::Missing(bytes) => {
                self.incoming.reserve(bytes.max(READ_BYTES / 4));
                Ok(None)
            }
        }
    }

    /// Writes what is left, if the other side still takes it.
    pub(crate) async fn close(mut self) {
        let last_words = async {
            self.writer.write_all_buf(&mut self.outgoing).await?;
            self.writer.shutdown().await
        };
        // Whoever does not take it has gone already.
        let _ = tokio::time::timeout(FLUSH_TIME_MAX, last_words).await;
    }
}
