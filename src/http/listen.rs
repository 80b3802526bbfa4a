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

/// The port where none is configured.
const DEFAULT_PORT: u16 = 8080;

/// The wait after a failed accept: it fails when descriptors run out, and would fail again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);

/// Opens listening sockets on `addresses`, or on port 8080 of every address of the machine.
///
/// # Errors
/// Which address cannot be listened on, and why.
pub fn open(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, String> {
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
    let every = [SocketAddr::from((Ipv6Addr::UNSPECIFIED, DEFAULT_PORT))];
    let addresses = if addresses.is_empty() { &every } else { addresses };
    let mut listeners = Vec::with_capacity(addresses.len());
    for address in addresses {
        match open_one(*address) {
            Ok(listener) => listeners.push(listener),
            Err(error) if is_other_half_of_localhost(*address, addresses, &error) => {
                log::debug!("not listening on {address}: {error}");
            }
            Err(error) => return Err(failed(address, &error)),
        }
    }
    Ok(listeners)
}

/// Whether the address came with "localhost", which is listened on by IPv4 alone where the machine has
/// no IPv6.
fn is_other_half_of_localhost(address: SocketAddr, addresses: &[SocketAddr], error: &io::Error) -> bool {
    let is_in_use = matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied);
    let v4 = SocketAddr::from((Ipv4Addr::LOCALHOST, address.port()));
    !is_in_use && address.ip() == Ipv6Addr::LOCALHOST && addresses.contains(&v4)
}

fn open_one(address: SocketAddr) -> io::Result<TcpListener> {
    bind(address).or_else(|error| match (address, error.kind()) {
        (_, io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied) => Err(error),
        // IPv6 is not in the kernel, or switched off: "every address" is every IPv4 address then.
        (SocketAddr::V6(v6), _) if v6.ip().is_unspecified() => {
            bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, v6.port())))
        }
        _ => Err(error),
    })
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = RawSocket::new(Domain::for_address(address), Type::STREAM.nonblocking().cloexec(), None)?;
    if address.is_ipv6() {
        // [::] answers IPv4 too, whatever net.ipv6.bindv6only says.
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(limits::ACCEPT_BACKLOG)?;
    Ok(socket.into())
}

/// Accepts connections for as long as the tasks returned are kept.
///
/// # Errors
/// If a listener cannot be watched.
pub fn serve(
    executor: &Rc<LocalExecutor<'static>>,
    server: &Rc<Server>,
    listeners: Vec<TcpListener>,
) -> io::Result<Vec<Task<()>>> {
    let accept = |listener: TcpListener| {
        let address = listener.local_addr()?;
        let listener = Async::new(listener)?;
        log::info!("listening on http://{address}/");
        Ok(executor.spawn(accept(executor.clone(), server.clone(), listener)))
    };
    listeners.into_iter().map(accept).collect()
}

async fn accept(executor: Rc<LocalExecutor<'static>>, server: Rc<Server>, listener: Async<TcpListener>) {
    let mut refusing = true;
    let mut turn = Turn::new(&server.clock);
    loop {
        // Under a flood of connections there is always one more to accept.
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
    let is_proxy = server.config.trusted_proxies.contain(peer.ip());
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
    fn an_address_in_use_is_told_with_what_to_do() {
        let first = open(&["127.0.0.1:0".parse().unwrap()]).unwrap();
        let address = first[0].local_addr().unwrap();
        let error = open(&[address]).unwrap_err();
        assert!(error.starts_with(&format!("cannot listen on {address}: ")), "{error}");
        assert!(error.contains("choose another port"), "{error}");
    }

    #[test]
    fn every_address_means_ipv4_too() {
        let listeners = open(&["[::]:0".parse().unwrap()]).unwrap();
        let port = listeners[0].local_addr().unwrap().port();
        assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
    }
}
