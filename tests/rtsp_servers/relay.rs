//! A network that loses datagrams: an RTSP relay between the UDP ports.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// The percentage of datagrams with pictures to lose.
const LOST_PERCENT: u64 = 5;

/// The fate of each picture in the relay, by its RTP timestamp, in the order of sending.
#[derive(Default)]
pub struct Log {
    pictures: Mutex<Vec<Picture>>,
}

/// A picture that went through the relay.
#[derive(Clone, Copy)]
pub struct Picture {
    pub timestamp: u32,
    pub is_key: bool,
    pub passed: usize,
    pub lost: usize,
}

impl Log {
    pub fn pictures(&self) -> Vec<Picture> {
        self.pictures.lock().unwrap().clone()
    }

    fn note(&self, packet: &[u8], is_lost: bool) {
        let timestamp = u32::from_be_bytes([packet[4], packet[5], packet[6], packet[7]]);
        let mut pictures = self.pictures.lock().unwrap();
        if pictures.last().is_none_or(|picture| picture.timestamp != timestamp) {
            pictures.push(Picture { timestamp, is_key: false, passed: 0, lost: 0 });
        }
        let Some(picture) = pictures.last_mut() else { return };
        picture.is_key |= is_key(packet[1] & 0x7f, &packet[12..]);
        *(if is_lost { &mut picture.lost } else { &mut picture.passed }) += 1;
    }
}

/// Whether a payload of H.264 or H.265 (type 96), or of JPEG (type 26), belongs to a key picture.
fn is_key(payload_type: u8, payload: &[u8]) -> bool {
    let h264 = |byte: u8| byte & 0x1f == 5;
    let h265 = |kind: u8| (16..=21).contains(&kind);
    match payload {
        _ if payload_type == 26 => true,
        // FU-A of H.264, fragmentation unit of H.265.
        [first, second, ..] if first & 0x1f == 28 => h264(*second),
        [first, _, third, ..] if first >> 1 & 0x3f == 49 => h265(third & 0x3f),
        [first, second, ..] => h264(*first) || (second & 0xf8 == 0 && h265(first >> 1 & 0x3f)),
        _ => false,
    }
}

/// Relays connections to a server; returns the relay's port and its log.
pub fn start(server_port: u16) -> (u16, Arc<Log>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let log = Arc::new(Log::default());
    let of = log.clone();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let server = TcpStream::connect(("127.0.0.1", server_port)).unwrap();
            relay(client.unwrap(), server, &of);
        }
    });
    (port, log)
}

/// An even port and the next one.
fn pair() -> [UdpSocket; 2] {
    (0..99)
        .find_map(|_| {
            let rtp = UdpSocket::bind("127.0.0.1:0").ok()?;
            let port = rtp.local_addr().ok()?.port();
            (port % 2 == 0).then_some(())?;
            Some([rtp, UdpSocket::bind(("127.0.0.1", port + 1)).ok()?])
        })
        .expect("a pair of ports")
}

fn first_port(pair: &[UdpSocket; 2]) -> u16 {
    pair[0].local_addr().unwrap().port()
}

fn relay(client: TcpStream, server: TcpStream, log: &Arc<Log>) {
    // The destinations for the server and for the client.
    let (to_server, to_client) = (pair(), pair());
    let ports = (first_port(&to_server), first_port(&to_client));
    let (client_ports, server_ports) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (from_client, from_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let noted = client_ports.clone();
    std::thread::spawn(move || {
        copy(from_client, server, |line| {
            let port = find(line, "client_port=")?;
            noted.store(u64::from(port), Ordering::SeqCst);
            Some(line.replace(
                &format!("client_port={port}-{}", port + 1),
                &format!("client_port={}-{}", ports.0, ports.0 + 1),
            ))
        });
    });
    let (noted, asked) = (server_ports.clone(), client_ports.clone());
    std::thread::spawn(move || {
        copy(from_server, client, |line| {
            let port = find(line, "server_port=")?;
            noted.store(u64::from(port), Ordering::SeqCst);
            let asked = asked.load(Ordering::SeqCst);
            let line = line.replace(
                &format!("server_port={port}-{}", port + 1),
                &format!("server_port={}-{}", ports.1, ports.1 + 1),
            );
            Some(line.replace(
                &format!("client_port={}-{}", ports.0, ports.0 + 1),
                &format!("client_port={asked}-{}", asked + 1),
            ))
        });
    });
    for (channel, (near_server, near_client)) in to_server.into_iter().zip(to_client).enumerate() {
        let (near_server, near_client) = (Arc::new(near_server), Arc::new(near_client));
        let lossy = (channel == 0).then(|| log.clone());
        let ports = client_ports.clone();
        datagrams(near_server.clone(), near_client.clone(), ports, channel, lossy);
        datagrams(near_client, near_server, server_ports.clone(), channel, None);
    }
}

/// Forwards datagrams from one socket to the other, except the lost ones.
fn datagrams(
    from: Arc<UdpSocket>,
    by: Arc<UdpSocket>,
    ports: Arc<AtomicU64>,
    channel: usize,
    lossy: Option<Arc<Log>>,
) {
    std::thread::spawn(move || {
        let mut buffer = vec![0; 65_536];
        // xorshift64, the same each time.
        let mut dice = 88_172_645_463_325_252_u64;
        while let Ok(bytes) = from.recv(&mut buffer) {
            if let Some(log) = &lossy {
                dice ^= dice << 13;
                dice ^= dice >> 7;
                dice ^= dice << 17;
                let is_lost = dice % 100 < LOST_PERCENT;
                log.note(&buffer[..bytes], is_lost);
                if is_lost {
                    continue;
                }
            }
            let port = ports.load(Ordering::SeqCst) as u16 + channel as u16;
            let _ = by.send_to(&buffer[..bytes], SocketAddr::from(([127, 0, 0, 1], port)));
        }
    });
}

fn find(line: &str, name: &str) -> Option<u16> {
    let digits = line.split_once(name)?.1.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// Copies messages, with some lines of their heads changed.
fn copy(from: TcpStream, mut to: TcpStream, change: impl Fn(&str) -> Option<String>) {
    let mut reader = BufReader::new(from);
    let mut body = 0;
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|bytes| bytes > 0) {
        if let Some(length) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            body = length.trim().parse().unwrap();
        }
        let changed = change(&line).unwrap_or_else(|| line.clone());
        if to.write_all(changed.as_bytes()).is_err() {
            return;
        }
        if line == "\r\n" {
            let mut bytes = vec![0; std::mem::take(&mut body)];
            if reader.read_exact(&mut bytes).is_err() || to.write_all(&bytes).is_err() {
                return;
            }
        }
        line.clear();
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
}
