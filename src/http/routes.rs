//! Every path of the service in one table: method, path, role, size of the body, handler.
//!
//! `NAME` stands for a camera's name. HEAD is answered like GET, and 405 follows from a path's methods. The
//! same paths exist below `/webcam/` to `/webcam4/`, and `/?action=stream` and similar mean `/stream` and
//! `/snapshot` (`route`).

use std::pin::Pin;
use std::rc::Rc;

use http_types::Method;

use super::answer::Answer;
use super::head::Request;
use super::part_heads::PartHeads;
use super::route::Route;
use super::stream::Wanted;
use super::{Server, api, controls, mp4, page, snapshot, stream};

/// Who may send the request. Today one password admits all of them, under two names.
#[derive(Debug, Clone, Copy)]
pub enum Role {
    /// Looks whether all is well.
    Monitor {
        /// The response for programs without the password, if it is more than 401.
        unauthenticated: Option<fn(&Server) -> Answer>,
    },
    /// Watches.
    Viewer,
    /// Changes something.
    Admin,
}

/// A request on its way to the handler.
pub struct Call<'a> {
    /// The server.
    pub server: &'a Rc<Server>,
    /// The request.
    pub request: &'a Request,
    /// The result of its path and query.
    pub route: &'a Route,
    /// Its body, if the entry takes one.
    pub body: Vec<u8>,
}

/// The result of a request.
pub enum Reply {
    /// An answer.
    Answer(Box<Answer>),
    /// A stream, which takes over the connection.
    Stream(Wanted),
    /// A stream of MP4, which does so too.
    Mp4(Box<mp4::Stream>),
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Self::Answer(Box::new(answer))
    }
}

type Replying<'a> = Pin<Box<dyn Future<Output = Reply> + 'a>>;

/// One method of one path.
pub struct Entry {
    /// The method.
    pub method: Method,
    /// The path.
    pub path: &'static str,
    /// The role that it needs.
    pub role: Role,
    /// Ceiling of the body in bytes; 0 if none is read.
    pub body_bytes_max: usize,
    /// The function that answers.
    pub handler: fn(Call<'_>) -> Replying<'_>,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

const fn get(path: &'static str, role: Role, handler: fn(Call<'_>) -> Replying<'_>) -> Entry {
    Entry { method: Method::Get, path, role, body_bytes_max: 0, handler }
}

/// Every path.
pub static ROUTES: &[Entry] = &[
    get("/", Role::Viewer, |_| reply(Answer::html(page::INDEX))),
    get("/index.html", Role::Viewer, |_| reply(Answer::html(page::INDEX))),
    get("/favicon.ico", Role::Viewer, |_| asset("favicon.ico")),
    get("/apple-touch-icon.png", Role::Viewer, |_| asset("apple-touch-icon.png")),
    get("/icon.svg", Role::Viewer, |_| asset("icon.svg")),
    get("/manifest.webmanifest", Role::Viewer, |_| asset("manifest.webmanifest")),
    get("/stream", Role::Viewer, |call| wanted(&call)),
    get("/cameras/NAME/stream", Role::Viewer, |call| wanted(&call)),
    get("/stream.mp4", Role::Viewer, video),
    get("/cameras/NAME/stream.mp4", Role::Viewer, video),
    get("/snapshot", Role::Viewer, picture),
    get("/snapshot.jpg", Role::Viewer, picture),
    get("/cameras/NAME/snapshot", Role::Viewer, picture),
    get("/cameras/NAME/snapshot.jpg", Role::Viewer, picture),
    get("/health", Role::Monitor { unauthenticated: Some(api::status) }, |call| reply(health(&call))),
    get("/metrics", Role::Monitor { unauthenticated: None }, |call| {
        reply(api::metrics(call.server, &call.request.accept))
    }),
    get("/api/cameras", Role::Viewer, |call| reply(api::cameras(call.server))),
    get("/api/cameras/NAME", Role::Viewer, |call| reply(api::camera(call.server, call.route.name()))),
    get("/api/cameras/NAME/controls", Role::Viewer, |call| {
        Box::pin(async move { controls::list(call.server, call.route.name()).await.into() })
    }),
    Entry {
        method: Method::Patch,
        path: "/api/cameras/NAME/controls",
        role: Role::Admin,
        body_bytes_max: controls::BODY_MAX_BYTES,
        handler: |call| {
            Box::pin(async move { controls::set(call.server, call.route.name(), &call.body).await.into() })
        },
    },
];

fn reply<'a>(answer: Answer) -> Replying<'a> {
    Box::pin(std::future::ready(answer.into()))
}

fn asset<'a>(name: &str) -> Replying<'a> {
    reply(
        page::asset(name)
            .map_or_else(|| Answer::not_found(name), |it| Answer::asset(it.content_type, it.bytes)),
    )
}

fn health(call: &Call<'_>) -> Answer {
    if call.request.accept.contains("text/html") {
        Answer::html(page::HEALTH)
    } else {
        api::health(call.server)
    }
}

fn picture(Call { server, route, request, .. }: Call<'_>) -> Replying<'_> {
    Box::pin(async move {
        match route.derived() {
            Ok(wanted) => snapshot::take(server, &route.selector, wanted, request).await.into(),
            Err(what) => Answer::bad_request(&what).into(),
        }
    })
}

fn video(Call { server, route, request, .. }: Call<'_>) -> Replying<'_> {
    let head_only = request.method == Method::Head;
    Box::pin(mp4::offer(server, &route.selector, head_only))
}

fn wanted<'a>(call: &Call<'_>) -> Replying<'a> {
    let heads = PartHeads::wanted(call.request);
    let wanted = (|| {
        let (fps, derived, heads) = (call.route.fps()?, call.route.derived()?, heads?);
        let head_only = call.request.method == Method::Head;
        Ok::<_, String>(Wanted { selector: call.route.selector.clone(), fps, derived, heads, head_only })
    })();
    Box::pin(std::future::ready(match wanted {
        Ok(wanted) => stream::offer(call.server, wanted),
        Err(what) => Answer::bad_request(&what).into(),
    }))
}

impl Entry {
    fn parts(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.path.split('/').filter(|part| !part.is_empty())
    }

    /// The response for programs without the password, if it is more than 401.
    pub fn unauthenticated(&self) -> Option<fn(&Server) -> Answer> {
        match self.role {
            Role::Monitor { unauthenticated } => unauthenticated,
            Role::Viewer | Role::Admin => None,
        }
    }

    /// Whether this is the path of these parts.
    pub fn is_at(&self, parts: &[&str]) -> bool {
        let fits = |(wanted, part): (&str, &&str)| wanted == "NAME" || wanted == *part;
        self.parts().count() == parts.len() && self.parts().zip(parts).all(fits)
    }

    /// The camera's name in the parts, if the path has one.
    pub fn name<'p>(&self, parts: &[&'p str]) -> Option<&'p str> {
        parts.get(self.parts().position(|part| part == "NAME")?).copied()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_document_lists_exactly_the_paths_and_methods_of_the_table() {
        let page = include_str!("../../docs/http.md");
        let table = page.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
        let mut documented = BTreeSet::new();
        for row in table.take_while(|line| line.starts_with('|')) {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            for path in cells[1].split('`').skip(1).step_by(2) {
                if path.contains('?') || path.starts_with("/webcam") {
                    assert_means_another(path);
                } else {
                    documented.insert(format!("{} {path}", cells[2]));
                }
            }
        }
        let entries: BTreeSet<String> = ROUTES.iter().map(|entry| format!("{entry:?}")).collect();
        assert_eq!(&entries - &documented, BTreeSet::new(), "docs/http.md lacks these");
        assert_eq!(&documented - &entries, BTreeSet::new(), "docs/http.md lists these, which are not there");
    }

    /// Asserts that a path without an entry leads to one.
    fn assert_means_another(path: &str) {
        let one = path.trim_end_matches("...").replace("_N", "_0");
        let (before, query) = one.split_once('?').unwrap_or((&one, ""));
        let route = Route::parse(before, query);
        assert!(route.is_ok(), "docs/http.md lists {path}, which is not there: {route:?}");
    }

    #[test]
    fn only_changes_take_a_body() {
        for entry in ROUTES {
            let changes = entry.method != Method::Get;
            assert_eq!(
                (matches!(entry.role, Role::Admin), entry.body_bytes_max > 0),
                (changes, changes),
                "{entry:?}"
            );
        }
    }
}
