//! The newest parameter sets of a stream, from its description or in band.

use super::nal::START_CODE;

/// Bytes of one parameter set; real ones have 10 to 200. All remembered sets go in front of key pictures that
/// lack them.
pub const PARAMETER_SET_MAX_BYTES: usize = 1024;

/// Parameter sets remembered; cameras have two or three.
pub const PARAMETER_SETS_MAX: usize = 16;

/// A kind of parameter set, in the order that a decoder needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Video (H.265 only).
    Video,
    /// Sequence.
    Sequence,
    /// Picture.
    Picture,
}

/// Remembers the last parameter set of each kind and id, for key pictures that come without.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct ParameterSets {
    /// Sorted by kind, then id.
    sets: Vec<((Kind, u32), Vec<u8>)>,
}

impl ParameterSets {
    /// Takes a NAL unit without start code; true if it differs from the remembered one.
    pub fn insert(&mut self, kind: Kind, id: u32, nal: &[u8]) -> bool {
        if nal.len() > PARAMETER_SET_MAX_BYTES {
            return false;
        }
        match self.sets.binary_search_by_key(&(kind, id), |(key, _)| *key) {
            Ok(at) if self.sets[at].1 == nal => return false,
            Ok(at) => self.sets[at].1 = nal.to_vec(),
            Err(_) if self.sets.len() >= PARAMETER_SETS_MAX => return false,
            Err(at) => self.sets.insert(at, ((kind, id), nal.to_vec())),
        }
        true
    }

    /// Whether each of the others is among these.
    pub fn include(&self, others: &Self) -> bool {
        others.sets.iter().all(|set| self.sets.contains(set))
    }

    /// Adds all the others.
    pub fn extend(&mut self, others: &Self) {
        others.sets.iter().for_each(|((kind, id), nal)| {
            self.insert(*kind, *id, nal);
        });
    }

    /// Those of a kind, by their ids.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &[u8]> {
        self.sets.iter().filter(move |((of, _), _)| *of == kind).map(|(_, nal)| &nal[..])
    }

    /// All of them, each behind a start code.
    pub fn byte_stream(&self) -> Vec<u8> {
        self.sets.iter().flat_map(|(_, nal)| [&START_CODE[..], nal]).flatten().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_of_each_id_in_decoder_order() {
        let mut sets = ParameterSets::default();
        assert!(sets.insert(Kind::Picture, 0, b"p"));
        assert!(sets.insert(Kind::Sequence, 0, b"old"));
        assert!(sets.insert(Kind::Sequence, 0, b"s"));
        assert!(!sets.insert(Kind::Sequence, 0, b"s"));
        assert_eq!(sets.byte_stream(), b"\0\0\0\x01s\0\0\0\x01p");
        assert_eq!(sets.of(Kind::Sequence).collect::<Vec<_>>(), [b"s"]);
        let mut some = ParameterSets::default();
        some.insert(Kind::Picture, 0, b"p");
        assert!(sets.include(&some) && !some.include(&sets));
        some.extend(&sets);
        assert_eq!(some, sets);
    }

    #[test]
    fn bounded() {
        let mut sets = ParameterSets::default();
        assert!(!sets.insert(Kind::Picture, 0, &[1; PARAMETER_SET_MAX_BYTES + 1]));
        for id in 0..1000 {
            sets.insert(Kind::Picture, id, b"p");
        }
        assert_eq!(sets.sets.len(), PARAMETER_SETS_MAX);
    }
}
