//! What a session description (RFC 4566) says about the medium. It is only read: media go from adapter to adapter.

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
}
