//! Interprets the content type of a response's body.

use crate::camera::lost::{NetworkLost, ProtocolFault};
use crate::source::http::answer::Head;

/// Bytes of a boundary. RFC 2046 allows 70.
const BOUNDARY_MAX_BYTES: usize = 256;

/// The content of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A stream of pictures, with this boundary.
    Stream(Option<String>),
    /// One picture.
    Picture,
    /// Not specified.
    Unknown,
}

/// The content of the body, from its content type.
pub(super) fn content(head: &Head) -> Result<Content, NetworkLost> {
    if let Some(coding) = &head.coding {
        return Err(ProtocolFault::Compressed { coding: coding.clone() }.into());
    }
    let essence = head.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        multipart if multipart.starts_with("multipart/") => Ok(Content::Stream(boundary(&head.content_type))),
        // Names that some cameras give to a sequence of JPEGs.
        "video/x-motion-jpeg" | "video/mjpeg" | "video/x-mjpeg" | "video/jpeg" | "video/x-jpeg" => {
            Ok(Content::Stream(None))
        }
        "image/jpeg" | "image/jpg" | "image/pjpeg" => Ok(Content::Picture),
        "" | "application/octet-stream" | "binary/octet-stream" => Ok(Content::Unknown),
        _ => {
            let essence = essence.chars().filter(|c| !c.is_control()).take(60).collect();
            Err(NetworkLost::NotMjpeg { offered: essence })
        }
    }
}

/// The parameter `boundary` of a content type, quoted or not.
fn boundary(content_type: &str) -> Option<String> {
    let at = content_type.to_ascii_lowercase().find("boundary=")? + "boundary=".len();
    let value = content_type[at..].trim_start();
    let value = match value.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => value.split([';', ' ', '\t']).next(),
    }?;
    (!value.is_empty() && value.len() <= BOUNDARY_MAX_BYTES).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::tests::good;
    use super::*;

    #[test]
    fn boundaries() {
        for (content_type, expected) in [
            ("multipart/x-mixed-replace;boundary=frame", Some("frame")),
            ("multipart/x-mixed-replace; charset=x; Boundary=\"a b;c\"; y", Some("a b;c")),
            ("Multipart/x-mixed-replace; boundary=--frame ; x", Some("--frame")),
            ("multipart/mixed; boundary=\"", None),
            ("multipart/x-mixed-replace", None),
        ] {
            let Ok(Content::Stream(boundary)) = content(&good(content_type)) else {
                panic!("{content_type}")
            };
            assert_eq!(boundary.as_deref(), expected, "{content_type}");
        }
        assert_eq!(content(&good("")), Ok(Content::Unknown));
        assert_eq!(content(&good("video/x-motion-jpeg")), Ok(Content::Stream(None)));
    }
}
