//! From configuration as written to configuration as checked.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeTable;

use super::listen::{self, Listen};
use super::mistakes::{Collector, Mistake, line_of};
use super::quote::quoted;
use super::unused;
use super::{
    Camera, Config, Http, Mistakes, Network, Picture, SourceSpec, TrustedProxies, host, syntax, written,
};
use crate::limits;
use crate::picture::Chroma;

/// Checks a file's text. All mistakes are reported at once, but for those of TOML itself, which hide
/// what comes after them.
pub fn parse(text: &str, file: &str) -> Result<Config, Mistakes> {
    let mut check = Check { mistakes: Collector::of(text, file) };
    let config = match DeTable::parse(text) {
        Ok(root) => {
            let written = written::File::of(root.get_ref(), &mut check.mistakes);
            check.file(&written)
        }
        Err(error) => {
            let gave_up = line_of(text, error.span().map_or(0, |place| place.start));
            let number = syntax::culprit(text, gave_up);
            let line = text.lines().nth(number - 1).unwrap_or_default();
            let what = syntax::explain(line, error.message());
            check.mistakes.push(Mistake::on_line(number, what));
            Config::default()
        }
    };
    check.mistakes.or_else(config)
}

struct Check<'a> {
    mistakes: Collector<'a>,
}

impl Check<'_> {
    fn file(&mut self, written: &written::File) -> Config {
        let mut checked: Vec<(&written::Camera, Camera)> = Vec::new();
        for written in written.camera.iter().take(limits::CAMERAS_MAX) {
            let camera = self.camera(written);
            self.name_is_new(written, &camera, &checked);
            checked.push((written, camera));
        }
        let mut cameras: Vec<Camera> = checked.into_iter().map(|(_, camera)| camera).collect();
        if written.camera.len() > limits::CAMERAS_MAX {
            let what = format!("has {} cameras; at most {} fit", written.camera.len(), limits::CAMERAS_MAX);
            self.mistakes.push(Mistake::of_file(what));
        }
        if cameras.is_empty() {
            cameras = Config::default().cameras;
        }
        Config { http: self.http(&written.http), cameras }
    }

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

    fn http(&mut self, written: &written::Http) -> Http {
        let default = Http::default();
        let listen = self.listen(written);
        let count = |value: &i64| super::check_range(*value, 1, limits::CONNECTIONS_MAX as i64);
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

    fn camera(&mut self, written: &written::Camera) -> Camera {
        let default = Picture::default();
        let source = self.value("camera.source", written.source.as_ref(), |it| it.parse());
        let name =
            self.value("camera.name", written.name.as_ref(), |it| super::check_name(it).map(|()| it.clone()));
        if let (Some(name), Some(SourceSpec::Auto)) = (&written.name, &source) {
            let error = "source \"auto\" names its cameras after their devices; leave the name out";
            self.error(name.span(), "camera.name", error);
        }
        let picture = Picture {
            size: self.value("camera.size", written.size.as_ref(), |it| super::parse_size(it)),
            fps: self.value("camera.fps", written.fps.as_ref(), |it| super::check_fps(*it)),
            format: self
                .value("camera.format", written.format.as_ref(), |it| it.parse())
                .unwrap_or(default.format),
            quality: self
                .value("camera.quality", written.quality.as_ref(), |it| super::check_quality(*it))
                .unwrap_or(default.quality),
            chroma: self
                .value("camera.chroma", written.chroma.as_ref(), |it| check_chroma(it))
                .unwrap_or(default.chroma),
        };
        let on_demand = written.on_demand.unwrap_or(true);
        if let Some(source) = &source {
            self.keys_are_used(written, source);
        }
        let network = self.network(written, source.as_ref());
        Camera { name, source: source.unwrap_or(SourceSpec::Auto), picture, network, on_demand }
    }

    /// A key without effect would be looked for in vain: it is a mistake.
    fn keys_are_used(&mut self, written: &written::Camera, source: &SourceSpec) {
        let places = [
            ("size", written.size.as_ref().map(Spanned::span)),
            ("format", written.format.as_ref().map(Spanned::span)),
            ("quality", written.quality.as_ref().map(Spanned::span)),
            ("chroma", written.chroma.as_ref().map(Spanned::span)),
        ];
        for (key, place) in places {
            if let (Some(place), Some(why)) = (place, unused::why(key, source)) {
                self.error(place, &format!("camera.{key}"), &format!("has no effect on {why}; leave it out"));
            }
        }
    }

    fn network(&mut self, written: &written::Camera, source: Option<&SourceSpec>) -> Network {
        let (transport, fingerprint) = (written.transport.as_ref(), written.tls_fingerprint.as_ref());
        for (key, value, schemes, fits) in [
            ("camera.transport", transport, "rtsp://", matches!(source, None | Some(SourceSpec::Rtsp(_)))),
            (
                "camera.tls_fingerprint",
                fingerprint,
                "rtsps:// and https://",
                source.is_none_or(SourceSpec::is_network),
            ),
        ] {
            if let (Some(value), false) = (value, fits) {
                self.error(
                    value.span(),
                    key,
                    &format!("only sources that begin with {schemes} have this; leave it out"),
                );
            }
        }
        Network {
            transport: self.value("camera.transport", transport, |it| it.parse()).unwrap_or_default(),
            tls_fingerprint: self.value("camera.tls_fingerprint", fingerprint, |it| it.parse()),
        }
    }

    fn name_is_new(
        &mut self,
        written: &written::Camera,
        camera: &Camera,
        before: &[(&written::Camera, Camera)],
    ) {
        let is_auto = |written: &written::Camera| {
            written.source.as_ref().is_some_and(|source| source.get_ref().parse() == Ok(SourceSpec::Auto))
        };
        let (place, key) = match (&written.name, &written.source) {
            (Some(name), _) => (name.span(), "camera.name"),
            (None, Some(source)) => (source.span(), "camera.source"),
            // Reported already, and without a name that it could share.
            (None, None) => return,
        };
        if camera.name.is_none() && camera.source == SourceSpec::Auto {
            if is_auto(written) && before.iter().any(|(other, _)| is_auto(other)) {
                self.error(place, key, "source \"auto\" stands here twice; one of them finds every camera");
            }
            return;
        }
        let name = camera.effective_name();
        let has_name = |other: &Camera| other.name.is_some() || other.source != SourceSpec::Auto;
        if before.iter().any(|(_, other)| has_name(other) && other.effective_name() == name) {
            let how = match &written.name {
                Some(_) => "give each a name of its own",
                None => "give each a name, as in name = \"yard\"",
            };
            self.error(place, key, &format!("two cameras are named {}; {how}", quoted(&name)));
        }
    }

    /// A value through its check; the check's error goes to the list, with the value's place.
    fn value<T, U>(
        &mut self,
        key: &str,
        value: Option<&Spanned<T>>,
        check: impl FnOnce(&T) -> Result<U, String>,
    ) -> Option<U> {
        let value = value?;
        match check(value.get_ref()) {
            Ok(checked) => Some(checked),
            Err(error) => {
                self.error(value.span(), key, &error);
                None
            }
        }
    }

    /// A list of at most `max` values, each through the check.
    fn list<T>(
        &mut self,
        key: &str,
        list: Option<&Spanned<Vec<Spanned<String>>>>,
        max: usize,
        check: impl Fn(&String) -> Result<T, String>,
    ) -> Vec<T> {
        let entries = self.entries(key, list, max);
        entries.iter().filter_map(|value| self.value(key, Some(value), &check)).collect()
    }

    /// The entries of a list, none of one that is too long.
    fn entries<'w>(
        &mut self,
        key: &str,
        list: Option<&'w Spanned<Vec<Spanned<String>>>>,
        max: usize,
    ) -> &'w [Spanned<String>] {
        let Some(list) = list else { return &[] };
        let count = list.get_ref().len();
        if count > max {
            self.error(list.span(), key, &format!("must have at most {max} entries, got {count}"));
            return &[];
        }
        list.get_ref()
    }

    fn error(&mut self, place: Range<usize>, key: &str, what: &str) {
        self.mistakes.add(place, key, what);
    }
}

impl Camera {
    /// Its name, or the one that its source suggests.
    pub fn effective_name(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.source.default_name())
    }
}

fn check_chroma(text: &str) -> Result<Chroma, String> {
    match text {
        "4:2:0" => Ok(Chroma::Yuv420),
        "4:2:2" => Ok(Chroma::Yuv422),
        _ => Err(format!("must be \"4:2:0\" or \"4:2:2\", got {}", quoted(text))),
    }
}

fn check_origin(text: &str) -> Result<String, String> {
    // It is put into a header as it stands.
    let fits = text == "*" || text.starts_with("http://") || text.starts_with("https://");
    if fits && text.len() <= 200 && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    Err("must be \"*\" or the beginning of a page's URL, as in \"http://octopi.local\"".to_owned())
}

fn check_closed(text: &str) -> Result<String, String> {
    let length = text.chars().count();
    if (1..=super::CLOSED_MAX_CHARS).contains(&length) {
        return Ok(text.to_owned());
    }
    Err(format!("the reason has {length} characters; 1 to {} are allowed", super::CLOSED_MAX_CHARS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::FormatChoice;
    use crate::config::network::TransportChoice;
    use crate::picture::PixelFormat;

    fn errors(text: &str) -> String {
        parse(text, "pinhole.toml").unwrap_err().to_string()
    }

    #[test]
    fn a_whole_file() {
        let config = parse(
            r#"
            [http]
            listen = ["[::]:80", "127.0.0.1:8080"]
            connections_max = 64
            [[camera]]
            name = "yard"
            source = "/dev/video0"
            size = "1280x720"
            fps = 15
            quality = 90
            format = "yuyv"
            chroma = "4:2:2"
            on_demand = false
            [[camera]]
            source = "auto"
            "#,
            "pinhole.toml",
        )
        .unwrap();
        assert_eq!(config.http.listen.len(), 2);
        assert_eq!(config.http.connections_max, 64);
        let yard = &config.cameras[0];
        assert_eq!((yard.name.as_deref(), yard.on_demand), (Some("yard"), false));
        assert_eq!(
            yard.picture,
            Picture {
                size: Some((1280, 720)),
                fps: Some(15),
                format: FormatChoice::Raw(PixelFormat::Yuyv),
                quality: 90,
                chroma: Chroma::Yuv422,
            }
        );
        assert_eq!(config.cameras[1].source, SourceSpec::Auto);
    }

    #[test]
    fn an_empty_file_serves_every_camera() {
        assert_eq!(parse("", "f"), Ok(Config::default()));
    }

    #[test]
    fn every_mistake_names_its_line_its_key_and_what_is_allowed() {
        let text = "[[camera]]\nsource = \"test:\"\nfps = 0\nquality = 101\nsize = \"big\"\n\n[[camera]]\nsource = \"test:\"\n";
        let errors = errors(text);
        let lines: Vec<_> = errors.lines().collect();
        assert_eq!(lines.len(), 4, "{errors}");
        assert_eq!(lines[0], "pinhole.toml:3: camera.fps: must be 1 to 240, got 0");
        assert_eq!(lines[1], "pinhole.toml:4: camera.quality: must be 1 to 100, got 101");
        assert!(lines[2].starts_with("pinhole.toml:5: camera.size: must be WIDTHxHEIGHT"), "{errors}");
        assert!(lines[3].starts_with("pinhole.toml:8: camera.source: two cameras are named \"test\""));
    }

    #[test]
    fn listen_is_written_as_people_write_it() {
        let listen = |value: &str| {
            let config = parse(&format!("[http]\nlisten = {value}\n"), "f").unwrap();
            config.http.listen.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        for value in ["8080", "\"8080\"", "\":8080\"", "[\"8080\"]", "[8080]", "\"[::]:8080\""] {
            assert_eq!(listen(value), "[::]:8080", "{value}");
        }
        assert_eq!(listen("[\"localhost:8080\", 81]"), "127.0.0.1:8080 [::1]:8080 [::]:81");
    }

    #[test]
    fn keys_of_network_cameras_are_for_those() {
        let fingerprint = "ab".repeat(32);
        let config = parse(
            &format!(
                "[[camera]]\nsource = \"rtsps://joe:hush@yard/\"\ntransport = \"udp\"\ntls_fingerprint = \"{fingerprint}\"\n"
            ),
            "f",
        )
        .unwrap();
        let network = &config.cameras[0].network;
        assert_eq!(network.transport, TransportChoice::Udp);
        assert_eq!(network.tls_fingerprint, Some(fingerprint.parse().unwrap()));
        let wrong = errors("[[camera]]\nsource = \"test:\"\ntransport = \"tcp\"\n");
        assert!(
            wrong.starts_with(
                "pinhole.toml:3: camera.transport: only sources that begin with rtsp:// have this"
            ),
            "{wrong}"
        );
    }

    #[test]
    fn a_header_cannot_be_smuggled_in_by_the_origin() {
        assert!(errors("[http]\nallow_origin = \"*\\r\\nX: y\"\n").contains("http.allow_origin"));
    }
}
