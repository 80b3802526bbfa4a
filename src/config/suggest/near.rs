//! The distance between a mistyped word and a known one.

/// The known word nearest to a mistyped one; `None` if none is near.
pub fn nearest<'a>(word: &str, words: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase();
    // Two typos turn a short word into a different one.
    let far = if word.chars().count() <= 4 { 1 } else { 2 };
    let distances = words.iter().map(|known| (distance(&word, known), *known));
    distances.filter(|(distance, _)| *distance <= far).min_by_key(|(distance, _)| *distance).map(|(_, it)| it)
}

/// Whether at most `max` typos turn one word into the other.
pub fn is_within(one: &str, other: &str, max: usize) -> bool {
    distance(one, other) <= max
}

/// Characters to insert, delete, change, or swap with their neighbours to turn one word into the other
/// (optimal string alignment).
fn distance(one: &str, other: &str) -> usize {
    /// A longer word is not a mistyped key.
    const WORD_MAX_CHARS: usize = 40;
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if one.len().max(other.len()) > WORD_MAX_CHARS {
        return usize::MAX;
    }
    let mut rows = vec![(0..=other.len()).collect::<Vec<usize>>()];
    for i in 1..=one.len() {
        let mut row = vec![i];
        for j in 1..=other.len() {
            let changed = rows[i - 1][j - 1] + usize::from(one[i - 1] != other[j - 1]);
            let mut least = changed.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::sections::{FileKind, Section};

    #[test]
    fn typos_are_near() {
        let keys = Section::Camera.keys(FileKind::Service);
        for (slip, meant) in [
            ("qualty", "quality"),
            ("soruce", "source"),
            ("frormat", "format"),
            ("siez", "size"),
            ("ondemand", "on_demand"),
            ("Trasnport", "transport"),
        ] {
            assert_eq!(nearest(slip, &keys), Some(meant), "{slip}");
        }
        for far in ["", "x", "colour", "fp", &"a".repeat(1000)] {
            assert!(nearest(far, &keys).is_none_or(|near| near == "fps"), "{far}");
        }
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("ab", "ba"), 1);
    }
}
