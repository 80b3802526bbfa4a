//! How to talk to a camera on a network.

use std::fmt;
use std::str::FromStr;

/// How to talk to a camera on a network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// How RTP packets travel.
    pub transport: TransportChoice,
    /// The only certificate to accept, whoever signed it.
    pub tls_fingerprint: Option<Fingerprint>,
}

/// How RTP packets travel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TransportChoice {
    /// On the connection; as datagrams if the camera insists.
    #[default]
    Auto,
    /// On the connection only.
    Tcp,
    /// As datagrams; on the connection if none arrive.
    Udp,
}

impl FromStr for TransportChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "auto" => Ok(Self::Auto),
            "tcp" => Ok(Self::Tcp),
            "udp" => Ok(Self::Udp),
            _ => Err(super::suggest::unknown("transport", text, &["auto", "tcp", "udp"])),
        }
    }
}

/// SHA-256 of a certificate in DER, in the format of `openssl x509 -fingerprint -sha256`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

impl FromStr for Fingerprint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            let digits = text.chars().filter(char::is_ascii_hexdigit).count();
            format!(
                "must be the SHA-256 of a certificate: 64 hexadecimal digits, with or without colons; this has \
                 {digits}"
            )
        };
        let digits: Vec<u8> = text
            .chars()
            .filter(|c| !matches!(c, ':' | ' '))
            .map(|c| c.to_digit(16).map(|digit| digit as u8).ok_or_else(wrong))
            .collect::<Result<_, _>>()?;
        let bytes: Vec<u8> =
            digits.chunks(2).filter(|pair| pair.len() == 2).map(|pair| pair[0] << 4 | pair[1]).collect();
        if digits.len() % 2 == 1 {
            return Err(wrong());
        }
        bytes.try_into().map(Self).map_err(|_| wrong())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            write!(f, "{}{byte:02X}", if at > 0 { ":" } else { "" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_read_in_the_format_of_openssl() {
        let text = "0A:1B:".to_owned() + &"FF:".repeat(29) + "00";
        let fingerprint: Fingerprint = text.parse().unwrap();
        assert_eq!(fingerprint.to_string(), text);
        assert_eq!(text.replace(':', "").to_lowercase().parse(), Ok(fingerprint));
        for wrong in ["", "0A", "xyz", &text[1..], &format!("{text}:00")] {
            assert!(wrong.parse::<Fingerprint>().unwrap_err().contains("64 hexadecimal"), "{wrong}");
        }
    }

    #[test]
    fn transports() {
        assert_eq!("UDP".parse(), Ok(TransportChoice::Udp));
        assert!("quic".parse::<TransportChoice>().unwrap_err().contains("use one of: auto, tcp, udp"));
    }
}
