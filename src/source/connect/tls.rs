//! TLS, with certificates that this machine trusts or that the configuration has pinned.
//!
//! The only module that names `rustls`.

mod key;
mod verifier;

use std::io;
use std::net::TcpStream;
use std::sync::{Arc, Mutex, PoisonError};

use futures_rustls::TlsConnector;
use futures_rustls::rustls::client::WebPkiServerVerifier;
use futures_rustls::rustls::crypto::{self, CryptoProvider};
use futures_rustls::rustls::pki_types::ServerName;
use futures_rustls::rustls::version::{TLS12, TLS13};
use futures_rustls::rustls::{
    self, AlertDescription, ClientConfig, InvalidMessage, PeerIncompatible, RootCertStore, SignatureScheme,
};
use smol::Async;

use crate::camera::lost::{NetworkLost, TlsFault};
use crate::config::network::Fingerprint;
use crate::limits;
use crate::offload::BlockingPool;
use verifier::Verifier;

/// Threads that read the machine's certificates at a time; each needs some 2 MB meanwhile.
static ROOTS: BlockingPool = BlockingPool::new("certificates", 2);

/// Pinned certificates known to have weak keys, so that later connections need not find out again.
static WEAK: Mutex<Vec<Fingerprint>> = Mutex::new(Vec::new());

/// An encrypted connection.
pub(super) type Stream = futures_rustls::client::TlsStream<Async<TcpStream>>;

/// A TLS version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    Tls12,
    Tls13,
}

/// Why encryption failed.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The pinned certificate's key is too weak for TLS 1.3: connect again and offer only TLS 1.2 and what
    /// such a key can sign.
    WeakKey,
    /// Retrying does not help.
    Lost(NetworkLost),
}

impl From<NetworkLost> for Refusal {
    fn from(lost: NetworkLost) -> Self {
        Self::Lost(lost)
    }
}

/// Encrypts a connection to a host.
pub(super) async fn encrypt(
    tcp: Async<TcpStream>,
    host: &str,
    pinned: Option<Fingerprint>,
) -> Result<Stream, Refusal> {
    let failed =
        |error: &dyn std::fmt::Display| NetworkLost::Tls(TlsFault::Library { problem: error.to_string() });
    let name = match ServerName::try_from(host.to_owned()) {
        Ok(name) => name,
        // A pinned certificate may have any name.
        Err(error) if pinned.is_none() => return Err(failed(&error).into()),
        Err(_) => tcp.get_ref().peer_addr().map_err(|error| failed(&error))?.ip().into(),
    };
    let provider = Arc::new(crypto::ring::default_provider());
    let trusted = if pinned.is_some() {
        None
    } else {
        // Read anew for each connection: the machine's list changes over the years.
        let provider = provider.clone();
        ROOTS.run(move || machine_trusts(provider)).await.map_err(|error| failed(&error))?
    };
    let is_for_weak_key = pinned.is_some_and(|pinned| weak().contains(&pinned));
    let verifier = Arc::new(Verifier {
        trusted,
        pinned,
        is_for_weak_key,
        provider: provider.clone(),
        refused: Mutex::default(),
    });
    let versions = if is_for_weak_key { &[&TLS12][..] } else { &[&TLS13, &TLS12] };
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(|error| failed(&error))?
        .dangerous()
        .with_custom_certificate_verifier(verifier.clone())
        .with_no_client_auth();
    let connected = TlsConnector::from(Arc::new(config)).connect(name, tcp).await;
    connected.map_err(|error| match (verifier.why_refused(), pinned) {
        (Some(Refusal::WeakKey), Some(pinned)) => {
            remember_weak(pinned);
            Refusal::WeakKey
        }
        (Some(why), _) => why,
        (None, _) => {
            let problem = handshake_words(&error, is_for_weak_key);
            NetworkLost::Tls(TlsFault::Library { problem }).into()
        }
    })
}

fn weak() -> std::sync::MutexGuard<'static, Vec<Fingerprint>> {
    WEAK.lock().unwrap_or_else(PoisonError::into_inner)
}

fn remember_weak(pinned: Fingerprint) {
    log::warn!(
        "the pinned certificate {pinned} has a weak key (RSA with less than 2048 bits): going on with TLS 1.2; \
         make a new one in the camera if it can"
    );
    let mut weak = weak();
    // One for each camera; past that, each connection finds out again.
    if weak.len() >= limits::CAMERAS_MAX {
        weak.remove(0);
    }
    weak.push(pinned);
}

/// Verifies certificates like a browser; `None` if the machine trusts no authority at all.
fn machine_trusts(provider: Arc<CryptoProvider>) -> Option<Arc<WebPkiServerVerifier>> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        log::debug!("trusted certificates: {error}");
    }
    roots.add_parsable_certificates(found.certs);
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().ok()
}

/// What the operator can do about a failed handshake.
fn handshake_words(error: &io::Error, is_for_weak_key: bool) -> String {
    let plain = "or use its unencrypted port (rtsp://, http://) in a network that you trust";
    match error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::AlertReceived(AlertDescription::ProtocolVersion)) if is_for_weak_key => {
            format!(
                "camera has a key that is too weak for TLS 1.3 (RSA with less than 2048 bits), and knows no \
                 TLS 1.2; make a new certificate in the camera, {plain}"
            )
        }
        Some(
            rustls::Error::AlertReceived(AlertDescription::ProtocolVersion)
            | rustls::Error::PeerIncompatible(
                PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
            )
            | rustls::Error::InvalidMessage(InvalidMessage::UnknownProtocolVersion),
        ) => format!(
            "camera knows only TLS versions older than 1.2, which are not safe; update the camera's firmware, \
             {plain}"
        ),
        Some(
            rustls::Error::AlertReceived(
                AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity,
            )
            | rustls::Error::PeerIncompatible(_),
        ) => format!(
            "camera and Pinhole have no way of encryption in common (needed: TLS 1.2 or 1.3, ECDHE, AES-GCM or \
             ChaCha20, and an RSA, P-256, P-384 or Ed25519 key); update the camera's firmware, {plain}"
        ),
        // The answer of a server without TLS.
        Some(rustls::Error::InvalidMessage(_)) => {
            "what answers at this port does not speak TLS; is it the port for unencrypted connections?"
                .to_owned()
        }
        Some(error) => error.to_string(),
        None => match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
                "camera closed the connection during the handshake".to_owned()
            }
            _ => error.to_string(),
        },
    }
}
