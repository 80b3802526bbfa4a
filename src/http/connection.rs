//! One client's connection: requests in, answers out, until it ends or becomes a stream.

use std::cell::Cell;
use std::fmt::Display;
use std::net::SocketAddr;
use std::rc::Rc;

use http_types::{Method, StatusCode};

use super::answer::Answer;
use super::ceiling::Place;
use super::client::Client;
use super::head::{HeadReader, NoRequest, Request};
use super::password::{Proof, Verdict};
use super::route::{self, NoRoute, READING, Route};
use super::routes::{Call, Entry, Reply};
use super::socket::Socket;
use super::{Server, closed, mp4, stream};
use crate::limits;

/// Serves a connection until it ends.
pub async fn serve(server: &Rc<Server>, socket: &Socket, peer: SocketAddr, place: &Place) {
    let mut heads = HeadReader::new(socket);
    let mut waits = None;
    let proof = Proof::default();
    loop {
        let next = heads.next(socket, &server.clock).await;
        if waits == Some(heads.waits()) {
            server.pipelined.pass(&server.clock).await;
        }
        waits = Some(heads.waits());
        let request = match next {
            Ok(request) => request,
            Err(NoRequest::Closed) => return,
            Err(refused) => {
                if let Some(answer) = no_request(refused, peer) {
                    let _ = answer.send(socket, Method::Get, false).await;
                }
                return socket.finish().await;
            }
        };
        let client = Client::of(peer, &request.forwarded_for, &server.rules().config.trusted_proxies);
        log::debug!("{client}: {} {}", request.method, request.path);
        match answer(server, socket, &mut heads, &request, client, (place, &proof)).await {
            Ok(true) => place.end_answer(),
            Ok(false) => return socket.finish().await,
            Err(error) => return log::debug!("{client}: {}: {error}", request.path),
        }
    }
}

/// The response to malformed input; `None` if no client waits for one.
fn no_request(why: NoRequest, client: impl Display) -> Option<Answer> {
    match why {
        NoRequest::Closed => None,
        NoRequest::Refused(status, what) => {
            log::debug!("{client}: {what}");
            Some(Answer::error(status, &what))
        }
        NoRequest::UnknownMethod { target } => {
            let (path, query) = target.split_once('?').unwrap_or((&target, ""));
            let allowed = Route::parse(path, query).map_or(READING.to_owned(), |route| route.allowed());
            Some(Answer::method_not_allowed(&allowed))
        }
    }
}

/// Answers a request; whether the connection may be used again.
async fn answer(
    server: &Rc<Server>,
    socket: &Socket,
    heads: &mut HeadReader,
    request: &Request,
    client: Client,
    (place, proof): (&Place, &Proof),
) -> std::io::Result<bool> {
    let route = Route::parse(&request.path, &request.query);
    if let Some(mut refusal) = refusal(server, request, route.as_ref().ok(), client, place, proof).await {
        if route::value(&request.query, "dialog") == Some("no") {
            refusal.without_dialogue();
        }
        refusal.send(socket, request.method, request.keep_alive).await?;
        return Ok(request.keep_alive);
    }
    let is_reading = matches!(request.method, Method::Get | Method::Head);
    let reply = match &route {
        Ok(route) => match route.entry(request.method) {
            Some(entry) => match body(heads, socket, server, request, entry).await {
                Ok(body) => (entry.handler)(Call { server, request, route, body }).await,
                Err(why) => match no_request(why, client) {
                    Some(answer) => answer.into(),
                    None => return Ok(false),
                },
            },
            None => Answer::method_not_allowed(&route.allowed()).into(),
        },
        Err(_) if !is_reading => Answer::method_not_allowed(READING).into(),
        Err(NoRoute::NotFound) => Answer::not_found(&request.path).into(),
        Err(NoRoute::Wrong(what)) => Answer::bad_request(what).into(),
    };
    let mut answer = match reply {
        Reply::Answer(answer) => *answer,
        Reply::Stream(wanted) => match place.begin_stream() {
            Ok(()) => {
                stream::serve(server, socket, &wanted).await?;
                return Ok(false);
            }
            Err(why) => no_place(server, client, &why),
        },
        Reply::Mp4(video) => match place.begin_stream() {
            Ok(()) => {
                mp4::serve(server, socket, *video).await?;
                return Ok(false);
            }
            Err(why) => no_place(server, client, &why),
        },
    };
    if let Some(origin) = &server.rules().config.allow_origin {
        answer.open_to(origin);
    }
    answer.send(socket, request.method, request.keep_alive).await?;
    Ok(request.keep_alive)
}

/// Reads the body of a request, if its entry takes one.
async fn body(
    heads: &mut HeadReader,
    socket: &Socket,
    server: &Server,
    request: &Request,
    entry: &Entry,
) -> Result<Vec<u8>, NoRequest> {
    match entry.body_bytes_max {
        0 => Ok(Vec::new()),
        max => heads.body(socket, &server.clock, request, max).await,
    }
}

/// The response to an unauthorised request.
async fn refusal(
    server: &Rc<Server>,
    request: &Request,
    route: Option<&Route>,
    client: Client,
    place: &Place,
    proof: &Proof,
) -> Option<Answer> {
    if let Err(why) = place.begin_answer(client.address) {
        return Some(no_place(server, client, &why));
    }
    let rules = server.rules();
    if let Some(host) = request.host.as_ref().filter(|host| !rules.hosts.contain(host)) {
        log::debug!("{client}: unknown host {host}");
        let what = format!(
            "this service does not answer to the name \"{host}\"; if it is yours, write hosts = [\"{host}\"] \
             under [http] in pinhole.toml"
        );
        return Some(Answer::error(StatusCode::MisdirectedRequest, &what));
    }
    if let Some(answer) = closed::answer(server, request, route) {
        return Some(answer);
    }
    match rules.guard.admit(request.credentials.as_ref(), client.address, proof).await {
        Verdict::Welcome => place.show_password().err().map(|why| no_place(server, client, &why)),
        Verdict::Who => Some(unauthenticated(server, request, route)),
        Verdict::Wrong => {
            Some(Answer::unauthorized("user name or password is wrong; the user name is viewer or admin"))
        }
        Verdict::Later(wait) => {
            let seconds = wait.as_secs() + 1;
            let what = format!("this machine could not check the password; try again in {seconds} s");
            let mut answer = Answer::error(StatusCode::ServiceUnavailable, &what);
            answer.insert_header("retry-after", &seconds.to_string());
            Some(answer)
        }
    }
}

/// The answer to a request without a password. A program that only wants to know whether all is well
/// needs none for it; a person is asked.
fn unauthenticated(server: &Server, request: &Request, route: Option<&Route>) -> Answer {
    let entry = route.and_then(|route| route.entry(request.method));
    match entry.and_then(Entry::unauthenticated) {
        Some(answer) if !request.accept.contains("text/html") => answer(server),
        _ => Answer::unauthorized("a password is needed; the user name is viewer or admin"),
    }
}

/// The response when there is no place for the client.
fn no_place(server: &Server, client: impl Display, why: &str) -> Answer {
    server.health.http.count_refused();
    log::debug!("{client}: refused: {why}");
    let mut answer = Answer::error(StatusCode::ServiceUnavailable, why);
    answer.insert_header("retry-after", "5");
    answer
}

thread_local! {
    static REFUSALS: Cell<usize> = const { Cell::new(0) };
}

/// Answers that no more connections are accepted.
pub async fn refuse(server: &Rc<Server>, socket: &Socket, peer: SocketAddr, why: &str) {
    let answer = no_place(server, peer, why);
    if REFUSALS.get() >= limits::REFUSALS_MAX {
        return;
    }
    REFUSALS.set(REFUSALS.get() + 1);
    if answer.send(socket, Method::Get, false).await.is_ok() {
        socket.finish().await;
    }
    REFUSALS.set(REFUSALS.get() - 1);
}
