//! Files in and out, piece by piece: between async bodies and the service's blocking readers and writers.
//!
//! At most a few pieces wait in memory, whatever the size of the file.

use std::io::{Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::BoxError;
use axum::body::{Body, Bytes};
use axum::extract::multipart::{Field, Multipart};
use axum::http::StatusCode;
use futures_core::Stream;
use liuhen_service::{ServiceError, Upload};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use crate::error::ApiError;
use crate::state::AppState;

/// Pieces that may wait between the two sides.
const WAITING: usize = 8;
/// Bytes of one piece going out.
const PIECE: usize = 64 << 10;

/// Spools a stream of bytes into an upload; the caller finishes it or hands it on, and has asked before whether this client may upload.
///
/// When the client goes away the half-written upload is removed.
///
/// # Errors
///
/// 413 past the limit, 408 when the next piece is too long in coming, 400 when the stream breaks off, 503 when too many uploads run, and what the service answers.
pub async fn spool<S, E>(state: &AppState, mut stream: S) -> Result<Upload, ApiError>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: Into<BoxError>,
{
    let _place = state.upload_place()?;
    let (sender, receiver) = mpsc::channel(WAITING);
    let writer = {
        let service = Arc::clone(state.service());
        tokio::task::spawn_blocking(move || write_all(service.upload()?, receiver))
    };
    let sent = send_all(state, &mut stream, sender).await;
    let written = writer
        .await
        .map_err(|_| ApiError::internal("an upload panicked"))?;
    // A refusal by the service closes the channel first; its reason is the one to tell.
    let upload = written?;
    sent?;
    Ok(upload)
}

/// The next part of a form, for which no client may keep us waiting.
///
/// # Errors
///
/// 408 when it is too long in coming, 400 when the form breaks off.
pub async fn next_part<'a>(
    state: &AppState,
    form: &'a mut Multipart,
) -> Result<Option<Field<'a>>, ApiError> {
    let next = tokio::time::timeout(state.limits().upload_idle, form.next_field()).await;
    next.map_err(|_| ApiError::of_status(StatusCode::REQUEST_TIMEOUT))?
        .map_err(|error| match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => ApiError::too_large(),
            _ => ApiError::malformed("the upload cannot be read"),
        })
}

/// The bytes of a part that must not reach the disk, at most so many.
///
/// # Errors
///
/// As for [`spool`].
pub async fn in_memory(
    state: &AppState,
    mut part: Field<'_>,
    at_most: u64,
) -> Result<Zeroizing<Vec<u8>>, ApiError> {
    let _place = state.upload_place()?;
    let at_most = at_most.min(state.limits().upload_bytes);
    // Room for all of it at once: growing would leave pieces of it behind in freed memory.
    let room = usize::try_from(at_most).map_err(|_| ApiError::too_large())?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    loop {
        let next = tokio::time::timeout(state.limits().upload_idle, part.chunk()).await;
        let next = next.map_err(|_| ApiError::of_status(StatusCode::REQUEST_TIMEOUT))?;
        let Some(piece) = next.map_err(|_| ApiError::malformed("the upload broke off"))? else {
            return Ok(bytes);
        };
        if bytes.len() + piece.len() > room {
            return Err(ApiError::too_large());
        }
        bytes.extend_from_slice(&piece);
    }
}

fn write_all(
    mut upload: Upload,
    mut receiver: mpsc::Receiver<Bytes>,
) -> liuhen_service::Result<Upload> {
    while let Some(piece) = receiver.blocking_recv() {
        upload
            .write_all(&piece)
            .map_err(|source| ServiceError::Io {
                what: "keeping an upload",
                source,
            })?;
    }
    Ok(upload)
}

async fn send_all<S, E>(
    state: &AppState,
    stream: &mut S,
    sender: mpsc::Sender<Bytes>,
) -> Result<(), ApiError>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    let limits = state.limits();
    let mut total: u64 = 0;
    loop {
        let next = std::future::poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx));
        let piece = match tokio::time::timeout(limits.upload_idle, next).await {
            Ok(Some(Ok(piece))) => piece,
            Ok(Some(Err(_))) => return Err(ApiError::malformed("the upload broke off")),
            Ok(None) => return Ok(()),
            Err(_) => return Err(ApiError::of_status(StatusCode::REQUEST_TIMEOUT)),
        };
        total = total.saturating_add(piece.len() as u64);
        if total > limits.upload_bytes {
            return Err(ApiError::too_large());
        }
        if sender.send(piece).await.is_err() {
            return Ok(());
        }
    }
}

/// A body that reads from a blocking reader on a thread of its own.
///
/// A failure halfway breaks the connection off, so that the client does not take a part for the whole.
pub fn body(mut reader: Box<dyn Read + Send>) -> Body {
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::task::spawn_blocking(move || {
        loop {
            let mut piece = vec![0; PIECE];
            let message = match reader.read(&mut piece) {
                Ok(0) => return,
                Ok(count) => {
                    piece.truncate(count);
                    Ok(Bytes::from(piece))
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
            let last = message.is_err();
            if sender.blocking_send(message).is_err() || last {
                return;
            }
        }
    });
    Body::from_stream(Received(receiver))
}

/// A channel's receiving end as a stream.
pub(crate) struct Received<T>(pub(crate) mpsc::Receiver<T>);

impl<T> Stream for Received<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.0.poll_recv(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Failing(u8);

    impl Read for Failing {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            if self.0 == 0 {
                return Err(std::io::Error::other("disk"));
            }
            self.0 -= 1;
            buf[..3].copy_from_slice(b"abc");
            Ok(3)
        }
    }

    #[tokio::test]
    async fn a_reader_becomes_a_body() {
        let bytes = vec![7; 3 * PIECE + 5];
        let body = body(Box::new(std::io::Cursor::new(bytes.clone())));
        let out = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        assert_eq!(out, bytes);
    }

    #[tokio::test]
    async fn a_reader_that_fails_halfway_breaks_the_body() {
        let body = body(Box::new(Failing(2)));
        assert!(axum::body::to_bytes(body, usize::MAX).await.is_err());
    }
}
