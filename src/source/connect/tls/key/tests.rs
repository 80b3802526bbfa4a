use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::source::connect::certificates::{
    NEGATIVE_SERIAL, P521, RSA_512, V1_P256, V1_P384, V1_RSA_1024, V1_RSA_2048,
};

/// The signed message.
const MESSAGE: &[u8] = b"handshake";

/// `openssl dgst -sha256 -sign`
const BY_RSA_1024_SHA256: &str = "\
    QBWKFnU7W9hZ/gyVm/f9E4yRgrtiz16XBmG9OZC/nUT0f8ydoefa0r+zYhP/JRtBy84gHzNiXpFOIJtQQ96DWMUaDC/f\
    YjV8zOwI/nvz3RVWtTjm8nXsfXWyWnWmQWuRn3hvmgIrusMnnMROc7oPINAjsOX5mEuTuVYoplSfS/0=";

/// The same with SHA-512.
const BY_RSA_1024_SHA512: &str = "\
    qOxaup5LQVrjWTRvKQpdhfI4OOM2pYl5Jj/BeAo91FXU4LehMd9jp2qPQgtmWRyjCDl+vl8P/Lx54RsYBIR7/BlZ2mcX\
    /3oxHXp8/zQLVCPUUjxv6LEmvmYwpy0FO2H8xoKLC2HbK7NQkmoVlh+FkIGtWf5AJAJFFeQgWh2c+hI=";

/// RSA-PSS with SHA-256.
const BY_RSA_2048_PSS: &str = "\
    oqhv62XEr7H5vJf2FyP+yx4hlROCXnOAuYqDhYeJCr8wCzRJ7PDoM1r0GehZ+qcndQmpVcrdHK2GpFYMmbq1gtMxnfAa\
    lT/acCqMHxZaD/gm21sngMdx9G7gtH0SN6dBzKFDYgesGwzWz0fJW3nQMLNLjmegybY5Q2zUuyYByd28K9FYaLYnm88w\
    We5ycgfYq4Ax2iCwlk0oLEddOfVOfSzfFERgz2xiLiy3xQADSkMdnohoHDAMdYaES6NQg2Az0iqo04fH0W0KHWmIeAhh\
    3I/4005w37VBwE2pesI6mCvXLeSQ6H4H37MKJwKlyoJ+BCwy3YeVfDskHFz4x7lGDw==";

/// `openssl dgst -sha384 -sign`
const BY_RSA_2048_SHA384: &str = "\
    iYQq2HPvnCJmNS2sAB+/2Cuncb4FZUQqZ+XC+stV6Y1aKrdCUQ7VQKhux36vZS/QtHqyVVkzSYghHRAa9J/j7Y9+acph\
    p9gIQwh3vhif3F3uUSCMSEMhdf/L9imMzyKkqpoFb4zuyYK8aHjUFr6+84RA+tKgwfoMZmGoTc/YIgdgO6bc8cHVYp0H\
    eQe5Naz0vdrDwo0Lo6xjS2RmZC7a1yaJgG2XeEcFz+TIEzj/Bp+b0gEpqkMvDTiYRse9ub6vH1gi/gTrwqis8CBi/p+H\
    eIy/JFXvXOW7pIlQXhs4QWgYRy8nqf+IX3UEak49cr4oaaZ+arPSIkhjxUPsk1oUug==";

fn bytes(base64: &str) -> Vec<u8> {
    STANDARD.decode(base64).unwrap()
}

/// Issue 10, number 21.
#[test]
fn keys_of_old_and_odd_certificates() {
    assert!(matches!(Key::of(&bytes(V1_P256)), Ok(Key::P256(point)) if point.len() == 65));
    assert!(matches!(Key::of(&bytes(V1_P384)), Ok(Key::P384(point)) if point.len() == 97));
    assert!(matches!(Key::of(&bytes(NEGATIVE_SERIAL)), Ok(Key::Ed25519(key)) if key.len() == 32));
    for (certificate, bits) in [(V1_RSA_1024, 1024), (V1_RSA_2048, 2048)] {
        let certificate = bytes(certificate);
        let key = Key::of(&certificate).unwrap();
        assert_eq!((key.rsa_bits(), key.is_weak()), (Some(bits), bits < 2048));
    }
    assert!(Key::of(&bytes(RSA_512)).unwrap_err().contains("512 bits"));
    assert!(Key::of(&bytes(P521)).unwrap_err().contains("P-521"));
    assert!(Key::of(b"-----BEGIN CERTIFICATE-----").unwrap_err().contains("not an X.509"));
}

/// Issue 10, number 21.
#[test]
fn signatures_verify_by_scheme_and_version() {
    use SignatureScheme as Scheme;
    let (weak, strong) = (bytes(V1_RSA_1024), bytes(V1_RSA_2048));
    let (weak, strong) = (Key::of(&weak).unwrap(), Key::of(&strong).unwrap());
    for (key, signature, scheme, tls12, tls13) in [
        (weak, BY_RSA_1024_SHA256, Scheme::RSA_PKCS1_SHA256, true, false),
        (weak, BY_RSA_1024_SHA512, Scheme::RSA_PKCS1_SHA512, true, false),
        (weak, BY_RSA_1024_SHA256, Scheme::RSA_PKCS1_SHA512, false, false),
        (weak, BY_RSA_1024_SHA256, Scheme::RSA_PSS_SHA256, false, false),
        (weak, BY_RSA_1024_SHA256, Scheme::RSA_PKCS1_SHA1, false, false),
        (strong, BY_RSA_1024_SHA256, Scheme::RSA_PKCS1_SHA256, false, false),
        (strong, BY_RSA_2048_PSS, Scheme::RSA_PSS_SHA256, true, true),
        (strong, BY_RSA_2048_PSS, Scheme::RSA_PKCS1_SHA256, false, false),
        (strong, BY_RSA_2048_SHA384, Scheme::RSA_PKCS1_SHA384, true, false),
        (strong, BY_RSA_2048_SHA384, Scheme::ED25519, false, false),
    ] {
        let signature = bytes(signature);
        for (version, expected) in [(Version::Tls12, tls12), (Version::Tls13, tls13)] {
            let has_signed = key.has_signed(MESSAGE, &signature, scheme, version);
            assert_eq!(has_signed, expected, "{scheme:?} {version:?}");
            assert!(!key.has_signed(b"another", &signature, scheme, version), "{scheme:?} {version:?}");
        }
    }
}

#[test]
fn damaged_certificates_never_panic() {
    for certificate in [V1_P256, V1_RSA_1024, NEGATIVE_SERIAL, P521] {
        let whole = bytes(certificate);
        for end in 0..whole.len() {
            assert!(Key::of(&whole[..end]).is_err(), "{end} bytes");
        }
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut turned = whole.clone();
                turned[at] ^= 1 << bit;
                if let Ok(key) = Key::of(&turned) {
                    let _ = key.has_signed(MESSAGE, &[7; 128], WEAK_SCHEMES[0], Version::Tls12);
                }
            }
        }
    }
    for length in [&[0x80][..], &[0x84, 0xff, 0xff, 0xff, 0xff], &[0x85, 0, 0, 0, 0, 1], &[0xff]] {
        assert!(Key::of(&[&[0x30], length, &[0; 9]].concat()).is_err());
    }
}
