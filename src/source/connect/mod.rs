//! Connections to cameras on a network: resolves the name, tries its addresses, and encrypts the connection
//! if the URL says so.

#[cfg(test)]
mod certificates;
mod race;
mod reach;
mod tls;

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_lite::future::or;
use rustix::io::Errno;
use smol::Async;
use smol::io::{AsyncRead, AsyncWrite};

use crate::camera::lost::{Awaited, LocalLost, NetworkLost, ProtocolFault, Task, TlsFault};
use crate::clock::Clock;
use crate::config::network::Fingerprint;
use crate::limits;
use crate::offload::BlockingPool;

/// Time limit for resolving a name: a resolver's first time-out is 5 s, its second try mostly succeeds.
const RESOLVE_MAX: Duration = Duration::from_secs(8);

/// Names resolved at a time: one for each camera. The C library's look-up cannot be cancelled, so one that
/// takes too long keeps its place until the resolver gives up.
static NAMES: BlockingPool = BlockingPool::new("look up a name", limits::CAMERAS_MAX);

/// Time limit for connecting and the TLS handshake together. Battery cameras and mobile networks need
/// seconds.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// Addresses of one name to try.
const ADDRESSES_MAX: usize = 8;

/// Where to connect to.
#[derive(Debug, Clone, Copy)]
pub struct Destination<'a> {
    /// Host name, or address without brackets.
    pub host: &'a str,
    /// TCP port.
    pub port: u16,
    /// Whether to use TLS.
    pub tls: bool,
    /// The only acceptable certificate, whoever signed it.
    pub fingerprint: Option<Fingerprint>,
    /// The address of the camera that redirected here.
    pub redirected_from: Option<IpAddr>,
}

/// An established connection.
#[derive(Debug)]
pub struct Connection {
    stream: Stream,
    peer: SocketAddr,
    local: SocketAddr,
}

#[derive(Debug)]
enum Stream {
    Plain(Async<TcpStream>),
    Encrypted(Box<tls::Stream>),
}

/// Connects.
///
/// # Errors
/// Why the connection failed.
pub async fn connect(to: &Destination<'_>, clock: &Clock) -> Result<Connection, NetworkLost> {
    let addresses = within_reach(to, resolve(to, clock).await?)?;
    let shown = shown(to);
    let connecting = async {
        let connection = once(to, &addresses, &shown, clock).await;
        if !matches!(connection, Err(tls::Refusal::WeakKey)) {
            return connection;
        }
        once(to, &addresses, &shown, clock).await
    };
    let connecting = async {
        connecting.await.map_err(|refusal| match refusal {
            tls::Refusal::Lost(lost) => lost,
            tls::Refusal::WeakKey => NetworkLost::Tls(TlsFault::CertificateChanges),
        })
    };
    or(connecting, async {
        clock.sleep(CONNECT_MAX).await;
        let awaited = Awaited::Connection(Some(shown.clone()));
        Err(NetworkLost::TimedOut { awaited, seconds: CONNECT_MAX.as_secs() })
    })
    .await
}

async fn once(
    to: &Destination<'_>,
    addresses: &[SocketAddr],
    shown: &str,
    clock: &Clock,
) -> Result<Connection, tls::Refusal> {
    let tcp = race::connect(addresses, clock).await.map_err(|error| lost(&error, shown))?;
    let no_address = |error: io::Error| lost(&error, shown);
    let (peer, local) =
        (tcp.get_ref().peer_addr().map_err(no_address)?, tcp.get_ref().local_addr().map_err(no_address)?);
    // Both ends have the same address only if it is one of this machine's own.
    if to.redirected_from.is_some_and(|from| from != peer.ip() && peer.ip() == local.ip()) {
        return Err(out_of_reach(to, peer.ip()).into());
    }
    // Requests are small, and each waits for its answer.
    let _ = tcp.get_ref().set_nodelay(true);
    let stream = if to.tls {
        Stream::Encrypted(Box::new(tls::encrypt(tcp, to.host, to.fingerprint).await?))
    } else {
        Stream::Plain(tcp)
    };
    Ok(Connection { stream, peer, local })
}

async fn resolve(to: &Destination<'_>, clock: &Clock) -> Result<Vec<SocketAddr>, NetworkLost> {
    if let Ok(address) = to.host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, to.port)]);
    }
    let (host, port) = (to.host.to_owned(), to.port);
    let looking_up = NAMES.run(move || (host.as_str(), port).to_socket_addrs().map(Vec::from_iter));
    let looking_up = async {
        let started = looking_up.await;
        started.inspect_err(|error| log::warn!("cannot look up {}: {error}", to.host)).flatten()
    };
    let found = or(looking_up, async {
        clock.sleep(RESOLVE_MAX).await;
        Err(io::ErrorKind::TimedOut.into())
    })
    .await;
    match found {
        Ok(addresses) if !addresses.is_empty() => {
            Ok(race::alternate(addresses).into_iter().take(ADDRESSES_MAX).collect())
        }
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(NetworkLost::TimedOut {
            awaited: Awaited::AddressOf(to.host.to_owned()),
            seconds: RESOLVE_MAX.as_secs(),
        }),
        _ => Err(NetworkLost::HostNotFound { host: to.host.to_owned() }),
    }
}

/// The addresses that a redirect may reach; all of them for a configured name.
fn within_reach(to: &Destination<'_>, addresses: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, NetworkLost> {
    let Some(from) = to.redirected_from else { return Ok(addresses) };
    let (near, far): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| reach::may_redirect(from, address.ip()));
    match far.first() {
        Some(address) if near.is_empty() => Err(out_of_reach(to, address.ip())),
        _ => Ok(near),
    }
}

fn out_of_reach(to: &Destination<'_>, address: IpAddr) -> NetworkLost {
    ProtocolFault::RedirectOutOfReach { address: shown(to), place: reach::words(address) }.into()
}

/// `HOST:PORT`, with brackets around an IPv6 address.
fn shown(to: &Destination<'_>) -> String {
    let Destination { host, port, .. } = to;
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

fn lost(error: &io::Error, address: &str) -> NetworkLost {
    let address = address.to_owned();
    match Errno::from_io_error(error) {
        Some(Errno::CONNREFUSED) => NetworkLost::Refused { address },
        Some(Errno::HOSTUNREACH | Errno::NETUNREACH | Errno::HOSTDOWN | Errno::NETDOWN) => {
            NetworkLost::Unreachable { address }
        }
        Some(Errno::TIMEDOUT) => NetworkLost::TimedOut {
            awaited: Awaited::Connection(Some(address)),
            seconds: CONNECT_MAX.as_secs(),
        },
        Some(Errno::CONNRESET | Errno::PIPE | Errno::CONNABORTED | Errno::NOTCONN) => {
            NetworkLost::Closed { during: "connecting".to_owned() }
        }
        Some(Errno::MFILE | Errno::NFILE) => {
            LocalLost::new(Task::Connect, format!("out of file descriptors ({error})")).into()
        }
        _ => LocalLost::new(Task::Connect, format!("{address}: {error}")).into(),
    }
}

impl Connection {
    /// The camera's address.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The local address, as the camera sees it.
    pub fn local(&self) -> SocketAddr {
        self.local
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Encrypted(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Stream::Encrypted(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(context),
            Stream::Encrypted(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_close(context),
            Stream::Encrypted(stream) => Pin::new(stream).poll_close(context),
        }
    }
}

#[cfg(test)]
mod tests;
