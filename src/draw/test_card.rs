//! The moving picture of the test source.

use std::time::Duration;

use super::canvas::{Area, Canvas};
use super::text::Lettering;
use super::{Colour, Font, base_side, even, shape, text, time_of_day};
use crate::picture::Planes;

/// Frames that the mark takes from one end of its track to the other: four seconds at 30 fps.
const TRAVEL_FRAMES: u64 = 120;

/// The counter restarts after this many frames, ten years at 30 fps.
const COUNTER_END: u64 = 10_000_000_000;

/// A moving test card: colour bars, a grey ramp, a circle, the camera's name, the time in UTC and the
/// number of the frame.
#[derive(Debug, Clone)]
pub struct TestCard {
    canvas: Canvas,
    layout: Layout,
    clock: Lettering,
    counter: Lettering,
}

impl TestCard {
    /// The test card of the camera with this name. Sides are in pixels.
    pub fn new(name: &str, width: usize, height: usize) -> Self {
        let mut canvas = Canvas::new(width, height, Colour::NIGHT);
        let layout = Layout::new(canvas.width(), canvas.height());
        draw_bars(&mut canvas, layout.bars);
        draw_circle(&mut canvas, layout.bars, layout.line);
        draw_ramp(&mut canvas, layout.ramp);
        draw_labels(&mut canvas, &layout, name);
        let [clock, counter] = [layout.large, layout.small].map(Lettering::new);
        Self { canvas, layout, clock, counter }
    }

    /// The picture of a frame, at the time since 1970.
    pub fn draw(&mut self, frame_number: u64, unix_time: Duration) -> Planes<'_> {
        let Self { canvas, layout, .. } = self;
        // Moving parts are on plain ground, so filling with it restores the background.
        canvas.fill_rect(layout.track, Colour::SLATE);
        canvas.fill_rect(layout.clock, Colour::NIGHT);
        canvas.fill_rect(layout.counter, Colour::NIGHT);
        canvas.fill_rect(layout.mark(frame_number), Colour::AMBER);
        let time = time_of_day::milliseconds(unix_time);
        canvas.letters(layout.clock.x, layout.clock.y, &time, &mut self.clock, Colour::PAPER);
        let count = count(frame_number);
        let x = layout.counter.x + (layout.counter.width - layout.small.measure(&count)) as isize;
        canvas.letters(x, layout.counter.y, &count, &mut self.counter, Colour::MIST);
        canvas.planes()
    }
}

fn count(frame_number: u64) -> String {
    format!("UTC · frame {}", frame_number % COUNTER_END)
}

/// The positions of all parts. Moving parts begin at even pixels and have even sides, so that no chroma
/// sample is half inside one.
#[derive(Debug, Clone)]
struct Layout {
    bars: Area,
    track: Area,
    ramp: Area,
    name: Area,
    size: Area,
    clock: Area,
    counter: Area,
    large: Font,
    small: Font,
    /// Pixels of a thin line.
    line: usize,
}

impl Layout {
    fn new(width: usize, height: usize) -> Self {
        let base = base_side(width, height);
        let (large, small) = (Font::bold(base / 11), Font::regular(base / 20));
        let pad = even(base / 20);
        let labels_height = (large.height() + small.height() + 2 * pad).min(even(height / 2));
        let labels_top = even(height - labels_height);
        let ramp_height = even(labels_top / 8);
        let track_height = even(labels_top / 18).max(2);
        let bars_height = labels_top.saturating_sub(ramp_height + track_height);

        let row = |top: usize, rows| Area::new(0, top as isize, width, rows);
        let top_line = labels_top + pad;
        let from_right = |font: Font, widest: &str, top: usize| {
            let area_width = font.measure(widest).next_multiple_of(2);
            // In a picture that is too narrow, starts left of its edge: the changing digits are the last
            // ones.
            let x = even(width) as isize - (pad + area_width) as isize;
            Area::new(x, top as isize, area_width, font.height())
        };
        let clock = from_right(large, "00:00:00.000", top_line);
        let counter = from_right(small, &count(COUNTER_END - 1), top_line + large.height());
        let left_of = |right: Area, font: Font| {
            let free = right.x.saturating_sub_unsigned(2 * pad).max(0);
            Area::new(pad as isize, right.y, free as usize, font.height())
        };
        Self {
            bars: row(0, bars_height),
            ramp: row(bars_height, ramp_height),
            track: row(bars_height + ramp_height, track_height),
            name: left_of(clock, large),
            size: left_of(counter, small),
            clock,
            counter,
            large,
            small,
            line: (base / 240).max(1),
        }
    }

    /// The mark that travels back and forth on the track.
    fn mark(&self, frame_number: u64) -> Area {
        let width = (self.track.width / 12).max(1);
        let way = (self.track.width - width) as u64;
        let step = frame_number % (2 * TRAVEL_FRAMES);
        let x = way * step.min(2 * TRAVEL_FRAMES - step) / TRAVEL_FRAMES;
        Area { x: x as isize, width, ..self.track }
    }
}

fn draw_bars(canvas: &mut Canvas, area: Area) {
    let columns = Colour::BARS.len();
    for (index, colour) in Colour::BARS.into_iter().enumerate() {
        let left = area.width * index / columns;
        // Fills to the far edge, so that a chroma sample at a border mixes only the two bars.
        canvas.fill_rect(Area { x: left as isize, width: area.width - left, ..area }, colour);
    }
}

/// Draws a circle, which shows whether the picture keeps its proportions.
fn draw_circle(canvas: &mut Canvas, area: Area, line: usize) {
    let side = even(area.height.min(area.width) * 4 / 5);
    if side < 8 * line {
        return;
    }
    let x = (area.width - side) / 2;
    let y = (area.height - side) / 2;
    let square = Area::new(x as isize, y as isize, side, side);
    canvas.blend(square, Colour::BLACK, shape::ring(side, 3 * line));
    let square = Area::new((x + line) as isize, (y + line) as isize, side - 2 * line, side - 2 * line);
    canvas.blend(square, Colour::WHITE, shape::ring(square.width, line));
}

/// Draws a ramp from black to white, which shows lost shades and a wrong range.
fn draw_ramp(canvas: &mut Canvas, area: Area) {
    let last = (area.width - 1).max(1);
    canvas.fill_rect(area, Colour::BLACK);
    for x in 0..area.width {
        let column = Area { x: x as isize, width: 1, ..area };
        canvas.fill_rect(column, Colour::grey((x * 255 / last) as u8));
    }
}

fn draw_labels(canvas: &mut Canvas, layout: &Layout, name: &str) {
    let Layout { name: name_area, size: size_area, large, small, .. } = *layout;
    let name = text::fit(name, large.columns(name_area.width));
    canvas.text(name_area.x, name_area.y, &name, large, Colour::PAPER);
    let size = format!("{} × {}", canvas.width(), canvas.height());
    let size = text::fit(&size, small.columns(size_area.width));
    canvas.text(size_area.x, size_area.y, &size, small, Colour::MIST);
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_millis(1_234_567_890_123);
    const SIZES: [(usize, usize); 8] =
        [(16, 16), (17, 33), (160, 120), (321, 241), (640, 480), (480, 641), (1280, 720), (1920, 1080)];

    fn drawn(name: &str, (width, height): (usize, usize), frame: u64, time: Duration) -> Canvas {
        let mut card = TestCard::new(name, width, height);
        card.draw(frame, time);
        card.canvas
    }

    /// Whether two pictures are equal outside these areas.
    fn differ_only_in(areas: &[Area], one: &Canvas, other: &Canvas) -> bool {
        let [one, other] = [one, other].map(|canvas| {
            let mut canvas = canvas.clone();
            for area in areas {
                canvas.fill_rect(*area, Colour::BLACK);
            }
            canvas
        });
        one == other
    }

    #[test]
    fn consecutive_frames_differ_only_in_the_moving_parts() {
        for size in SIZES {
            // The mark does not move in every frame if its track has fewer pixels than its travel frames.
            let always_moves = size.0 >= 160;
            let layout = Layout::new(size.0, size.1);
            let moving = [layout.track, layout.clock, layout.counter];
            for frame in [0, 1, 59, 60, 118, 119, 120, 121, 238, 239, 1234, COUNTER_END - 1] {
                let one = drawn("Yard", size, frame, NOW);
                let next = drawn("Yard", size, frame + 1, NOW + Duration::from_millis(33));
                assert!(one != next || !always_moves, "{size:?}, frame {frame}");
                assert!(differ_only_in(&moving, &one, &next), "{size:?}, frame {frame}");
            }
        }
    }

    #[test]
    fn a_frame_leaves_no_trail_in_the_next() {
        for size in SIZES {
            let mut card = TestCard::new("Yard", size.0, size.1);
            for frame in [0, 1, 2, 119, 121, 9_999_999_999, u64::MAX, 3] {
                let time = NOW + Duration::from_millis(frame % 100_000);
                card.draw(frame, time);
                assert!(card.canvas == drawn("Yard", size, frame, time), "{size:?}, frame {frame}");
            }
        }
    }

    #[test]
    fn the_mark_moves_smoothly_from_end_to_end() {
        for (width, height) in SIZES {
            let layout = Layout::new(width, height);
            let step_max = width.div_ceil(TRAVEL_FRAMES as usize) as isize;
            for frame in 0..3 * TRAVEL_FRAMES {
                let step = layout.mark(frame + 1).x - layout.mark(frame).x;
                assert!(step.abs() <= step_max, "{width}x{height}, frame {frame}: {step} pixels");
            }
            assert_eq!(layout.mark(0).x, 0);
            let end = layout.mark(TRAVEL_FRAMES);
            assert_eq!(end.x as usize + end.width, width);
        }
    }

    #[test]
    fn the_name_is_shown_in_its_place() {
        for size in [(320, 240), (1280, 720)] {
            let place = Layout::new(size.0, size.1).name;
            let [yard, door] = ["Yard", "Door"].map(|name| drawn(name, size, 1, NOW));
            assert_ne!(yard, door);
            assert!(differ_only_in(&[place], &yard, &door));
        }
    }

    #[test]
    fn a_long_name_stays_in_its_place() {
        for size in SIZES {
            let place = Layout::new(size.0, size.1).name;
            let long = drawn(&"Überwachung ".repeat(500), size, 1, NOW);
            assert!(differ_only_in(&[place], &long, &drawn("", size, 1, NOW)), "{size:?}");
        }
    }

    #[test]
    fn every_small_and_every_slim_size_can_be_drawn() {
        let small = (1..70).flat_map(|width| (1..70).map(move |height| (width, height)));
        let slim = [(1, 500), (500, 1), (16, 16_384), (16_384, 16)];
        for (width, height) in small.chain(slim) {
            let planes_len = drawn("Yard", (width, height), 7, NOW).planes().y.data.len();
            assert_eq!(planes_len, width * height);
        }
    }
}
