//! TLS, with certificates that this machine trusts or that the configuration has pinned.
//!
//! The only module that names `rustls`.

use std::io;
use std::net::TcpStream;
use std::sync::{Arc, Mutex, PoisonError};

use futures_rustls::TlsConnector;
use futures_rustls::rustls::client::WebPkiServerVerifier;
use futures_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use futures_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use futures_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use futures_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use sha2::{Digest, Sha256};
use smol::Async;

use crate::camera::lost::NetworkLost;
use crate::config::network::Fingerprint;
use crate::offload::Lane;

/// The machine's certificates are read by so many threads at a time; each needs some 2 MB meanwhile.
static ROOTS: Lane = Lane::new("certificates", 2);

/// An encrypted connection.
pub(super) type Stream = futures_rustls::client::TlsStream<Async<TcpStream>>;

/// Encrypts a connection to a host.
pub(super) async fn encrypt(
    tcp: Async<TcpStream>,
    host: &str,
    pinned: Option<Fingerprint>,
) -> Result<Stream, NetworkLost> {
    let failed = |error: &dyn std::fmt::Display| NetworkLost::Tls(error.to_string());
    let name = ServerName::try_from(host.to_owned()).map_err(|error| failed(&error))?;
    let provider = Arc::new(ring::default_provider());
    let trusted = if pinned.is_some() {
        None
    } else {
        // Read anew for each connection: the machine's list is kept up to date for years.
        let provider = provider.clone();
        ROOTS.run(move || machine_trusts(provider)).await.map_err(|error| failed(&error))?
    };
    let verifier =
        Arc::new(Verifier { trusted, pinned, provider: provider.clone(), refused: Mutex::default() });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(&error))?
        .dangerous()
        .with_custom_certificate_verifier(verifier.clone())
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await
        .map_err(|error| verifier.why_refused().unwrap_or_else(|| NetworkLost::Tls(handshake_words(&error))))
}

/// Checks certificates as browsers do; `None` where the machine trusts nobody at all.
fn machine_trusts(provider: Arc<CryptoProvider>) -> Option<Arc<WebPkiServerVerifier>> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        log::debug!("trusted certificates: {error}");
    }
    roots.add_parsable_certificates(found.certs);
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().ok()
}

fn handshake_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
            "camera closed the connection during the handshake".to_owned()
        }
        // "received corrupt message of type InvalidContentType" is what a plain RTSP server gives.
        _ if error.to_string().contains("InvalidContentType") => {
            "what answers at this port does not speak TLS; is it the port for unencrypted connections?"
                .to_owned()
        }
        _ if error.to_string().contains("ProtocolVersion") => {
            "camera knows only TLS versions older than 1.2, which are not safe".to_owned()
        }
        _ => error.to_string(),
    }
}

/// Takes the pinned certificate and no other, or else those that the machine trusts.
#[derive(Debug)]
struct Verifier {
    trusted: Option<Arc<WebPkiServerVerifier>>,
    pinned: Option<Fingerprint>,
    provider: Arc<CryptoProvider>,
    /// Why the last certificate was refused.
    refused: Mutex<Option<NetworkLost>>,
}

impl Verifier {
    fn why_refused(&self) -> Option<NetworkLost> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn refuse(&self, why: NetworkLost, error: Error) -> Error {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
        error
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let fingerprint = Fingerprint(Sha256::digest(end_entity).into());
        if let Some(pinned) = self.pinned {
            if pinned == fingerprint {
                return Ok(ServerCertVerified::assertion());
            }
            let why = NetworkLost::OtherCertificate { fingerprint: fingerprint.to_string() };
            return Err(self.refuse(why, CertificateError::ApplicationVerificationFailure.into()));
        }
        let verified = match &self.trusted {
            Some(trusted) => {
                trusted.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            }
            None => Err(CertificateError::UnknownIssuer.into()),
        };
        verified.map_err(|error| {
            let why = NetworkLost::UntrustedCertificate {
                problem: certificate_words(&error, self.trusted.is_none()),
                fingerprint: fingerprint.to_string(),
            };
            self.refuse(why, error)
        })
    }

    // The signatures prove that the camera has the certificate's key: checked in either case.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn certificate_words(error: &Error, trusts_nobody: bool) -> String {
    let Error::InvalidCertificate(problem) = error else { return error.to_string() };
    match problem {
        _ if trusts_nobody => "this machine trusts no certificates at all".to_owned(),
        CertificateError::UnknownIssuer => "signed by an authority unknown to this machine".to_owned(),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "it has expired, by this machine's clock".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet, by this machine's clock".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is for another name".to_owned()
        }
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            "the camera signed it itself".to_owned()
        }
        problem => format!("{problem:?}"),
    }
}
