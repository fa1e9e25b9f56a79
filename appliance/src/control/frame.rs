//! Frames on the control socket: a big-endian `u32` length, then that many bytes of JSON.
//!
//! It must not know what the JSON says. A length over the cap is refused before a byte of it is read,
//! so a peer cannot make us reserve memory it never fills.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The longest request, in bytes. The largest real one is a recovery passphrase.
pub const REQUEST_MAX: u32 = 1024 * 1024;

/// The longest reply, in bytes. The largest real one is a page of log lines.
pub const REPLY_MAX: u32 = 16 * 1024 * 1024;

/// How much is reserved before the peer has sent anything.
const FIRST_CHUNK: usize = 16 * 1024;

/// Why a frame could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The peer announced, or we would send, more than the cap.
    #[error("a frame of {length} bytes is over the limit of {limit}")]
    TooLong {
        /// Bytes announced.
        length: u64,
        /// The cap.
        limit: u32,
    },
    /// The peer went away inside a frame, or the socket failed.
    #[error("the socket broke off")]
    Io(#[from] std::io::Error),
}

/// Reads one frame; `None` when the peer closed between frames.
pub async fn read<R: AsyncRead + Unpin>(from: &mut R, limit: u32) -> Result<Option<Vec<u8>>, FrameError> {
    let mut head = [0_u8; 4];
    if from.read(&mut head[..1]).await? == 0 {
        return Ok(None);
    }
    from.read_exact(&mut head[1..]).await?;
    let length = u32::from_be_bytes(head);
    if length > limit {
        return Err(FrameError::TooLong { length: length.into(), limit });
    }
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let mut body = Vec::with_capacity(length.min(FIRST_CHUNK));
    let got = from.take(length as u64).read_to_end(&mut body).await?;
    if got < length {
        return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
    }
    Ok(Some(body))
}

/// Writes one frame and flushes it.
pub async fn write<W: AsyncWrite + Unpin>(to: &mut W, body: &[u8], limit: u32) -> Result<(), FrameError> {
    let too_long = FrameError::TooLong { length: body.len() as u64, limit };
    let Some(length) = u32::try_from(body.len()).ok().filter(|length| *length <= limit) else {
        return Err(too_long);
    };
    let mut frame = Vec::with_capacity(body.len() + 4);
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(body);
    to.write_all(&frame).await?; // in one piece: half the wake-ups of the other side
    to.flush().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
    }

    #[test]
    fn what_is_written_is_read() {
        let mut wire = Vec::new();
        run(write(&mut wire, b"{}", REQUEST_MAX)).expect("written");
        assert_eq!(wire, [0, 0, 0, 2, b'{', b'}']);
        let mut reader = wire.as_slice();
        assert_eq!(run(read(&mut reader, REQUEST_MAX)).expect("read"), Some(b"{}".to_vec()));
        assert_eq!(run(read(&mut reader, REQUEST_MAX)).expect("the end"), None);
    }

    #[test]
    fn an_announced_length_over_the_cap_is_refused_unread() {
        let error = run(read(&mut [0xff, 0xff, 0xff, 0xff].as_slice(), REQUEST_MAX)).expect_err("too long");
        assert!(matches!(error, FrameError::TooLong { length: 0xffff_ffff, .. }), "{error}");
    }

    #[test]
    fn a_frame_cut_short_is_an_error_and_not_an_empty_one() {
        for cut in [&[0, 0][..], &[0, 0, 0, 9, b'x'][..]] {
            assert!(matches!(run(read(&mut &*cut, REQUEST_MAX)), Err(FrameError::Io(_))), "{cut:?}");
        }
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let mut reader = bytes.as_slice();
            while let Ok(Some(body)) = run(read(&mut reader, 1024)) {
                prop_assert!(body.len() <= 1024);
            }
        }
    }
}
