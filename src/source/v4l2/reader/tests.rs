use super::*;
use crate::camera::{Camera, State};
use crate::clock::Clock;
use crate::config::Picture;
use crate::frame::{BufferPool, Kind};
use crate::picture::Chroma;
use crate::picture::orientation::{Crop, Rotation};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;

const WIDTH: u32 = 64;
const HEIGHT: u32 = 48;

/// A reader of grey pictures, and the camera that it publishes to.
fn reader(stride: u32, quantization: u32) -> (Reader, Arc<Camera>) {
    reader_of(stride, quantization, &Picture::default())
}

fn reader_of(stride: u32, quantization: u32, picture: &Picture) -> (Reader, Arc<Camera>) {
    let camera = Camera::on_demand("test");
    let (clock, _) = Clock::manual();
    let publisher = Publisher::new(&camera, &clock, picture);
    let format = Format { fourcc: *b"GREY", width: WIDTH, height: HEIGHT, stride, quantization };
    let layout = Layout { format, encoding: Encoding::Raw(PixelFormat::Grey) };
    (Reader::new(layout, picture, &publisher, &clock).unwrap(), camera)
}

/// The published picture's sides, or the number of damaged pictures.
fn published(camera: &Camera) -> Result<(u32, u32), u64> {
    match camera.jpeg.newer_than(0) {
        Some((frame, _)) if frame.kind == Kind::Picture => Ok((frame.width, frame.height)),
        _ => Err(camera.bad()),
    }
}

fn read(stride: u32, buffer: usize, filled: Filled) -> Result<(u32, u32), u64> {
    let (mut reader, camera) = reader(stride, 0);
    reader.read(&vec![128; buffer], &filled);
    published(&camera)
}

#[test]
fn no_byte_beyond_the_buffer_is_read_whatever_the_driver_reports() {
    let whole = (WIDTH * HEIGHT) as usize;
    let filled = |bytes| Filled { bytes, ..Filled::default() };
    for stride in [0, 1, WIDTH] {
        assert_eq!(read(stride, whole, filled(whole as u32)), Ok((WIDTH, HEIGHT)), "stride {stride}");
    }
    assert_eq!(read(0, whole, filled(u32::MAX)), Ok((WIDTH, HEIGHT)), "more than the buffer has");
    assert_eq!(read(0, whole - 1, filled(whole as u32)), Err(1), "a buffer that is too small");
    assert_eq!(read(0, whole, filled(0)), Err(1), "an empty one");
    assert_eq!(read(u32::MAX, whole, filled(whole as u32)), Err(1), "rows absurdly far apart");
    let flags = flag::ERROR;
    assert_eq!(read(0, whole, Filled { flags, ..filled(whole as u32) }), Err(1), "the driver says so");
}

#[test]
fn implausible_time_stamps_become_the_time_of_arrival() {
    let now = Monotonic::since_zero(Duration::from_secs(100));
    let stamped = |flags, timestamp| captured_at(&Filled { flags, timestamp, ..Filled::default() }, now);
    assert_eq!(now.since(stamped(flag::CLOCK_MONOTONIC, (99, 500_000))), Duration::from_millis(500));
    for timestamp in [(-1, 0), (0, -1), (i64::MAX, i64::MAX), (101, 0), (0, 0)] {
        assert_eq!(stamped(flag::CLOCK_MONOTONIC, timestamp), now, "{timestamp:?}");
    }
    assert_eq!(stamped(0, (99, 500_000)), now, "another clock");
}

#[test]
fn only_plausible_gaps_are_counted() {
    let (mut reader, camera) = reader(0, 0);
    for sequence in [5, 6, 9, 0, 1, u32::MAX, 0] {
        reader.count_gap(sequence);
    }
    assert_eq!(camera.report(Monotonic::since_zero(Duration::ZERO)).dropped, 2, "7 and 8");
    assert_eq!(camera.state(), State::Idle);
}

/// Reads a picture that is black but for its left top corner, turned by 90 degrees, on this thread or on others.
fn read_turned(encoding: Encoding, bytes: &[u8], threads: usize) {
    let orientation = Orientation { rotate: Rotation::Quarter, ..Orientation::NONE };
    let (mut reader, camera) = reader_of(0, 0, &Picture { orientation, ..Picture::default() });
    reader.layout.encoding = encoding;
    assert!(reader.is_costly());
    if threads > 0 {
        reader.pool = Some(reader.start_pool(threads).unwrap());
    }
    reader.read(bytes, &Filled { bytes: bytes.len() as u32, ..Filled::default() });
    // Ends once all is delivered.
    reader.pool = None;
    assert_eq!(published(&camera), Ok((HEIGHT, WIDTH)), "{encoding:?} {threads}");
    let (frame, _) = camera.jpeg.newer_than(0).unwrap();
    let samples = JpegDecoder::new(ZCursor::new(&*frame.jpeg)).decode().unwrap();
    let each = samples.len() / (WIDTH * HEIGHT) as usize;
    let sample = |x: u32, y: u32| samples[(y * HEIGHT + x) as usize * each];
    assert!(sample(HEIGHT - 4, 4) > 200 && sample(4, 4) < 50 && sample(4, WIDTH - 4) < 50);
}

#[test]
fn raw_pictures_and_jpegs_are_turned_by_the_capture_thread_and_by_more() {
    let row = |y: u32| (0..WIDTH).map(move |x| if x < 8 && y < 8 { 255 } else { 0 });
    let bytes: Vec<u8> = (0..HEIGHT).flat_map(row).collect();
    let mut jpeg = BufferPool::default().take();
    let (width, height) = (WIDTH as usize, HEIGHT as usize);
    let picture = RawPicture { format: PixelFormat::Grey, width, height, stride: width, data: &bytes };
    JpegEncoder::new(90, Chroma::Yuv420).unwrap().encode(&picture, &mut jpeg).unwrap();
    for threads in [0, 2] {
        read_turned(Encoding::Raw(PixelFormat::Grey), &bytes, threads);
        read_turned(Encoding::Jpeg, &jpeg, threads);
    }
}

#[test]
fn jpegs_pass_through_again_once_no_orientation_is_configured() {
    let orientation = Orientation { rotate: Rotation::Half, ..Orientation::NONE };
    let (mut reader, camera) = reader_of(0, 0, &Picture { orientation, ..Picture::default() });
    reader.layout.encoding = Encoding::Jpeg;
    reader.pool = Some(reader.start_pool(2).unwrap());
    reader.publisher.change(&Picture::default());
    assert!(!reader.is_costly());
    reader.read(b"no JPEG", &Filled { bytes: 7, ..Filled::default() });
    assert!(reader.pool.is_none() && published(&camera) == Err(1));
}

#[test]
fn a_crop_outside_of_raw_pictures_is_a_reason() {
    let crop = Some(Crop { x: 0, y: 0, width: 640, height: 480 });
    let picture = Picture { orientation: Orientation { crop, ..Orientation::NONE }, ..Picture::default() };
    let (mut reader, camera) = reader_of(0, 0, &picture);
    for sequence in 0..3 {
        reader.read(
            &[0; (WIDTH * HEIGHT) as usize],
            &Filled { bytes: WIDTH * HEIGHT, sequence, ..Filled::default() },
        );
    }
    let lost = reader.publisher.refusal().unwrap().to_string();
    assert!(lost.ends_with("crop 0,0,640,480 lies outside of the camera's 64x48 pixels"), "{lost}");
    assert_eq!(published(&camera), Err(0));
}
