use super::*;
use crate::appliance::settings::{Secret, Wifi};
use crate::picture::orientation::Rotation;

fn reading(text: &str) -> Reading {
    read(text.as_bytes(), &|zone| zone == "Europe/Berlin")
}

fn mistakes_of(text: &str) -> Vec<String> {
    reading(text).mistakes.iter().map(words).collect()
}

const GOOD: &str = r#"
[system]
name = "garden"
time_zone = "Europe/Berlin"
password = "open sesame"

[wifi]
country = "de"
name = "Home \"sweet\" home"
password = 12345678

[network]
address = "192.168.1.50/24"
gateway = "192.168.1.1"
dns = ["192.168.1.1", "fd00::1"]

[[camera]]
name = "yard"
source = "test:"
fps = 10
rotate = 180
"#;

#[test]
fn a_file_without_mistakes() {
    let Reading { settings, mistakes } = reading(GOOD);
    assert_eq!(mistakes, []);
    assert_eq!(settings.name.as_deref(), Some("garden"));
    assert_eq!(settings.time_zone.as_deref(), Some("Europe/Berlin"));
    assert_eq!(settings.password, Some(Secret("open sesame".into())));
    assert_eq!(settings.country.as_deref(), Some("DE"));
    let password = Some(Secret("12345678".into()));
    assert_eq!(settings.wifi, [Wifi { name: "Home \"sweet\" home".into(), password, hidden: false }]);
    let network = settings.network.unwrap();
    assert!(network.on_wifi, "the network that was set up is the wireless one");
    assert_eq!((network.address.1, network.dns.len()), (24, 2));
    let service = Config::parse(&settings.service, "f").unwrap();
    assert_eq!(service.cameras[0].name.as_deref(), Some("yard"));
    assert_eq!(service.cameras[0].picture.orientation.rotate, Rotation::Half);
    let windows = reading(&format!("\u{feff}{}", GOOD.replace('\n', "\r\n")));
    assert_eq!(windows.mistakes, []);
    assert_eq!(windows.settings.wifi, settings.wifi);
}

#[test]
fn the_file_on_the_card_is_valid_with_and_without_its_comments() {
    let file = include_str!("../../../image-build/boot/pinhole.toml");
    assert_eq!(mistakes_of(file), Vec::<String>::new());
    // Commented-out settings are lines `#key = ...` and `#[table]`; explanations begin with "# ".
    let filled: String = file
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if !rest.is_empty() && !rest.starts_with([' ', '#']) => format!("{rest}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let reading = reading(&filled);
    assert_eq!(reading.mistakes, []);
    assert!(reading.settings.network.is_some() && reading.settings.wifi.len() == 1);
    assert!(Config::parse(&reading.settings.service, "f").unwrap().cameras.len() > 1);
}

#[test]
fn one_bad_line_leaves_the_rest_valid() {
    let text = GOOD.replace("country = \"de\"", "country = de");
    let told = mistakes_of(&text);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("line 7: wifi.country: is missing"), "{told:?}");
    assert!(told[1] == "line 8: country: text must be in quotes, as in country = \"DE\"", "{told:?}");
    assert_eq!(reading(&text).settings.wifi.len(), 1);
}

#[test]
fn a_bad_section_line_takes_its_keys_with_it() {
    let text = GOOD.replace("[wifi]", "[wifi");
    let Reading { settings, mistakes } = reading(&text);
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    assert!(mistakes[0].what.contains("section"), "{mistakes:?}");
    assert_eq!((settings.wifi.len(), settings.name.as_deref()), (0, Some("garden")));
    assert!(!settings.network.unwrap().on_wifi);
}

#[test]
fn unknown_keys_and_sections_are_named_with_the_known_ones() {
    for (text, mistake) in [
        ("[wifi]\nssid = \"x\"", "line 2: wifi.ssid: unknown key; write name = \"My network\""),
        ("[wifi]\ncuontry = \"DE\"", "line 2: wifi.cuontry: unknown key; did you mean country?"),
        ("[wifi]\nbogus = 1", "line 2: wifi.bogus: unknown key; use one of: country, name, password, hidden"),
        (
            "[network]\naddress = \"10.0.0.2/8\"\nnetmask = 8",
            "line 3: network.netmask: unknown key; the prefix is part of the address: address = \"192.168.1.50/24\"",
        ),
        ("[system]\nsize = 3", "line 2: system.size: unknown key; size belongs below a line [[camera]]"),
        (
            "[[camera]]\nsource = \"test:\"\ncountry = \"DE\"",
            "line 3: camera.country: unknown key; country belongs below a line [wifi]",
        ),
        ("[http]\nport = 81", "line 2: http.port: unknown key; the page of the card is always on port 80"),
        ("[wlan]\nname = \"x\"", "line 1: wlan: unknown section; write [wifi]"),
        ("[[cameras]]\na = 1", "line 1: cameras: unknown section; write [[camera]]"),
        (
            "[colours]\na = 1",
            "line 1: colours: unknown section; use [system], [wifi], [network], [[camera]] and [http]",
        ),
        (
            "name = \"x\"",
            "line 1: name: unknown key; name belongs below a line [system], [wifi] or [[camera]]",
        ),
        (
            "\"rtsp://hush@h\" = 1",
            "line 1: this key: unknown key; use [system], [wifi], [network], [[camera]] and [http]",
        ),
    ] {
        assert_eq!(mistakes_of(text), [mistake], "{text:?}");
    }
}

#[test]
fn a_wrong_type_is_named_with_an_example() {
    for (text, mistake) in [
        ("wifi = 3", "line 1: wifi: must be a section: a line [wifi], and its keys below it; got a number"),
        ("wifi = [3]", "line 1: wifi: must be a section: a line [wifi], and its keys below it; got a number"),
        (
            "[[system]]\nname = \"x\"",
            "line 1: system: write [system], with one pair of brackets, and only once",
        ),
        (
            "camera = \"test:\"",
            "line 1: camera: must be a section: a line [[camera]], and its keys below it; got text",
        ),
        (
            "http.allow_origin = \"*\"",
            "line 1: http: must be a section: a line [http], and its keys below it; got a table",
        ),
        (
            "[system]\nname = true",
            "line 2: system.name: must be text in quotes, as in name = \"garden\"; got true",
        ),
        (
            "[wifi]\ncountry = \"DE\"\nname = \"x\"\nhidden = \"yes\"",
            "line 4: wifi.hidden: must be true or false, without quotes, as in hidden = true; got text",
        ),
    ] {
        assert_eq!(mistakes_of(text), [mistake], "{text:?}");
    }
    // The entries of a list that are valid are used.
    let text = "[network]\naddress = \"10.0.0.2/8\"\ndns = [\"10.0.0.1\", true]";
    assert_eq!(
        mistakes_of(text),
        ["line 3: network.dns: must be a list of texts in quotes, as in dns = [\"192.168.1.1\"]; got true"]
    );
    assert_eq!(reading(text).settings.network.unwrap().dns.len(), 1);
}

#[test]
fn a_camera_loses_only_its_invalid_keys() {
    let text = "[[camera]]\nname = \"a\"\nsource = \"test:\"\nfps = 9000\nbogus = 1\n\n[[camera]]\nname = \"b\"\nsource = \"nonsense\"\n\n[[camera]]\nname = \"c\"\n";
    let Reading { settings, mistakes } = reading(text);
    let cameras = Config::parse(&settings.service, "f").unwrap().cameras;
    assert_eq!(cameras.iter().filter_map(|camera| camera.name.as_deref()).collect::<Vec<_>>(), ["a"]);
    let lines: Vec<_> = mistakes.iter().filter_map(|mistake| mistake.line).collect();
    assert_eq!(lines, [4, 5, 9, 11], "{mistakes:?}");
}

#[test]
fn the_port_cannot_be_changed_here() {
    let Reading { settings, mistakes } = reading(
        "[http]\nlisten = [\n\"[::]:81\",\n]\nallow_origin = \"*\"\n[[camera]]\nsource = \"test:\"\n",
    );
    assert!(
        words(&mistakes[0])
            == "line 2: http.listen: cannot be set here; the page of the card is always on port 80",
        "{mistakes:?}"
    );
    let config = Config::parse(&settings.service, "f").unwrap();
    assert!(config.http.listen.is_empty());
    assert_eq!(config.cameras.len(), 1);
}

#[test]
fn mistakes_describe_the_actual_cause() {
    for (text, part) in [
        ("name = \"x\"\n", "name: unknown key"),
        ("wifi = 3\n", "wifi: must be a section"),
        ("[system]\nname = \"a b\"\n", "letters a-z"),
        ("[system]\nname = \u{201c}garden\u{201d}\n", "plain quotes"),
        ("[system]\nname = \"garden\n", "the same quote at both ends"),
        ("[system]\nname = \"a\"\nname = \"b\"\n", "stands here twice; the first one counts"),
        ("[system]\njust words\n", "# before a remark"),
        ("[system]\ntime_zone = \"Mars\"\n", "Europe/Berlin"),
        ("[wifi]\ncountry = \"DE\"\nname = \"x\"\npassword = \"short\"\n", "8 to 63"),
        ("[wifi]\ncountry = \"DE\"\npassword = \"longenough\"\n", "wifi.name: is missing"),
        ("[network]\ngateway = \"192.168.1.1\"\n", "address: is missing"),
        ("[network]\naddress = \"1.2.3\"\n", "ADDRESS/PREFIX"),
        ("[network]\naddress = \"192.168.1.2\"\ndns = [1]\n", "must be an address"),
    ] {
        let told = mistakes_of(text).join("\n");
        assert!(told.contains(part), "{text:?}: {told}");
    }
}

#[test]
fn no_mistake_shows_a_password() {
    let text = GOOD
        .replace("12345678", "\"secret1")
        .replace("\"open sesame\"", "secret2")
        .replace("source = \"test:\"", "source = \"rtsp://admin:secret3@\"");
    let told = mistakes_of(&text).join("\n");
    assert!(!told.is_empty() && !told.contains("secret"), "{told}");
}

#[test]
fn the_list_of_mistakes_is_bounded() {
    let text = "bad line\n".repeat(500);
    let mistakes = reading(&text).mistakes;
    // One more says that nothing is shown, as the file may have held a password.
    assert_eq!(mistakes.len(), MISTAKES_MAX + 2);
    assert!(reading(&"[".repeat(70_000)).mistakes.len() <= MISTAKES_MAX + 2);
}

/// An unreadable password must not leave the page open to everyone.
#[test]
fn a_mistake_in_the_password_closes_the_page() {
    for text in [
        "[system]\npassword = let me in\n",
        "[system]\npassword = \"let me in\n",
        "[system]\npassword = let me in\"\n",
        "[system]\npassword = \u{201c}let me in\u{201d}\n",
        "[system]\npasswort = \"let me in\"\n",
        "[system\npassword = \"let me in\"\n",
        "[system]\npassword = true\n",
        "[system]\npassword = 1.5\n",
        &format!("[system]\npassword = \"{}\"\n", "x".repeat(129)),
        "[system]\npassword = \"a\\tb\"\n",
        "password = \"let me in\"\n",
        "[http]\npassword_hash = \"let me in\"\n",
        "[http]\npassword = \"let me in\"\n",
        "http = { password_hash = \"let me in\" }\n",
        "http.password_hash = \"let me in\"\n",
        "[system]\nname = \"x\"\n[system]\npassword = \"let me in\"\n",
        "[[camera]]\nsource = \"test:\"\n[system\npassword = \"let me in\"\n",
        "[system]\nname = \"\"\"x\npassword = \"let me in\"\n",
        &("bad line\n".repeat(300) + "[system]\npassword = \"let me in\"\n"),
        "[system]\r\npassword = 007\r\n",
        "[system]\nname = \"x\"\n\0\0\0\0\0\0\0\0",
        &("# x\n".repeat(20_000) + "[system]\npassword = \"let me in\"\n"),
    ] {
        let Reading { settings, mistakes } = reading(text);
        assert_eq!(settings.password, None, "{text:?}");
        let why = settings.closed.clone().unwrap_or_else(|| panic!("open: {text:?}: {mistakes:?}"));
        assert!(!why.contains("let me in"), "{why}");
        assert!(mistakes[0].what.starts_with(CLOSED), "{mistakes:?}");
        let file = crate::appliance::files::files(&settings, None).remove(0).content;
        assert!(Config::parse(&file, "f").unwrap().http.closed.is_some(), "{file}");
    }
    for text in [
        GOOD,
        "",
        "# password = \"x\"\n",
        "[system]\npassword = \"\"\n",
        "[wifi]\ncountry = \"DE\"\nname = \"Home\"\npassword = \"12345678\"\n",
        "[wifi\ncountry = \"DE\"\nname = \"Home\"\npassword = 12345678\n",
        "[system]\npasswort = \"y\"\npassword = \"let me in\"\n",
        "[[camera]]\nsource = \"rtsp://u:password@192.0.2.1/\"\nfps = x\n",
    ] {
        assert_eq!(reading(text).settings.closed, None, "{text:?}");
    }
}

#[test]
fn of_two_passwords_the_systems_counts() {
    let hash = crate::config::PasswordHash::of("other").unwrap();
    let text = format!(
        "[http]\npassword_hash = \"{hash}\"\nallow_origin = \"*\"\n[system]\npassword = \"let me in\"\n"
    );
    let Reading { settings, mistakes } = reading(&text);
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    assert!(words(&mistakes[0]).starts_with("line 2: http.password_hash: is left out"), "{mistakes:?}");
    assert_eq!((&settings.closed, settings.password.is_some()), (&None, true));
    let own = crate::config::PasswordHash::of("let me in").unwrap().to_string();
    let file = crate::appliance::files::files(&settings, Some(&own)).remove(0).content;
    let http = Config::parse(&file, "f").unwrap().http;
    assert!(http.password_hash.unwrap().is_of("let me in") && http.allow_origin.is_some());
    // Alone, it counts.
    let alone = reading(&format!("[http]\npassword_hash = \"{hash}\"\n[system]\npasswort = \"x\"\n"));
    assert_eq!((&alone.settings.closed, alone.has_password()), (&None, true));
}
