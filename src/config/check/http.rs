//! The table `[http]`.

use super::Check;
use crate::config::listen::{self, Listen};
use crate::config::{CLOSED_MAX_CHARS, Http, TrustedProxies, check_range, host, written};
use crate::limits;

impl Check<'_> {
    fn listen(&mut self, written: &written::Http) -> Vec<std::net::SocketAddr> {
        let (mut addresses, mut places) = (Vec::new(), Vec::new());
        for entry in self.entries("http.listen", written.listen.as_ref(), limits::LISTEN_MAX) {
            let parsed = self.value("http.listen", Some(entry), |text| {
                let Listen(addresses) = text.parse()?;
                if addresses.iter().any(|address| address.port() == 0) {
                    return Err("port must be 1 to 65535, got 0".to_owned());
                }
                Ok(addresses)
            });
            for address in parsed.into_iter().flatten() {
                addresses.push(address);
                places.push(entry.span());
            }
        }
        if let Some((at, what)) = listen::clash(&addresses) {
            self.error(places[at].clone(), "http.listen", &what);
        }
        addresses
    }

    pub(super) fn http(&mut self, written: &written::Http) -> Http {
        let default = Http::default();
        let listen = self.listen(written);
        let count = |value: &i64| check_range(*value, 1, limits::CONNECTIONS_MAX as i64);
        Http {
            listen,
            connections_max: self
                .value("http.connections_max", written.connections_max.as_ref(), count)
                .unwrap_or(default.connections_max),
            connections_per_address_max: self
                .value(
                    "http.connections_per_address_max",
                    written.connections_per_address_max.as_ref(),
                    count,
                )
                .unwrap_or(default.connections_per_address_max),
            allow_origin: self
                .value("http.allow_origin", written.allow_origin.as_ref(), |it| check_origin(it)),
            hosts: self.list("http.hosts", written.hosts.as_ref(), limits::HOSTS_MAX, |it| host::check(it)),
            trusted_proxies: TrustedProxies(self.list(
                "http.trusted_proxies",
                written.trusted_proxies.as_ref(),
                limits::TRUSTED_PROXIES_MAX,
                |it| it.parse(),
            )),
            password_hash: self.value("http.password_hash", written.password_hash.as_ref(), |it| it.parse()),
            closed: self.value("http.closed", written.closed.as_ref(), |it| check_closed(it)),
        }
    }
}

fn check_origin(text: &str) -> Result<String, String> {
    // The value goes into a header unchanged.
    let fits = text == "*" || text.starts_with("http://") || text.starts_with("https://");
    if fits && text.len() <= 200 && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    Err("must be \"*\" or the beginning of a page's URL, as in \"http://octopi.local\"".to_owned())
}

fn check_closed(text: &str) -> Result<String, String> {
    let length = text.chars().count();
    if (1..=CLOSED_MAX_CHARS).contains(&length) {
        return Ok(text.to_owned());
    }
    Err(format!("the reason has {length} characters; 1 to {CLOSED_MAX_CHARS} are allowed"))
}
