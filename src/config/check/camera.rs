//! The tables `[[camera]]`.

use toml::Spanned;

use super::Check;
use crate::config::orientation::{check_rotation, parse_crop, parse_mirror};
use crate::config::quote::quoted;
use crate::config::{
    Camera, Network, Picture, SourceSpec, check_fps, check_name, check_quality, parse_size, unused, written,
};
use crate::picture::Chroma;
use crate::picture::orientation::Orientation;

impl Check<'_> {
    pub(super) fn camera(&mut self, written: &written::Camera) -> Camera {
        let default = Picture::default();
        let source = self.value("camera.source", written.source.as_ref(), |it| it.parse());
        let name = self.value("camera.name", written.name.as_ref(), |it| check_name(it).map(|()| it.clone()));
        if let (Some(name), Some(SourceSpec::Auto)) = (&written.name, &source) {
            let error = "source \"auto\" names its cameras after their devices; leave the name out";
            self.error(name.span(), "camera.name", error);
        }
        let picture = Picture {
            size: self.value("camera.size", written.size.as_ref(), |it| parse_size(it)),
            fps: self.value("camera.fps", written.fps.as_ref(), |it| check_fps(*it)),
            format: self
                .value("camera.format", written.format.as_ref(), |it| it.parse())
                .unwrap_or(default.format),
            quality: self
                .value("camera.quality", written.quality.as_ref(), |it| check_quality(*it))
                .unwrap_or(default.quality),
            chroma: self
                .value("camera.chroma", written.chroma.as_ref(), |it| check_chroma(it))
                .unwrap_or(default.chroma),
            orientation: self.orientation(written),
        };
        let on_demand = written.on_demand.unwrap_or(true);
        if let Some(source) = &source {
            self.keys_are_used(written, source);
        }
        let network = self.network(written, source.as_ref());
        Camera { name, source: source.unwrap_or(SourceSpec::Auto), picture, network, on_demand }
    }

    fn orientation(&mut self, written: &written::Camera) -> Orientation {
        let rotate = self.value("camera.rotate", written.rotate.as_ref(), |it| check_rotation(*it));
        Orientation {
            rotate: rotate.unwrap_or_default(),
            mirror: self.value("camera.mirror", written.mirror.as_ref(), |it| parse_mirror(it)),
            crop: self.value("camera.crop", written.crop.as_ref(), |it| parse_crop(it)),
        }
    }

    /// A key without effect is a mistake: otherwise its owner would not find out why it does nothing.
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

    pub(super) fn name_is_new(
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
            // A camera without a source has been reported, and has no name to share.
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
}

impl Camera {
    /// Its name, or the default for its source.
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
