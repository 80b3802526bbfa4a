use super::*;
use std::net::TcpListener;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_rustls::TlsAcceptor;
use futures_rustls::rustls::crypto;
use futures_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use futures_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use futures_rustls::rustls::sign::CertifiedKey;
use futures_rustls::rustls::{ServerConfig, SupportedProtocolVersion, version};
use sha2::{Digest, Sha256};
use smol::io::{AsyncReadExt, AsyncWriteExt};

fn destination(host: &str, port: u16) -> Destination<'_> {
    Destination { host, port, tls: false, fingerprint: None, redirected_from: None }
}

#[test]
fn addresses_are_shown_in_the_usual_notation() {
    assert_eq!(shown(&destination("yard.local", 554)), "yard.local:554");
    assert_eq!(shown(&destination("2001:db8::1", 554)), "[2001:db8::1]:554");
}

#[test]
fn a_name_without_an_address_and_a_port_without_a_listener() {
    let (clock, _hand) = Clock::manual();
    // RFC 6761: never has an address.
    let lost = smol::block_on(connect(&destination("camera.invalid", 554), &clock)).unwrap_err();
    assert_eq!(lost, NetworkLost::HostNotFound { host: "camera.invalid".to_owned() });
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let lost = smol::block_on(connect(&destination("127.0.0.1", port), &clock)).unwrap_err();
    assert_eq!(lost, NetworkLost::Refused { address: format!("127.0.0.1:{port}") });
}

#[test]
fn a_name_is_looked_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (clock, _hand) = Clock::manual();
    let connection = smol::block_on(connect(&destination("localhost", port), &clock)).unwrap();
    assert_eq!(connection.peer().port(), port);
    assert_eq!(connection.local(), listener.accept().unwrap().1);
}

#[test]
fn a_redirect_from_elsewhere_cannot_reach_this_machine_in_any_notation() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (clock, _hand) = Clock::manual();
    let redirected = |host: &str, from: &str| {
        let to = Destination { redirected_from: from.parse().ok(), ..destination(host, port) };
        smol::block_on(connect(&to, &clock))
    };
    // The C library parses numbers like inet_aton.
    for host in [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f.1",
        "127.1",
        "017700000001",
        "::ffff:127.0.0.1",
        "0.0.0.0",
    ] {
        let lost = redirected(host, "192.0.2.1").unwrap_err().to_string();
        assert!(lost.contains("redirects to") && lost.contains("not follow"), "{host}: {lost}");
    }
    assert!(listener.accept().is_err(), "nothing was connected to");
    assert!(redirected("localhost", "127.0.0.1").is_ok());
    assert!(smol::block_on(connect(&destination("localhost", port), &clock)).is_ok());
}

#[test]
fn a_redirect_cannot_reach_this_machines_network_address_either() {
    // This machine's address on the network, if it has one. Nothing is sent.
    let own = std::net::UdpSocket::bind("0.0.0.0:0")
        .and_then(|socket| socket.connect("192.0.2.1:9").and_then(|()| socket.local_addr()))
        .map(|address| address.ip());
    let Ok(own) = own else { return println!("SKIPPED: own address: no route") };
    let listener = TcpListener::bind((own, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (clock, _hand) = Clock::manual();
    let host = own.to_string();
    let from = |from: IpAddr| Destination { redirected_from: Some(from), ..destination(&host, port) };
    let lost = smol::block_on(connect(&from("192.0.2.1".parse().unwrap()), &clock)).unwrap_err().to_string();
    assert!(lost.contains("an address of this machine"), "{lost}");
    assert!(smol::block_on(connect(&from(own), &clock)).is_ok(), "the camera is on this machine");
}

#[test]
fn a_server_that_accepts_and_stays_silent_times_out() {
    static ACCEPTING: BlockingPool = BlockingPool::new("accepts", 1);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (clock, hand) = Clock::manual();
    let to = Destination { tls: true, ..destination("127.0.0.1", port) };
    let mut connecting = Box::pin(connect(&to, &clock));
    smol::block_on(async {
        // Wait until the server has accepted the connection.
        let accepted = async { ACCEPTING.run(move || listener.accept().unwrap()).await.unwrap() };
        let accepted = or(
            async {
                let lost = (&mut connecting).await;
                panic!("ended early: {lost:?}")
            },
            accepted,
        )
        .await;
        hand.advance(CONNECT_MAX);
        let lost = connecting.await.unwrap_err();
        assert!(matches!(lost, NetworkLost::TimedOut { seconds: 10, .. }), "{lost:?}");
        drop(accepted);
    });
}

/// A server with a self-signed certificate that answers one connection, and the certificate's fingerprint.
/// The server's task fails if the client disconnects.
fn self_signed() -> (u16, Fingerprint, smol::Task<io::Result<()>>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let fingerprint = Fingerprint(Sha256::digest(made.cert.der()).into());
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let (port, server) = serve(config);
    (port, fingerprint, server)
}

/// Says hello to one client.
fn serve(config: ServerConfig) -> (u16, smol::Task<io::Result<()>>) {
    let listener = Async::<TcpListener>::bind(([127, 0, 0, 1], 0)).unwrap();
    let port = listener.get_ref().local_addr().unwrap().port();
    let server = smol::spawn(async move {
        let (stream, _) = listener.accept().await?;
        let mut stream = TlsAcceptor::from(Arc::new(config)).accept(stream).await?;
        stream.write_all(b"hello").await?;
        stream.flush().await
    });
    (port, server)
}

/// A camera with a certificate that no current verifier parses, and a key that may not match it.
#[derive(Debug)]
struct Odd(Arc<CertifiedKey>);

impl ResolvesServerCert for Odd {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

fn odd(
    certificate: &str,
    key: Vec<u8>,
    version: &'static SupportedProtocolVersion,
) -> (u16, smol::Task<io::Result<()>>) {
    let key = crypto::ring::sign::any_supported_type(&PrivateKeyDer::try_from(key).unwrap()).unwrap();
    let certificate = CertificateDer::from(STANDARD.decode(certificate).unwrap());
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Odd(Arc::new(CertifiedKey::new(vec![certificate], key)))));
    serve(config)
}

fn pin(certificate: &str) -> Fingerprint {
    Fingerprint(Sha256::digest(STANDARD.decode(certificate).unwrap()).into())
}

/// Issue 10, number 21.
#[test]
fn a_pinned_certificate_that_no_verifier_parses_is_accepted_if_the_camera_has_its_key() {
    let right = || STANDARD.decode(certificates::V1_P256_KEY).unwrap();
    let wrong = || rcgen::KeyPair::generate().unwrap().serialize_der();
    for version in [&version::TLS12, &version::TLS13] {
        for (key, is_right) in [(right(), true), (wrong(), false)] {
            let (port, server) = odd(certificates::V1_P256, key, version);
            let fingerprint = Some(pin(certificates::V1_P256));
            let to = Destination { tls: true, fingerprint, ..destination("localhost", port) };
            smol::block_on(async {
                let connected = connect(&to, &Clock::manual().0).await;
                if is_right {
                    let mut bytes = [0; 5];
                    connected.unwrap().read_exact(&mut bytes).await.unwrap();
                    assert_eq!(&bytes, b"hello");
                    server.await.unwrap();
                } else {
                    let words = connected.unwrap_err().to_string();
                    assert!(words.contains("does not have the key of the pinned certificate"), "{words}");
                }
            });
        }
    }
}

/// Issue 10, number 21.
#[test]
fn a_fingerprint_is_suggested_only_if_pinning_it_works() {
    for (certificate, expected) in [
        (certificates::V1_P256, "tls_fingerprint = "),
        (certificates::P521, "P-521"),
        (certificates::RSA_512, "512 bits"),
    ] {
        for fingerprint in [None, Some(Fingerprint([7; 32])), Some(pin(certificate))] {
            let is_good = certificate == certificates::V1_P256;
            if is_good && fingerprint == Some(pin(certificate)) {
                continue;
            }
            let (port, _server) =
                odd(certificate, STANDARD.decode(certificates::V1_P256_KEY).unwrap(), &version::TLS12);
            let to = Destination { tls: true, fingerprint, ..destination("localhost", port) };
            let words = smol::block_on(connect(&to, &Clock::manual().0)).unwrap_err().to_string();
            assert!(words.contains(expected), "{words}");
            assert_eq!(words.contains("tls_fingerprint"), is_good, "{words}");
        }
    }
}

#[test]
fn a_pinned_self_signed_certificate_is_accepted() {
    let (port, fingerprint, server) = self_signed();
    let to = Destination { tls: true, fingerprint: Some(fingerprint), ..destination("localhost", port) };
    smol::block_on(async {
        let mut connection = connect(&to, &Clock::manual().0).await.unwrap();
        let mut bytes = [0; 5];
        connection.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"hello");
        server.await.unwrap();
    });
}

#[test]
fn a_refused_self_signed_certificate_comes_with_its_fingerprint() {
    let (port, fingerprint, server) = self_signed();
    let to = Destination { tls: true, ..destination("localhost", port) };
    smol::block_on(async {
        let lost = connect(&to, &Clock::manual().0).await.unwrap_err();
        let words = lost.to_string();
        assert!(words.contains(&format!("tls_fingerprint = \"{fingerprint}\"")), "{words}");
        assert!(server.await.is_err(), "the server saw no handshake");
    });
}

#[test]
fn a_certificate_other_than_the_pinned_one_is_refused() {
    let (port, fingerprint, server) = self_signed();
    let pinned = Some(Fingerprint([7; 32]));
    let to = Destination { tls: true, fingerprint: pinned, ..destination("localhost", port) };
    smol::block_on(async {
        let lost = connect(&to, &Clock::manual().0).await.unwrap_err();
        assert_eq!(lost, NetworkLost::OtherCertificate { fingerprint: fingerprint.to_string() });
        assert!(server.await.is_err());
    });
}

#[test]
fn a_server_without_tls_is_recognised() {
    let listener = Async::<TcpListener>::bind(([127, 0, 0, 1], 0)).unwrap();
    let port = listener.get_ref().local_addr().unwrap().port();
    let server = smol::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"RTSP/1.0 400 Bad Request\r\n\r\n").await.unwrap();
        // Until the client disconnects.
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let to = Destination { tls: true, ..destination("localhost", port) };
    smol::block_on(async {
        let lost = connect(&to, &Clock::manual().0).await.unwrap_err();
        assert!(lost.to_string().contains("does not speak TLS"), "{lost}");
        server.await;
    });
}
