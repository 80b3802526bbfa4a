//! How free the executor stays with 32 cameras that send JPEG over HTTP: their share of its time, their
//! longest poll (processor time: nothing else runs on the executor meanwhile), and the longest delay of a
//! timer of one millisecond.
//!
//! `cargo bench --bench executor`: the same pictures in the same run, alternating between the service's way,
//! checked and delivered on a thread of each camera, and all on the executor. 720p pictures, 25 a second,
//! twenty viewers per camera, each of which gets every picture.

#[allow(dead_code)] // Other benches use the rest.
mod scene;

use std::cell::Cell;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_lite::AsyncReadExt as _;
use futures_lite::future::{or, yield_now};
use pinhole::camera::stop::Stop;
use pinhole::camera::{Camera, Subscriber};
use pinhole::clock::Clock;
use pinhole::config::{Network, Picture, SourceUrl};
use pinhole::encode::JpegEncoder;
use pinhole::frame::{BufferPool, Frame};
use pinhole::multipart::Reader;
use pinhole::picture::Chroma;
use pinhole::source::http::Source;
use pinhole::source::publisher::Publisher;
use pinhole::turn::{self, Turn};
use scene::Scene;
use smol::{Async, LocalExecutor};

const CAMERAS: usize = 32;
const FPS: u32 = 25;
const VIEWERS: usize = 20;
const WINDOW: Duration = Duration::from_secs(5);
const ROUNDS: usize = 3;
const TICK: Duration = Duration::from_millis(1);

fn main() {
    let jpeg = jpeg();
    println!("{CAMERAS} cameras, {} kB at {FPS} fps, {VIEWERS} viewers each", jpeg.len() / 1000);
    println!(
        "{:24} {:>10} {:>10} {:>16} {:>16}",
        "checked on", "pictures", "busy, %", "longest poll, ms", "latest timer, ms"
    );
    for _ in 0..ROUNDS {
        for (name, is_inline) in [("threads (the service)", false), ("the executor", true)] {
            let load = run(&jpeg, is_inline);
            let busy = load.busy.as_secs_f64() / WINDOW.as_secs_f64() * 100.0;
            let late = load.latest.as_secs_f64() * 1000.0;
            let poll = load.longest_poll.as_secs_f64() * 1000.0;
            println!("{name:24} {:>10} {busy:>10.1} {poll:>16.2} {late:>16.2}", load.pictures);
        }
    }
}

/// The cost of the cameras to the executor.
struct Load {
    busy: Duration,
    longest_poll: Duration,
    latest: Duration,
    pictures: u64,
}

/// Processor time of this thread. Linux, Documentation/scheduler/sched-stats.rst.
fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("a Linux kernel");
    let nanoseconds = text.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.expect("a number"))
}

/// A future that records its longest poll.
struct Polled<F> {
    inner: Pin<Box<F>>,
    longest: Rc<Cell<Duration>>,
}

impl<F: Future> Future for Polled<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let begin = processor_clock();
        let polled = self.inner.as_mut().poll(context);
        self.longest.set(self.longest.get().max(processor_clock().saturating_sub(begin)));
        polled
    }
}

/// The same, by a call that takes a fraction of a microsecond; clock_gettime(2).
fn processor_clock() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}

/// Reads a frame like a socket, and discards it.
struct Viewer;

impl Subscriber for Viewer {
    fn deliver(&self, frame: &Arc<Frame>, _: u64) -> bool {
        std::hint::black_box(frame.jpeg.iter().map(|byte| u64::from(*byte)).sum::<u64>());
        true
    }

    fn defer(&self, _: &Arc<Frame>, _: u64) {}

    fn end(&self) {}
}

fn run(jpeg: &[u8], is_inline: bool) -> Load {
    let feeder = Feeder::start(jpeg);
    let executor = Rc::new(LocalExecutor::new());
    let (clock, stop) = (Clock::kernel(), Stop::new().expect("descriptors"));
    let cameras: Vec<Arc<Camera>> = (0..CAMERAS).map(|_| Camera::on_demand("yard")).collect();
    let (mut viewers, longest) = (Vec::new(), Rc::new(Cell::new(Duration::ZERO)));
    for camera in &cameras {
        viewers.extend((0..VIEWERS).map(|_| camera.subscribe(Arc::new(Viewer))));
        let publisher = Publisher::new(camera, &clock, &Picture::default());
        let (address, clock, stop) = (feeder.address.clone(), clock.clone(), stop.clone());
        let camera = async move {
            if is_inline {
                inline(&address, &publisher, &clock).await;
            } else {
                let url = SourceUrl::parse(&address, &["http"]).expect("a URL");
                let source = Source::new("yard", &url, &Network::default());
                let ended = source.run(&publisher, &clock, &stop).await;
                assert!(stop.is_requested(), "{ended:?}");
            }
        };
        executor.spawn(Polled { inner: Box::pin(camera), longest: longest.clone() }).detach();
    }
    let count = || cameras.iter().map(|camera| camera.frames()).sum::<u64>();
    let main = async {
        // Waits until all are connected.
        while cameras.iter().any(|camera| camera.frames() == 0) {
            yield_now().await;
        }
        let (begin, before, spent) = (clock.now(), count(), processor_time());
        let mut latest = Duration::ZERO;
        longest.set(Duration::ZERO);
        while clock.now().since(begin) < WINDOW {
            let due = clock.now() + TICK;
            clock.sleep_until(due).await;
            latest = latest.max(clock.now().since(due));
        }
        let busy = processor_time().saturating_sub(spent);
        Load { busy, longest_poll: longest.get(), latest, pictures: count() - before }
    };
    let load = smol::block_on(turn::run(&executor, &clock, main));
    stop.request();
    feeder.is_over.store(true, Ordering::Relaxed);
    load
}

/// Checks and delivers a camera's pictures on the executor.
async fn inline(address: &str, publisher: &Publisher, clock: &Clock) {
    let host = address.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = Async::<TcpStream>::connect(host.parse::<std::net::SocketAddr>().expect("an address"))
        .await
        .expect("a camera");
    futures_lite::AsyncWriteExt::write_all(&mut stream, b"GET / HTTP/1.1\r\n\r\n").await.expect("taken");
    let mut reader = Reader::new(Some("b"));
    let mut buffer = vec![0; 64 << 10];
    let mut turn = Turn::new(clock);
    let reading = async {
        loop {
            turn.step().await;
            let Ok(read @ 1..) = stream.read(&mut buffer).await else { return };
            let mut bytes = &buffer[..read];
            while !bytes.is_empty() {
                bytes = &bytes[reader.push(bytes)..];
                while let Some(picture) = reader.pull() {
                    publisher.check(picture, clock.now());
                }
            }
        }
    };
    or(reading, std::future::pending()).await;
}

/// Sends the same picture to every client, at the given rate.
struct Feeder {
    address: String,
    is_over: Arc<AtomicBool>,
}

impl Feeder {
    fn start(jpeg: &[u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}/", listener.local_addr().expect("it listens"));
        let is_over = Arc::new(AtomicBool::new(false));
        let over = is_over.clone();
        let head = format!("Content-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", jpeg.len());
        let part = Arc::new([head.as_bytes(), jpeg, b"\r\n--b\r\n"].concat());
        std::thread::spawn(move || {
            for mut client in listener.incoming().map_while(Result::ok).take(CAMERAS) {
                let (part, over) = (part.clone(), over.clone());
                std::thread::spawn(move || {
                    let clock = Clock::kernel();
                    let head = "HTTP/1.1 200 OK\r\n\
                                Content-Type: multipart/x-mixed-replace;boundary=b\r\n\r\n--b\r\n";
                    if client.write_all(head.as_bytes()).is_err() {
                        return;
                    }
                    while !over.load(Ordering::Relaxed) && client.write_all(&part).is_ok() {
                        smol::block_on(clock.sleep(Duration::from_secs(1) / FPS));
                    }
                });
            }
        });
        Self { address, is_over }
    }
}

fn jpeg() -> Vec<u8> {
    let mut out = BufferPool::default().take();
    let mut encoder = JpegEncoder::new(80, Chroma::Yuv420).expect("an encoder");
    encoder.encode_planes(&Scene::new(1280, 720).planes(), &mut out).expect("a picture");
    out.to_vec()
}
