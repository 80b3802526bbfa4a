//! The parameter sets that a stream's pictures refer to.

use std::sync::Arc;

use super::picture::Picture;
use super::{InitSegment, Unplayable};
use crate::video::Codec;
use crate::video::parameter_sets::{Kind, ParameterSets};
use crate::video::picture_order::{self, PictureSet};
use crate::video::sps::{self, Sequence};

/// Parameter sets, what is in them, and the init segment that has them.
#[derive(Debug, Clone)]
pub(super) struct Parameters {
    codec: Codec,
    sets: ParameterSets,
    picture_sets: Vec<PictureSet>,
    /// The one that pictures refer to.
    pub sequence: Sequence,
    pub init: Arc<InitSegment>,
}

impl Parameters {
    /// Of a picture that a decoder can begin with, which may lack those that are known already.
    pub fn of(codec: Codec, picture: &Picture<'_>, known: Option<&Self>) -> Result<Self, Unplayable> {
        let mut sets = picture.sets.clone();
        if sets.of(Kind::Sequence).next().is_none() {
            sets = known.map(|known| known.sets.clone()).unwrap_or_default();
            sets.extend(&picture.sets);
        }
        let picture_sets: Vec<_> =
            sets.of(Kind::Picture).filter_map(|nal| PictureSet::read(codec, nal)).collect();
        let id = sequence_id(codec, picture, &picture_sets).ok_or(Unplayable::NoParameterSets)?;
        let mut sequences = sets.of(Kind::Sequence).filter_map(|nal| sps::read(codec, nal));
        let sequence = sequences.find(|it| it.id == id).ok_or(Unplayable::NoParameterSets)?;
        drop(sequences);
        let init = Arc::new(InitSegment::new(&sets, &sequence).ok_or(Unplayable::NoParameterSets)?);
        Ok(Self { codec, sets, picture_sets, sequence, init })
    }

    /// Whether these are a picture's own: it brings no others, and refers to the same sequence.
    pub fn are_of(&self, codec: Codec, picture: &Picture<'_>) -> bool {
        codec == self.codec
            && self.sets.include(&picture.sets)
            && sequence_id(codec, picture, &self.picture_sets) == Some(self.sequence.id)
    }

    /// The picture parameter set of a picture.
    pub fn picture_set(&self, picture: &Picture<'_>) -> Option<&PictureSet> {
        find(self.codec, picture, &self.picture_sets)
    }
}

fn find<'a>(codec: Codec, picture: &Picture<'_>, sets: &'a [PictureSet]) -> Option<&'a PictureSet> {
    let id = picture_order::picture_set(codec, picture.first_slice)?;
    sets.iter().find(|set| set.id == id)
}

fn sequence_id(codec: Codec, picture: &Picture<'_>, sets: &[PictureSet]) -> Option<u32> {
    find(codec, picture, sets).map(|set| set.sequence)
}
