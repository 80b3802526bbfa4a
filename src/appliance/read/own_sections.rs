//! The sections that only the card's file has: `[system]`, `[wifi]` and `[network]`.

use std::net::IpAddr;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::appliance::blocks;
use crate::appliance::settings::{self, DNS_MAX, Network, Settings, WIFI_MAX, Wifi};
use crate::config::keys::{self, Keys};
use crate::config::sections::{FileKind, Section};
use crate::config::{Collector, Mistake, suggest};

/// Reads them from valid TOML.
pub fn read(text: &str, zone_exists: &dyn Fn(&str) -> bool) -> (Settings, Vec<Mistake>) {
    let Ok(root) = DeTable::parse(text) else { return Default::default() };
    let mut reader = Reader {
        settings: Settings::default(),
        mistakes: Collector::of(FileKind::Card, text, ""),
        zone_exists,
    };
    for (name, value) in root.get_ref() {
        reader.root_key(name, value.get_ref());
    }
    let Reader { mut settings, mistakes, .. } = reader;
    // A fixed address is for Wi-Fi if only Wi-Fi is set up and the file does not say otherwise.
    if let Some(network) = &mut settings.network {
        network.on_wifi |= lacks_interface(&root) && !settings.wifi.is_empty();
    }
    (settings, mistakes.into_list())
}

struct Reader<'a> {
    settings: Settings,
    mistakes: Collector<'a>,
    zone_exists: &'a dyn Fn(&str) -> bool,
}

impl Reader<'_> {
    fn root_key(&mut self, name: &Spanned<DeString<'_>>, value: &DeValue<'_>) {
        let place = name.span();
        match (FileKind::Card.section(name.get_ref()), value) {
            (Some(Section::System), DeValue::Table(table)) => self.system(table),
            (Some(Section::Wifi), DeValue::Table(table)) => self.wifi(table, place),
            (Some(Section::Wifi), DeValue::Array(tables)) => {
                for table in tables {
                    match table.get_ref() {
                        DeValue::Table(keys) => self.wifi(keys, table.span()),
                        other => {
                            keys::not_a_section(Section::Wifi, table.span(), other, &mut self.mistakes);
                        }
                    }
                }
            }
            (Some(Section::Network), DeValue::Table(table)) => self.network(table, place),
            (Some(Section::Camera | Section::Http), _) if self.is_in_header(place.start) => {}
            (Some(section), other) => keys::not_a_section(section, place, other, &mut self.mistakes),
            (None, other) => keys::unknown(name, other, &mut self.mistakes),
        }
    }

    /// Whether a name is in a line that begins a section. Only such sections reach the service.
    fn is_in_header(&self, at: usize) -> bool {
        let text = self.mistakes.text();
        let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
        blocks::header(text[start..].lines().next().unwrap_or_default()).is_some()
    }

    fn system(&mut self, table: &DeTable<'_>) {
        let mut keys = Keys::of(Section::System, table, &mut self.mistakes);
        let name = keys.text_or_digits("name");
        let time_zone = keys.text_or_digits("time_zone");
        let password = keys.text_or_digits("password");
        let (mistakes, zone_exists) = (&mut self.mistakes, self.zone_exists);
        self.settings.name = mistakes.checked("system.name", name.as_ref(), |it| settings::host_name(it));
        self.settings.time_zone = mistakes
            .checked("system.time_zone", time_zone.as_ref(), |it| settings::time_zone(it, zone_exists));
        let password =
            mistakes.checked("system.password", password.as_ref(), |it| settings::page_password(it));
        self.settings.password = password.flatten();
    }

    fn wifi(&mut self, table: &DeTable<'_>, place: Range<usize>) {
        let mut keys = Keys::of(Section::Wifi, table, &mut self.mistakes);
        let country = keys.text_or_digits("country");
        let name = keys.text_or_digits("name");
        let password = keys.text_or_digits("password");
        let hidden = keys.truth("hidden").unwrap_or(false);
        let mistakes = &mut self.mistakes;
        let country = mistakes.checked("wifi.country", country.as_ref(), |it| settings::country(it));
        self.settings.country = country.or(self.settings.country.take());
        if !table.contains_key("name") {
            if table.contains_key("password") {
                let what = "is missing; write the network's name, as in name = \"My network\"";
                mistakes.add(place, "wifi.name", what);
            }
            return;
        }
        let name = mistakes.checked("wifi.name", name.as_ref(), |it| settings::wifi_name(it));
        let password = if table.contains_key("password") {
            mistakes.checked("wifi.password", password.as_ref(), |it| settings::wifi_password(it))
        } else {
            Some(None)
        };
        if self.settings.country.is_none() && !table.contains_key("country") {
            let what = "is missing; write your country's two letters, as in country = \"DE\"; without it some \
                        channels stay off";
            mistakes.add(place.clone(), "wifi.country", what);
        }
        match (name, password) {
            (Some(name), Some(password)) if self.settings.wifi.len() < WIFI_MAX => {
                self.settings.wifi.push(Wifi { name, password, hidden });
            }
            (Some(_), Some(_)) => {
                let what = format!("at most {WIFI_MAX} networks fit; this one is left out");
                mistakes.add(place, "wifi", &what);
            }
            _ => {}
        }
    }

    fn network(&mut self, table: &DeTable<'_>, place: Range<usize>) {
        let mut keys = Keys::of(Section::Network, table, &mut self.mistakes);
        let interface = keys.text_or_digits("interface");
        let address = keys.text_or_digits("address");
        let gateway = keys.text_or_digits("gateway");
        let dns = keys.texts("dns");
        let mistakes = &mut self.mistakes;
        let on_wifi = mistakes.checked("network.interface", interface.as_ref(), |it| match it.as_str() {
            "wifi" => Ok(true),
            "wired" => Ok(false),
            _ => Err(suggest::unknown("interface", it, &["wired", "wifi"])),
        });
        let address = mistakes.checked("network.address", address.as_ref(), |it| settings::address(it));
        let gateway = mistakes.checked("network.gateway", gateway.as_ref(), |it| settings::plain_address(it));
        let dns = self.dns(dns);
        match address {
            Some(address) => {
                let on_wifi = on_wifi.unwrap_or(false);
                self.settings.network = Some(Network { on_wifi, address, gateway, dns });
            }
            None if table.contains_key("address") => {
                self.mistakes.add(place, "network", "without a valid address, DHCP is used");
            }
            None if !table.is_empty() => {
                let what =
                    "is missing; write one, as in address = \"192.168.1.50/24\"; without it, DHCP is used";
                self.mistakes.add(place, "network.address", what);
            }
            None => {}
        }
    }

    fn dns(&mut self, list: Option<Spanned<Vec<Spanned<String>>>>) -> Vec<IpAddr> {
        let Some(list) = list else { return Vec::new() };
        let (place, entries) = (list.span(), list.into_inner());
        if entries.len() > DNS_MAX {
            let what = format!(
                "must have at most {DNS_MAX} entries, got {}; the others are left out",
                entries.len()
            );
            self.mistakes.add(place, "network.dns", &what);
        }
        let check = |entry| {
            self.mistakes.checked("network.dns", Some(entry), |it: &String| settings::plain_address(it))
        };
        entries.iter().take(DNS_MAX).filter_map(check).collect()
    }
}

/// Whether the file leaves open which interface the fixed address is for.
fn lacks_interface(root: &Spanned<DeTable<'_>>) -> bool {
    match root.get_ref().get("network").map(Spanned::get_ref) {
        Some(DeValue::Table(table)) => !table.contains_key("interface"),
        _ => true,
    }
}
