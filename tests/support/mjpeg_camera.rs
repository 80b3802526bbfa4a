//! A camera that serves MJPEG over HTTP and sends a picture when the test asks for it.

#![allow(dead_code, reason = "each test uses what it needs")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

use pinhole::encode::JpegEncoder;
use pinhole::frame::BufferPool;
use pinhole::picture::{Chroma, PixelFormat, RawPicture};

/// Columns of one bit in a picture of [`numbered`], and rows of the picture.
pub const CELL: usize = 16;
/// Bits of the number in such a picture.
pub const BITS: usize = 8;

/// The camera.
pub struct Camera {
    /// The URL of its stream.
    pub url: String,
    clients: Arc<(Mutex<Vec<TcpStream>>, Condvar)>,
}

impl Camera {
    /// A camera on a free port.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/", listener.local_addr().expect("it listens"));
        let clients: Arc<(Mutex<Vec<TcpStream>>, Condvar)> = Arc::default();
        let all = clients.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if let Some(client) = welcome(client) {
                    all.0.lock().expect("no panic").push(client);
                    all.1.notify_all();
                }
            }
        });
        Self { url, clients }
    }

    /// Sends a picture to at least one client.
    pub fn send(&self, jpeg: &[u8]) {
        let (clients, changed) = &*self.clients;
        let mut clients =
            changed.wait_while(clients.lock().expect("no panic"), |it| it.is_empty()).expect("no panic");
        clients.retain(|client| write_part(client, jpeg).is_ok());
    }

    /// Sends the picture repeatedly, as fast as it is read, until the client leaves.
    pub fn send_without_end(&self, jpeg: &[u8]) {
        let (clients, changed) = &*self.clients;
        let mut clients =
            changed.wait_while(clients.lock().expect("no panic"), |it| it.is_empty()).expect("no panic");
        // As much in one write as a kernel accepts.
        let many = part(jpeg).repeat((256 << 10) / jpeg.len());
        for mut client in clients.drain(..) {
            let many = many.clone();
            std::thread::spawn(move || while client.write_all(&many).is_ok() {});
        }
    }
}

fn welcome(mut client: TcpStream) -> Option<TcpStream> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).ok()?;
        request.extend(byte);
    }
    let head =
        "HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n--frame\r\n";
    client.write_all(head.as_bytes()).ok()?;
    Some(client)
}

fn part(jpeg: &[u8]) -> Vec<u8> {
    let head = format!("Content-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", jpeg.len());
    [head.as_bytes(), jpeg, b"\r\n--frame\r\n"].concat()
}

fn write_part(mut client: &TcpStream, jpeg: &[u8]) -> std::io::Result<()> {
    client.write_all(&part(jpeg))
}

/// A picture that shows a number: a white cell for each bit that is set, the highest on the left.
pub fn numbered(number: u8) -> Vec<u8> {
    let (width, height) = (BITS * CELL, CELL);
    let cell = |column: usize| if number >> (BITS - 1 - column / CELL) & 1 == 1 { 255 } else { 0 };
    let luma: Vec<u8> = (0..width * height).map(|at| cell(at % width)).collect();
    let picture = RawPicture { data: &luma, format: PixelFormat::Grey, width, height, stride: width };
    let mut jpeg = BufferPool::default().take();
    let mut encoder = JpegEncoder::new(90, Chroma::Yuv420).expect("an encoder");
    encoder.encode(&picture, &mut jpeg).expect("a picture");
    jpeg.to_vec()
}

/// The picture, with comments that bring it to this many bytes or a few more.
pub fn padded(jpeg: &[u8], bytes: usize) -> Vec<u8> {
    /// The largest segment, T.81 B.1.1.4.
    const SEGMENT: usize = 65_535;
    let mut large = jpeg[..2].to_vec();
    while large.len() + jpeg.len() < bytes {
        large.extend([0xff, 0xfe]);
        large.extend((SEGMENT as u16).to_be_bytes());
        large.resize(large.len() + SEGMENT - 2, b' ');
    }
    large.extend(&jpeg[2..]);
    large
}
