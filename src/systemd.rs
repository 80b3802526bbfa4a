//! What systemd wants to know, and what it hands over. Without systemd, nothing of this does anything.

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use sd_notify::NotifyState;

use crate::clock::Clock;

/// The shortest interval between two notifications, whatever is asked for: a wait of nothing would keep
/// the thread that serves.
const WATCHDOG_INTERVAL_MIN: Duration = Duration::from_millis(1);

/// The listening sockets that systemd opened (socket activation, sd_listen_fds(3)).
///
/// # Errors
/// If what was passed is not a listening TCP socket.
pub fn listeners() -> io::Result<Vec<TcpListener>> {
    let mut passed = listenfd::ListenFd::from_env();
    let mut listeners = Vec::new();
    for index in 0..passed.len() {
        listeners.extend(passed.take_tcp_listener(index)?);
    }
    Ok(listeners)
}

/// Says that connections are accepted.
pub fn ready() {
    notify(&[NotifyState::Ready]);
}

/// Says that the service is ending.
pub fn stopping() {
    notify(&[NotifyState::Stopping]);
}

/// Feeds systemd's watchdog, if it is on, for as long as this is polled: that is, while the one
/// thread that serves makes progress. Does not return.
pub async fn feed_watchdog<T>(clock: Clock) -> T {
    let Some(interval) = watchdog_interval() else { return futures_lite::future::pending().await };
    loop {
        notify(&[NotifyState::Watchdog]);
        clock.sleep(interval).await;
    }
}

/// Half of what systemd asks for, so that one late wake-up does no harm.
fn watchdog_interval() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|longest| (longest / 2).max(WATCHDOG_INTERVAL_MIN))
}

fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        log::debug!("cannot notify systemd: {error}");
    }
}
