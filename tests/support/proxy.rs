//! A network between browser and service that loses connections silently, like a router that forgot them, or
//! a Wi-Fi that was left.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Carries connections to a service.
pub struct Proxy {
    /// Its address, with a slash at the end.
    pub url: String,
    /// Streams up to this number are frozen.
    frozen: Arc<AtomicUsize>,
    streams: Arc<AtomicUsize>,
}

impl Proxy {
    /// A proxy to this address.
    pub fn start(service: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/", listener.local_addr().expect("it listens"));
        let proxy = Self { url, frozen: Arc::default(), streams: Arc::default() };
        let (frozen, streams) = (proxy.frozen.clone(), proxy.streams.clone());
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (frozen, streams) = (frozen.clone(), streams.clone());
                std::thread::spawn(move || carry(&client, service, &frozen, &streams));
            }
        });
        proxy
    }

    /// Freezes the open streams: they carry no more data, and stay open.
    pub fn freeze_streams(&self) {
        self.frozen.store(self.streams(), Ordering::SeqCst);
    }

    /// The number of streams opened so far.
    pub fn streams(&self) -> usize {
        self.streams.load(Ordering::SeqCst)
    }
}

fn carry(mut client: &TcpStream, service: SocketAddr, frozen: &AtomicUsize, streams: &AtomicUsize) {
    let Ok(mut server) = TcpStream::connect(service) else { return };
    let (Ok(mut requests), Ok(mut to_server)) = (client.try_clone(), server.try_clone()) else { return };
    // A stream is the last request of its connection.
    let number = Arc::new(AtomicUsize::new(usize::MAX));
    std::thread::scope(|threads| {
        let of_stream = number.clone();
        threads.spawn(move || {
            let mut bytes = [0; 8192];
            while let Ok(read @ 1..) = requests.read(&mut bytes) {
                if String::from_utf8_lossy(&bytes[..read])
                    .lines()
                    .next()
                    .is_some_and(|it| it.contains("/stream"))
                {
                    of_stream.store(streams.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                }
                if to_server.write_all(&bytes[..read]).is_err() {
                    break;
                }
            }
            let _ = to_server.shutdown(Shutdown::Both);
        });
        let mut bytes = vec![0; 64 << 10];
        while let Ok(read @ 1..) = server.read(&mut bytes) {
            let is_frozen = number.load(Ordering::SeqCst) <= frozen.load(Ordering::SeqCst);
            if !is_frozen && client.write_all(&bytes[..read]).is_err() {
                break;
            }
        }
        let _ = client.shutdown(Shutdown::Both);
    });
}
