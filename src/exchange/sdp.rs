//! What a session description (RFC 4566) says about the media. It is only read, unless the site has media pass through
//! the box.

use std::net::{Ipv4Addr, SocketAddrV4};

/// The payload types with fixed meanings (RFC 3551 §6) that adapters use.
const STATIC: [(&str, &str); 8] = [
    ("0", "PCMU"),
    ("3", "GSM"),
    ("4", "G723"),
    ("8", "PCMA"),
    ("9", "G722"),
    ("15", "G728"),
    ("18", "G729"),
    ("13", "CN"),
];

/// The codec of an answer: that of the first payload type of its first medium that is not refused (port 0).
pub fn codec(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let mut lines = text.lines().map(str::trim_end);
    let medium = lines.find(|line| line.starts_with("m=") && line.split(' ').nth(1) != Some("0"))?;
    let mut words = medium.trim_start_matches("m=").split(' ');
    let (kind, protocol, first) = (words.next()?, words.nth(1)?, words.next()?);
    if kind == "image" {
        return Some("T.38".to_owned());
    }
    if !protocol.starts_with("RTP/") {
        return printable(protocol);
    }
    let mapping = format!("a=rtpmap:{first} ");
    let mapped =
        lines.take_while(|line| !line.starts_with("m=")).find_map(|line| line.strip_prefix(&mapping));
    let name = mapped.and_then(|encoding| encoding.split('/').next());
    let name = name.or_else(|| STATIC.iter().find(|(number, _)| *number == first).map(|(_, name)| *name));
    printable(name.unwrap_or(first))
}

fn printable(name: &str) -> Option<String> {
    let name: String = name.chars().filter(char::is_ascii_graphic).take(20).collect();
    (!name.is_empty()).then_some(name)
}

/// Media of a call that pass through the box: sound, and with it T.38 or V.150.1 (RFC 3264 §6 keeps the place of each).
pub const MEDIA: usize = 2;

/// The description with another address and other ports, and where each medium was. A medium that is refused (port 0)
/// stays so, and so does one that is put on hold by the address 0.0.0.0 (RFC 3264 §8.4); surplus media and those over TCP
/// are refused. Candidates of ICE (RFC 8839) are left out: they lead around the box. `None` if it is no text, or has no
/// medium.
pub fn relayed(
    body: &[u8],
    own: Ipv4Addr,
    ports: [u16; MEDIA],
) -> Option<(Vec<u8>, [Option<SocketAddrV4>; MEDIA])> {
    let text = std::str::from_utf8(body).ok()?;
    let (mut out, mut media, mut session) = (String::with_capacity(text.len() + 32), Vec::new(), None);
    for whole in text.split_inclusive('\n') {
        let line = whole.trim_end_matches(['\r', '\n']);
        let end = &whole[line.len()..];
        let port = media.len().checked_sub(1).and_then(|at: usize| ports.get(at)).copied().unwrap_or(0);
        let new = if let Some(address) = line.strip_prefix("c=") {
            let address: Option<Ipv4Addr> =
                address.split(' ').next_back().and_then(|address| address.split('/').next()?.parse().ok());
            match media.last_mut() {
                None => session = address,
                Some((_, own)) => *own = address,
            }
            match address {
                Some(hold) if hold.is_unspecified() => line.to_owned(),
                _ => format!("c=IN IP4 {own}"),
            }
        } else if let Some(medium) = line.strip_prefix("m=") {
            let port = ports.get(media.len()).copied().unwrap_or(0);
            let (new, named) = moved(medium, port)?;
            media.push((named, session));
            new
        } else if line.starts_with("a=rtcp:") {
            // RFC 3605: a port of its own, perhaps with an address.
            format!("a=rtcp:{}", port.saturating_add(1))
        } else if ["a=candidate:", "a=remote-candidates:", "a=ice-"].iter().any(|it| line.starts_with(it)) {
            continue;
        } else {
            line.to_owned()
        };
        out += &new;
        out += end;
    }
    let named = |at: usize| {
        let (port, address) = media.get(at).copied()?;
        let address: Ipv4Addr = address?;
        (port != 0 && !address.is_unspecified()).then(|| SocketAddrV4::new(address, port))
    };
    let named = std::array::from_fn(named);
    (!media.is_empty()).then(|| (out.into_bytes(), named))
}

/// A medium at another port, and its own one. The number of ports (RFC 4566 §5.14) goes: a relay has one.
fn moved(medium: &str, port: u16) -> Option<(String, u16)> {
    let (kind, rest) = medium.split_once(' ')?;
    let (named, rest) = rest.split_once(' ')?;
    let named: u16 = named.split('/').next()?.parse().ok()?;
    let protocol = rest.split(' ').next()?;
    let passes = named != 0 && !protocol.to_ascii_uppercase().contains("TCP");
    let port = if passes { port } else { 0 };
    Some((format!("m={kind} {port} {rest}"), if port == 0 { 0 } else { named }))
}

/// Whether a modem's signal passes through it (ITU-T V.151 calls all others voice-compressing).
pub fn carries_modems(codec: &str) -> bool {
    ["PCMU", "PCMA", "T.38", "v150mr"].iter().any(|it| codec.eq_ignore_ascii_case(it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_codec_of_the_answer_is_the_one_in_use() {
        let table = [
            ("v=0\r\nm=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n", Some("PCMU")),
            ("v=0\r\nm=audio 4000 RTP/AVP 8\r\n", Some("PCMA")),
            ("v=0\nm=audio 4000 RTP/AVP 96 0\na=rtpmap:96 iLBC/8000\n", Some("iLBC")),
            ("v=0\r\nm=audio 4000 RTP/AVP 18\r\n", Some("G729")),
            ("v=0\r\nm=audio 0 RTP/AVP 0\r\nm=image 4002 udptl t38\r\n", Some("T.38")),
            ("v=0\r\nm=audio 4000 RTP/AVP 100\r\na=rtpmap:100 v150mr/8000\r\n", Some("v150mr")),
            ("v=0\r\n", None),
            ("m=audio 4000", None),
        ];
        for (text, expected) in table {
            assert_eq!(codec(text.as_bytes()).as_deref(), expected, "{text}");
        }
        assert!(carries_modems("pcma") && !carries_modems("G729"));
    }

    #[test]
    fn a_relayed_description_names_the_box_and_the_rest_stays() {
        let own = Ipv4Addr::new(192, 0, 2, 1);
        let at = |text: &str| text.parse::<SocketAddrV4>().unwrap();
        let table = [
            // RFC 4566 §5, the example: a connection of the session, and one of a medium, which comes before it.
            (
                "v=0\r\no=jdoe 2890844526 2890842807 IN IP4 10.47.16.5\r\nc=IN IP4 224.2.17.12/127\r\nt=0 0\r\n\
                 a=recvonly\r\nm=audio 49170 RTP/AVP 0\r\nm=video 51372 RTP/AVP 99\r\nc=IN IP4 192.0.2.7\r\n",
                "v=0\r\no=jdoe 2890844526 2890842807 IN IP4 10.47.16.5\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
                 a=recvonly\r\nm=audio 700 RTP/AVP 0\r\nm=video 702 RTP/AVP 99\r\nc=IN IP4 192.0.2.1\r\n",
                [Some(at("224.2.17.12:49170")), Some(at("192.0.2.7:51372"))],
            ),
            // RFC 3264 §6: a refused medium keeps its place. T.38 Annex D: the medium that takes the sound's place.
            (
                "v=0\nc=IN IP4 192.0.2.7\nm=audio 0 RTP/AVP 0\nm=image 4002 udptl t38\na=T38MaxBitRate:14400\n",
                "v=0\nc=IN IP4 192.0.2.1\nm=audio 0 RTP/AVP 0\nm=image 702 udptl t38\na=T38MaxBitRate:14400\n",
                [None, Some(at("192.0.2.7:4002"))],
            ),
            // RFC 3605: RTCP at a port of its own. RFC 4566 §5.14: several ports.
            (
                "m=audio 4000/2 RTP/AVP 8\r\nc=IN IP4 192.0.2.7\r\na=rtcp:53020 IN IP4 192.0.2.8\r\n",
                "m=audio 700 RTP/AVP 8\r\nc=IN IP4 192.0.2.1\r\na=rtcp:701\r\n",
                [Some(at("192.0.2.7:4000")), None],
            ),
            // RFC 3264 §8.4: hold, as RFC 2543 had it.
            (
                "c=IN IP4 0.0.0.0\r\nm=audio 4000 RTP/AVP 8\r\n",
                "c=IN IP4 0.0.0.0\r\nm=audio 700 RTP/AVP 8\r\n",
                [None, None],
            ),
            // A third medium, and one over TCP (RFC 4145), are refused.
            (
                "c=IN IP6 2001:db8::7\nm=audio 1 RTP/AVP 8\nm=image 9 TCP t38\nm=video 3 RTP/AVP 31\n",
                "c=IN IP4 192.0.2.1\nm=audio 700 RTP/AVP 8\nm=image 0 TCP t38\nm=video 0 RTP/AVP 31\n",
                [None, None],
            ),
            // RFC 8839 §4.4: what leads around the box goes.
            (
                "c=IN IP4 192.0.2.7\na=ice-ufrag:8hhY\nm=audio 1 RTP/AVP 8\n\
                 a=candidate:1 1 UDP 2130706431 192.0.2.7 1 typ host\na=sendrecv",
                "c=IN IP4 192.0.2.1\nm=audio 700 RTP/AVP 8\na=sendrecv",
                [Some(at("192.0.2.7:1")), None],
            ),
        ];
        for (text, expected, named) in table {
            let (body, got) = relayed(text.as_bytes(), own, [700, 702]).unwrap();
            assert_eq!(String::from_utf8(body).unwrap(), expected);
            assert_eq!(got, named, "{text}");
            let again = relayed(expected.as_bytes(), own, [700, 702]).unwrap();
            assert_eq!(again.0, expected.as_bytes(), "again");
        }
        for not_one in [&b"v=0\r\n"[..], b"", b"\xff", b"m=audio x RTP/AVP 0", b"m=audio 5"] {
            assert_eq!(relayed(not_one, own, [700, 702]), None);
        }
    }
}
