//! The bundled font: sizes, glyphs, and fitting text into columns.
//!
//! The font is monospaced, so widths are counted in columns of one character.

use std::borrow::Cow;
use std::collections::BTreeMap;

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, RasterizedChar, get_raster, get_raster_width};

/// Replaces characters missing in the font.
const MISSING: char = '?';

/// Replaces text that was cut off.
const ELLIPSIS: &str = "...";

/// The bundled font in one size and weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Font {
    raster: RasterHeight,
    weight: FontWeight,
    /// Picture pixels per raster pixel.
    scale: usize,
}

impl Font {
    /// The largest regular size with lines of at most this many pixels, 16 at least.
    pub fn regular(height_max: usize) -> Self {
        Self::largest(FontWeight::Regular, height_max)
    }

    /// The largest bold size with lines of at most this many pixels, 16 at least.
    pub fn bold(height_max: usize) -> Self {
        Self::largest(FontWeight::Bold, height_max)
    }

    fn largest(weight: FontWeight, height_max: usize) -> Self {
        let scaled = |raster: RasterHeight| Self { raster, weight, scale: height_max / raster.val() };
        // Small rasters have too little detail to look good when scaled up.
        match height_max {
            0..24 => Self { raster: RasterHeight::Size16, weight, scale: 1 },
            24..32 | 48..64 => scaled(RasterHeight::Size24),
            _ => scaled(RasterHeight::Size32),
        }
    }

    /// Pixels from one line to the next.
    pub const fn height(self) -> usize {
        self.raster.val() * self.scale
    }

    /// Pixels from one character to the next.
    pub const fn advance(self) -> usize {
        get_raster_width(self.weight, self.raster) * self.scale
    }

    /// Pixels from the beginning of a text to its end, on one line.
    pub fn measure(self, text: &str) -> usize {
        text.chars().count() * self.advance()
    }

    /// How many characters fit into this many pixels.
    pub const fn columns(self, width: usize) -> usize {
        width / self.advance()
    }

    fn raster(self, character: char) -> Option<RasterizedChar> {
        get_raster(character, self.weight, self.raster)
    }
}

/// A font with a cache of its glyphs, as scaling takes longer than drawing.
#[derive(Debug, Clone)]
pub(super) struct Lettering {
    font: Font,
    glyphs: BTreeMap<char, Glyph>,
}

impl Lettering {
    pub(super) fn new(font: Font) -> Self {
        Self { font, glyphs: BTreeMap::new() }
    }

    pub(super) fn font(&self) -> Font {
        self.font
    }

    /// The glyph of a character, or of a replacement if the font lacks it.
    pub(super) fn glyph(&mut self, character: char) -> &Glyph {
        let plain = plain(character);
        let shown = self.font.raster(plain).map_or(MISSING, |_| plain);
        self.glyphs.entry(shown).or_insert_with(|| Glyph::new(self.font, shown))
    }
}

/// Replaces typographic characters, which messages of other programs contain, by those of the font.
fn plain(character: char) -> char {
    match character {
        '\u{2010}'..='\u{2015}' => '-',
        '\u{2018}' | '\u{2019}' => '\'',
        '\u{201c}' | '\u{201d}' => '"',
        _ if character.is_whitespace() => ' ',
        _ => character,
    }
}

/// The shape of one character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Glyph {
    width: usize,
    coverage: Cow<'static, [u8]>,
}

impl Glyph {
    fn new(font: Font, character: char) -> Self {
        let raster = font.raster(character).expect("a character that the font has");
        let coverage = match font.scale {
            1 => raster.pixels().into(),
            scale => enlarge(&raster, scale).into(),
        };
        Self { width: font.advance(), coverage }
    }

    /// How much of a pixel the character covers: 0 for nothing, 255 for all of it.
    pub(super) fn coverage(&self, x: usize, y: usize) -> u8 {
        self.coverage[y * self.width + x]
    }
}

/// The pixels of a larger glyph, interpolated from the four pixels around each.
fn enlarge(raster: &RasterizedChar, scale: usize) -> Vec<u8> {
    let sample = |x: i32, y: i32| i32::from(raster.pixel(x as usize, y as usize).unwrap_or(0));
    let scale = scale as i32;
    let whole = 2 * scale;
    // The raster pixel with its centre at or before that of a scaled pixel, and the weight of the next one,
    // in halves of a scaled pixel.
    let source = |scaled: i32| {
        let halves = 2 * scaled + 1 - scale;
        (halves.div_euclid(whole), halves.rem_euclid(whole))
    };
    let pixel = |x: i32, y: i32| {
        let ((left, right_share), (top, bottom_share)) = (source(x), source(y));
        let across = |row| sample(left, row) * (whole - right_share) + sample(left + 1, row) * right_share;
        let smooth = across(top) * (whole - bottom_share) + across(top + 1) * bottom_share;
        // Interpolation widens an edge by the scale; contrast makes it one pixel wide again.
        ((smooth / (whole * whole) - 128) * scale + 128).clamp(0, 255) as u8
    };
    let [width, height] = [raster.width(), raster.height()].map(|side| side as i32 * scale);
    (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| pixel(x, y)).collect()
}

/// The text itself, or its beginning and an ellipsis if it has more characters than `columns`.
pub(super) fn fit(text: &str, columns: usize) -> String {
    if text.chars().nth(columns).is_none() {
        return text.to_owned();
    }
    let dots = ELLIPSIS.len().min(columns);
    let kept: String = text.chars().take(columns - dots).collect();
    format!("{}{}", kept.trim_end(), &ELLIPSIS[..dots])
}

/// The text in lines of at most `columns` characters, broken between words if possible. Text beyond
/// `lines_max` lines is cut off with an ellipsis.
pub(super) fn wrap(text: &str, columns: usize, lines_max: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() && lines.len() < lines_max {
        if lines.len() + 1 == lines_max {
            lines.push(fit(rest, columns));
            break;
        }
        let (line, after) = rest.split_at(line_end(rest, columns));
        lines.push(line.trim_end().to_owned());
        rest = after.trim_start();
    }
    lines
}

/// Like [`wrap`], with lines of about the same length, so that no single word is left for the last.
pub(super) fn wrap_evenly(text: &str, columns: usize, lines_max: usize) -> Vec<String> {
    let lines = wrap(text, columns, lines_max);
    let word_max = text.split_whitespace().map(|word| word.chars().count()).max().unwrap_or(0);
    let as_few_lines = |narrower: &usize| wrap(text, *narrower, lines.len() + 1).len() == lines.len();
    match (word_max.max(1)..columns).rev().take_while(as_few_lines).last() {
        Some(narrowest) => wrap(text, narrowest, lines_max),
        None => lines,
    }
}

/// The end of the first line of a text, in bytes: after the last word that fits, or inside a word that is
/// longer than a line.
fn line_end(text: &str, columns: usize) -> usize {
    let Some((columns_end, next)) = text.char_indices().nth(columns) else {
        return text.len();
    };
    if next.is_whitespace() {
        return columns_end;
    }
    text[..columns_end].rfind(char::is_whitespace).unwrap_or(columns_end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_size_that_fits_is_chosen() {
        let heights = [0, 16, 23, 24, 31, 32, 47, 48, 63, 64, 95, 96].map(|max| Font::bold(max).height());
        assert_eq!(heights, [16, 16, 16, 24, 24, 32, 32, 48, 48, 64, 64, 96]);
        let font = Font::regular(64);
        assert_eq!(font.measure("Grün"), 4 * font.advance());
        assert_eq!(font.columns(4 * font.advance() + 1), 4);
    }

    #[test]
    fn a_character_that_the_font_lacks_becomes_a_question_mark() {
        let mut lettering = Lettering::new(Font::regular(32));
        let mut shape = |character| lettering.glyph(character).clone();
        for missing in ['\u{4e2d}', '\u{1f4f7}', '\u{7}', '\u{0}', '\u{10ffff}'] {
            assert_eq!(shape(missing), shape('?'), "{missing:?}");
        }
        assert_ne!(shape('\u{fc}'), shape('?'));
        assert_eq!(shape('\u{2019}'), shape('\''));
        assert_eq!(shape('\n'), shape(' '));
    }

    #[test]
    fn a_scaled_glyph_keeps_its_weight() {
        let ink = |font, character| {
            Glyph::new(font, character).coverage.iter().map(|&pixel| u64::from(pixel)).sum::<u64>()
        };
        for character in ['A', '8', '.', 'g'] {
            let (small, large) = (ink(Font::bold(32), character), ink(Font::bold(96), character));
            assert!(large.abs_diff(9 * small) < small, "{character}: {small} and {large}");
        }
    }

    #[test]
    fn wrap_breaks_between_words() {
        let lines = wrap("Camera unplugged, waiting for it to come back", 18, 9);
        assert_eq!(lines, ["Camera unplugged,", "waiting for it to", "come back"]);
        assert_eq!(wrap("abc def", 3, 9), ["abc", "def"]);
        assert_eq!(wrap("  two\n\nlines ", 6, 9), ["two", "lines"]);
        assert_eq!(wrap("", 10, 9), Vec::<String>::new());
    }

    #[test]
    fn even_lines_are_as_few_and_break_no_word() {
        let text = "Camera unplugged, waiting for it to come back";
        assert_eq!(wrap_evenly(text, 40, 3), ["Camera unplugged, waiting", "for it to come back"]);
        assert_eq!(wrap_evenly("aaaaaaaa b", 8, 3), ["aaaaaaaa", "b"]);
        assert_eq!(wrap_evenly("aaaaaaaaa b", 8, 3), ["aaaaaaaa", "a b"]);
        assert_eq!(wrap_evenly("one two three four", 7, 2), ["one two", "thre..."]);
        assert_eq!(wrap_evenly("", 7, 2), Vec::<String>::new());
    }

    #[test]
    fn wrap_breaks_a_word_that_is_longer_than_a_line() {
        assert_eq!(wrap("rtsp://camera.example", 8, 9), ["rtsp://c", "amera.ex", "ample"]);
        assert_eq!(wrap("äöü", 1, 9), ["ä", "ö", "ü"]);
        assert_eq!(wrap("ab", 0, 9), ["a", "b"]);
    }

    #[test]
    fn no_line_is_wider_than_allowed_and_no_word_is_lost() {
        let text = "The camera at 192.0.2.7 refused the password; überprüfen: /etc/pinhole/pinhole.toml";
        for columns in 1..100 {
            let lines = wrap(text, columns, usize::MAX);
            assert!(lines.iter().all(|line| line.chars().count() <= columns), "{columns}: {lines:?}");
            assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""), "{columns}");
        }
    }

    #[test]
    fn text_that_does_not_fit_ends_in_an_ellipsis() {
        assert_eq!(wrap("one two three four", 7, 2), ["one two", "thre..."]);
        assert_eq!(wrap("one two three", 7, 2), ["one two", "three"]);
        assert_eq!(wrap("one", 7, 0), Vec::<String>::new());
        assert_eq!(fit("Front door", 10), "Front door");
        assert_eq!(fit("Front door", 9), "Front...");
        assert_eq!(fit("Front door", 2), "..");
        assert_eq!(fit("Front door", 0), "");
    }
}
