//! A camera's session description. RFC 4566, RFC 2326 appendix C, by `sdp-types`.
//!
//! Cameras omit `o=`, write negative numbers in it, repeat `s=`, truncate `c=IN`, write `t=now-`. None of
//! that matters for RTSP: only `m=` and `a=` lines reach the parser, each media separately, so that an
//! invalid one does not affect the others.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use percent_encoding::{AsciiSet, percent_encode};

use super::limits::{FORMATS_MAX, MEDIA_MAX};
use crate::rtp::depacketize::{Depacketizer, H264, H265, Jpeg};
use crate::rtp::{Encoding, KeyRequest};
use crate::video::Codec;

/// Cameras omit the padding, and set bits that should be zero.
const LENIENT_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The clock rate of video (RFC 6184 8.2.1, RFC 7798 7.1, RFC 3551 5).
const VIDEO_CLOCK_RATE: u32 = 90_000;

/// The static payload type of JPEG, which needs no rtpmap. RFC 3551 section 6.
const JPEG_PAYLOAD_TYPE: u8 = 26;

/// A camera's session description.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Description {
    /// The valid media.
    pub media: Vec<Media>,
    /// The number of invalid media.
    pub media_skipped: u64,
    /// The control attribute of the whole session.
    pub(super) control: Option<String>,
}

/// A media description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// `video`, `audio`, `application` or anything else.
    pub kind: String,
    /// The camera's encoding name, such as `H264` or `MPEG4-GENERIC`.
    pub encoding: String,
    /// The encoding of its pictures, if they can be shown.
    pub pictures: Option<Encoding>,
    /// RTP payload type.
    pub payload_type: u8,
    /// Units of the RTP timestamp per second.
    pub clock_rate: u32,
    pub(super) control: Option<String>,
    /// How to request a key picture.
    pub(super) key_request: Option<KeyRequest>,
    /// Format parameters, such as `sprop-parameter-sets`.
    parameters: Vec<(String, String)>,
    /// Width and height in pixels.
    announced_size: Option<(u32, u32)>,
}

impl Description {
    /// Parses a description leniently.
    pub fn parse(body: &[u8]) -> Self {
        // Controls become parts of URLs, whose bytes must return unchanged in any encoding.
        let text = match std::str::from_utf8(body) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::Owned(percent_encode(body, &AsciiSet::EMPTY).to_string()),
        };
        let mut sections = vec![String::from("v=0\r\n")];
        // Some cameras end lines with CR alone, and the whole with NUL.
        for line in text.split(['\r', '\n', '\0']).map(str::trim) {
            if line.starts_with("m=") {
                sections.push(format!("v=0\r\n{}\r\n", media_line(line)));
            } else if line.starts_with("a=")
                && let Some(section) = sections.last_mut()
            {
                *section += line;
                *section += "\r\n";
            }
        }
        let media_lines = sections.len() - 1;
        let mut parsed = sections.iter().map(|section| sdp_types::Session::parse(section.as_bytes()));
        let session = parsed.next().and_then(Result::ok);
        let media: Vec<_> = parsed.take(MEDIA_MAX).flatten().flat_map(|section| section.medias).collect();
        let anywhere = formats_parameters(&media);
        Self {
            media_skipped: (media_lines - media.len()) as u64,
            media: media.iter().map(|media| Media::of(media, &anywhere)).collect(),
            control: session.and_then(|session| attribute(&session.attributes, "control").map(str::to_owned)),
        }
    }

    /// The media to show: the first video whose codec can be shown.
    pub fn video(&self) -> Option<&Media> {
        self.media.iter().find(|media| media.pictures.is_some())
    }

    /// The offered media, in words.
    pub fn offered(&self) -> String {
        let names: Vec<_> = self.media.iter().map(|m| format!("{} {}", m.kind, m.encoding)).collect();
        let lines = names.len() as u64 + self.media_skipped;
        match (names.is_empty(), self.media_skipped) {
            _ if lines > MEDIA_MAX as u64 => {
                format!("{} (of {lines} media, the first {MEDIA_MAX} are looked at)", names.join(", "))
            }
            (true, 0) => "no media".to_owned(),
            (true, skipped) => format!("{skipped} media, none of which can be read"),
            (false, _) => names.join(", "),
        }
    }
}

impl Media {
    /// Chooses the first format of a media that can be shown, else the first.
    fn of(media: &sdp_types::Media, anywhere: &[(u8, &str)]) -> Self {
        let formats = || media.fmt.split_ascii_whitespace().take(FORMATS_MAX).filter_map(|f| f.parse().ok());
        let with_encoding = |payload_type: u8| {
            let (encoding, clock_rate) = encoding(media, payload_type);
            let pictures = pictures(&encoding).filter(|_| media.media.eq_ignore_ascii_case("video"));
            (payload_type, encoding, clock_rate, pictures)
        };
        let (payload_type, encoding, clock_rate, pictures) = formats()
            .map(with_encoding)
            .find(|(.., pictures)| pictures.is_some())
            .or_else(|| formats().next().map(with_encoding))
            .unwrap_or((0, media.fmt.clone(), VIDEO_CLOCK_RATE, None));
        let own = formats_parameters(std::slice::from_ref(media));
        let parameters = find(&own, payload_type).or_else(|| find(anywhere, payload_type));
        Self {
            kind: media.media.clone(),
            encoding,
            pictures,
            payload_type,
            clock_rate,
            control: attribute(&media.attributes, "control").map(str::to_owned),
            key_request: key_request(media, payload_type),
            parameters: parameters.map(split_parameters).unwrap_or_default(),
            announced_size: announced_size(media),
        }
    }

    /// The depacketizer for the media, with the parameter sets of the description.
    pub fn depacketizer(&self) -> Option<Depacketizer> {
        let sets = |names: &[&str]| -> Vec<Vec<u8>> {
            let values = names.iter().filter_map(|name| self.parameter(name));
            values.flat_map(|value| value.split(',')).filter_map(decode).collect()
        };
        Some(match self.pictures? {
            Encoding::Video(Codec::H264) => {
                let sets = sets(&["sprop-parameter-sets"]);
                Depacketizer::H264(H264::new(sets.iter().map(Vec::as_slice)))
            }
            Encoding::Video(Codec::H265) => {
                let sets = sets(&["sprop-vps", "sprop-sps", "sprop-pps"]);
                let max_don_diff = self.parameter("sprop-max-don-diff").unwrap_or_default();
                let has_donl = max_don_diff.parse::<u32>().is_ok_and(|diff| diff > 0);
                Depacketizer::H265(H265::new(sets.iter().map(Vec::as_slice), has_donl))
            }
            Encoding::Jpeg => Depacketizer::Jpeg(Jpeg::new(self.announced_size)),
        })
    }

    fn parameter(&self, wanted: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| &value[..])
    }
}

/// `m=` with single spaces and a valid port: RTSP negotiates its own.
fn media_line(line: &str) -> String {
    let mut words: Vec<_> = line.split_ascii_whitespace().collect();
    if let Some(port) = words.get_mut(1)
        && port.parse::<u16>().is_err()
    {
        *port = "0";
    }
    words.join(" ")
}

fn attribute<'a>(attributes: &'a [sdp_types::Attribute], name: &str) -> Option<&'a str> {
    attributes.iter().find(|a| a.attribute.trim().eq_ignore_ascii_case(name))?.value.as_deref().map(str::trim)
}

fn attributes<'a>(media: &'a sdp_types::Media, name: &'a str) -> impl Iterator<Item = &'a str> {
    let named = media.attributes.iter().filter(move |a| a.attribute.trim().eq_ignore_ascii_case(name));
    named.filter_map(|a| a.value.as_deref().map(str::trim))
}

/// The number and value of `a=NAME:NUMBER VALUE`.
fn numbered(value: &str) -> Option<(u8, &str)> {
    let (number, value) = value.split_once(char::is_whitespace).unwrap_or((value, ""));
    Some((number.trim().parse().ok()?, value.trim()))
}

/// The format parameters of all media, for cameras that put them on the wrong one.
fn formats_parameters(media: &[sdp_types::Media]) -> Vec<(u8, &str)> {
    media.iter().flat_map(|media| attributes(media, "fmtp").filter_map(numbered)).collect()
}

fn find<'a>(parameters: &[(u8, &'a str)], payload_type: u8) -> Option<&'a str> {
    let mut of_type =
        parameters.iter().filter(|(number, value)| *number == payload_type && !value.is_empty());
    of_type.next().map(|(_, value)| *value)
}

fn split_parameters(text: &str) -> Vec<(String, String)> {
    let pairs = text.split(';').filter_map(|part| part.split_once('='));
    pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect()
}

/// Encoding name and clock rate. RFC 4566 section 6, `rtpmap`.
fn encoding(media: &sdp_types::Media, payload_type: u8) -> (String, u32) {
    let mapped = attributes(media, "rtpmap").filter_map(numbered).find(|(number, _)| *number == payload_type);
    let Some((_, value)) = mapped else {
        let name =
            if payload_type == JPEG_PAYLOAD_TYPE { "JPEG".to_owned() } else { payload_type.to_string() };
        return (name, VIDEO_CLOCK_RATE);
    };
    let mut parts = value.split('/').map(str::trim);
    let name = parts.next().unwrap_or_default().to_owned();
    let clock_rate = parts.next().and_then(|rate| rate.parse().ok()).filter(|rate| *rate > 0);
    (name, clock_rate.unwrap_or(VIDEO_CLOCK_RATE))
}

/// `a=rtcp-fb:96 nack pli`, for all formats with `*`. RFC 4585 section 4.2, RFC 5104 section 7.1.
fn key_request(media: &sdp_types::Media, payload_type: u8) -> Option<KeyRequest> {
    let ways = attributes(media, "rtcp-fb").filter_map(|value| {
        let mut words = value.split_ascii_whitespace();
        let format = words.next()?;
        let is_ours = format == "*" || format.parse() == Ok(payload_type);
        match (words.next()?, words.next()?) {
            ("nack", "pli") if is_ours => Some(KeyRequest::Pli),
            ("ccm", "fir") if is_ours => Some(KeyRequest::Fir),
            _ => None,
        }
    });
    ways.min_by_key(|way| *way == KeyRequest::Fir)
}

fn pictures(encoding: &str) -> Option<Encoding> {
    match encoding.to_ascii_uppercase().as_str() {
        "H264" => Some(Encoding::Video(Codec::H264)),
        "H265" | "HEVC" => Some(Encoding::Video(Codec::H265)),
        "JPEG" => Some(Encoding::Jpeg),
        _ => None,
    }
}

/// `a=framesize:26 2560-1440` (3GPP TS 26.234) or `a=x-dimensions:2560,1440`.
fn announced_size(media: &sdp_types::Media) -> Option<(u32, u32)> {
    let pair = |text: &str, by: char| {
        let (width, height) = text.split_once(by)?;
        Some((width.trim().parse().ok()?, height.trim().parse().ok()?))
    };
    attribute(&media.attributes, "x-dimensions").and_then(|value| pair(value, ',')).or_else(|| {
        attribute(&media.attributes, "framesize").and_then(numbered).and_then(|(_, value)| pair(value, '-'))
    })
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    LENIENT_BASE64.decode(compact).ok().filter(|bytes| !bytes.is_empty())
}

#[cfg(test)]
mod tests;
