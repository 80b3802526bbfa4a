//! A reverse proxy that serves a service below a path, as nginx does for
//! `location /pin/ { proxy_pass http://127.0.0.1:8080/; }`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// The behaviour of the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// It forwards everything below the path.
    Passing,
    /// It forwards the page, and nothing below it.
    PageOnly,
    /// It answers every address with its own page, as for a single-page application.
    OwnPage,
    /// It cannot reach its backend.
    BadGateway,
    /// It redirects every request to a login on another host.
    Login,
}

/// A proxy in front of a service.
pub struct PrefixProxy {
    /// Its address, without a slash at the end.
    pub url: String,
    mood: Arc<Mutex<Mood>>,
}

impl PrefixProxy {
    /// Serves the paths of `service` below `path`, which begins with a slash and does not end with one. The
    /// path itself is forwarded too.
    pub fn start(service: SocketAddr, path: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}{path}", listener.local_addr().expect("it listens"));
        let mood = Arc::new(Mutex::new(Mood::Passing));
        let of_thread = mood.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let mood = of_thread.clone();
                // A broken connection is the browser's problem.
                std::thread::spawn(move || carry(&client, service, path, &mood).ok());
            }
        });
        Self { url, mood }
    }

    /// Changes the behaviour from the next request on.
    pub fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap_or_else(PoisonError::into_inner) = mood;
    }
}

/// One request and its answer.
fn carry(client: &TcpStream, service: SocketAddr, path: &str, mood: &Mutex<Mood>) -> std::io::Result<()> {
    let mut reader = BufReader::new(client);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head)? > 0 {
        if head == "\r\n" {
            break;
        }
    }
    let target = first.split(' ').nth(1).unwrap_or_default();
    let below = target.strip_prefix(path).filter(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
    let mood = *mood.lock().unwrap_or_else(PoisonError::into_inner);
    let is_page = matches!(below, Some("" | "/"));
    match (below, mood) {
        (_, Mood::BadGateway) => refuse(client, "502 Bad Gateway", ""),
        (_, Mood::Login) => refuse(client, "302 Found", "Location: http://login.invalid/\r\n"),
        (_, Mood::OwnPage) => refuse(client, "200 OK", ""),
        (Some(rest), Mood::Passing) => pass_on(client, service, rest, &head),
        (Some(rest), Mood::PageOnly) if is_page => pass_on(client, service, rest, &head),
        _ => refuse(client, "404 Not Found", ""),
    }
}

fn refuse(mut client: &TcpStream, status: &str, headers: &str) -> std::io::Result<()> {
    let body = format!("<html><h1>{status}</h1></html>");
    write!(
        client,
        "HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}",
        body.len()
    )?;
    client.shutdown(Shutdown::Write)
}

fn pass_on(mut client: &TcpStream, service: SocketAddr, rest: &str, head: &str) -> std::io::Result<()> {
    let slash = if rest.starts_with('/') { "" } else { "/" };
    let mut server = TcpStream::connect(service)?;
    let others = head.split_inclusive("\r\n").filter(|line| !line.to_lowercase().starts_with("connection:"));
    let others: String = others.collect();
    write!(server, "GET {slash}{rest} HTTP/1.1\r\nConnection: close\r\n{others}")?;
    let hang_up = server.try_clone()?;
    std::thread::scope(|threads| {
        // A browser that closes a stream closes its end of the connection.
        threads.spawn(move || {
            let mut client = client;
            while matches!(client.read(&mut [0; 512]), Ok(1..)) {}
            hang_up.shutdown(Shutdown::Both)
        });
        let copied = std::io::copy(&mut server, &mut client);
        let _ = client.shutdown(Shutdown::Both);
        copied.map(drop)
    })
}
