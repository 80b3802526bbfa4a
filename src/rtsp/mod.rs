//! RTSP 1.0 (RFC 2326) as a client, without sockets or clock.
//!
//! [`Session`] is a value: [`Input`]s (bytes received, time passed) go in by [`Session::handle_input`]. After
//! each of them, call [`Session::poll_output`] until it gives [`Output::Timeout`], which says how long to
//! wait for the next input, or [`Output::Ended`]. The owner of the sockets waits, feeds and drains; every
//! fault of a camera is handled in here.
//!
//! Only this module names `rtsp-types` and `sdp-types`.

mod error;
pub mod limits;
mod message;
mod reader;
mod sdp;
mod session;
mod target;
mod transport;

pub use crate::auth::Credentials;
pub use error::{Error, Failed, Refused};
pub use sdp::{Description, Media};
pub use session::{Counters, Endpoint, Event, Input, Options, Output, Session, Status, Step, UdpChannel};
pub use target::{Target, UrlError};
pub use transport::Transport;

/// Parses arbitrary bytes as a stream of messages, split at arbitrary points: for fuzzing.
#[doc(hidden)]
pub fn read_all<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> usize {
    let mut reader = reader::Reader::default();
    let mut elements = 0;
    for mut piece in pieces {
        while !piece.is_empty() {
            let room = reader.room();
            let (taken, rest) = piece.split_at(piece.len().min(room.len()));
            room[..taken.len()].copy_from_slice(taken);
            reader.received(taken.len());
            piece = rest;
            while reader.pull(|channel| channel < 2).is_some() {
                elements += 1;
            }
        }
    }
    elements
}
