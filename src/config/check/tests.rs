use super::*;
use crate::config::network::TransportChoice;
use crate::config::{FormatChoice, Picture, SourceSpec};
use crate::picture::orientation::{Crop, Mirror, Orientation, Rotation};
use crate::picture::{Chroma, PixelFormat};

fn parse(text: &str, file: &str) -> Result<Config, Mistakes> {
    super::parse(FileKind::Service, text, file)
}

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
        rotate = 270
        mirror = "horizontal"
        crop = "0,16,640,480"
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
            orientation: Orientation {
                rotate: Rotation::ThreeQuarters,
                mirror: Some(Mirror::Horizontal),
                crop: Some(Crop { x: 0, y: 16, width: 640, height: 480 }),
            },
        }
    );
    assert_eq!(config.cameras[1].source, SourceSpec::Auto);
}

#[test]
fn an_empty_file_serves_every_camera() {
    assert_eq!(parse("", "f"), Ok(Config::default()));
}

#[test]
fn every_mistake_names_its_line_its_key_and_the_allowed_values() {
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
fn listen_accepts_common_spellings() {
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
fn keys_for_network_cameras_are_refused_for_others() {
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
        wrong.starts_with("pinhole.toml:3: camera.transport: only sources that begin with rtsp:// have this"),
        "{wrong}"
    );
}

#[test]
fn the_origin_cannot_inject_a_header() {
    assert!(errors("[http]\nallow_origin = \"*\\r\\nX: y\"\n").contains("http.allow_origin"));
}
