//! The picture shown instead of a lost camera's.

use std::time::Duration;

use super::canvas::{Area, Canvas};
use super::{Colour, Font, base_side, even, shape, text, time_of_day};

/// Lines of a headline; the rest is cut off.
const HEADLINE_LINES_MAX: usize = 2;

/// Lines of a reason; the rest is cut off.
const DETAIL_LINES_MAX: usize = 5;

/// Characters of a line of a reason. Longer lines are hard to read at a glance.
const DETAIL_COLUMNS_MAX: usize = 44;

/// Dots in a row that light up in turn, one a second.
const DOTS: usize = 5;

/// A card that explains the loss: `name` is the camera's, `headline` has a few words ("No picture") and
/// `detail` the reason. Shows the time since 1970 as UTC. Sides are in pixels.
pub fn lost_card(
    name: &str,
    headline: &str,
    detail: &str,
    unix_time: Duration,
    width: usize,
    height: usize,
) -> Canvas {
    let mut canvas = Canvas::new(width, height, Colour::NIGHT);
    let layout = Layout::new(canvas.width(), canvas.height());
    draw_head(&mut canvas, &layout, name, unix_time);
    draw_message(&mut canvas, &layout, headline, detail);
    draw_dots(&mut canvas, &layout, unix_time);
    canvas
}

/// The positions of all parts. Rows are even, so that no chroma sample belongs to two parts.
struct Layout {
    /// Pixels between the edges of the picture and its contents.
    pad: usize,
    /// Name and time.
    label: Font,
    headline: Font,
    detail: Font,
    /// The area between the name above and the dots below.
    message: Area,
    dots: Area,
}

impl Layout {
    fn new(width: usize, height: usize) -> Self {
        let base = base_side(width, height);
        let pad = even(base / 16);
        let label = Font::bold(base / 20);
        let dot = even(base / 60).max(2);
        let dots_width = dot * (2 * DOTS - 1);
        let dots_y = even(height.saturating_sub(pad + dot));
        let dots_x = width.saturating_sub(dots_width) / 2;
        let message_y = pad + label.height();
        Self {
            pad,
            label,
            headline: Font::bold(base / 7),
            detail: Font::regular(base / 15),
            message: Area::new(
                pad as isize,
                message_y as isize,
                width - 2 * pad,
                dots_y.saturating_sub(message_y),
            ),
            dots: Area::new(dots_x as isize, dots_y as isize, dots_width, dot),
        }
    }
}

/// Draws the name on the left and the time on the right.
fn draw_head(canvas: &mut Canvas, layout: &Layout, name: &str, unix_time: Duration) {
    let Layout { pad, label, .. } = *layout;
    let time = format!("{} UTC", time_of_day::seconds(unix_time));
    let time_x = canvas.width().saturating_sub(pad + label.measure(&time));
    canvas.text(time_x as isize, pad as isize, &time, label, Colour::MIST);
    let name = text::fit(name, label.columns(time_x.saturating_sub(2 * pad)));
    canvas.text(pad as isize, pad as isize, &name, label, Colour::PAPER);
}

/// Draws sign, headline and reason, from top to bottom and centred.
fn draw_message(canvas: &mut Canvas, layout: &Layout, headline: &str, detail: &str) {
    let Layout { headline: large, detail: small, message, .. } = *layout;
    let detail_columns = small.columns(message.width).min(DETAIL_COLUMNS_MAX);
    let lines_fit = |height: usize, font: Font| height / font.height();
    let headline_lines_max = lines_fit(message.height, large).clamp(1, HEADLINE_LINES_MAX);
    let headline = text::wrap_evenly(headline, large.columns(message.width), headline_lines_max);
    let gap = small.height() / 2;
    let mut free = message.height.saturating_sub(headline.len() * large.height() + gap);
    let detail = text::wrap_evenly(detail, detail_columns, lines_fit(free, small).min(DETAIL_LINES_MAX));
    free = free.saturating_sub(detail.len() * small.height());

    let sign = large.height() * 3 / 2;
    let has_sign = free >= sign + 3 * gap && message.width >= sign;
    if has_sign {
        free -= sign + gap;
    }
    let mut y = message.y + (free / 2) as isize;
    if has_sign {
        draw_sign(canvas, message.x + ((message.width - sign) / 2) as isize, y, sign);
        y += (sign + gap) as isize;
    }
    y = draw_centred(canvas, message, y, &headline, large, Colour::PAPER);
    draw_centred(canvas, message, y + gap as isize, &detail, small, Colour::MIST);
}

/// Draws lines below each other. Returns the position of the next one.
fn draw_centred(
    canvas: &mut Canvas,
    within: Area,
    mut y: isize,
    lines: &[String],
    font: Font,
    colour: Colour,
) -> isize {
    for line in lines {
        let x = within.x + (within.width.saturating_sub(font.measure(line)) / 2) as isize;
        canvas.text(x, y, line, font, colour);
        y += font.height() as isize;
    }
    y
}

/// Draws a lens, struck through.
fn draw_sign(canvas: &mut Canvas, x: isize, y: isize, side: usize) {
    let line = (side / 12).max(2);
    let square = |side_inner: usize| {
        let margin = ((side - side_inner) / 2) as isize;
        Area::new(x + margin, y + margin, side_inner, side_inner)
    };
    let pupil = side / 3;
    canvas.blend(square(side), Colour::SLATE, shape::ring(side, line));
    canvas.blend(square(pupil), Colour::SLATE, shape::disc(pupil));
    canvas.blend(square(side), Colour::NIGHT, shape::slash(side, 3 * line));
    canvas.blend(square(side), Colour::AMBER, shape::slash(side, line));
}

fn draw_dots(canvas: &mut Canvas, layout: &Layout, unix_time: Duration) {
    let lit = (unix_time.as_secs() % DOTS as u64) as usize;
    let side = layout.dots.height;
    for dot in 0..DOTS {
        let place = Area { x: layout.dots.x + (2 * side * dot) as isize, width: side, ..layout.dots };
        let colour = if dot == lit { Colour::AMBER } else { Colour::SLATE };
        canvas.blend(place, colour, shape::disc(side));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_234_567_890);
    const DETAIL: &str = "Camera unplugged, waiting for it to come back";
    const SIZES: [(usize, usize); 7] =
        [(160, 120), (320, 240), (321, 241), (640, 480), (480, 640), (1280, 720), (1920, 1080)];

    fn card(name: &str, headline: &str, detail: &str, seconds: u64, size: (usize, usize)) -> Canvas {
        lost_card(name, headline, detail, NOW + Duration::from_secs(seconds), size.0, size.1)
    }

    /// Whether two pictures are equal outside this area.
    fn differ_only_in(area: Area, one: &Canvas, other: &Canvas) -> bool {
        let [one, other] = [one, other].map(|canvas| {
            let mut canvas = canvas.clone();
            canvas.fill_rect(area, Colour::BLACK);
            canvas
        });
        one == other
    }

    fn head(size: (usize, usize)) -> Area {
        let layout = Layout::new(size.0, size.1);
        Area::new(0, layout.pad as isize, size.0, layout.label.height())
    }

    #[test]
    fn the_card_changes_every_second_and_not_within_it() {
        for size in SIZES {
            let now = card("Yard", "No picture", DETAIL, 0, size);
            let message = Layout::new(size.0, size.1).message;
            for later in 1..7 {
                let then = card("Yard", "No picture", DETAIL, later, size);
                assert!(now != then, "{size:?}, {later} s later");
                assert!(
                    !differ_only_in(head(size), &now, &then) || later == DOTS as u64,
                    "the dots stand still"
                );
            }
            let within = NOW + Duration::from_millis(999);
            assert!(now == lost_card("Yard", "No picture", DETAIL, within, size.0, size.1));
            let calm = card("Yard", "", "", 1, size);
            assert!(differ_only_in(message, &calm, &card("Yard", "No picture", DETAIL, 1, size)), "{size:?}");
        }
    }

    #[test]
    fn name_headline_and_the_whole_reason_are_shown() {
        for size in SIZES {
            let first = card("Yard", "No picture", DETAIL, 0, size);
            let message = Layout::new(size.0, size.1).message;
            let renamed = card("Door", "No picture", DETAIL, 0, size);
            assert!(first != renamed && differ_only_in(head(size), &first, &renamed), "{size:?}");
            let headline = card("Yard", "No pictures", DETAIL, 0, size);
            assert!(first != headline && differ_only_in(message, &first, &headline), "{size:?}");
            // If the last letter of the last word matters, nothing was cut off.
            let detail = card("Yard", "No picture", &DETAIL.replace("back", "bacK"), 0, size);
            assert!(first != detail && differ_only_in(message, &first, &detail), "{size:?}");
        }
    }

    #[test]
    fn long_texts_stay_in_their_places() {
        let [spaced, unbroken] = ["Überwachung am Tor ".repeat(500), "x".repeat(10_000)];
        for size in SIZES {
            let message = Layout::new(size.0, size.1).message;
            for long in [&spaced, &unbroken] {
                let (blank, named) = (card("", "", "", 0, size), card(long, "", "", 0, size));
                assert!(differ_only_in(head(size), &blank, &named), "{size:?}");
                let filled = card("", long, long, 0, size);
                assert!(differ_only_in(message, &blank, &filled), "{size:?}");
            }
        }
    }

    #[test]
    fn every_small_and_every_slim_size_can_be_drawn() {
        let small = (1..70).flat_map(|width| (1..70).map(move |height| (width, height)));
        let slim = [(1, 500), (500, 1), (16, 16_384), (16_384, 16)];
        for (width, height) in small.chain(slim) {
            let canvas = card("Yard", "No picture", DETAIL, 3, (width, height));
            assert_eq!(canvas.planes().y.data.len(), width * height);
        }
    }
}
