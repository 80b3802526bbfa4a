//! Checks an MP4's tables before libavformat does: a few bytes can announce four billion samples, for which
//! it would build an index. ISO/IEC 14496-12, sections 4.2, 8.6.6 and 8.7.3.

use std::io::{Error, ErrorKind, Read, Result, Seek, SeekFrom};

/// Samples of all tracks, counted for each edit that may play them: two days of video at 25 per second.
/// libavformat needs about 36 bytes for each.
const SAMPLES_MAX: u64 = 4_000_000;

/// Boxes up to the end of the first `moov`, after which libavformat accepts no other: some hundred per track.
/// Those of fragments follow.
const BOXES_MAX: u32 = 20_000;

/// Nesting depth of boxes.
const DEPTH_MAX: u32 = 12;

/// Boxes that contain boxes.
const CONTAINERS: [&[u8; 4]; 13] = [
    b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"dinf", b"udta", b"tref", b"mvex", b"moof",
    b"traf", b"wave",
];

/// The first boxes of files that libavformat takes for MP4.
const FIRST: [&[u8; 4]; 10] =
    [b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"pnot", b"udta"];

/// Returns the error in the tables of an MP4; other files pass. Rewinds the file.
pub(super) fn check(file: &mut (impl Read + Seek)) -> std::result::Result<(), String> {
    let mut tables = Tables::default();
    let result = tables.read(file);
    file.rewind().map_err(|error| error.to_string())?;
    match result {
        Err(error) if error.kind() == ErrorKind::InvalidData => Err(error.to_string()),
        // Truncated or unreadable: libavformat reports it.
        _ => Ok(()),
    }
}

#[derive(Debug, Default)]
struct Tables {
    boxes: u32,
    /// Samples times edits of the earlier tracks.
    total: u64,
    samples: u64,
    edits: u64,
}

impl Tables {
    fn read(&mut self, file: &mut (impl Read + Seek)) -> Result<()> {
        let end = file.seek(SeekFrom::End(0))?;
        file.rewind()?;
        let (name, _) = header(file, end)?;
        if FIRST.contains(&&name) { self.within(file, 0, end, 0) } else { Ok(()) }
    }

    /// The boxes from one offset to another.
    fn within(&mut self, file: &mut (impl Read + Seek), begin: u64, end: u64, depth: u32) -> Result<()> {
        let mut at = begin;
        while at + 8 <= end {
            self.boxes += 1;
            if self.boxes > BOXES_MAX {
                return Err(refused(format!("it has more than {BOXES_MAX} boxes before its pictures")));
            }
            file.seek(SeekFrom::Start(at))?;
            let (name, next) = header(file, end)?;
            let content = file.stream_position()?;
            match &name {
                b"stsz" | b"stz2" => self.samples += u64::from(numbers::<3>(file)?[2]),
                b"elst" => self.edits += u64::from(numbers::<2>(file)?[1]),
                name if CONTAINERS.contains(&name) && depth < DEPTH_MAX => {
                    self.within(file, content, next, depth + 1)?;
                }
                _ => {}
            }
            self.check(name)?;
            if depth == 0 && &name == b"moov" {
                break;
            }
            at = next;
        }
        Ok(())
    }

    fn check(&mut self, name: [u8; 4]) -> Result<()> {
        let track = self.samples.saturating_mul(self.edits.max(1));
        let total = self.total.saturating_add(track);
        if total > SAMPLES_MAX {
            let words = format!("its tables announce {total} samples, at most {SAMPLES_MAX} are read");
            return Err(refused(words));
        }
        if &name == b"trak" {
            (self.total, self.samples, self.edits) = (total, 0, 0);
        }
        Ok(())
    }
}

fn refused(words: String) -> Error {
    Error::new(ErrorKind::InvalidData, words)
}

/// The name of a box, and the offset after it, at most `end`.
fn header(file: &mut (impl Read + Seek), end: u64) -> Result<([u8; 4], u64)> {
    let begin = file.stream_position()?;
    let [size, name] = numbers::<2>(file)?;
    let size = match size {
        0 => end - begin.min(end),
        1 => {
            let [high, low] = numbers::<2>(file)?;
            u64::from(high) << 32 | u64::from(low)
        }
        size => u64::from(size),
    };
    // A box is at least as long as its header, so that the next one lies after it.
    Ok((name.to_be_bytes(), begin.saturating_add(size.max(8)).min(end)))
}

fn numbers<const COUNT: usize>(file: &mut impl Read) -> Result<[u32; COUNT]> {
    let mut numbers = [0; COUNT];
    for number in &mut numbers {
        let mut bytes = [0; 4];
        file.read_exact(&mut bytes)?;
        *number = u32::from_be_bytes(bytes);
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn boxed(name: &str, content: &[u8]) -> Vec<u8> {
        [&(content.len() as u32 + 8).to_be_bytes()[..], name.as_bytes(), content].concat()
    }

    fn track(samples: u32, edits: u32) -> Vec<u8> {
        let words = |words: &[u32]| words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>();
        let sizes = boxed("stsz", &words(&[0, 1, samples]));
        let media = boxed("mdia", &boxed("minf", &boxed("stbl", &sizes)));
        let edits = boxed("edts", &boxed("elst", &words(&[0, edits])));
        boxed("trak", &[edits, media].concat())
    }

    fn checked(bytes: Vec<u8>) -> std::result::Result<(), String> {
        let mut file = Cursor::new(bytes);
        let result = check(&mut file);
        assert_eq!(file.position(), 0);
        result
    }

    fn movie(tracks: &[Vec<u8>]) -> Vec<u8> {
        [boxed("ftyp", b"isom\0\0\0\0"), boxed("moov", &tracks.concat())].concat()
    }

    #[test]
    fn samples_of_all_tracks_and_edits_are_counted() {
        assert_eq!(checked(movie(&[track(2_000_000, 1), track(1_900_000, 0)])), Ok(()));
        let words = checked(movie(&[track(u32::MAX, 1)])).unwrap_err();
        assert_eq!(words, "its tables announce 4294967295 samples, at most 4000000 are read");
        assert!(checked(movie(&vec![track(200_000, 1); 30])).is_err(), "many tracks");
        assert!(checked(movie(&[track(1000, 1_000_000)])).is_err(), "many edits");
        assert!(checked(movie(&[track(u32::MAX, u32::MAX)])).is_err());
        // A table in a box that has none.
        let hidden = boxed("moov", &boxed("trak", &boxed("dinf", &track(u32::MAX, 0))));
        assert!(checked(hidden).is_err());
    }

    #[test]
    fn other_and_damaged_files_pass_and_parsing_ends() {
        let good = movie(&[track(100, 1)]);
        for end in 0..good.len() {
            assert_eq!(checked(good[..end].to_vec()), Ok(()), "{end} bytes");
        }
        assert_eq!(checked(vec![0; 100]), Ok(()));
        assert_eq!(checked([b"\0\0\0\x01moov".to_vec(), vec![0xff; 8], good.clone()].concat()), Ok(()));
        // Boxes of length zero, to the end of the file, and nested ones.
        assert_eq!(checked(b"\0\0\0\x02ftyp\0\0\0\0moov\0\0\0\0moov".to_vec()), Ok(()));
        let mut deep = track(5, 1);
        for _ in 0..100 {
            deep = boxed("moov", &deep);
        }
        assert_eq!(checked(deep), Ok(()));
        let padded = [boxed("free", b"").repeat(30_000), movie(&[track(u32::MAX, 1)])].concat();
        assert_eq!(checked(padded).unwrap_err(), "it has more than 20000 boxes before its pictures");
        let fragments = [movie(&[track(0, 0)]), boxed("moof", b"").repeat(30_000)].concat();
        assert_eq!(checked(fragments), Ok(()));
    }
}
