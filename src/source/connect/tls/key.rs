//! Extracts a camera's public key from any self-made certificate, and verifies what it signed.
//!
//! A pinned certificate is trusted byte for byte. Only its key has to be right, with which the camera proves
//! in each handshake that the certificate is its own. X.509 version 1, negative serial numbers, expired dates
//! and MD5 or SHA-1 signatures do not matter then, but general-purpose verifiers reject them. Only this
//! module names `ring`.

use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519,
    RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters,
    RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};

use super::{SignatureScheme, Version};

/// Smallest RSA key that can be verified.
const RSA_MIN_BITS: usize = 1024;

/// Smallest RSA key that works with TLS 1.3 here: `ring` verifies no RSA-PSS with less.
const RSA_STRONG_BITS: usize = 2048;

/// Signature schemes for a weak key. RFC 5246 section 7.4.1.4.1.
pub(super) const WEAK_SCHEMES: [SignatureScheme; 2] =
    [SignatureScheme::RSA_PKCS1_SHA256, SignatureScheme::RSA_PKCS1_SHA512];

/// A public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key<'a> {
    /// RFC 8017 appendix A.1.1.
    Rsa {
        /// Without leading zeros.
        modulus: &'a [u8],
        /// Without leading zeros.
        exponent: &'a [u8],
    },
    /// A point on the curve P-256. RFC 5480 section 2.2.
    P256(&'a [u8]),
    /// A point on the curve P-384.
    P384(&'a [u8]),
    /// RFC 8410.
    Ed25519(&'a [u8]),
}

impl<'a> Key<'a> {
    /// The key of a certificate in DER.
    ///
    /// # Errors
    /// Why its signatures cannot be verified.
    pub fn of(certificate: &'a [u8]) -> Result<Self, String> {
        let (algorithm, key) = subject_public_key_info(certificate)
            .ok_or_else(|| "it is not an X.509 certificate as far as its key".to_owned())?;
        let mut algorithm = Der(algorithm);
        let id = algorithm.take(tag::OBJECT_IDENTIFIER).unwrap_or_default();
        let curve = Der(algorithm.0).take(tag::OBJECT_IDENTIFIER).unwrap_or_default();
        match (id, curve) {
            (oid::RSA, _) => Self::rsa(key),
            (oid::EC, oid::P256) => Ok(Self::P256(key)),
            (oid::EC, oid::P384) => Ok(Self::P384(key)),
            (oid::ED25519, _) => Ok(Self::Ed25519(key)),
            (oid::EC, oid::P521) => Err("its key is on the curve P-521, which is not supported".to_owned()),
            (oid::EC, _) => Err("its key is on a curve that is not supported".to_owned()),
            (oid::DSA, _) => Err("its key is for DSA, which TLS has given up".to_owned()),
            _ => Err("its key is of a kind that is not supported".to_owned()),
        }
    }

    fn rsa(key: &'a [u8]) -> Result<Self, String> {
        let broken = || "its RSA key cannot be read".to_owned();
        let mut numbers = Der(Der(key).take(tag::SEQUENCE).ok_or_else(broken)?);
        let mut number = || Some(without_zeros(numbers.take(tag::INTEGER)?));
        let (modulus, exponent) = number().zip(number()).ok_or_else(broken)?;
        let key = Self::Rsa { modulus, exponent };
        match key.rsa_bits() {
            Some(bits) if bits < RSA_MIN_BITS => {
                Err(format!("its RSA key has {bits} bits: anybody can compute the private one"))
            }
            _ => Ok(key),
        }
    }

    /// Whether it can be used only with [`WEAK_SCHEMES`] in TLS 1.2.
    pub fn is_weak(&self) -> bool {
        self.rsa_bits().is_some_and(|bits| bits < RSA_STRONG_BITS)
    }

    fn rsa_bits(&self) -> Option<usize> {
        match self {
            Self::Rsa { modulus, .. } => Some(modulus.len() * 8),
            _ => None,
        }
    }

    /// Whether the key signed a message in a handshake of this version.
    pub fn has_signed(
        &self,
        message: &[u8],
        signature: &[u8],
        scheme: SignatureScheme,
        version: Version,
    ) -> bool {
        match *self {
            Self::Rsa { modulus, exponent } => {
                let key = RsaPublicKeyComponents { n: modulus, e: exponent };
                rsa_parameters(scheme, version, self.is_weak())
                    .is_some_and(|parameters| key.verify(parameters, message, signature).is_ok())
            }
            Self::P256(point) => {
                let algorithm: &'static dyn VerificationAlgorithm = match (scheme, version) {
                    (SignatureScheme::ECDSA_NISTP256_SHA256, _) => &ECDSA_P256_SHA256_ASN1,
                    // In TLS 1.2 the name does not imply the curve. RFC 8446 section 4.2.3.
                    (SignatureScheme::ECDSA_NISTP384_SHA384, Version::Tls12) => &ECDSA_P256_SHA384_ASN1,
                    _ => return false,
                };
                UnparsedPublicKey::new(algorithm, point).verify(message, signature).is_ok()
            }
            Self::P384(point) => {
                let algorithm: &'static dyn VerificationAlgorithm = match (scheme, version) {
                    (SignatureScheme::ECDSA_NISTP384_SHA384, _) => &ECDSA_P384_SHA384_ASN1,
                    (SignatureScheme::ECDSA_NISTP256_SHA256, Version::Tls12) => &ECDSA_P384_SHA256_ASN1,
                    _ => return false,
                };
                UnparsedPublicKey::new(algorithm, point).verify(message, signature).is_ok()
            }
            Self::Ed25519(key) => {
                scheme == SignatureScheme::ED25519
                    && UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok()
            }
        }
    }
}

/// RFC 8446 section 4.2.3: no PKCS #1 v1.5 in TLS 1.3.
fn rsa_parameters(
    scheme: SignatureScheme,
    version: Version,
    is_weak: bool,
) -> Option<&'static RsaParameters> {
    let strong = match (scheme, version) {
        (SignatureScheme::RSA_PSS_SHA256, _) => &RSA_PSS_2048_8192_SHA256,
        (SignatureScheme::RSA_PSS_SHA384, _) => &RSA_PSS_2048_8192_SHA384,
        (SignatureScheme::RSA_PSS_SHA512, _) => &RSA_PSS_2048_8192_SHA512,
        (SignatureScheme::RSA_PKCS1_SHA256, Version::Tls12) if is_weak => {
            return Some(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY);
        }
        (SignatureScheme::RSA_PKCS1_SHA512, Version::Tls12) if is_weak => {
            return Some(&RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY);
        }
        (SignatureScheme::RSA_PKCS1_SHA256, Version::Tls12) => &RSA_PKCS1_2048_8192_SHA256,
        (SignatureScheme::RSA_PKCS1_SHA384, Version::Tls12) => &RSA_PKCS1_2048_8192_SHA384,
        (SignatureScheme::RSA_PKCS1_SHA512, Version::Tls12) => &RSA_PKCS1_2048_8192_SHA512,
        _ => return None,
    };
    (!is_weak).then_some(strong)
}

/// Algorithm identifier and key. RFC 5280 section 4.1; only the fields on the way are parsed.
fn subject_public_key_info(certificate: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut to_be_signed = Der(Der(Der(certificate).take(tag::SEQUENCE)?).take(tag::SEQUENCE)?);
    // Version 1 omits the version.
    if to_be_signed.0.first() == Some(&tag::VERSION) {
        to_be_signed.next()?;
    }
    for _serial_signature_issuer_validity_subject in 0..5 {
        to_be_signed.next()?;
    }
    let mut info = Der(to_be_signed.take(tag::SEQUENCE)?);
    let algorithm = info.take(tag::SEQUENCE)?;
    // The first byte is the number of unused bits in the last one.
    let key = info.take(tag::BIT_STRING)?.strip_prefix(&[0])?;
    Some((algorithm, key))
}

fn without_zeros(number: &[u8]) -> &[u8] {
    &number[number.iter().take_while(|byte| **byte == 0).count()..]
}

/// A sequence of DER values. ITU-T X.690 section 8.1.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The content of the next value, if it has this tag.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (found, content) = self.next()?;
        (found == tag).then_some(content)
    }

    /// Tag and content of the next value.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let [tag, length, rest @ ..] = self.0 else { return None };
        let (length, rest) = match *length {
            short @ ..=0x7f => (usize::from(short), rest),
            // A certificate has fewer than 2^32 bytes; indefinite lengths are not DER.
            long @ 0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
                (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*tag, content))
    }
}

/// ITU-T X.680 section 8.6, table 1.
mod tag {
    pub const INTEGER: u8 = 0x02;
    pub const BIT_STRING: u8 = 0x03;
    pub const OBJECT_IDENTIFIER: u8 = 0x06;
    pub const SEQUENCE: u8 = 0x30;
    /// Context-specific, explicit.
    pub const VERSION: u8 = 0xa0;
}

/// Object identifiers. RFC 3279 section 2.3, RFC 5480 section 2.1.1, RFC 8410 section 3.
mod oid {
    pub const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
    pub const DSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1];
    pub const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
    pub const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    pub const P384: &[u8] = &[0x2b, 0x81, 0x04, 0, 0x22];
    pub const P521: &[u8] = &[0x2b, 0x81, 0x04, 0, 0x23];
    pub const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
}

#[cfg(test)]
mod tests;
