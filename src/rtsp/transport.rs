//! The transport of packets: the Transport and Session headers.

use std::time::Duration;

/// The transport of RTP packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Interleaved on the RTSP connection (also inside TLS).
    Tcp,
    /// Datagrams.
    Udp,
}

impl std::fmt::Display for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
        })
    }
}

impl Transport {
    /// The other one.
    pub(super) fn other(self) -> Self {
        match self {
            Self::Tcp => Self::Udp,
            Self::Udp => Self::Tcp,
        }
    }
}

/// The Transport header of a SETUP request. RFC 2326 section 12.39. `rtp_port` is ours.
pub(super) fn offer(transport: Transport, rtp_port: u16) -> String {
    match transport {
        Transport::Tcp => "RTP/AVP/TCP;unicast;interleaved=0-1".to_owned(),
        Transport::Udp => {
            format!("RTP/AVP;unicast;client_port={rtp_port}-{}", rtp_port.wrapping_add(1))
        }
    }
}

/// The parts that matter in the Transport header of a SETUP answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// The profile names TCP. Some cameras write `RTP/AVP` and mean interleaved.
    pub names_tcp: bool,
    /// Channels for RTP and RTCP.
    pub interleaved: Option<(u8, u8)>,
    /// The camera's ports for RTP and RTCP.
    pub server_port: Option<(u16, u16)>,
    /// The camera's synchronisation source.
    pub ssrc: Option<u32>,
}

impl Answer {
    /// Parses the header. RFC 2326 section 12.39, with spaces anywhere.
    pub fn parse(header: &str) -> Self {
        let mut answer = Self::default();
        let first = header.split(',').next().unwrap_or_default();
        for (n, part) in first.split(';').enumerate() {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let value = value.trim();
            match name.trim().to_ascii_lowercase().as_str() {
                profile if n == 0 => answer.names_tcp = profile.ends_with("/tcp"),
                "interleaved" => answer.interleaved = pair(value),
                "server_port" => answer.server_port = pair(value).filter(|(rtp, _)| *rtp > 0),
                "ssrc" => answer.ssrc = u32::from_str_radix(value, 16).ok(),
                _ => {}
            }
        }
        answer
    }

    /// The transport that the camera chose when `asked` was requested.
    pub fn transport(&self, asked: Transport) -> Transport {
        if self.names_tcp || self.interleaved.is_some() {
            Transport::Tcp
        } else if self.server_port.is_some() {
            Transport::Udp
        } else {
            asked
        }
    }
}

/// Parses `4-5`, or `4`, where the second is the next number.
fn pair<T: std::str::FromStr + Copy + Into<u32> + TryFrom<u32>>(value: &str) -> Option<(T, T)> {
    let (first, second) = value.split_once('-').unwrap_or((value, ""));
    let first: T = first.trim().parse().ok()?;
    let second = second.trim().parse().ok().or_else(|| T::try_from(first.into() + 1).ok())?;
    Some((first, second))
}

/// The Session header: id and time-out. RFC 2326 section 12.37.
pub(super) fn session(header: &str) -> Option<(String, Option<Duration>)> {
    let mut parts = header.split(';').map(str::trim);
    let id = parts.next().filter(|id| !id.is_empty())?;
    let timeout = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        // Some write `"60"`, `60s` or `60.0`.
        let value = value.trim().trim_start_matches('"');
        let digits = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
        let seconds: u32 = value[..digits].parse().ok()?;
        (name.trim().eq_ignore_ascii_case("timeout") && seconds > 0)
            .then(|| Duration::from_secs(u64::from(seconds)))
    });
    Some((id.to_owned(), timeout))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_real_cameras() {
        let answer = Answer::parse("RTP/AVP/TCP;unicast;interleaved=2-3;ssrc=  1A2B3C4D;mode=\"PLAY\"");
        assert_eq!((answer.interleaved, answer.ssrc), (Some((2, 3)), Some(0x1a2b_3c4d)));
        assert_eq!(answer.transport(Transport::Udp), Transport::Tcp);
        let answer = Answer::parse("RTP/AVP;unicast;interleaved=4");
        assert_eq!(answer.interleaved, Some((4, 5)));
        assert_eq!(answer.transport(Transport::Tcp), Transport::Tcp);
        let answer = Answer::parse("RTP/AVP/UDP; unicast; client_port=5000-5001; server_port = 6970-6971");
        assert_eq!(answer.server_port, Some((6970, 6971)));
        assert_eq!(answer.transport(Transport::Tcp), Transport::Udp);
        let answer = Answer::parse("RTP/AVP;unicast;client_port=5000-5001");
        assert_eq!(answer.transport(Transport::Udp), Transport::Udp);
        assert_eq!(Answer::parse("").transport(Transport::Tcp), Transport::Tcp);
    }

    #[test]
    fn absurd_answers() {
        assert_eq!(Answer::parse("RTP/AVP/TCP;interleaved=300-301").interleaved, None);
        assert_eq!(Answer::parse("RTP/AVP/TCP;interleaved=255").interleaved, None);
        assert_eq!(Answer::parse("RTP/AVP;ssrc=xyz;server_port=").ssrc, None);
        assert_eq!(Answer::parse("RTP/AVP;server_port=0-0").server_port, None);
    }

    #[test]
    fn session_headers() {
        assert_eq!(session("12345"), Some(("12345".into(), None)));
        let minute = Some(Duration::from_mins(1));
        assert_eq!(session("ab;timeout=60"), Some(("ab".into(), minute)));
        assert_eq!(session(" ab ; Timeout = 60 "), Some(("ab".into(), minute)));
        for odd in ["ab;timeout=\"60\"", "ab;x=1;timeout=60.0;", "ab; timeout=60s;timeout=5"] {
            assert_eq!(session(odd), Some(("ab".into(), minute)), "{odd}");
        }
        for none in ["ab;timeout=", "ab;timeout=-1", "ab;timeout=99999999999", "ab;timeout", "ab;"] {
            assert_eq!(session(none), Some(("ab".into(), None)), "{none}");
        }
        assert_eq!(session("ab;timeout=0"), Some(("ab".into(), None)));
        assert_eq!(session(";timeout=60"), None);
    }
}
