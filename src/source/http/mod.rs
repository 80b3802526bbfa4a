//! MJPEG from another device over HTTP: a stream, or single pictures requested repeatedly.
//!
//! `answer`, `body` and `conversation` implement HTTP without a socket; `pictures` feeds the bytes to the
//! reader of parts and publishes its pictures.

mod answer;
mod body;
mod conversation;
mod cookies;
mod pictures;

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_lite::future::or;
use smol::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::connect::{Connection, Destination, connect};
use super::publisher::Publisher;
use super::silence::{Quiet, What};
use crate::camera::lost::{Awaited, LocalLost, Lost, NetworkLost, ProtocolFault, Task};
use crate::camera::stop::Stop;
use crate::clock::Clock;
use crate::config::{Network, SourceUrl};
use crate::random::Random;
use crate::turn::Turn;
use answer::Head;
use body::Body;
use conversation::{Content, Conversation, Next};
use pictures::{Answer, Pictures};

/// How long the head of a response may take. Some cameras need 5 s to wake up.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Without a good picture for this long, the camera is gone or its pictures are useless.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// Rate at which single pictures are requested if none is configured, per second.
const SNAPSHOT_FPS_DEFAULT: f64 = 2.0;

/// Responses before the one with pictures: challenges and redirects have their own lower limits.
const ANSWERS_MAX: u32 = 16;

/// Interim responses (100 Continue, 103 Early Hints) to skip.
const INTERIM_ANSWERS_MAX: u32 = 8;

/// A camera reached over HTTP.
#[derive(Debug)]
pub struct Source {
    name: String,
    url: SourceUrl,
    network: Network,
}

impl Source {
    /// A source that connects to this URL.
    pub fn new(name: &str, url: &SourceUrl, network: &Network) -> Self {
        Self { name: name.to_owned(), url: url.clone(), network: network.clone() }
    }

    /// Delivers pictures until `stop` is requested.
    ///
    /// # Errors
    /// Why no more pictures come.
    pub async fn run(&self, publisher: &Arc<Publisher>, clock: &Clock, stop: &Stop) -> Result<(), Lost> {
        let stopped = async {
            stop.requested().await;
            Ok(())
        };
        // The connection closes with the future that holds it.
        or(stopped, async { self.deliver(publisher, clock).await.map(|never| match never {}) }).await
    }

    async fn deliver(&self, publisher: &Arc<Publisher>, clock: &Clock) -> Result<Infallible, Lost> {
        publisher.set_format("MJPG");
        let mut conversation = Conversation::new(&self.url, Random::seeded());
        let mut pictures = Pictures::new(publisher, clock)?;
        let mut due = clock.now();
        loop {
            let answer = self.ask(&mut conversation, clock).await?;
            let content = answer.content.clone();
            publisher.expect();
            let quiet = async { Err(silent(publisher.quiet(SILENCE_MAX).await)) };
            let count = or(pictures.read(answer), quiet).await?;
            match content {
                Content::Stream(_) => return Err(NetworkLost::Ended.into()),
                Content::Unknown if count == 0 => {
                    let offered = "content of no declared type, and no JPEG".to_owned();
                    return Err(NetworkLost::NotMjpeg { offered }.into());
                }
                Content::Picture if count == 0 => {
                    return Err(NetworkLost::NotMjpeg {
                        offered: "called JPEG, but not a whole one".to_owned(),
                    }
                    .into());
                }
                Content::Picture | Content::Unknown => {}
            }
            let fps = publisher.fps().unwrap_or(SNAPSHOT_FPS_DEFAULT);
            let interval = Duration::from_secs_f64(1.0 / fps);
            // A camera too slow for the rate delivers as fast as it can.
            due = (due + interval).max(clock.now());
            clock.sleep_until(due).await;
        }
    }

    /// Sends requests until a response contains pictures.
    async fn ask(&self, conversation: &mut Conversation, clock: &Clock) -> Result<Answer<Connection>, Lost> {
        for _ in 0..ANSWERS_MAX {
            let (host, port, tls) = conversation.destination();
            let redirected_from = conversation.redirected_from();
            let to =
                Destination { host, port, tls, fingerprint: self.network.tls_fingerprint, redirected_from };
            let mut connection = connect(&to, clock).await?;
            let request = conversation.request();
            let (head, ahead) = exchange(&mut connection, &request, clock).await?;
            log::debug!("camera {}: answer {} {:?}", self.name, head.status, head.content_type);
            if let Next::Read(content) = conversation.answered(&head, connection.peer().ip())? {
                return Ok(Answer { connection, ahead, body: Body::behind(&head), content });
            }
        }
        Err(NetworkLost::from(ProtocolFault::NeverPictures).into())
    }
}

/// The reason why no good picture came.
fn silent(quiet: Quiet) -> Lost {
    let seconds = quiet.time.as_secs();
    let lost = match quiet.instead {
        What::Other(offered) => NetworkLost::NotPictures { offered, seconds },
        What::TooLong { what, max_bytes } => {
            NetworkLost::TooLarge { what: what.to_owned(), bytes: None, max_bytes: max_bytes as u64 }
        }
        What::Damaged { pictures, last } => NetworkLost::Damaged { pictures, seconds, last },
        What::Nothing | What::NoKey(_) => NetworkLost::Silent { seconds },
    };
    lost.into()
}

/// Sends a request; reads the head of the response and any bytes after it.
async fn exchange(
    connection: &mut (impl AsyncRead + AsyncWrite + Unpin),
    request: &[u8],
    clock: &Clock,
) -> Result<(Head, Vec<u8>), NetworkLost> {
    let exchanging = async {
        connection.write_all(request).await.map_err(|error| closed(&error))?;
        connection.flush().await.map_err(|error| closed(&error))?;
        let (mut received, mut interim) = (Vec::new(), 0);
        let mut turn = Turn::new(clock);
        loop {
            while let Some((head, length)) = Head::parse(&received).map_err(malformed)? {
                received.drain(..length);
                if !(100..200).contains(&head.status) {
                    return Ok((head, received));
                }
                interim += 1;
                if interim > INTERIM_ANSWERS_MAX {
                    return Err(ProtocolFault::NeverAnswers.into());
                }
            }
            turn.step().await;
            let mut buffer = [0; 4096];
            match connection.read(&mut buffer).await.map_err(|error| closed(&error))? {
                0 => return Err(NetworkLost::Closed { during: "before it answered".to_owned() }),
                bytes => received.extend_from_slice(&buffer[..bytes]),
            }
        }
    };
    or(exchanging, async {
        clock.sleep(ANSWER_MAX).await;
        Err(NetworkLost::TimedOut {
            awaited: Awaited::AnswerTo("the request"),
            seconds: ANSWER_MAX.as_secs(),
        })
    })
    .await
}

fn malformed(problem: String) -> NetworkLost {
    ProtocolFault::Malformed { problem }.into()
}

fn closed(error: &io::Error) -> NetworkLost {
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe => {
            NetworkLost::Closed { during: "before it answered".to_owned() }
        }
        _ => LocalLost::new(Task::Connect, error).into(),
    }
}

/// Reads arbitrary bytes as a response, split at arbitrary points: returns its status, and the bytes of its
/// body. For fuzzing.
#[doc(hidden)]
pub fn read_answer<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Option<(u16, Vec<u8>)> {
    let url = SourceUrl::parse("http://user:pass@192.0.2.1/cam", &["http"]).ok()?;
    let mut conversation = Conversation::new(&url, Random::new(1));
    let (mut received, mut read) = (Vec::new(), Vec::new());
    let mut answer: Option<(Head, Body)> = None;
    for piece in pieces {
        received.extend_from_slice(piece);
        if answer.is_none()
            && let Some((head, length)) = Head::parse(&received).ok()?
        {
            received.drain(..length);
            let body = Body::behind(&head);
            let _ =
                (conversation.answered(&head, std::net::Ipv4Addr::LOCALHOST.into()), conversation.request());
            answer = Some((head, body));
        }
        let Some((head, body)) = &mut answer else { continue };
        let mut rest = &received[..];
        loop {
            match body.next(&mut rest) {
                Ok(body::Piece::Bytes(bytes)) => read.extend_from_slice(bytes),
                Ok(body::Piece::Wait) => break,
                Ok(body::Piece::End) | Err(_) => return Some((head.status, read)),
            }
        }
        received.clear();
    }
    answer.map(|(head, _)| (head.status, read))
}

#[cfg(test)]
mod tests;
