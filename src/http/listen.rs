//! Listening sockets, and a task for each connection.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::rc::Rc;
use std::time::Duration;

use futures_lite::future::or;
use smol::{Async, LocalExecutor, Task};
use socket2::{Domain, Socket as RawSocket, Type};

use super::Server;
use super::connection;
use super::socket::Socket;
use crate::limits;
use crate::turn::Turn;

/// The default port.
const DEFAULT_PORT: u16 = 8080;

/// The pause after a failed accept: out of descriptors, it would fail again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);

/// Opens listening sockets on `addresses`, or on port 8080 of every address of the machine.
///
/// # Errors
/// Which address cannot be opened, and why.
pub fn open_configured(addresses: &[SocketAddr]) -> Result<Sockets, String> {
    let addresses = or_default(addresses);
    let sockets = open(&addresses, &addresses)?;
    Ok(Sockets::Opened(addresses, sockets))
}

/// Opens sockets on `addresses`, a subset of the configured ones in `all`.
fn open(addresses: &[SocketAddr], all: &[SocketAddr]) -> Result<Vec<(SocketAddr, TcpListener)>, String> {
    let failed = |address: &SocketAddr, error: &io::Error| {
        let hint = match error.kind() {
            io::ErrorKind::AddrInUse => "; another program listens there: stop it, or choose another port",
            io::ErrorKind::PermissionDenied => {
                "; ports below 1024 need a privilege: choose 8080, or let systemd open the socket"
            }
            io::ErrorKind::AddrNotAvailable => "; the machine has no such address",
            _ => "",
        };
        format!("cannot listen on {address}: {error}{hint}")
    };
    let mut listeners = Vec::with_capacity(addresses.len());
    for address in addresses {
        match open_one(*address) {
            Ok(listener) => listeners.push((*address, listener)),
            Err(error) if is_other_half_of_localhost(*address, all, &error) => {
                log::debug!("not listening on {address}: {error}");
            }
            Err(error) => return Err(failed(address, &error)),
        }
    }
    Ok(listeners)
}

/// Whether the address is the IPv6 half of "localhost", which is skipped on a machine without IPv6.
fn is_other_half_of_localhost(address: SocketAddr, addresses: &[SocketAddr], error: &io::Error) -> bool {
    let is_in_use = matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied);
    let v4 = SocketAddr::from((Ipv4Addr::LOCALHOST, address.port()));
    !is_in_use && address.ip() == Ipv6Addr::LOCALHOST && addresses.contains(&v4)
}

fn open_one(address: SocketAddr) -> io::Result<TcpListener> {
    bind(address).or_else(|error| match (address, error.kind()) {
        (_, io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied) => Err(error),
        // The kernel has no IPv6, or it is disabled: "every address" means every IPv4 address then.
        (SocketAddr::V6(v6), _) if v6.ip().is_unspecified() => {
            bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, v6.port())))
        }
        _ => Err(error),
    })
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = RawSocket::new(Domain::for_address(address), Type::STREAM.nonblocking().cloexec(), None)?;
    if address.is_ipv6() {
        // [::] accepts IPv4 too, whatever net.ipv6.bindv6only says.
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(limits::ACCEPT_BACKLOG)?;
    Ok(socket.into())
}

/// The listening sockets; dropping this closes them.
pub struct Listening {
    executor: Rc<LocalExecutor<'static>>,
    server: Rc<Server>,
    configured: Vec<SocketAddr>,
    /// Systemd opened the sockets: the configured addresses have no effect.
    is_passed: bool,
    /// The accepting tasks, each with its configured address.
    tasks: Vec<(Option<SocketAddr>, Task<()>)>,
}

/// Sockets to start with.
#[derive(Debug)]
pub enum Sockets {
    /// Opened here: the configured addresses, and the sockets of those that this machine has.
    Opened(Vec<SocketAddr>, Vec<(SocketAddr, TcpListener)>),
    /// Passed by systemd, and the configured addresses.
    Passed(Vec<SocketAddr>, Vec<TcpListener>),
}

impl Listening {
    /// Starts to accept connections.
    ///
    /// # Errors
    /// If a socket cannot be watched.
    pub fn start(
        executor: &Rc<LocalExecutor<'static>>,
        server: &Rc<Server>,
        sockets: Sockets,
    ) -> io::Result<Self> {
        let (executor, server) = (executor.clone(), server.clone());
        let (configured, is_passed, sockets): (_, _, Vec<_>) = match sockets {
            Sockets::Opened(configured, sockets) => {
                let sockets = sockets.into_iter().map(|(address, it)| (Some(address), it));
                (configured, false, sockets.collect())
            }
            Sockets::Passed(configured, sockets) => {
                (or_default(&configured), true, sockets.into_iter().map(|socket| (None, socket)).collect())
            }
        };
        let mut listening = Self { executor, server, configured, is_passed, tasks: Vec::new() };
        for (address, socket) in sockets {
            listening.add(address, socket)?;
        }
        Ok(listening)
    }

    fn add(&mut self, configured: Option<SocketAddr>, socket: TcpListener) -> io::Result<()> {
        let address = socket.local_addr()?;
        let socket = Async::new(socket)?;
        log::info!("listening on http://{address}/");
        let task = self.executor.spawn(accept(self.executor.clone(), self.server.clone(), socket));
        self.tasks.push((configured, task));
        Ok(())
    }

    /// Listens on these addresses and no others; established connections stay.
    ///
    /// # Errors
    /// Why the old addresses remain, and what to do.
    pub async fn apply(&mut self, addresses: &[SocketAddr]) -> Result<(), String> {
        let addresses = or_default(addresses);
        let before = self.configured.clone();
        if before == addresses {
            return Ok(());
        }
        if self.is_passed {
            return Err("has no effect, because systemd opens the sockets; change ListenStream= of \
                        pinhole.socket instead, or stop and disable that unit"
                .to_owned());
        }
        // A new address may need the port of an old one.
        let (kept, gone): (Vec<_>, Vec<_>) = std::mem::take(&mut self.tasks)
            .into_iter()
            .partition(|(address, _)| address.is_some_and(|address| addresses.contains(&address)));
        self.tasks = kept;
        for (_, task) in gone {
            task.cancel().await;
        }
        let opened = self.open_missing(&addresses);
        if opened.is_ok() {
            self.configured = addresses;
        } else if let Err(error) = self.open_missing(&before) {
            log::error!("{error}");
        }
        opened
    }

    fn open_missing(&mut self, addresses: &[SocketAddr]) -> Result<(), String> {
        let listens = |address: &SocketAddr| self.tasks.iter().any(|(it, _)| *it == Some(*address));
        let missing: Vec<SocketAddr> = addresses.iter().copied().filter(|it| !listens(it)).collect();
        for (address, socket) in open(&missing, addresses)? {
            self.add(Some(address), socket)
                .map_err(|error| format!("cannot listen on {address}: {error}"))?;
        }
        Ok(())
    }
}

/// The default addresses: port 8080 of every address of the machine.
fn or_default(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    if addresses.is_empty() {
        return vec![SocketAddr::from((Ipv6Addr::UNSPECIFIED, DEFAULT_PORT))];
    }
    addresses.to_vec()
}

async fn accept(executor: Rc<LocalExecutor<'static>>, server: Rc<Server>, listener: Async<TcpListener>) {
    let mut refusing = true;
    let mut turn = Turn::new(&server.clock);
    loop {
        // During a flood there is always another connection to accept.
        turn.step().await;
        match listener.accept().await {
            Ok((stream, peer)) => {
                refusing = true;
                welcome(&executor, &server, stream, peer);
            }
            Err(error) => {
                if std::mem::take(&mut refusing) {
                    log::warn!("cannot accept connections: {error}");
                }
                server.clock.sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn welcome(
    executor: &Rc<LocalExecutor<'static>>,
    server: &Rc<Server>,
    stream: Async<TcpStream>,
    peer: SocketAddr,
) {
    let socket = Socket::new(stream, server.clock.clone(), server.health.http.clone(), server.held.clone());
    let is_proxy = server.rules().config.trusted_proxies.contain(peer.ip());
    let place = server.ceiling.enter(peer.ip(), is_proxy);
    let server = server.clone();
    executor
        .spawn(async move {
            match place {
                Ok(place) => {
                    let serving = connection::serve(&server, &socket, peer, &place);
                    or(serving, or(place.evicted(), server.shutdown.requested())).await;
                }
                Err(why) => connection::refuse(&server, &socket, peer, &why).await,
            }
        })
        .detach();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_in_use_is_an_error_with_advice() {
        let any = ["127.0.0.1:0".parse().unwrap()];
        let first = open(&any, &any).unwrap();
        let address = first[0].1.local_addr().unwrap();
        let error = open(&[address], &[address]).unwrap_err();
        assert!(error.starts_with(&format!("cannot listen on {address}: ")), "{error}");
        assert!(error.contains("choose another port"), "{error}");
    }

    #[test]
    fn every_address_means_ipv4_too() {
        let every = ["[::]:0".parse().unwrap()];
        let listeners = open(&every, &every).unwrap();
        let port = listeners[0].1.local_addr().unwrap().port();
        assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
    }
}
