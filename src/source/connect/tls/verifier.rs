//! Decides which certificates to accept.

use std::sync::{Arc, Mutex, PoisonError};

use futures_rustls::rustls::client::WebPkiServerVerifier;
use futures_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use futures_rustls::rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use futures_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use futures_rustls::rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use sha2::{Digest, Sha256};

use super::key::{Key, WEAK_SCHEMES};
use super::{Refusal, Version};
use crate::camera::lost::{NetworkLost, TlsFault};
use crate::config::network::Fingerprint;

/// Accepts the pinned certificate alone, or else those that the machine trusts.
#[derive(Debug)]
pub(super) struct Verifier {
    /// `None` if the machine trusts no authority at all.
    pub trusted: Option<Arc<WebPkiServerVerifier>>,
    pub pinned: Option<Fingerprint>,
    /// Request only what a weak key can sign.
    pub is_for_weak_key: bool,
    pub provider: Arc<CryptoProvider>,
    /// Why the last certificate was refused.
    pub refused: Mutex<Option<Refusal>>,
}

impl Verifier {
    pub fn why_refused(&self) -> Option<Refusal> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn refuse(&self, why: Refusal, error: Error) -> Error {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
        error
    }

    /// The pinned certificate matched; its key decides now.
    fn pinned(&self, certificate: &[u8]) -> Result<ServerCertVerified, Error> {
        let error = || CertificateError::ApplicationVerificationFailure.into();
        match Key::of(certificate) {
            Ok(key) if key.is_weak() && !self.is_for_weak_key => Err(self.refuse(Refusal::WeakKey, error())),
            Ok(_) => Ok(ServerCertVerified::assertion()),
            Err(problem) => Err(self.refuse(NetworkLost::UnusableCertificate { problem }.into(), error())),
        }
    }

    /// Verifies a signature by the pinned certificate's key.
    fn pinned_has_signed(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
        version: Version,
    ) -> Result<HandshakeSignatureValid, Error> {
        let is_offered = self.supported_verify_schemes().contains(&signed.scheme);
        let has_signed = |key: Key<'_>| key.has_signed(message, signed.signature(), signed.scheme, version);
        match Key::of(certificate) {
            Ok(key) if is_offered && has_signed(key) => Ok(HandshakeSignatureValid::assertion()),
            _ => {
                let error = CertificateError::BadSignature.into();
                Err(self.refuse(NetworkLost::Tls(TlsFault::NotTheKey).into(), error))
            }
        }
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
        // Suggest a pin only if pinning works.
        let with_pin = |lost: NetworkLost| match Key::of(end_entity) {
            Ok(_) => lost,
            Err(problem) => NetworkLost::UnusableCertificate { problem },
        };
        if let Some(pinned) = self.pinned {
            if pinned == fingerprint {
                return self.pinned(end_entity);
            }
            let why = with_pin(NetworkLost::OtherCertificate { fingerprint: fingerprint.to_string() });
            return Err(self.refuse(why.into(), CertificateError::ApplicationVerificationFailure.into()));
        }
        let verified = match &self.trusted {
            Some(trusted) => {
                trusted.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            }
            None => Err(CertificateError::UnknownIssuer.into()),
        };
        verified.map_err(|error| {
            let why = with_pin(NetworkLost::UntrustedCertificate {
                problem: certificate_words(&error, self.trusted.is_none()),
                fingerprint: fingerprint.to_string(),
            });
            self.refuse(why.into(), error)
        })
    }

    // The signatures prove that the camera has the certificate's key; verified in either case.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.pinned.is_some() {
            return self.pinned_has_signed(message, certificate, signed, Version::Tls12);
        }
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.pinned.is_some() {
            return self.pinned_has_signed(message, certificate, signed, Version::Tls13);
        }
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        if self.is_for_weak_key {
            return WEAK_SCHEMES.to_vec();
        }
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
        CertificateError::BadEncoding => "it is not written as today's rules want it".to_owned(),
        CertificateError::Other(other) => {
            let words = other.to_string();
            match words.as_str() {
                words if words.contains("CaUsedAsEndEntity") => "the camera signed it itself".to_owned(),
                words if words.contains("UnsupportedCertVersion") => {
                    "it is of an old version of X.509".to_owned()
                }
                _ => words,
            }
        }
        problem => format!("{problem:?}"),
    }
}
