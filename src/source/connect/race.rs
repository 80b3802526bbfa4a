//! Tries several addresses of one camera in parallel. RFC 8305.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use futures_lite::future::{or, pending, poll_fn};
use smol::Async;

use crate::clock::Clock;

/// How long an address may take before the next is tried as well. RFC 8305 section 5.
const STAGGER: Duration = Duration::from_millis(250);

type Attempt<'a> = Pin<Box<dyn Future<Output = io::Result<Async<TcpStream>>> + 'a>>;

/// Alternates between address families, starting with the resolver's first choice. RFC 8305 section 4.
pub(super) fn alternate(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let longest = first.len().max(second.len());
    (0..longest).flat_map(|at| [first.get(at), second.get(at)]).flatten().copied().collect()
}

/// Returns the first connection that succeeds.
///
/// # Errors
/// If none does, the most telling error: that a host refused.
pub(super) async fn connect(addresses: &[SocketAddr], clock: &Clock) -> io::Result<Async<TcpStream>> {
    let mut waiting = addresses.iter();
    let mut running: Vec<Attempt<'_>> = Vec::new();
    let mut worst: Option<io::Error> = None;
    loop {
        match waiting.next() {
            Some(address) => running.push(Box::pin(Async::<TcpStream>::connect(*address))),
            None if running.is_empty() => {
                return Err(worst.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into()));
            }
            None => {}
        }
        let stagger = async {
            if waiting.len() == 0 {
                return pending().await;
            }
            clock.sleep(STAGGER).await;
            None
        };
        match or(async { Some(first_of(&mut running).await) }, stagger).await {
            Some(Ok(stream)) => return Ok(stream),
            Some(Err(error)) => {
                let says_most = error.kind() == io::ErrorKind::ConnectionRefused;
                worst = if says_most { Some(error) } else { worst.or(Some(error)) };
            }
            None => {}
        }
    }
}

/// Awaits the first attempt to end, and removes it.
async fn first_of(running: &mut Vec<Attempt<'_>>) -> io::Result<Async<TcpStream>> {
    poll_fn(|context| {
        for at in 0..running.len() {
            if let Poll::Ready(result) = running[at].as_mut().poll(context) {
                drop(running.swap_remove(at));
                return Poll::Ready(result);
            }
        }
        Poll::Pending
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn address_families_alternate() {
        let list = |texts: &[&str]| texts.iter().map(|it| it.parse().unwrap()).collect::<Vec<SocketAddr>>();
        assert_eq!(
            alternate(list(&["[::1]:1", "[::2]:1", "[::3]:1", "1.0.0.1:1"])),
            list(&["[::1]:1", "1.0.0.1:1", "[::2]:1", "[::3]:1"])
        );
    }

    #[test]
    fn a_dead_address_does_not_block_a_live_one() {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let open = TcpListener::bind("127.0.0.1:0").unwrap();
        let addresses = [closed, open.local_addr().unwrap()];
        let (clock, _hand) = Clock::manual();
        let stream = smol::block_on(connect(&addresses, &clock)).unwrap();
        assert_eq!(stream.get_ref().peer_addr().unwrap(), addresses[1]);
        let error = smol::block_on(connect(&[closed], &clock)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}
