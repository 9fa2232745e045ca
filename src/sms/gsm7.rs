//! The GSM 7 bit default alphabet with its extension table, and septets in octets.
//! 3GPP TS 23.038 §6.1.2.1 (packing) and §6.2.1 (alphabet).

/// The code before one of the [`EXTENSION`] table.
const ESCAPE: u8 = 0x1b;

/// By code. The place of [`ESCAPE`] holds a space, which a receiver shows for a lone escape.
#[rustfmt::skip]
const ALPHABET: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å',
    'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', ' ', 'Æ', 'æ', 'ß', 'É',
    ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/',
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?',
    '¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O',
    'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§',
    '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à',
];

const EXTENSION: [(u8, char); 10] = [
    (0x0a, '\u{c}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2f, '\\'),
    (0x3c, '['),
    (0x3d, '~'),
    (0x3e, ']'),
    (0x40, '|'),
    (0x65, '€'),
];

/// The septets of a character, one or two; `None` if the alphabet lacks it.
fn septets(wanted: char) -> Option<(Option<u8>, u8)> {
    let codes = (0..).zip(ALPHABET).filter(|(code, _)| *code != ESCAPE);
    let plain = codes.into_iter().find(|(_, c)| *c == wanted).map(|(code, _)| (None, code));
    plain.or_else(|| EXTENSION.into_iter().find(|(_, c)| *c == wanted).map(|(code, _)| (Some(ESCAPE), code)))
}

/// How many septets a character takes, 1 or 2; `None` if the alphabet lacks it.
#[must_use]
pub fn width(c: char) -> Option<usize> {
    septets(c).map(|(escape, _)| 1 + usize::from(escape.is_some()))
}

/// The septets of a text, one an octet; `None` if the alphabet lacks one of its characters.
#[must_use]
pub fn encode(text: &str) -> Option<Vec<u8>> {
    let mut encoded = Vec::with_capacity(text.len());
    for c in text.chars() {
        let (escape, code) = septets(c)?;
        encoded.extend(escape);
        encoded.push(code);
    }
    Some(encoded)
}

/// The text of septets, one an octet; the eighth bit is ignored.
///
/// An escaped code that the extension table lacks is decoded by the main table, and a lone escape as a space, as
/// §6.2.1.1 requires of a receiver without further tables.
#[must_use]
pub fn decode(septets: &[u8]) -> String {
    let mut text = String::with_capacity(septets.len());
    let mut septets = septets.iter().map(|septet| septet & 0x7f);
    while let Some(code) = septets.next() {
        // Nothing follows an escape at the end: it is a lone one.
        let escaped = if code == ESCAPE { septets.next() } else { None };
        let extended = escaped.and_then(|code| EXTENSION.into_iter().find(|(known, _)| *known == code));
        let plain = || ALPHABET.get(usize::from(escaped.unwrap_or(code))).copied();
        text.extend(extended.map(|(_, c)| c).or_else(plain));
    }
    text
}

/// Packs septets into octets, the first into the lowest bits, after `skip` bits of zero.
#[must_use]
pub fn pack(septets: &[u8], skip: usize) -> Vec<u8> {
    let mut octets = Vec::with_capacity((skip + septets.len() * 7).div_ceil(8));
    let mut window: u16 = 0;
    let mut bits = skip;
    for septet in septets {
        window |= u16::from(septet & 0x7f) << bits;
        bits += 7;
        while bits >= 8 {
            octets.push(window.to_le_bytes()[0]);
            window >>= 8;
            bits -= 8;
        }
    }
    if bits > 0 {
        octets.push(window.to_le_bytes()[0]);
    }
    octets
}

/// Unpacks `count` septets that begin `skip` bits into the octets; `None` if there are not as many.
#[must_use]
pub fn unpack(octets: &[u8], skip: usize, count: usize) -> Option<Vec<u8>> {
    let septet = |index: usize| {
        let bit = skip + index * 7;
        let low = *octets.get(bit / 8)?;
        let high = if bit % 8 > 1 { *octets.get(bit / 8 + 1)? } else { 0 };
        Some((u16::from_le_bytes([low, high]) >> (bit % 8)) as u8 & 0x7f)
    };
    (0..count).map(septet).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Packed texts, with where they were published.
    #[test]
    fn published_texts_are_packed_as_published() {
        for (text, octets, _source) in [
            ("hellohello", "e8329bfd4697d9ec37", "dreamfabric.com, SMS and the PDU format"),
            ("How are you?", "c8f71d14969741f977fd07", "smartposition.nl, SMS PDU-mode"),
            ("Design@Home", "c4f23c7d760390ef7619", "Wikipedia, GSM 03.40, Addresses"),
            ("1234567", "31d98c56b3dd00", "TS 23.038 §6.1.2.1.1: seven spare bits are zero in SMS"),
            ("12345678", "31d98c56b3dd70", "TS 23.038 §6.1.2.1.1: eight septets in seven octets"),
        ] {
            let septets = encode(text).unwrap();
            let packed = pack(&septets, 0);
            let hex: String = packed.iter().map(|octet| format!("{octet:02x}")).collect();
            assert_eq!(hex, octets);
            assert_eq!(decode(&unpack(&packed, 0, septets.len()).unwrap()), text);
        }
    }

    /// 3GPP TS 23.038 §6.2.1: corners of the table that are easily got wrong.
    #[test]
    fn characters_that_are_easily_confused_have_their_codes() {
        for (c, codes) in [
            ('@', &[0x00][..]),
            ('Ç', &[0x09]),
            ('\n', &[0x0a]),
            ('Δ', &[0x10]),
            ('_', &[0x11]),
            (' ', &[0x20]),
            ('¤', &[0x24]),
            ('¡', &[0x40]),
            ('§', &[0x5f]),
            ('¿', &[0x60]),
            ('à', &[0x7f]),
            ('€', &[0x1b, 0x65]),
            ('[', &[0x1b, 0x3c]),
            ('\u{c}', &[0x1b, 0x0a]),
        ] {
            assert_eq!(encode(&c.to_string()).as_deref(), Some(codes), "{c:?}");
        }
        for c in ['`', 'ç', 'ê', '\t', '’', '\u{1b}', 'Ж'] {
            assert_eq!(width(c), None, "{c:?}");
        }
    }

    #[test]
    fn an_unknown_escape_is_shown_as_the_standard_requires() {
        for (septets, text) in [
            (&[0x1b, 0x41][..], "A"), // not in the extension table: the main table's
            (&[0x1b], " "),
            (&[0x41, 0x1b, 0x1b, 0x42], "A B"),
        ] {
            assert_eq!(decode(septets), text);
        }
    }

    proptest! {
        #[test]
        fn packing_is_undone(septets in prop::collection::vec(0u8..128, 0..200), skip in 0usize..7) {
            let packed = pack(&septets, skip);
            prop_assert_eq!(packed.len(), (skip + septets.len() * 7).div_ceil(8));
            prop_assert_eq!(unpack(&packed, skip, septets.len()), Some(septets));
        }

        #[test]
        fn what_can_be_encoded_is_decoded_again(text in any::<String>()) {
            if let Some(septets) = encode(&text) {
                prop_assert_eq!(decode(&septets), text);
            }
        }

        #[test]
        fn every_septet_is_some_character(septets in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(encode(&decode(&septets)).is_some());
        }

        #[test]
        fn too_few_octets_are_noticed(octets in prop::collection::vec(any::<u8>(), 0..30), skip in 0usize..300, count in 0usize..300) {
            let enough = count == 0 || skip + count * 7 <= octets.len() * 8;
            prop_assert_eq!(unpack(&octets, skip, count).is_some(), enough);
        }
    }
}
