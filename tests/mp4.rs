//! The whole program with cameras whose video is passed on undecoded, and players that decode it.

#[path = "support/clips.rs"]
mod clips;
#[path = "rtsp_servers/servers.rs"]
#[allow(dead_code, reason = "gst-rtsp-server is enough")]
mod servers;
#[path = "support/service.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod service;
#[path = "support/stream.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod stream;
#[path = "support/wait.rs"]
mod wait;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;

use clips::Folder;
use service::{PATIENCE, Service};
use stream::Stream;
use wait::until;

const H264: &str =
    "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -x264-params keyint=25:scenecut=0:bframes=0";
const B_FRAMES: &str =
    "-c:v libx264 -preset fast -pix_fmt yuv420p -x264-params keyint=25:scenecut=0:bframes=2";
const H265: &str =
    "-c:v libx265 -preset ultrafast -pix_fmt yuv420p -x265-params log-level=none:keyint=25:scenecut=0";

/// The program with one camera that plays a file.
struct Playing {
    service: Service,
    folder: Folder,
    clip: PathBuf,
}

impl Playing {
    /// `None` where there is no ffmpeg.
    fn start(name: &str, size: clips::Size, options: &str) -> Option<Self> {
        if !clips::available("MP4") {
            return None;
        }
        let folder = Folder::new(&format!("mp4-{name}"));
        let clip = folder.file("clip.mp4");
        clips::encode_to(&clip, size, 100, options);
        let service = Service::start(&[&format!("file:{}", clip.display())]);
        Some(Self { service, folder, clip })
    }

    fn url(&self) -> String {
        format!("http://{}/stream.mp4", self.service.address)
    }

    fn watch(&self) -> Mp4 {
        Mp4::open(self.service.connect())
    }

    /// Threads that decode.
    fn decoders(&self) -> usize {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.service.pid())).unwrap();
        let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
        names.filter(|name| name.starts_with("decode ")).count()
    }

    fn resident_kilobytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.service.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches("kB").trim().parse().unwrap()
    }
}

/// A strict reader of a stream of MP4.
struct Mp4 {
    reader: BufReader<TcpStream>,
    head: String,
}

/// What a fragment says of its picture.
#[derive(Debug, Clone, Copy)]
struct Picture {
    decode_time: u64,
    duration: u32,
    is_start: bool,
}

/// What a `moof` says, behind its own head: `mfhd` 16 bytes, head of `traf` 8, `tfhd` 16, `tfdt` 20, `trun`.
fn picture(moof: &[u8]) -> Picture {
    let number = |at: usize| u32::from_be_bytes(moof[at..at + 4].try_into().unwrap());
    assert_eq!((&moof[44..48], &moof[64..68]), (&b"tfdt"[..], &b"trun"[..]));
    Picture {
        decode_time: u64::from(number(52)) << 32 | u64::from(number(56)),
        duration: number(80),
        is_start: number(88) == 0x0200_0000,
    }
}

impl Mp4 {
    fn open(mut socket: TcpStream) -> Self {
        write!(socket, "GET /stream.mp4 HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
        let mut mp4 = Self { reader: BufReader::with_capacity(4096, socket), head: String::new() };
        while !mp4.head.ends_with("\r\n\r\n") {
            assert!(mp4.reader.read_line(&mut mp4.head).unwrap() > 0, "{}", mp4.head);
        }
        assert!(mp4.head.starts_with("HTTP/1.1 200 "), "{}", mp4.head);
        assert_eq!((mp4.next_box().unwrap().0, mp4.next_box().unwrap().0), (*b"ftyp", *b"moov"));
        mp4
    }

    /// The next box; `None` at the end, which is not within one.
    fn next_box(&mut self) -> Option<([u8; 4], Vec<u8>)> {
        if self.reader.fill_buf().unwrap().is_empty() {
            return None;
        }
        let mut head = [0; 8];
        self.reader.read_exact(&mut head).unwrap();
        let [a, b, c, d, kind @ ..] = head;
        let mut body = vec![0; u32::from_be_bytes([a, b, c, d]) as usize - 8];
        self.reader.read_exact(&mut body).unwrap();
        Some((kind, body))
    }

    /// The next picture; `None` at the end of the stream.
    fn next(&mut self) -> Option<Picture> {
        let (kind, moof) = self.next_box()?;
        assert_eq!(kind, *b"moof");
        assert_eq!(self.next_box().expect("the picture's data").0, *b"mdat");
        Some(picture(&moof))
    }

    fn pictures(&mut self, count: usize) -> Vec<Picture> {
        (0..count).map(|_| self.next().expect("the stream goes on")).collect()
    }
}

/// What a program of FFmpeg prints; it must not complain.
fn output(program: &str, arguments: &str, url: &str, more: &str) -> String {
    let output = Command::new(program)
        .args(arguments.split_whitespace())
        .arg(url)
        .args(more.split_whitespace())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{program} {url}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Players find this video and decode it.
fn is_played(url: &str, expected: &str) {
    let shown = "-v error -analyzeduration 1M -show_entries stream=codec_name,width,height -of csv=p=0";
    assert_eq!(output("ffprobe", shown, url, "").trim(), expected, "{url}");
    let decoded =
        output("ffmpeg", "-nostdin -v error -i", url, "-frames:v 60 -fps_mode passthrough -f framecrc -");
    let times: Vec<u64> = decoded
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split(',').nth(2).unwrap().trim().parse().unwrap())
        .collect();
    assert_eq!(times.len(), 60, "{url}");
    // In units of the nominal interval: two that arrived soon after each other may have the same.
    assert!(times.is_sorted() && times[59] - times[0] >= 50, "{url}: {times:?}");
}

#[test]
fn players_decode_files_and_health_knows_that_they_are_live() {
    for (name, options, expected) in [
        ("h264", H264, "h264,320,240"),
        ("b-frames", B_FRAMES, "h264,320,240"),
        ("h265", H265, "hevc,320,240"),
    ] {
        let Some(playing) = Playing::start(name, (320, 240), options) else { return };
        let head = playing.service.request("HEAD", "/stream.mp4", "");
        let codec = if name == "h265" { "hvc1." } else { "avc1." };
        assert_eq!((head.status, head.body.len()), (200, 0));
        assert!(head.head.contains(&format!("content-type: video/mp4; codecs=\"{codec}")), "{}", head.head);
        assert!(head.head.contains("cache-control: no-store\r\n"), "{}", head.head);
        is_played(&playing.url(), expected);
        let health = playing.service.json("/health").1;
        let camera = &health["cameras"][0];
        assert_eq!((&camera["state"], &camera["width"]), (&"live".into(), &320.into()), "{camera:#}");
        assert!(camera["frames_total"].as_u64().unwrap() >= 60, "{camera:#}");
        assert_eq!(playing.decoders(), 0);
    }
}

#[test]
fn players_decode_network_cameras() {
    if !clips::available("MP4 of RTSP cameras") {
        return;
    }
    let folder = Folder::new("mp4-rtsp");
    let clip = |name: &str, options: &str, codec: &str| {
        let file = folder.file(&format!("{name}.mkv"));
        clips::encode_to(&file, (320, 240), 1500, options);
        format!("{name}={}:{codec}", file.display())
    };
    let clips = [clip("h264", H264, "h264"), clip("b-frames", B_FRAMES, "h264"), clip("h265", H265, "h265")];
    let Some(server) = servers::gst("127.0.0.1", false, &clips) else {
        println!("SKIPPED: MP4 of RTSP cameras: gst-rtsp-server is not installed");
        return;
    };
    for (name, expected) in [("h264", "h264,320,240"), ("b-frames", "h264,320,240"), ("h265", "hevc,320,240")]
    {
        let service = Service::start(&[&format!("rtsp://127.0.0.1:{}/{name}", server.port)]);
        is_played(&format!("http://{}/stream.mp4", service.address), expected);
    }
    let service = Service::start(&[&format!("rtsp://127.0.0.1:{}/h264", server.port)]);
    let mut video = Mp4::open(service.connect());
    video.pictures(5);
    drop(server);
    while video.next().is_some() {}
    service.log_line("a stream of MP4 ends: ");
    let answer = service.request("GET", "/stream.mp4", "");
    assert_eq!(answer.status, 503, "{}", answer.text());
}

#[test]
fn a_viewer_who_comes_later_begins_within_the_group() {
    let Some(playing) = Playing::start("later", (320, 240), H264) else { return };
    let mut first = playing.watch();
    let seen = first.pictures(40);
    assert!(seen[0].is_start);
    let mut second = playing.watch();
    let begin = second.next().unwrap();
    let newest = seen[39].decode_time;
    assert!(begin.is_start && begin.decode_time <= newest, "{begin:?}, the first viewer is at {newest}");
    let (one, two) = (first.pictures(50), second.pictures(50));
    for seen in [one, two] {
        assert!(
            seen.windows(2).all(|two| two[0].decode_time + u64::from(two[0].duration) == two[1].decode_time)
        );
    }
    assert_eq!(playing.service.json("/health").1["cameras"][0]["viewers"], 2);
}

#[test]
fn pictures_are_decoded_only_while_somebody_wants_jpeg() {
    let Some(playing) = Playing::start("both", (320, 240), H264) else { return };
    let mut video = playing.watch();
    video.pictures(30);
    assert_eq!(playing.decoders(), 0);
    {
        let mut jpeg = Stream::open(playing.service.connect(), "/stream");
        for _ in 0..10 {
            jpeg.part();
        }
        assert_eq!(playing.decoders(), 1);
        video.pictures(30);
    }
    until("decoding ends", PATIENCE, || {
        video.next();
        (playing.decoders() == 0).then_some(())
    });
    let snapshot = playing.service.request("GET", "/snapshot.jpg", "");
    assert_eq!((snapshot.status, &snapshot.body[..2]), (200, &[0xff, 0xd8][..]));
    video.pictures(10);
}

#[test]
fn who_gets_no_video_is_told_why() {
    let service = Service::start(&["--size", "320x240", "test:"]);
    let name = service.json("/health").1["cameras"][0]["name"].as_str().unwrap().to_owned();
    for method in ["GET", "HEAD"] {
        let answer = service.request(method, "/stream.mp4", "");
        assert_eq!(answer.status, 404);
        let words = format!("not H.264 or H.265; use /cameras/{name}/stream");
        assert!(method == "HEAD" || answer.text().contains(&words), "{}", answer.text());
    }
    {
        let mut open = Stream::open(service.connect(), "/stream");
        open.part();
        assert_eq!(service.request("GET", "/stream.mp4", "").status, 404, "once it is open, too");
    }
    assert_eq!(service.request("GET", "/cameras/other/stream.mp4", "").status, 404);
    assert_eq!(service.request("POST", "/stream.mp4", "").status, 405);
    if let Some(playing) = Playing::start("mjpeg", (320, 240), "-c:v mjpeg -pix_fmt yuvj420p") {
        let answer = playing.service.request("GET", "/stream.mp4", "");
        assert_eq!(answer.status, 404);
        assert!(answer.text().contains("this camera gives MJPEG, not H.264"), "{}", answer.text());
    }
    let service = Service::start(&["file:/nowhere/clip.mp4"]);
    let answer = service.request("GET", "/stream.mp4", "");
    assert_eq!(answer.status, 503);
    assert!(
        answer.head.contains("retry-after: 5\r\n") && answer.text().contains("no file"),
        "{}",
        answer.text()
    );
}

#[test]
fn another_size_ends_the_stream_between_two_pictures() {
    let Some(playing) = Playing::start("size", (320, 240), H264) else { return };
    let mut video = playing.watch();
    video.pictures(5);
    let other = playing.folder.file("other.mp4");
    clips::encode_to(&other, (160, 120), 100, H264);
    std::fs::rename(&other, &playing.clip).unwrap();
    let mut more = 0;
    while video.next().is_some() {
        more += 1;
        assert!(more < 1000, "it goes on");
    }
    playing.service.log_line("a stream of MP4 ends: size or parameters of the camera's video changed");
    assert_eq!(playing.service.json("/health").1["cameras"][0]["state"], "live");
    is_played(&playing.url(), "h264,160,120");
}

/// Slow clients read 4 kB for each picture of a quick one, a fifth of what comes.
#[test]
fn slow_clients_skip_to_key_pictures_and_take_no_memory() {
    const MEMORY_MAX_KILOBYTES: u64 = 16 << 10;
    let noisy = format!("-vf noise=alls=20:allf=t {H264} -b:v 4M");
    let Some(playing) = Playing::start("slow", (640, 360), &noisy) else { return };
    let mut quick = playing.watch();
    let bytes: usize =
        (0..25).map(|_| quick.next_box().unwrap().1.len() + quick.next_box().unwrap().1.len()).sum();
    assert!(bytes / 25 > 12 << 10, "{bytes} bytes a second");
    let socket = || {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(16 << 10).unwrap();
        socket.connect(&playing.service.address.into()).unwrap();
        write!(&socket, "GET /stream.mp4 HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
        TcpStream::from(socket)
    };
    let mut slow: Vec<(TcpStream, Vec<u8>)> = (0..8).map(|_| (socket(), Vec::new())).collect();
    let mut before = 0;
    for picture in 0..250 {
        quick.next().unwrap();
        for (socket, read) in &mut slow {
            let mut piece = [0; 4096];
            let bytes = socket.read(&mut piece).unwrap();
            assert!(bytes > 0, "it is slow, and not dropped");
            read.extend_from_slice(&piece[..bytes]);
        }
        if picture == 50 {
            before = playing.resident_kilobytes();
        }
    }
    let after = playing.resident_kilobytes();
    assert!(after < before + MEMORY_MAX_KILOBYTES, "{before} kB, then {after} kB");
    for (_, read) in &slow {
        assert!(skips(read) > 0, "nothing was skipped");
    }
}

/// How often a viewer missed pictures; each time it goes on with a start.
fn skips(read: &[u8]) -> usize {
    let moofs = read.windows(4).enumerate().filter(|(_, name)| name == b"moof").map(|(at, _)| at + 4);
    let pictures: Vec<Picture> = moofs.filter_map(|at| read.get(at..at + 96)).map(picture).collect();
    assert!(pictures.len() > 10, "{} pictures", pictures.len());
    let gaps: Vec<_> = pictures
        .windows(2)
        .filter(|two| two[0].decode_time + u64::from(two[0].duration) != two[1].decode_time)
        .collect();
    assert!(gaps.iter().all(|two| two[1].is_start), "{gaps:?}");
    gaps.len()
}
