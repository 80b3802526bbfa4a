//! From configuration as written to configuration as checked.

use std::net::SocketAddr;
use std::ops::Range;

use toml::Spanned;

use super::{Camera, Config, Errors, Http, Network, Picture, SourceSpec, host, written};
use crate::limits;
use crate::picture::Chroma;

/// Checks a file's text. All mistakes are told at once, but for those of TOML itself, which hide
/// what comes after them.
pub fn parse(text: &str, file: &str) -> Result<Config, Errors> {
    let mut check = Check { text, file, errors: Vec::new() };
    let config = match toml::from_str::<written::File>(text) {
        Ok(written) => check.file(&written),
        Err(error) => {
            check.syntax(&error);
            Config::default()
        }
    };
    if check.errors.is_empty() { Ok(config) } else { Err(Errors(check.errors)) }
}

struct Check<'a> {
    text: &'a str,
    file: &'a str,
    errors: Vec<String>,
}

impl Check<'_> {
    fn file(&mut self, written: &written::File) -> Config {
        let mut cameras: Vec<Camera> = Vec::new();
        for camera in &written.camera {
            let camera_checked = self.camera(camera);
            self.name_is_new(camera, &camera_checked, &cameras);
            cameras.push(camera_checked);
        }
        if cameras.len() > limits::CAMERAS_MAX {
            self.errors.push(format!(
                "{}: {} cameras; up to {} are allowed",
                self.file,
                cameras.len(),
                limits::CAMERAS_MAX
            ));
        }
        if cameras.is_empty() {
            cameras = Config::default().cameras;
        }
        Config { http: self.http(&written.http), cameras }
    }

    fn http(&mut self, written: &written::Http) -> Http {
        let default = Http::default();
        let listen = written.listen.iter().flatten().filter_map(|address| {
            self.value("http.listen", Some(address), |text| {
                text.parse::<SocketAddr>().map_err(|_| {
                    format!(
                        "\"{text}\" is no address; write ADDRESS:PORT as in \"[::]:80\" or \"0.0.0.0:8080\""
                    )
                })
            })
        });
        let listen = listen.collect();
        let count =
            |what: &str, value: &i64| super::check_range(what, *value, 1, limits::CONNECTIONS_MAX as i64);
        Http {
            listen,
            connections_max: self
                .value("http.connections_max", written.connections_max.as_ref(), |it| {
                    count("connections_max", it)
                })
                .unwrap_or(default.connections_max),
            connections_per_address_max: self
                .value(
                    "http.connections_per_address_max",
                    written.connections_per_address_max.as_ref(),
                    |it| count("connections_per_address_max", it),
                )
                .unwrap_or(default.connections_per_address_max),
            allow_origin: self
                .value("http.allow_origin", written.allow_origin.as_ref(), |it| check_origin(it)),
            hosts: self.list("http.hosts", written.hosts.as_ref(), limits::HOSTS_MAX, |it| host::check(it)),
            password_hash: self.value("http.password_hash", written.password_hash.as_ref(), |it| it.parse()),
        }
    }

    fn camera(&mut self, written: &written::Camera) -> Camera {
        let default = Picture::default();
        let source = self.value("camera.source", Some(&written.source), |it| it.parse());
        let name = written.name.as_ref();
        let name = self.value("camera.name", name, |it| super::check_name(it).map(|()| it.clone()));
        if let (Some(name), Some(SourceSpec::Auto)) = (&written.name, &source) {
            let error = "the source auto may be many cameras, which are named after their devices; leave the name out";
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
        let network = self.network(written, source.as_ref());
        Camera { name, source: source.unwrap_or(SourceSpec::Auto), picture, network, on_demand }
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
                self.error(value.span(), key, &format!("this is for sources that begin with {schemes}"));
            }
        }
        Network {
            transport: self.value("camera.transport", transport, |it| it.parse()).unwrap_or_default(),
            tls_fingerprint: self.value("camera.tls_fingerprint", fingerprint, |it| it.parse()),
        }
    }

    fn name_is_new(&mut self, written: &written::Camera, camera: &Camera, before: &[Camera]) {
        let (place, key) = match &written.name {
            Some(name) => (name.span(), "camera.name"),
            None => (written.source.span(), "camera.source"),
        };
        if camera.source == SourceSpec::Auto {
            if before.iter().any(|other| other.source == SourceSpec::Auto) {
                self.error(place, key, "the source auto stands here twice; once covers every device");
            }
            return;
        }
        let name = camera.effective_name();
        if before.iter().any(|other| other.source != SourceSpec::Auto && other.effective_name() == name) {
            self.error(
                place,
                key,
                &format!("a camera before is named \"{name}\" too; each needs a name of its own"),
            );
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
        let Some(list) = list else { return Vec::new() };
        let count = list.get_ref().len();
        if count > max {
            self.error(list.span(), key, &format!("{count} entries; up to {max} are allowed"));
            return Vec::new();
        }
        list.get_ref().iter().filter_map(|value| self.value(key, Some(value), &check)).collect()
    }

    fn error(&mut self, place: Range<usize>, key: &str, what: &str) {
        let line = self.line(place.start);
        self.errors.push(format!("{}:{line}: {key}: {what}", self.file));
    }

    fn syntax(&mut self, error: &toml::de::Error) {
        let line = error.span().map_or(1, |place| self.line(place.start));
        // One line, whatever the parser says.
        let what = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
        let key =
            error.span().and_then(|place| self.key(place)).map_or(String::new(), |key| format!("{key}: "));
        self.errors.push(format!("{}:{line}: {key}{what}", self.file));
    }

    fn line(&self, at: usize) -> usize {
        1 + self.text.bytes().take(at).filter(|byte| *byte == b'\n').count()
    }

    /// The key on the line of a place, where the line has one.
    fn key(&self, place: Range<usize>) -> Option<&str> {
        let line = self.text.lines().nth(self.line(place.start) - 1)?;
        let key = line.split_once('=')?.0.trim();
        (!key.is_empty() && !key.contains(char::is_whitespace)).then_some(key)
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
        _ => Err(format!("\"{text}\" is no chroma subsampling; \"4:2:0\" or \"4:2:2\" is allowed")),
    }
}

fn check_origin(text: &str) -> Result<String, String> {
    // It is put into a header as it stands.
    let fits = text == "*" || text.starts_with("http://") || text.starts_with("https://");
    if fits && text.len() <= 200 && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "\"{}\" is no origin; \"*\" or one such as \"http://octopi.local\" is allowed",
        text.escape_debug()
    ))
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
        assert!(lines[0].starts_with("pinhole.toml:5: camera.size: \"big\" is no size"), "{errors}");
        assert_eq!(lines[1], "pinhole.toml:3: camera.fps: fps 0 is out of range; 1 to 240 is allowed");
        assert_eq!(
            lines[2],
            "pinhole.toml:4: camera.quality: quality 101 is out of range; 1 to 100 is allowed"
        );
        assert!(lines[3].starts_with("pinhole.toml:8: camera.source: a camera before is named \"test\""));
    }

    #[test]
    fn unknown_keys_and_wrong_types_name_what_is_allowed() {
        let unknown = errors("[[camera]]\nsource = \"auto\"\nqualty = 80\n");
        assert!(
            unknown.starts_with("pinhole.toml:3: qualty: unknown field `qualty`, expected one of"),
            "{unknown}"
        );
        let wrong = errors("[[camera]]\nsource = \"auto\"\nfps = \"fast\"\n");
        assert!(wrong.starts_with("pinhole.toml:3: fps: invalid type"), "{wrong}");
        let broken = errors("[http]\nlisten = [\"[::]:80\"\n");
        assert_eq!(broken.lines().count(), 1, "{broken}");
        assert!(broken.starts_with("pinhole.toml:"), "{broken}");
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
            wrong.starts_with("pinhole.toml:3: camera.transport: this is for sources that begin"),
            "{wrong}"
        );
    }

    #[test]
    fn a_header_cannot_be_smuggled_in_by_the_origin() {
        assert!(errors("[http]\nallow_origin = \"*\\r\\nX: y\"\n").contains("http.allow_origin"));
    }
}
