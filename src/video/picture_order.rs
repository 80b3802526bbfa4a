//! In which order pictures are shown: picture order counts, out of the heads of slices.
//! ITU-T H.264 sections 7.3.3 and 8.2.1, H.265 sections 7.3.6.1 and 8.3.1.

use super::Codec;
use super::bits::Bits;
use super::sps::Sequence;

/// Bytes of a slice that are looked at: the longest codes before its picture order count have 20.
const LOOK_BYTES: usize = 40;

/// How the pictures of a sequence are ordered, as its parameter set says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// How slices say where their picture stands.
    pub counting: Counting,
    /// Pictures that may precede another in decoding order and follow it in display order, at most;
    /// `None` where that is not said.
    pub depth: Option<u8>,
    /// Bits of frame_num (H.264).
    pub(super) frame_num_bits: u8,
    /// A picture may be a field (H.264).
    pub(super) has_fields: bool,
    /// Slices name a colour plane.
    pub(super) has_planes: bool,
}

/// How slices say where their picture stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counting {
    /// By so many bits of a count (H.265, and pic_order_cnt_type 0 of H.264).
    Bits(u8),
    /// By a scheme that is not understood here (pic_order_cnt_type 1 of H.264).
    Cycle,
    /// Not at all: pictures are shown as they are decoded (pic_order_cnt_type 2 of H.264).
    Decoding,
}

/// What a picture parameter set says, as far as it is needed to read slices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureSet {
    /// Its number.
    pub id: u32,
    /// The sequence parameter set that it goes with.
    pub sequence: u32,
    has_output_flag: bool,
    extra_bits: u8,
}

impl PictureSet {
    /// Reads a NAL unit with its header. ITU-T H.264 section 7.3.2.2, H.265 section 7.3.2.3.1.
    pub fn read(codec: Codec, nal: &[u8]) -> Option<Self> {
        let mut bits = Bits::new(nal.get(header_bytes(codec)..)?, LOOK_BYTES);
        let (id, sequence) = (bits.ue()?, bits.ue()?);
        let (has_output_flag, extra_bits) = match codec {
            Codec::H264 => (false, 0),
            Codec::H265 => {
                bits.flag()?; // dependent_slice_segments_enabled_flag
                (bits.flag()?, bits.u(3)? as u8)
            }
        };
        Some(Self { id, sequence, has_output_flag, extra_bits })
    }
}

/// What the first slice of a picture says of its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ordered {
    /// Counting begins anew, and no picture after it refers to one before it: IDR and BLA pictures.
    pub restarts: bool,
    /// It is one field of a picture.
    pub is_field: bool,
    /// The low bits of its count.
    lsb: Option<u32>,
    /// Those of later pictures are understood by its own.
    is_anchor: bool,
}

/// The picture parameter set that the first slice of a picture refers to.
pub fn picture_set(codec: Codec, nal: &[u8]) -> Option<u32> {
    let mut bits = Bits::new(nal.get(header_bytes(codec)..)?, LOOK_BYTES);
    match codec {
        Codec::H264 => {
            bits.ue()?; // first_mb_in_slice
            bits.ue()?; // slice_type
        }
        Codec::H265 => skip_h265_flags(&mut bits, h265_kind(nal))?,
    }
    bits.ue()
}

impl Ordered {
    /// Reads the first slice of a picture; `None` if it is damaged.
    pub fn read(codec: Codec, nal: &[u8], picture_set: &PictureSet, sequence: &Sequence) -> Option<Self> {
        let mut bits = Bits::new(nal.get(header_bytes(codec)..)?, LOOK_BYTES);
        match codec {
            Codec::H264 => h264(nal[0], &mut bits, sequence.order),
            Codec::H265 => h265(nal, &mut bits, picture_set, sequence.order),
        }
    }
}

/// ITU-T H.264 section 7.3.3.
fn h264(header: u8, bits: &mut Bits, order: Order) -> Option<Ordered> {
    let restarts = header & 0x1f == 5;
    for _ in ["first_mb_in_slice", "slice_type", "pic_parameter_set_id"] {
        bits.ue()?;
    }
    bits.skip(if order.has_planes { 2 } else { 0 } + usize::from(order.frame_num_bits))?;
    let is_field = order.has_fields && bits.flag()?;
    if is_field {
        bits.flag()?; // bottom_field_flag
    }
    if restarts {
        bits.ue()?; // idr_pic_id
    }
    let lsb = match order.counting {
        Counting::Bits(count) => Some(bits.u(u32::from(count))?),
        Counting::Cycle | Counting::Decoding => None,
    };
    Some(Ordered { restarts, is_field, lsb, is_anchor: header & 0x60 != 0 })
}

/// ITU-T H.265 section 7.3.6.1.
fn h265(nal: &[u8], bits: &mut Bits, picture_set: &PictureSet, order: Order) -> Option<Ordered> {
    let kind = h265_kind(nal);
    skip_h265_flags(bits, kind)?;
    bits.ue()?; // slice_pic_parameter_set_id
    bits.skip(usize::from(picture_set.extra_bits))?;
    bits.ue()?; // slice_type
    let flags = usize::from(picture_set.has_output_flag) + if order.has_planes { 2 } else { 0 };
    bits.skip(flags)?; // pic_output_flag, colour_plane_id
    let lsb = match order.counting {
        _ if matches!(kind, 19 | 20) => Some(0),
        Counting::Bits(count) => Some(bits.u(u32::from(count))?),
        Counting::Cycle | Counting::Decoding => None,
    };
    let is_lowest_layer = nal.get(1)? & 7 == 1;
    let is_disposable = kind < 16 && kind.is_multiple_of(2);
    let is_leading = matches!(kind, 6..=9);
    let is_anchor = is_lowest_layer && !is_disposable && !is_leading;
    Some(Ordered { restarts: matches!(kind, 16..=20), is_field: false, lsb, is_anchor })
}

/// first_slice_segment_in_pic_flag, no_output_of_prior_pics_flag.
fn skip_h265_flags(bits: &mut Bits, kind: u8) -> Option<()> {
    bits.skip(if matches!(kind, 16..=23) { 2 } else { 1 })
}

fn h265_kind(nal: &[u8]) -> u8 {
    nal.first().map_or(0, |first| first >> 1 & 0x3f)
}

const fn header_bytes(codec: Codec) -> usize {
    match codec {
        Codec::H264 => 1,
        Codec::H265 => 2,
    }
}

/// Makes picture order counts of their low bits.
#[derive(Debug, Clone, Default)]
pub struct Counter {
    /// Count of the last anchor: its high bits, and its low ones.
    anchor: (i64, i64),
}

impl Counter {
    /// The picture order count of the next picture in decoding order; `None` where its slices do not
    /// have one. ITU-T H.264 section 8.2.1.1, H.265 section 8.3.1.
    ///
    /// A memory_management_control_operation of 5, which lets H.264 count anew without an IDR picture,
    /// is not looked for: such a picture seems to be out of order.
    pub fn count(&mut self, picture: &Ordered, order: Order) -> Option<i64> {
        let (Counting::Bits(bits), Some(lsb)) = (order.counting, picture.lsb) else { return None };
        if picture.restarts {
            self.anchor = (0, 0);
        }
        let (range, lsb) = (1_i64 << bits.min(16), i64::from(lsb));
        let (mut msb, last) = self.anchor;
        if !picture.restarts {
            if last - lsb >= range / 2 {
                msb = msb.saturating_add(range);
            } else if lsb - last > range / 2 {
                msb = msb.saturating_sub(range);
            }
        }
        if picture.is_anchor {
            self.anchor = (msb, lsb);
        }
        Some(msb.saturating_add(lsb))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(bits: u8) -> Order {
        let counting = Counting::Bits(bits);
        Order { counting, depth: None, frame_num_bits: 4, has_fields: false, has_planes: false }
    }

    #[test]
    fn counts_go_on_where_their_low_bits_begin_anew() {
        let mut counter = Counter::default();
        let pictures =
            [(true, 0, true), (false, 12, true), (false, 4, false), (false, 2, true), (false, 14, false)];
        let counts = pictures.map(|(restarts, lsb, is_anchor)| {
            counter.count(&Ordered { restarts, is_field: false, lsb: Some(lsb), is_anchor }, order(4))
        });
        // 12 is more than half the range after 0, so it stands for -4.
        assert_eq!(counts, [Some(0), Some(-4), Some(4), Some(2), Some(-2)]);
    }

    #[test]
    fn slices_say_where_their_picture_stands() {
        // 1 first_mb_in_slice; 0001000 slice_type; 1 set; 0101 frame_num; 0110 count.
        let bits = [0x41, 0b1000_1000, 0b1010_1011, 0];
        assert_eq!(picture_set(Codec::H264, &bits), Some(0));
        let read = h264(bits[0], &mut Bits::new(&bits[1..], 40), order(4)).unwrap();
        assert_eq!(read, Ordered { restarts: false, is_field: false, lsb: Some(0b0110), is_anchor: true });
        assert_eq!(h264(bits[0], &mut Bits::new(&bits[1..2], 40), order(4)), None);
    }
}
