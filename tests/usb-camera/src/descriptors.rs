//! The camera's description of itself: USB 9.6 (standard descriptors), UVC 3 (video descriptors).

/// Interface of the video control function.
pub const VIDEO_CONTROL_INTERFACE: u8 = 0;
/// Interface of the video stream.
pub const VIDEO_STREAMING_INTERFACE: u8 = 1;
/// The processing unit (UVC 2.3.4), which has brightness and contrast.
pub const PROCESSING_UNIT: u8 = 2;
/// The endpoint of the video stream: number 1, towards the host.
pub const VIDEO_ENDPOINT: u8 = 0x81;

/// Bytes of one bulk payload with its header: as many as `uvcvideo` requests in one transfer.
pub const BULK_PAYLOAD_MAX_BYTES: usize = 16 << 10;
/// Bytes of one isochronous payload: three transactions of 1024 in a microframe (USB 5.6.3).
pub const ISOCHRONOUS_PAYLOAD_MAX_BYTES: usize = 3 * 1024;

/// Times between two frames, in units of 100 ns: 30 and 15 frames a second.
pub const FRAME_INTERVALS: [u32; 2] = [333_333, 666_666];

/// The formats of the stream; the value is bFormatIndex.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Motion JPEG.
    Mjpeg = 1,
    /// Packed 4:2:2, 16 bits a pixel.
    Yuyv = 2,
}

/// One frame descriptor: a format and a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode {
    /// The format.
    pub format: Format,
    /// bFrameIndex, counted from 1 within the format.
    pub frame_index: u8,
    /// Width in pixels.
    pub width: u16,
    /// Height in pixels.
    pub height: u16,
}

/// All modes, those of one format next to each other.
pub const MODES: [Mode; 4] = [
    Mode { format: Format::Mjpeg, frame_index: 1, width: 640, height: 480 },
    Mode { format: Format::Mjpeg, frame_index: 2, width: 1280, height: 720 },
    Mode { format: Format::Yuyv, frame_index: 1, width: 320, height: 240 },
    Mode { format: Format::Yuyv, frame_index: 2, width: 640, height: 480 },
];

impl Mode {
    /// dwMaxVideoFrameBufferSize: the size of a YUYV picture, always more than a JPEG's.
    pub fn frame_bytes_max(&self) -> u32 {
        u32::from(self.width) * u32::from(self.height) * 2
    }

    /// The mode with these two indices.
    pub fn by_index(format_index: u8, frame_index: u8) -> Option<Mode> {
        MODES.into_iter().find(|mode| mode.format as u8 == format_index && mode.frame_index == frame_index)
    }
}

/// The transfer type of video data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transfer {
    /// One payload per transfer; nothing is lost.
    Bulk,
    /// One payload per microframe, as in most real cameras.
    Isochronous,
}

/// Distinguishes cameras.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The manufacturer's name.
    pub manufacturer: String,
    /// The product's name, which is also the name of the V4L2 device.
    pub product: String,
    /// The serial number; many cheap cameras have none.
    pub serial: Option<String>,
}

const MANUFACTURER_STRING: u8 = 1;
const PRODUCT_STRING: u8 = 2;
const SERIAL_STRING: u8 = 3;

// Descriptor types (USB table 9-5, UVC table A-4).
const DEVICE: u8 = 1;
const CONFIGURATION: u8 = 2;
const STRING: u8 = 3;
const INTERFACE: u8 = 4;
const ENDPOINT: u8 = 5;
const INTERFACE_ASSOCIATION: u8 = 11;
const CS_INTERFACE: u8 = 0x24;

// Classes (UVC A.1 to A.3).
const CC_VIDEO: u8 = 0x0e;
const SC_VIDEOCONTROL: u8 = 1;
const SC_VIDEOSTREAMING: u8 = 2;
const SC_VIDEO_INTERFACE_COLLECTION: u8 = 3;

/// The response to GET_DESCRIPTOR with this type and index, if such a descriptor exists.
pub fn descriptor(identity: &Identity, transfer: Transfer, kind: u8, index: u8) -> Option<Vec<u8>> {
    match kind {
        DEVICE => Some(device(identity)),
        CONFIGURATION if index == 0 => Some(configuration(transfer)),
        STRING => string(identity, index),
        _ => None,
    }
}

/// Appends one descriptor; its first byte, bLength, is counted here.
fn push(out: &mut Vec<u8>, fields: &[&[u8]]) {
    let length = 1 + fields.iter().map(|field| field.len()).sum::<usize>();
    out.push(length as u8);
    for field in fields {
        out.extend_from_slice(field);
    }
}

/// USB 9.6.1. The identifiers are those of pid.codes for tests.
fn device(identity: &Identity) -> Vec<u8> {
    const USB_2_0: [u8; 2] = [0x00, 0x02];
    // Class, subclass and protocol "interface association" (USB ECN, interface association).
    const MISCELLANEOUS: [u8; 3] = [0xef, 2, 1];
    const CONTROL_PACKET_MAX: u8 = 64;
    let serial = if identity.serial.is_some() { SERIAL_STRING } else { 0 };
    let mut out = Vec::new();
    push(
        &mut out,
        &[
            &[DEVICE],
            &USB_2_0,
            &MISCELLANEOUS,
            &[CONTROL_PACKET_MAX],
            &0x1209_u16.to_le_bytes(),
            &0x0001_u16.to_le_bytes(),
            &0x0100_u16.to_le_bytes(),
            &[MANUFACTURER_STRING, PRODUCT_STRING, serial, 1],
        ],
    );
    out
}

/// USB 9.6.7: string 0 lists the languages, the others are UTF-16.
fn string(identity: &Identity, index: u8) -> Option<Vec<u8>> {
    const ENGLISH: u16 = 0x0409;
    let text: Vec<u16> = match index {
        0 => vec![ENGLISH],
        MANUFACTURER_STRING => identity.manufacturer.encode_utf16().collect(),
        PRODUCT_STRING => identity.product.encode_utf16().collect(),
        SERIAL_STRING => identity.serial.as_ref()?.encode_utf16().collect(),
        _ => return None,
    };
    let bytes: Vec<u8> = text.into_iter().flat_map(u16::to_le_bytes).collect();
    let mut out = Vec::new();
    push(&mut out, &[&[STRING], &bytes]);
    Some(out)
}

/// USB 9.6.3: the configuration with everything below it.
fn configuration(transfer: Transfer) -> Vec<u8> {
    const BUS_POWERED: u8 = 0x80;
    const CURRENT_2_MA: u8 = 250;
    let mut body = Vec::new();
    push(
        &mut body,
        &[&[
            INTERFACE_ASSOCIATION,
            VIDEO_CONTROL_INTERFACE,
            2,
            CC_VIDEO,
            SC_VIDEO_INTERFACE_COLLECTION,
            0,
            PRODUCT_STRING,
        ]],
    );
    body.extend(video_control());
    body.extend(video_streaming(transfer));
    let mut out = Vec::new();
    let total = (9 + body.len()) as u16;
    push(&mut out, &[&[CONFIGURATION], &total.to_le_bytes(), &[2, 1, 0, BUS_POWERED, CURRENT_2_MA]]);
    out.extend(body);
    out
}

/// UVC 3.7: camera terminal -> processing unit -> output terminal.
fn video_control() -> Vec<u8> {
    const CAMERA_TERMINAL: u8 = 1;
    const OUTPUT_TERMINAL: u8 = 3;
    const VC_HEADER: u8 = 1;
    const VC_INPUT_TERMINAL: u8 = 2;
    const VC_OUTPUT_TERMINAL: u8 = 3;
    const VC_PROCESSING_UNIT: u8 = 5;
    const ITT_CAMERA: [u8; 2] = [0x01, 0x02];
    const TT_STREAMING: [u8; 2] = [0x01, 0x01];
    const BRIGHTNESS_AND_CONTRAST: [u8; 2] = [0b11, 0];
    let mut units = Vec::new();
    // UVC 3.7.2.3: no optics, three bytes of controls, none of them supported.
    push(
        &mut units,
        &[&[CS_INTERFACE, VC_INPUT_TERMINAL, CAMERA_TERMINAL], &ITT_CAMERA, &[0; 8], &[3, 0, 0, 0]],
    );
    // UVC 3.7.2.5: bControlSize 2, no digital multiplier, no analogue standard.
    push(
        &mut units,
        &[
            &[CS_INTERFACE, VC_PROCESSING_UNIT, PROCESSING_UNIT, CAMERA_TERMINAL, 0, 0, 2],
            &BRIGHTNESS_AND_CONTRAST,
            &[0, 0],
        ],
    );
    push(
        &mut units,
        &[&[CS_INTERFACE, VC_OUTPUT_TERMINAL, OUTPUT_TERMINAL], &TT_STREAMING, &[0, PROCESSING_UNIT, 0]],
    );
    let mut out = Vec::new();
    push(
        &mut out,
        &[&[INTERFACE, VIDEO_CONTROL_INTERFACE, 0, 0, CC_VIDEO, SC_VIDEOCONTROL, 0, PRODUCT_STRING]],
    );
    let total = (13 + units.len()) as u16;
    push(
        &mut out,
        &[
            &[CS_INTERFACE, VC_HEADER],
            &0x0110_u16.to_le_bytes(),
            &total.to_le_bytes(),
            &48_000_000_u32.to_le_bytes(),
            &[1, VIDEO_STREAMING_INTERFACE],
        ],
    );
    out.extend(units);
    out
}

/// UVC 3.9. A bulk stream has its endpoint in alternate setting 0; an isochronous one has none there, so that
/// it uses no bandwidth until the host selects setting 1 (UVC 2.4.3).
fn video_streaming(transfer: Transfer) -> Vec<u8> {
    const BULK: u8 = 2;
    const ISOCHRONOUS_ASYNCHRONOUS: u8 = 5;
    let interface = |alternate_setting, endpoints| {
        [
            INTERFACE,
            VIDEO_STREAMING_INTERFACE,
            alternate_setting,
            endpoints,
            CC_VIDEO,
            SC_VIDEOSTREAMING,
            0,
            0,
        ]
    };
    let mut out = Vec::new();
    push(&mut out, &[&interface(0, u8::from(transfer == Transfer::Bulk))]);
    out.extend(input_header_and_formats());
    match transfer {
        Transfer::Bulk => {
            push(&mut out, &[&[ENDPOINT, VIDEO_ENDPOINT, BULK], &512_u16.to_le_bytes(), &[0]]);
        }
        Transfer::Isochronous => {
            // USB 9.6.6: bits 12..11 of wMaxPacketSize are the transactions beyond the first.
            let packet_size = 1024_u16 | 2 << 11;
            push(&mut out, &[&interface(1, 1)]);
            push(
                &mut out,
                &[&[ENDPOINT, VIDEO_ENDPOINT, ISOCHRONOUS_ASYNCHRONOUS], &packet_size.to_le_bytes(), &[1]],
            );
        }
    }
    out
}

/// UVC 3.9.2.1: the header counts the length of all format and frame descriptors after it.
fn input_header_and_formats() -> Vec<u8> {
    const VS_INPUT_HEADER: u8 = 1;
    const OUTPUT_TERMINAL: u8 = 3;
    let mut formats = Vec::new();
    push_mjpeg_format(&mut formats);
    push_yuyv_format(&mut formats);
    let mut out = Vec::new();
    let total = (15 + formats.len()) as u16;
    push(
        &mut out,
        &[
            &[CS_INTERFACE, VS_INPUT_HEADER, 2],
            &total.to_le_bytes(),
            &[VIDEO_ENDPOINT, 0, OUTPUT_TERMINAL, 0, 0, 0, 1, 0, 0],
        ],
    );
    out.extend(formats);
    out
}

fn frames_of(format: Format) -> impl Iterator<Item = Mode> {
    MODES.into_iter().filter(move |mode| mode.format == format)
}

/// USB Device Class Definition for Video Devices: Motion-JPEG Payload, 3.1.
fn push_mjpeg_format(out: &mut Vec<u8>) {
    const VS_FORMAT_MJPEG: u8 = 6;
    const VS_FRAME_MJPEG: u8 = 7;
    let frames = frames_of(Format::Mjpeg).count() as u8;
    push(out, &[&[CS_INTERFACE, VS_FORMAT_MJPEG, Format::Mjpeg as u8, frames, 0, 1, 0, 0, 0, 0]]);
    frames_of(Format::Mjpeg).for_each(|mode| push_frame(out, VS_FRAME_MJPEG, mode));
    push_colour_matching(out);
}

/// USB Device Class Definition for Video Devices: Uncompressed Payload, 3.1.
fn push_yuyv_format(out: &mut Vec<u8>) {
    const VS_FORMAT_UNCOMPRESSED: u8 = 4;
    const VS_FRAME_UNCOMPRESSED: u8 = 5;
    const GUID_YUY2: [u8; 16] = *b"YUY2\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71";
    const BITS_PER_PIXEL: u8 = 16;
    let frames = frames_of(Format::Yuyv).count() as u8;
    push(
        out,
        &[
            &[CS_INTERFACE, VS_FORMAT_UNCOMPRESSED, Format::Yuyv as u8, frames],
            &GUID_YUY2,
            &[BITS_PER_PIXEL, 1, 0, 0, 0, 0],
        ],
    );
    frames_of(Format::Yuyv).for_each(|mode| push_frame(out, VS_FRAME_UNCOMPRESSED, mode));
    push_colour_matching(out);
}

/// The frame descriptors of both formats have the same layout: bit rates, size, discrete intervals.
fn push_frame(out: &mut Vec<u8>, subtype: u8, mode: Mode) {
    let bits = mode.frame_bytes_max() * 8;
    push(
        out,
        &[
            &[CS_INTERFACE, subtype, mode.frame_index, 0],
            &mode.width.to_le_bytes(),
            &mode.height.to_le_bytes(),
            &(bits * 15).to_le_bytes(),
            &(bits * 30).to_le_bytes(),
            &mode.frame_bytes_max().to_le_bytes(),
            &FRAME_INTERVALS[0].to_le_bytes(),
            &[FRAME_INTERVALS.len() as u8],
            &FRAME_INTERVALS[0].to_le_bytes(),
            &FRAME_INTERVALS[1].to_le_bytes(),
        ],
    );
}

/// UVC 3.9.2.6: sRGB primaries and transfer, BT.601 matrix.
fn push_colour_matching(out: &mut Vec<u8>) {
    const VS_COLORFORMAT: u8 = 13;
    push(out, &[&[CS_INTERFACE, VS_COLORFORMAT, 1, 1, 4]]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(serial: Option<&str>) -> Identity {
        Identity { manufacturer: "M".into(), product: "P".into(), serial: serial.map(Into::into) }
    }

    /// Walks the chain of bLength fields; a wrong one would end it in the wrong place.
    fn chain(bytes: &[u8]) -> Vec<&[u8]> {
        let mut rest = bytes;
        let mut found = Vec::new();
        while let Some(&length) = rest.first() {
            let (descriptor, after) = rest.split_at(usize::from(length));
            found.push(descriptor);
            rest = after;
        }
        found
    }

    #[test]
    fn lengths_and_totals_agree() {
        for transfer in [Transfer::Bulk, Transfer::Isochronous] {
            let bytes = descriptor(&identity(None), transfer, CONFIGURATION, 0).unwrap();
            assert_eq!(u16::from_le_bytes([bytes[2], bytes[3]]) as usize, bytes.len());
            let endpoints = chain(&bytes).into_iter().filter(|d| d[1] == ENDPOINT).count();
            assert_eq!(endpoints, 1, "{transfer:?}");
        }
    }

    #[test]
    fn no_serial_number_means_no_string() {
        let with = descriptor(&identity(Some("7")), Transfer::Bulk, DEVICE, 0).unwrap();
        let without = descriptor(&identity(None), Transfer::Bulk, DEVICE, 0).unwrap();
        assert_eq!((with.len(), with[16], without[16]), (18, SERIAL_STRING, 0));
        assert_eq!(string(&identity(Some("7")), SERIAL_STRING).unwrap(), [4, STRING, b'7', 0]);
        assert_eq!(string(&identity(None), SERIAL_STRING), None);
    }
}
