mod shapes;

use super::*;
use crate::camera::Opened;
use crate::clips::{self, Folder};
use crate::source::test_camera::TestCamera;
use futures_lite::future::yield_now;

/// Plays a file by a manual clock while `test` watches.
fn play(path: &Path, picture: &Picture, test: impl AsyncFnOnce(&TestCamera)) -> Result<(), Lost> {
    let (to, stop) = (TestCamera::new(picture), Stop::new().unwrap());
    let source = Source::new("clip", path, picture);
    smol::block_on(or(
        async {
            let result = source.run(&to.publisher, &to.clock, &stop).await;
            // A stopped source waits for the test to end.
            if stop.is_requested() {
                return futures_lite::future::pending().await;
            }
            result
        },
        async {
            test(&to).await;
            stop.request();
            Ok(())
        },
    ))
}

/// The times of the next `count` pictures since the first, in ms. Time passes only after a picture.
async fn moments(to: &TestCamera, interval: Duration, count: usize) -> Vec<u128> {
    let mut viewer = to.watch();
    let mut seen: Vec<Monotonic> = Vec::new();
    while seen.len() < count {
        let at = viewer.next().await.captured;
        assert!(at <= to.clock.now(), "not before it is due");
        seen.push(at);
        to.hand.advance(interval);
    }
    seen.iter().map(|at| at.since(seen[0]).as_millis()).collect()
}

const INTERVAL: Duration = Duration::from_millis(40);

fn clip(folder: &Folder, name: &str, options: &str) -> PathBuf {
    let path = folder.file(name);
    clips::encode_to(&path, (160, 120), 5, options);
    path
}

#[test]
fn files_are_played_in_a_loop_at_their_rate() {
    if !clips::available("files") {
        return;
    }
    let folder = Folder::new("play");
    let h264 = "-c:v libx264 -pix_fmt yuv420p -x264-params bframes=0";
    let h265 = "-c:v libx265 -pix_fmt yuv420p -x265-params log-level=none:bframes=0";
    for (name, options) in [
        ("a.mp4", h264),
        ("b.h264", h264),
        ("c.mkv", h265),
        ("d.avi", "-c:v mjpeg -pix_fmt yuvj420p"),
        ("e.mjpeg", "-c:v mjpeg -pix_fmt yuvj420p"),
    ] {
        let path = clip(&folder, name, options);
        play(&path, &Picture::default(), async |to| {
            let expected: Vec<u128> = (0..12).map(|n| 40 * n).collect();
            assert_eq!(moments(to, INTERVAL, 12).await, expected, "{name}");
            assert_eq!(to.report_now().bad, 0, "{name}");
            assert_eq!(to.report_now().opened.unwrap().width, 160, "{name}");
        })
        .unwrap();
    }
}

#[test]
fn a_folder_of_jpegs_at_the_configured_rate() {
    if !clips::available("files") {
        return;
    }
    let folder = Folder::new("stills");
    for number in 1..=11 {
        let path = folder.file(&format!("{number}.jpg"));
        clips::encode_to(&path, (16 * number, 16), 1, "-q:v 3");
    }
    std::fs::write(folder.file("note.txt"), "no picture").unwrap();
    let picture = Picture { fps: Some(20), ..Picture::default() };
    play(&folder.0, &picture, async |to| {
        let mut viewer = to.watch();
        let mut widths = Vec::new();
        for _ in 0..12 {
            widths.push(viewer.next().await.width / 16);
            to.hand.advance(Duration::from_millis(50));
        }
        assert_eq!(widths, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 1], "2 comes before 10");
    })
    .unwrap();
    play(&folder.file("3.jpg"), &picture, async |to| {
        assert_eq!(moments(to, Duration::from_millis(50), 3).await, [0, 50, 100]);
    })
    .unwrap();
}

#[test]
fn a_changed_file_shows_in_the_next_round() {
    if !clips::available("files") {
        return;
    }
    let folder = Folder::new("change");
    let path = clip(&folder, "clip.mp4", "-c:v libx264 -pix_fmt yuv420p -x264-params bframes=0");
    let other = folder.file("other.mp4");
    clips::encode_to(
        &other,
        (320, 240),
        5,
        "-c:v libx265 -pix_fmt yuv420p -x265-params log-level=none:bframes=0",
    );
    play(&path, &Picture::default(), async |to| {
        moments(to, INTERVAL, 7).await;
        std::fs::rename(&other, &path).unwrap();
        moments(to, INTERVAL, 25).await;
        assert_eq!(
            to.report_now().opened.unwrap(),
            Opened { width: 320, height: 240, format: "H.265".to_owned() }
        );
    })
    .unwrap();
}

#[test]
fn errors_name_the_problem() {
    let folder = Folder::new("wrong");
    let lost = |path: &Path| {
        let nothing = async |_: &TestCamera| futures_lite::future::pending().await;
        play(path, &Picture::default(), nothing).unwrap_err().to_string()
    };
    let path = folder.file("clip.mp4");
    assert!(lost(&path).starts_with("no file "), "{}", lost(&path));
    std::fs::write(&path, "").unwrap();
    assert!(
        lost(&path).contains("clip.mp4 has no video that Pinhole can show: it is empty; "),
        "{}",
        lost(&path)
    );
    std::fs::write(&path, "text").unwrap();
    assert!(lost(&path).contains("its format is not known"), "{}", lost(&path));
    assert!(lost(&folder.file("clip.mp4/below")).contains("cannot be read: "));
    std::fs::remove_file(&path).unwrap();
    assert!(lost(&folder.0).contains("a folder without a .jpg file"), "{}", lost(&folder.0));
    assert!(lost(Path::new("/dev/null")).contains("neither a file nor a folder"));
}

#[test]
fn a_file_without_a_whole_picture_fails() {
    let folder = Folder::new("damaged");
    std::fs::write(folder.file("1.jpg"), "no JPEG").unwrap();
    let mut time = Duration::ZERO;
    let lost = play(&folder.0, &Picture::default(), async |to| {
        while time < NO_PICTURE_MAX * 2 {
            to.hand.advance(Duration::from_millis(100));
            time += Duration::from_millis(100);
            // One picture is due each tenth of a second; wait until it is counted.
            let bad = to.report_now().bad;
            for _ in 0..100_000 {
                if to.report_now().bad > bad {
                    break;
                }
                yield_now().await;
            }
        }
    })
    .unwrap_err();
    assert!(lost.to_string().contains("jpeg does not begin with SOI"), "{lost}");
    assert!(time <= NO_PICTURE_MAX + Duration::from_secs(2), "{time:?}");
}
