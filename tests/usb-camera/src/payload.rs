//! Video payloads: UVC 2.4.3.2 (bulk), 2.4.3.3 (the header).

// bmHeaderInfo (UVC 2.4.3.3).
const FRAME_ID: u8 = 1 << 0;
const END_OF_FRAME: u8 = 1 << 1;
const ERROR: u8 = 1 << 6;
const END_OF_HEADER: u8 = 1 << 7;

/// bHeaderLength: the two mandatory bytes; no timestamps.
const HEADER_BYTES: usize = 2;

/// One frame on its way to the host, cut into payloads.
#[derive(Debug)]
pub struct Payloads {
    frame: Vec<u8>,
    sent: usize,
    ended: bool,
    info: u8,
}

impl Payloads {
    /// `frame_id` toggles with each frame, so that the host detects the start of one even if the end of the
    /// previous was lost. `error` sets the error bit of each header.
    pub fn new(frame: Vec<u8>, frame_id: bool, error: bool) -> Payloads {
        let info = END_OF_HEADER | if frame_id { FRAME_ID } else { 0 } | if error { ERROR } else { 0 };
        Payloads { frame, sent: 0, ended: false, info }
    }

    /// Appends the next payload to `out` and returns its size, at most `room`; 0 after the end of the frame.
    /// An empty frame is one header without data.
    pub fn next(&mut self, room: usize, out: &mut Vec<u8>) -> usize {
        if self.ended || room < HEADER_BYTES {
            return 0;
        }
        let data = (self.frame.len() - self.sent).min(room - HEADER_BYTES);
        let end = self.sent + data;
        self.ended = end == self.frame.len();
        out.extend_from_slice(&[HEADER_BYTES as u8, self.info | if self.ended { END_OF_FRAME } else { 0 }]);
        out.extend_from_slice(&self.frame[self.sent..end]);
        self.sent = end;
        HEADER_BYTES + data
    }

    /// Whether the whole frame has been cut.
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// Bytes of the frame.
    pub fn frame_bytes(&self) -> usize {
        self.frame.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_cut_and_its_end_marked() {
        let mut payloads = Payloads::new(vec![1, 2, 3, 4, 5], true, false);
        let mut out = Vec::new();
        assert_eq!(payloads.next(5, &mut out), 5);
        assert!(!payloads.is_ended());
        assert_eq!(payloads.next(5, &mut out), 4);
        assert_eq!(payloads.next(5, &mut out), 0);
        assert_eq!(out, [2, 0x81, 1, 2, 3, 2, 0x83, 4, 5]);
    }

    #[test]
    fn an_empty_frame_is_a_header_with_its_end() {
        let mut out = Vec::new();
        Payloads::new(Vec::new(), false, true).next(512, &mut out);
        assert_eq!(out, [2, 0x80 | 0x40 | 0x02]);
    }
}
