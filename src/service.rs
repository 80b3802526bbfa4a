//! The whole service, put together: cameras, HTTP.

use std::io;
use std::net::TcpListener;
use std::rc::Rc;

use futures_lite::future::{or, pending};
use smol::LocalExecutor;

use crate::camera::stop::Stop;
use crate::cameras::Cameras;
use crate::cameras::registry::Registry;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::health::Health;
use crate::http::{self, Server};
#[cfg(doc)]
use crate::limits;
use crate::source::Sources;
use crate::turn;

/// Runs the service on these listeners until `shutdown` is requested.
///
/// `ready` is called once cameras are known and connections are accepted. Returns when streams have
/// ended and devices are closed, at the latest [`limits::SHUTDOWN_MAX`] after the request.
///
/// # Errors
/// If the process is out of file descriptors.
pub async fn run(
    config: Config,
    listeners: Vec<TcpListener>,
    clock: Clock,
    shutdown: Stop,
    ready: impl FnOnce(),
) -> io::Result<()> {
    let executor = Rc::new(LocalExecutor::new());
    let registry = Registry::new();
    let health = Health::new(clock.clone(), registry.clone());
    let server = Server::new(config.http.clone(), registry.clone(), health, clock.clone(), shutdown.clone());
    let mut cameras = Cameras::new(executor.clone(), registry, Sources::new(&clock), clock.clone());
    let tasks = executor.clone();
    let main = async {
        // Where nothing may be shown, no camera is opened.
        let configured = if config.http.closed.is_none() { config.cameras } else { Vec::new() };
        // Clients that connect during discovery wait, so none sees "no camera" too early.
        cameras.apply(&configured).await;
        let serving = http::listen::serve(&executor, &Rc::new(server), listeners)?;
        ready();
        or(follow(&mut cameras, &configured), shutdown.requested()).await;
        // Streams end first: their sockets close with their tasks.
        drop(serving);
        cameras.shut_down().await;
        Ok(())
    };
    turn::run(&tasks, &clock, main).await
}

/// Adds cameras that are plugged in. Does not return.
async fn follow(cameras: &mut Cameras, configured: &[config::Camera]) {
    let sources = cameras.sources().clone();
    if cameras.is_waiting() {
        log::info!("no camera found; waiting for one to be plugged in");
    }
    let watch = async {
        if Sources::need_devices(configured) {
            sources.watch().await;
        }
        pending::<()>().await;
    };
    or(watch, async {
        loop {
            let news = sources.listen();
            let found = sources.unclaimed().await;
            cameras.adopt(found);
            news.await;
        }
    })
    .await;
}
