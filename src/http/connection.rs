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
use super::part_heads::PartHeads;
use super::password::{Proof, Verdict};
use super::route::{self, NoRoute, Route};
use super::socket::Socket;
use super::{Server, api, closed, controls, page, snapshot, stream};
use crate::cameras::registry::Found;
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
            Err(NoRequest::Refused(status, what)) => {
                log::debug!("{peer}: {what}");
                let answer = match status {
                    StatusCode::MethodNotAllowed => Answer::method_not_allowed(READING),
                    _ => Answer::error(status, &what),
                };
                let _ = answer.send(socket, Method::Get, false).await;
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

/// The methods that every path has.
const READING: &str = "GET, HEAD";

fn is_reading(request: &Request) -> bool {
    matches!(request.method, Method::Get | Method::Head)
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
    if let Some(mut refusal) = refusal(server, request, client, place, proof).await {
        if route::value(&request.query, "dialog") == Some("no") {
            refusal.without_dialogue();
        }
        refusal.send(socket, request.method, request.keep_alive).await?;
        return Ok(request.keep_alive);
    }
    let answer = match Route::parse(&request.path, &request.query) {
        Ok(Route::Controls(name)) if request.method == Method::Patch => {
            match heads.body(socket, &server.clock, request).await {
                Ok(body) => controls::set(server, &name, &body).await,
                Err(NoRequest::Refused(status, what)) => Answer::error(status, &what),
                Err(NoRequest::Closed) => return Ok(false),
            }
        }
        Ok(Route::Controls(_)) if !is_reading(request) => Answer::method_not_allowed("GET, HEAD, PATCH"),
        _ if !is_reading(request) => Answer::method_not_allowed(READING),
        Err(NoRoute::NotFound) => {
            Answer::error(StatusCode::NotFound, &format!("there is nothing at {}", request.path))
        }
        Err(NoRoute::Wrong(what)) => Answer::error(StatusCode::BadRequest, &what),
        Ok(Route::Page) => Answer::html(page::INDEX),
        Ok(Route::Health) if request.accept.contains("text/html") => Answer::html(page::HEALTH),
        Ok(Route::Health) => api::health(server),
        Ok(Route::Asset(asset)) => Answer::asset(asset.content_type, asset.bytes),
        Ok(Route::Metrics) => api::metrics(server, &request.accept),
        Ok(Route::Cameras) => api::cameras(server),
        Ok(Route::Camera(name)) => api::camera(server, &name),
        Ok(Route::Controls(name)) => controls::list(server, &name).await,
        Ok(Route::Snapshot(selector)) => snapshot::take(server, &selector, request).await,
        Ok(Route::Stream(selector, fps)) => {
            match (server.registry.find(&selector), PartHeads::wanted(request)) {
                (Found::Unknown, _) => Answer::error(StatusCode::NotFound, "there is no such camera"),
                (_, Ok(_)) if let Err(why) = place.begin_stream() => no_place(server, client, &why),
                (_, Ok(heads)) => {
                    let wanted =
                        stream::Wanted { selector, fps, heads, head_only: request.method == Method::Head };
                    stream::serve(server, socket, &wanted).await?;
                    return Ok(false);
                }
                (_, Err(what)) => Answer::error(StatusCode::BadRequest, &what),
            }
        }
    };
    let mut answer = answer;
    if let Some(origin) = &server.rules().config.allow_origin {
        answer.open_to(origin);
    }
    answer.send(socket, request.method, request.keep_alive).await?;
    Ok(request.keep_alive)
}

/// The answer to a request that is not let in.
async fn refusal(
    server: &Rc<Server>,
    request: &Request,
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
    if let Some(answer) = closed::answer(server, request) {
        return Some(answer);
    }
    match rules.guard.admit(request.credentials.as_ref(), client.address, proof).await {
        Verdict::Welcome => place.show_password().err().map(|why| no_place(server, client, &why)),
        // A monitor that only wants to know whether all is well needs no password for it.
        Verdict::Who if is_monitor(request) => Some(api::status(server)),
        Verdict::Who => Some(Answer::unauthorized("a password is needed; the user name is viewer or admin")),
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

fn is_monitor(request: &Request) -> bool {
    is_reading(request)
        && Route::parse(&request.path, &request.query) == Ok(Route::Health)
        && !request.accept.contains("text/html")
}

/// The answer to a client for whom there is no place.
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

/// Tells a client that no more connections are taken.
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
