//! `pinhole.toml` as a person has written it: what can be understood is applied, and each mistake is told
//! with its line. The only module besides `config` that names `toml`.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::blocks::{self, Lines};
use super::settings::{self, Network, Settings, WIFI_MAX, Wifi};
use super::{CLOSED, MISTAKES_MAX, suspicion, text, words};
use crate::config::quote::quoted;
use crate::config::{Config, Mistake, shown};

/// Times that a line is taken out before the rest is given up.
const ATTEMPTS_MAX: usize = 200;

/// The tables, and the keys of those that are the appliance's own.
const TABLES: [&str; 5] = ["system", "wifi", "network", "camera", "http"];
const SYSTEM: [&str; 3] = ["name", "time_zone", "password"];
const WIFI: [&str; 4] = ["country", "name", "password", "hidden"];
const NETWORK: [&str; 4] = ["interface", "address", "gateway", "dns"];

/// What a file says, and what is wrong in it.
#[derive(Debug, Default)]
pub struct Reading {
    /// What was understood.
    pub settings: Settings,
    /// What was not, in order of lines.
    pub mistakes: Vec<Mistake>,
}

impl Reading {
    /// Of a file that cannot be read. It may have held a password, so nothing is shown.
    pub fn of_trouble(what: String) -> Self {
        let mut reading = Self { mistakes: vec![Mistake::of_file(what.clone())], ..Self::default() };
        reading.close(what);
        reading
    }

    /// Whether there is a password that the page will ask for.
    pub fn has_password(&self) -> bool {
        let of_service = || Config::parse(&self.settings.service, "").ok()?.http.password_hash;
        self.settings.password.is_some() || of_service().is_some()
    }

    /// Has nothing shown, for this reason.
    pub fn close(&mut self, why: String) {
        self.mistakes.retain(|mistake| mistake.line.is_some() || mistake.what != why);
        self.mistakes.insert(0, Mistake::of_file(format!("{CLOSED}{why}")));
        self.settings.closed = Some(why);
    }
}

/// Reads the file's bytes.
pub fn read(bytes: &[u8], zone_exists: &dyn Fn(&str) -> bool) -> Reading {
    let mut mistakes = Vec::new();
    let text = text::decode(bytes, &mut mistakes);
    let mut reader = Reader { lines: Lines::of(&text), mistakes, is_given_up: false, zone_exists };
    reader.take_out_what_is_no_toml();
    let mut settings = reader.own_tables();
    settings.service = reader.service(settings.password.is_some());
    let is_given_up = reader.is_given_up;
    let mut mistakes = reader.mistakes;
    mistakes.sort();
    mistakes.dedup();
    let wish = suspicion::wish(&text);
    let of_wish = mistakes.iter().find(|mistake| wish.is_some() && mistake.line == wish);
    let of_wish = of_wish.map(words);
    if mistakes.len() > MISTAKES_MAX {
        let more = mistakes.len() - MISTAKES_MAX;
        mistakes.truncate(MISTAKES_MAX);
        mistakes.push(Mistake::of_file(format!("and {more} more mistakes")));
    }
    let mut reading = Reading { settings, mistakes };
    if !reading.has_password() {
        let how = "write password = \"...\" below a line [system]";
        match (wish, of_wish) {
            (Some(_), Some(mistake)) => reading.close(format!("a password is set wrongly: {mistake}; {how}")),
            (Some(line), None) => {
                reading
                    .close(format!("line {line} looks like a password, but none can be read from it; {how}"));
            }
            _ if is_given_up || text::is_damaged(bytes, &text) => {
                reading.close("the file is damaged and may have held a password; write it anew".to_owned());
            }
            _ => {}
        }
    }
    reading
}

struct Reader<'a> {
    lines: Lines,
    mistakes: Vec<Mistake>,
    /// Nothing could be made of the file.
    is_given_up: bool,
    zone_exists: &'a dyn Fn(&str) -> bool,
}

impl Reader<'_> {
    fn tell(&mut self, line: usize, what: impl Into<String>) {
        self.mistakes.push(Mistake::on_line(line, what));
    }

    fn tell_of(&mut self, line: usize, key: String, what: String) {
        self.mistakes.push(Mistake::in_key(line, key, what));
    }

    /// Until the rest is TOML. Each turn takes a line out, so there is an end.
    fn take_out_what_is_no_toml(&mut self) {
        for _ in 0..ATTEMPTS_MAX {
            let text = self.lines.text();
            let Err(error) = DeTable::parse(&text) else { return };
            let at = error.span().map_or(0, |span| span.start);
            let Some(line) = self.lines.last_written(self.lines.line_at(at)) else { break };
            let what = not_understood(self.lines.line(line), error.message());
            self.tell(line, what);
            self.lines.take_out(line);
        }
        if DeTable::parse(&self.lines.text()).is_err() {
            self.lines = Lines::of("");
            self.is_given_up = true;
            self.mistakes.push(Mistake::of_file("nothing of the rest could be understood"));
        }
    }

    /// All but cameras and HTTP.
    fn own_tables(&mut self) -> Settings {
        let mut settings = Settings::default();
        let text = self.lines.text();
        let Ok(root) = DeTable::parse(&text) else { return settings };
        for (name, value) in root.get_ref() {
            let line = self.lines.line_at(name.span().start);
            match (name.get_ref().as_ref(), value.get_ref()) {
                ("system", DeValue::Table(table)) => self.system(table, &mut settings),
                ("wifi", DeValue::Table(table)) => self.wifi(table, line, &mut settings),
                ("wifi", DeValue::Array(tables)) => {
                    for table in tables {
                        let line = self.lines.line_at(table.span().start);
                        match table.get_ref() {
                            DeValue::Table(table) => self.wifi(table, line, &mut settings),
                            _ => self.tell(line, "wifi must be a table: [wifi]"),
                        }
                    }
                }
                ("network", DeValue::Table(table)) => self.network(table, line, &mut settings),
                ("camera" | "http", _) => {}
                (name, _) if TABLES.contains(&name) => {
                    self.tell(
                        line,
                        format!("{name} must be a table: a line [{name}], and its keys below it"),
                    );
                }
                (name, _) => {
                    let name = shown::key(name);
                    self.tell(line, format!("{name} is not known; [{}] are", TABLES.join("], [")));
                }
            }
        }
        // On Wi-Fi, if that is the network that was set up.
        if let Some(network) = &mut settings.network {
            network.on_wifi |= network_is_unsaid(&root) && !settings.wifi.is_empty();
        }
        settings
    }

    fn system(&mut self, table: &DeTable<'_>, settings: &mut Settings) {
        self.unknown_keys(table, "system", &SYSTEM);
        let zone_exists = self.zone_exists;
        settings.name = self.value(table, "system", "name", settings::host_name);
        settings.time_zone =
            self.value(table, "system", "time_zone", |text| settings::time_zone(text, zone_exists));
        settings.password = self.value(table, "system", "password", settings::page_password).flatten();
    }

    fn wifi(&mut self, table: &DeTable<'_>, line: usize, settings: &mut Settings) {
        self.unknown_keys(table, "wifi", &WIFI);
        if let Some(country) = self.value(table, "wifi", "country", settings::country) {
            settings.country = Some(country);
        }
        let hidden = match table.get("hidden").map(Spanned::get_ref) {
            None => false,
            Some(DeValue::Boolean(hidden)) => *hidden,
            Some(_) => {
                self.tell(line, "wifi.hidden must be true or false");
                false
            }
        };
        if !table.contains_key("name") {
            if table.contains_key("password") {
                self.tell(line, "wifi.name is missing: the network's name, as in name = \"Home\"");
            }
            return;
        }
        let name = self.value(table, "wifi", "name", settings::wifi_name);
        let password = if table.contains_key("password") {
            self.value(table, "wifi", "password", settings::wifi_password)
        } else {
            Some(None)
        };
        if settings.country.is_none() && !table.contains_key("country") {
            let what = "wifi.country is missing: your country's two letters, as in country = \"DE\"; without it some channels stay off";
            self.tell(line, what);
        }
        match (name, password) {
            (Some(name), Some(password)) if settings.wifi.len() < WIFI_MAX => {
                settings.wifi.push(Wifi { name, password, hidden });
            }
            (Some(_), Some(_)) => {
                self.tell(line, format!("more than {WIFI_MAX} networks; this one is left out"));
            }
            _ => {}
        }
    }

    fn network(&mut self, table: &DeTable<'_>, line: usize, settings: &mut Settings) {
        self.unknown_keys(table, "network", &NETWORK);
        let on_wifi = self.value(table, "network", "interface", |text| match text {
            "wifi" => Ok(true),
            "wired" => Ok(false),
            _ => Err(format!("{} is no interface; \"wired\" or \"wifi\" is allowed", quoted(text))),
        });
        let address = self.value(table, "network", "address", settings::address);
        let gateway = self.value(table, "network", "gateway", settings::plain_address);
        let dns = self.addresses(table, "dns");
        match address {
            Some(address) => {
                settings.network = Some(Network { on_wifi: on_wifi.unwrap_or(false), address, gateway, dns });
            }
            None if table.contains_key("address") => {
                self.tell(line, "network: without a good address, one is asked for by DHCP");
            }
            None if !table.is_empty() => {
                self.tell(line, "network.address is missing; without it, one is asked for by DHCP");
            }
            None => {}
        }
    }

    /// One address, or a list.
    fn addresses(&mut self, table: &DeTable<'_>, key: &str) -> Vec<std::net::IpAddr> {
        let Some(value) = table.get(key) else { return Vec::new() };
        let line = self.lines.line_at(value.span().start);
        let one = std::slice::from_ref(value);
        let values = if let DeValue::Array(values) = value.get_ref() { &values[..] } else { one };
        if values.len() > settings::DNS_MAX {
            self.tell(
                line,
                format!(
                    "network.{key}: {} addresses; the first {} are used",
                    values.len(),
                    settings::DNS_MAX
                ),
            );
        }
        let mut addresses = Vec::new();
        for value in values.iter().take(settings::DNS_MAX) {
            let checked = match value.get_ref() {
                DeValue::String(text) => settings::plain_address(text),
                _ => Err("an address must stand in quotes, as in \"192.168.1.1\"".into()),
            };
            match checked {
                Ok(address) => addresses.push(address),
                Err(what) => self.tell_of(line, format!("network.{key}"), what),
            }
        }
        addresses
    }

    fn unknown_keys(&mut self, table: &DeTable<'_>, name: &str, known: &[&str]) {
        for key in table.keys() {
            if !known.contains(&key.get_ref().as_ref()) {
                let line = self.lines.line_at(key.span().start);
                let key = shown::key(key.get_ref());
                self.tell(line, format!("{name}.{key} is not known; {} are", known.join(", ")));
            }
        }
    }

    /// A value through its check. A number is text too: a password may be all digits.
    fn value<T>(
        &mut self,
        table: &DeTable<'_>,
        name: &str,
        key: &str,
        check: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let value = table.get(key)?;
        let line = self.lines.line_at(value.span().start);
        let checked = match value.get_ref() {
            DeValue::String(text) => check(text),
            DeValue::Integer(_) => {
                let text = self.lines.text();
                check(text.get(value.span()).unwrap_or_default())
            }
            _ => Err(format!("must be text in quotes, as in {key} = \"...\"")),
        };
        checked.map_err(|what| self.tell_of(line, format!("{name}.{key}"), what)).ok()
    }

    /// The service's part, as written but for what the service would refuse.
    fn service(&mut self, has_password: bool) -> String {
        let mut lines = self.lines.clone();
        lines.take_out_tables(|name| !matches!(name, Some("camera" | "http")));
        if has_password {
            self.take_out_second_password(&mut lines);
        }
        for number in 1..=lines.text().lines().count() {
            if lines.line(number).split('=').next().is_some_and(|key| key.trim() == "listen") {
                self.tell(number, "http.listen cannot be set here; the page is always at port 80");
                lines.take_out(number);
            }
        }
        for _ in 0..ATTEMPTS_MAX {
            let Err(mistakes) = Config::parse(&lines.text(), "") else { break };
            let mut gone = false;
            for mistake in mistakes.list {
                let Some(line) = mistake.line.and_then(|line| lines.last_written(line)) else {
                    self.mistakes.push(mistake);
                    continue;
                };
                // A camera is nothing without its source.
                let is_source = mistake.key.as_deref() == Some("camera.source");
                let header = lines.header_of(line).filter(|_| is_source);
                lines.take_out(header.unwrap_or(line));
                self.mistakes.push(Mistake { line: Some(line), ..mistake });
                gone = true;
            }
            if !gone {
                return String::new();
            }
        }
        let text = lines.text();
        if Config::parse(&text, "").is_ok() { text } else { String::new() }
    }

    /// Of `system.password` and `http.password_hash` the former counts: it is what this file is for, and
    /// what its owner can read.
    fn take_out_second_password(&mut self, lines: &mut Lines) {
        let is_hash = |line: &str| {
            let key = line.split('=').next().unwrap_or_default();
            key.trim().trim_matches(['"', '\'']) == "password_hash"
        };
        for number in 1..=lines.text().lines().count() {
            let section = lines.header_of(number).and_then(|head| blocks::header(lines.line(head)));
            if section == Some("http") && is_hash(lines.line(number)) {
                self.tell(
                    number,
                    "http.password_hash is left out, as there is a system.password too, which counts; keep one of them",
                );
                lines.take_out(number);
            }
        }
    }
}

/// Whether the table `network` leaves open where the address is for.
fn network_is_unsaid(root: &Spanned<DeTable<'_>>) -> bool {
    match root.get_ref().get("network").map(Spanned::get_ref) {
        Some(DeValue::Table(table)) => !table.contains_key("interface"),
        _ => true,
    }
}

/// What TOML says about a line, with what people usually forget. The line itself may hold a password.
fn not_understood(line: &str, message: &str) -> String {
    let message = shown::message(message);
    if blocks::header(line).is_some() {
        return format!(
            "this section's line is not understood ({message}); write [name] or [[camera]]. All of the section is left out"
        );
    }
    let Some((key, value)) = line.split_once('=') else {
        return format!("not understood ({message}); write key = \"value\", or # before a remark");
    };
    let key = key.trim();
    let key = if shown::key(key) == key { key } else { "this line" };
    let value = value.trim_start();
    if message.contains("duplicate") {
        return format!("{key} stands here a second time; the first counts");
    }
    let hint = match value.chars().next() {
        Some('\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{ab}') => {
            "use plain quotes (\"), not typographic ones"
        }
        Some('"' | '\'') => "text needs a quote (\") at both ends, and \\\\ for each \\ in it",
        Some('[' | '{') => "a list looks like [\"a\", \"b\"]",
        _ => "text must stand in quotes, as in name = \"value\"",
    };
    format!("{key} is not understood ({message}); {hint}")
}

#[cfg(test)]
mod tests;
