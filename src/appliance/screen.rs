//! Shows the status on every console of the kernel: HDMI and serial. Redraws it when it changes.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::status::{self, Status};
use super::wifi::Listener;
use super::{MISTAKES_FILE, WIFI_TROUBLE_FILE, apply, local_name};
use crate::clock::{Clock, Monotonic};

/// The service on this machine.
const SERVICE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 80);
/// Refresh interval.
const INTERVAL: Duration = Duration::from_secs(2);
/// A service that takes longer to answer is shown as not answering.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(4);
/// Bytes of a health report; one with 64 cameras has 40 KB.
const ANSWER_MAX_BYTES: u64 = 256 << 10;
/// How often Wi-Fi trouble is written to the card soon after a boot, and the interval afterwards: networks
/// that come and go must not wear the card out.
const CARD_WRITES_MAX: usize = 5;
const CARD_WRITE_INTERVAL: Duration = Duration::from_hours(1);

/// Shows the status, forever.
pub async fn run(clock: &Clock) -> ! {
    let mut wifi = Listener::new(apply::applied_wifi());
    let mut shown = String::new();
    let mut told: Option<String> = None;
    let mut card = CardWrites::default();
    loop {
        let trouble = wifi.poll().map(str::to_owned);
        let mut mistakes = mistakes();
        mistakes.extend(trouble.clone());
        if trouble != told {
            let _ = fs::write(WIFI_TROUBLE_FILE, trouble.as_deref().unwrap_or_default());
            card.is_behind = true;
            told = trouble;
        }
        if card.is_due(clock.now())
            && let Err(error) = apply::tell_on_card(&mistakes)
        {
            log::warn!("{error}");
        }
        let text = status(mistakes).text();
        if text != shown {
            show(&text);
            shown = text;
        }
        clock.sleep(INTERVAL).await;
    }
}

/// Decides when a change is written to the card.
#[derive(Debug, Default)]
struct CardWrites {
    is_behind: bool,
    count: usize,
    last: Option<Monotonic>,
}

impl CardWrites {
    /// Whether to write now.
    fn is_due(&mut self, now: Monotonic) -> bool {
        let is_soon = self.last.is_some_and(|last| now.since(last) < CARD_WRITE_INTERVAL);
        if !self.is_behind || (self.count >= CARD_WRITES_MAX && is_soon) {
            return false;
        }
        *self = Self { is_behind: false, count: self.count + 1, last: Some(now) };
        true
    }
}

fn mistakes() -> Vec<String> {
    let text = fs::read_to_string(MISTAKES_FILE).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn status(mistakes: Vec<String>) -> Status {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    Status {
        name: local_name::current().unwrap_or_else(|| read("/proc/sys/kernel/hostname").trim().to_owned()),
        addresses: status::addresses(&read("/proc/net/fib_trie"), &read("/proc/net/if_inet6")),
        health: health().ok(),
        mistakes,
    }
}

/// The health report. A service that is unhealthy answers 503, with the same report.
fn health() -> io::Result<serde_json::Value> {
    let mut stream = TcpStream::connect_timeout(&SERVICE, ANSWER_TIME_MAX)?;
    stream.set_read_timeout(Some(ANSWER_TIME_MAX))?;
    stream.set_write_timeout(Some(ANSWER_TIME_MAX))?;
    stream.write_all(
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nConnection: close\r\n\r\n",
    )?;
    let mut answer = Vec::new();
    stream.take(ANSWER_MAX_BYTES).read_to_end(&mut answer)?;
    let body = answer.windows(4).position(|window| window == b"\r\n\r\n").map_or(0, |at| at + 4);
    Ok(serde_json::from_slice(&answer[body..])?)
}

/// Ignores a console that cannot be written to: there may be no screen.
fn show(text: &str) {
    let consoles = fs::read_to_string("/sys/class/tty/console/active").unwrap_or_default();
    for console in consoles.split_whitespace() {
        let is_serial = !console.trim_start_matches("tty").bytes().all(|byte| byte.is_ascii_digit());
        // A screen is cleared; on a serial line the old text may be part of a log.
        let begin = if is_serial { "\n" } else { "\x1b[2J\x1b[H" };
        let text = format!("{begin}{text}").replace('\n', "\r\n");
        let path = format!("/dev/{console}");
        let written =
            fs::OpenOptions::new().write(true).open(&path).and_then(|mut it| it.write_all(text.as_bytes()));
        if let Err(error) = written {
            log::debug!("{path}: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_that_comes_and_goes_does_not_wear_the_card_out() {
        let mut card = CardWrites::default();
        let begin = Monotonic::since_zero(Duration::from_secs(10));
        assert!(!card.is_due(begin), "nothing has changed");
        let written = (0..1800_u64)
            .filter(|second| {
                card.is_behind = true;
                card.is_due(begin + Duration::from_secs(2 * second))
            })
            .count();
        assert_eq!(written, CARD_WRITES_MAX);
        // The held-back change is written in the end, once.
        assert!(card.is_due(begin + 2 * CARD_WRITE_INTERVAL));
        assert!(!card.is_due(begin + 4 * CARD_WRITE_INTERVAL));
    }
}
