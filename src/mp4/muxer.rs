//! Access units to init segments and fragments.

use std::fmt;
use std::sync::Arc;

use super::fragment::Times;
use super::order::{Order, Ordering, Place};
use super::parameters::Parameters;
use super::picture::Picture;
use super::timeline::Timeline;
use super::{Fragment, InitSegment, Start};
use crate::video::picture_order::{Counter, Ordered};
use crate::video::{AccessUnit, Codec};

/// Makes fragments of one stream. A camera needs one for all its viewers.
#[derive(Debug)]
pub struct Muxer {
    codec: Codec,
    parameters: Option<Parameters>,
    /// Pictures are left out until a start.
    needs_start: bool,
    /// Pictures that refer to some before the last start are left out: those are missing.
    is_after_gap: bool,
    counter: Counter,
    order: Order,
    timeline: Timeline,
    sequence_number: u32,
}

/// What became of an access unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Muxed {
    /// Goes before the fragment, which is a start: parameter sets are others than before.
    pub init: Option<Arc<InitSegment>>,
    /// The picture.
    pub fragment: Fragment,
}

/// Why a picture cannot be given to browsers. Pictures up to the next start are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unplayable {
    /// Parameter sets are missing, damaged or not understood.
    NoParameterSets,
    /// Parameter sets changed in front of a picture that decoding cannot begin with.
    ParametersChanged,
    /// Display order is not understood, or only now that a picture was out of it. A stream of which this is
    /// said again and again is for a decoder.
    Reordered,
    /// Pictures are fields, each in a unit of its own or two in one.
    Fields,
    /// There is no picture in the unit, or its slices are damaged.
    Damaged,
    /// It has more NAL units than [`NAL_UNITS_MAX`](super::NAL_UNITS_MAX), or more bytes than a box.
    TooLarge,
}

impl fmt::Display for Unplayable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoParameterSets => "parameter sets are missing or damaged",
            Self::ParametersChanged => "parameter sets changed between key pictures",
            Self::Reordered => "the display order of pictures is not understood",
            Self::Fields => "pictures are interlaced fields",
            Self::Damaged => "a picture is damaged",
            Self::TooLarge => "a picture has too many pieces or bytes",
        })
    }
}

impl std::error::Error for Unplayable {}

impl Default for Muxer {
    fn default() -> Self {
        Self {
            codec: Codec::H264,
            parameters: None,
            needs_start: true,
            is_after_gap: true,
            counter: Counter::default(),
            order: Order::new(Codec::H264),
            timeline: Timeline::default(),
            sequence_number: 0,
        }
    }
}

impl Muxer {
    /// The init segment of the pictures that come now, once there was one.
    pub fn init(&self) -> Option<&Arc<InitSegment>> {
        self.parameters.as_ref().map(|parameters| &parameters.init)
    }

    /// Takes the next unit in decoding order. `None` where its picture is left out: the stream has not come
    /// to a start, or the picture refers to others that are missing.
    ///
    /// Hidden units ([`AccessUnit::is_hidden`]) become pictures like all others.
    ///
    /// # Errors
    /// As [`Unplayable`] says. The muxer goes on with the next start.
    pub fn push(&mut self, unit: &AccessUnit) -> Result<Option<Muxed>, Unplayable> {
        if unit.codec != self.codec {
            self.change_codec(unit.codec);
        }
        if unit.discontinuity {
            self.interrupt();
        }
        let muxed = Picture::read(unit).and_then(|picture| self.mux(unit, &picture));
        if muxed.is_err() {
            self.interrupt();
        }
        muxed
    }

    /// Time goes on: viewers that had pictures of the other codec have them still.
    fn change_codec(&mut self, codec: Codec) {
        self.interrupt();
        (self.codec, self.parameters) = (codec, None);
        self.order.change_codec(codec);
    }

    fn interrupt(&mut self) {
        self.needs_start = true;
        self.order.interrupt();
    }

    fn mux(&mut self, unit: &AccessUnit, picture: &Picture<'_>) -> Result<Option<Muxed>, Unplayable> {
        if self.needs_start {
            if !picture.is_start {
                return Ok(None);
            }
            (self.needs_start, self.is_after_gap, self.counter) = (false, true, Counter::default());
        } else if self.is_after_gap && !picture.is_start {
            if picture.is_leading(self.codec) {
                return Ok(None);
            }
            self.is_after_gap = false;
        }
        let init = self.renew_parameters(picture)?;
        let Some(place) = self.place(picture)? else { return Ok(None) };
        let times = self.times(place, unit)?;
        let start = match (picture.is_start, place.is_leading) {
            (true, _) => Start::Here,
            (false, true) => Start::NotAfterLast,
            (false, false) => Start::No,
        };
        self.sequence_number = self.sequence_number.wrapping_add(1);
        let fragment = Fragment::new(self.sequence_number, times, start, &picture.nal_units)?;
        Ok(Some(Muxed { init, fragment }))
    }

    /// The init segment, if it is another than before.
    fn renew_parameters(&mut self, picture: &Picture<'_>) -> Result<Option<Arc<InitSegment>>, Unplayable> {
        if self.parameters.as_ref().is_some_and(|parameters| parameters.are_of(self.codec, picture)) {
            return Ok(None);
        }
        if !picture.is_start {
            return Err(Unplayable::ParametersChanged);
        }
        let parameters = Parameters::of(self.codec, picture, self.parameters.as_ref())?;
        let init = parameters.init.clone();
        self.parameters = Some(parameters);
        Ok(Some(init))
    }

    fn place(&mut self, picture: &Picture<'_>) -> Result<Option<Place>, Unplayable> {
        let parameters = self.parameters.as_ref().ok_or(Unplayable::NoParameterSets)?;
        let (sequence, set) = (&parameters.sequence, parameters.picture_set(picture));
        let set = set.ok_or(Unplayable::Damaged)?;
        let ordered =
            Ordered::read(self.codec, picture.first_slice, set, sequence).ok_or(Unplayable::Damaged)?;
        if ordered.is_field {
            return Err(Unplayable::Fields);
        }
        self.order.place(Ordering {
            count: self.counter.count(&ordered, sequence.order),
            restarts: ordered.restarts,
            is_start: picture.is_start,
            depth: sequence.order.depth,
        })
    }

    fn times(&mut self, place: Place, unit: &AccessUnit) -> Result<Times, Unplayable> {
        self.timeline.arrive(place.decode, unit.arrived);
        let [decode, next, display] =
            [place.decode, place.decode + 1, place.display].map(|slot| self.timeline.time(slot));
        let duration = u32::try_from(next - decode).map_err(|_| Unplayable::Reordered)?;
        let offset = i32::try_from(display - decode).map_err(|_| Unplayable::Reordered)?;
        Ok(Times { decode, duration, offset })
    }
}
