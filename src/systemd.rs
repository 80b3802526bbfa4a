//! Notifications to systemd, and sockets from it. Without systemd, none of this does anything.

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use sd_notify::NotifyState;

use crate::clock::Clock;

/// The least interval between two notifications, whatever systemd requests: an interval of zero would occupy
/// the serving thread.
const WATCHDOG_INTERVAL_MIN: Duration = Duration::from_millis(1);

/// The listening sockets from systemd (socket activation, sd_listen_fds(3)).
///
/// # Errors
/// If a passed descriptor is not a listening TCP socket.
pub fn listeners() -> io::Result<Vec<TcpListener>> {
    let mut passed = listenfd::ListenFd::from_env();
    let mut listeners = Vec::new();
    for index in 0..passed.len() {
        listeners.extend(passed.take_tcp_listener(index)?);
    }
    Ok(listeners)
}

/// Notifies systemd that connections are accepted.
pub fn ready() {
    notify(&[NotifyState::Ready]);
}

/// Notifies systemd that the service is stopping.
pub fn stopping() {
    notify(&[NotifyState::Stopping]);
}

/// Feeds systemd's watchdog, if enabled, while this is polled: that is, while the serving thread makes
/// progress. Does not return.
pub async fn feed_watchdog<T>(clock: Clock) -> T {
    let Some(interval) = watchdog_interval() else { return futures_lite::future::pending().await };
    loop {
        notify(&[NotifyState::Watchdog]);
        clock.sleep(interval).await;
    }
}

/// Half of what systemd requests, so that one late wake-up does no harm.
fn watchdog_interval() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|longest| (longest / 2).max(WATCHDOG_INTERVAL_MIN))
}

fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        log::debug!("cannot notify systemd: {error}");
    }
}
