//! Watches the heads of requests on their way to hyper, for the one thing that hyper hides: a
//! length alongside chunks. hyper believes the chunks and drops the length (RFC 9112, section 6.3),
//! but a proxy in front may have believed the length, so such a request is refused (AP-08).
//!
//! The length of a body tells where the next head begins. After a chunked body, heads are no longer
//! watched: such a connection is closed after the answer (`router.rs`).

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// hyper refuses longer ones.
const MAX_HEAD: usize = 2 * crate::web::connections::MAX_HEAD;

/// The part of a request that comes next on a connection.
enum At {
    Head(Vec<u8>),
    /// This many bytes of a body are left.
    Body(u64),
    /// Nothing that follows is a head.
    Rest,
}

pub(super) struct Heads<S, F> {
    stream: S,
    at: At,
    /// Called when a head has a length alongside chunks.
    smuggles: F,
}

impl<S, F: Fn()> Heads<S, F> {
    pub(super) fn new(stream: S, smuggles: F) -> Self {
        Self { stream, at: At::Head(Vec::new()), smuggles }
    }

    fn watch(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match &mut self.at {
                At::Rest => return,
                At::Body(left) => {
                    let here = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    bytes = &bytes[here..];
                    *left -= here as u64;
                    if *left == 0 {
                        self.at = At::Head(Vec::new());
                    }
                }
                At::Head(head) => {
                    let end = end_of_head(head, bytes);
                    head.extend_from_slice(&bytes[..end.unwrap_or(bytes.len())]);
                    match end {
                        Some(end) => {
                            bytes = &bytes[end..];
                            let head = std::mem::take(head);
                            self.at = self.behind(&head);
                        }
                        None if head.len() > MAX_HEAD => self.at = At::Rest,
                        None => return,
                    }
                }
            }
        }
    }

    fn behind(&self, head: &[u8]) -> At {
        let (mut length, mut chunked) = (None, false);
        for line in head.split(|byte| *byte == b'\n') {
            let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
            let (name, value) = (&line[..colon], &line[colon + 1..]);
            if name.eq_ignore_ascii_case(b"content-length") {
                let value = std::str::from_utf8(value).map_or("", str::trim);
                length = Some(value.parse::<u64>());
            }
            chunked |= name.eq_ignore_ascii_case(b"transfer-encoding");
        }
        match length {
            Some(_) if chunked => {
                (self.smuggles)();
                At::Rest
            }
            _ if chunked => At::Rest,
            Some(Ok(0)) | None => At::Head(Vec::new()),
            Some(Ok(length)) => At::Body(length),
            // hyper refuses it.
            Some(Err(_)) => At::Rest,
        }
    }
}

/// Where a head that began with `before` ends in `bytes`: after an empty line.
fn end_of_head(before: &[u8], bytes: &[u8]) -> Option<usize> {
    let at = |index: usize| match index.checked_sub(before.len()) {
        Some(index) => bytes[index],
        None => before[index],
    };
    (0..bytes.len()).find_map(|index| {
        let here = before.len() + index;
        let is_end = bytes[index] == b'\n'
            && here > 0
            && (at(here - 1) == b'\n'
                || (at(here - 1) == b'\r' && here > 1 && at(here - 2) == b'\n'));
        is_end.then_some(index + 1)
    })
}

impl<S: AsyncRead + Unpin, F: Fn() + Unpin> AsyncRead for Heads<S, F> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if let Poll::Ready(Ok(())) = &read {
            self.watch(&buffer.filled()[before..]);
        }
        read
    }
}

impl<S: AsyncWrite + Unpin, F: Fn() + Unpin> AsyncWrite for Heads<S, F> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use proptest::prelude::*;

    use super::*;

    /// Whether a length alongside chunks is found in a text that arrives in pieces of this size.
    fn smuggles(text: &str, piece: usize) -> bool {
        let found = Cell::new(false);
        let mut heads = Heads::new((), || found.set(true));
        for bytes in text.as_bytes().chunks(piece.max(1)) {
            heads.watch(bytes);
        }
        found.get()
    }

    const GOOD: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";

    proptest! {
        #[test]
        fn a_length_beside_chunks_is_found_wherever_it_comes(
            piece in 1..40_usize, before in 0..4_usize, length_first in any::<bool>(),
            line_end in prop_oneof![Just("\r\n"), Just("\n")]
        ) {
            let (length, chunks) = ("content-LENGTH: 6", "transfer-Encoding : chunked");
            let chunks = chunks.replace(" :", ":");
            let both = if length_first {
                format!("{length}{line_end}{chunks}")
            } else {
                format!("{chunks}{line_end}{length}")
            };
            let bad = format!("POST / HTTP/1.1{line_end}{both}{line_end}{line_end}0\r\n\r\n");
            prop_assert!(smuggles(&(GOOD.repeat(before) + &bad), piece));
        }

        #[test]
        fn what_is_well_formed_is_let_through(piece in 1..40_usize, times in 1..5_usize) {
            prop_assert!(!smuggles(&GOOD.repeat(times), piece));
            let in_a_body = "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
            let length = in_a_body.len();
            let text = format!("POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{in_a_body}");
            prop_assert!(!smuggles(&text.repeat(times), piece));
        }

        #[test]
        fn any_bytes_are_watched_without_a_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..300), piece in 1..40_usize
        ) {
            let mut heads = Heads::new((), || {});
            for bytes in bytes.chunks(piece) {
                heads.watch(bytes);
            }
        }
    }
}
