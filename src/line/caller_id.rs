//! Whose number a modem reports, in the words of many modems.

use crate::modem::at::response::is_about_a_call;

/// The number in a line of the modem: `Some(None)` for one that is withheld, unknown or in doubt, `None` if the line
/// says nothing about it.
///
/// `NMBR = 0123456789` is that of V.253 §9.2.3; others write it without blanks, with a colon, or in words of their own
/// (mgetty's cnd.c: `CALLER NUMBER` of ZyXEL, isdn4linux; `FM:… TO:…` of the ZyXEL 2864; `NBR` of Kortex; `CallerID` of
/// a Courier; `DDN_NMBR` of Rockwell). `+CLIP` is TS 27.007 §7.11. `MESG` is the network's own message in hexadecimal,
/// for a modem that was told `#CID=2` or `+VCID=2`, or a parameter of it.
pub fn parse(line: &str) -> Option<Option<String>> {
    if !is_about_a_call(line) {
        return None;
    }
    let (key, value) = line.split_once(['=', ':'])?;
    match key.trim().to_ascii_uppercase().as_str() {
        "NMBR" | "NBR" | "DDN_NMBR" | "CALLER NUMBER" | "CALLER'S NUMBER" | "CALLERID" => Some(number(value)),
        "REASON FOR NO CALLER NUMBER" => Some(None),
        "FM" => Some(number(value.split("TO:").next().unwrap_or_default())),
        "+CLIP" => Some(number(value.split(',').next().unwrap_or_default())),
        "MESG" => message(value),
        _ => None,
    }
}

/// A number without what people put between the digits; `None` for anything else, such as the letters `P` and `O` for a
/// withheld and an unknown one.
pub fn number(text: &str) -> Option<String> {
    let text = text.trim().trim_matches('"');
    let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')' | '/')).collect();
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number(digits.strip_prefix('+').unwrap_or(&digits)).then_some(digits)
}

/// Whether two numbers are the same: `00` is the most countries' prefix for `+` (ITU-T E.164, annex to Operational
/// Bulletin 994).
pub fn is_same(a: &str, b: &str) -> bool {
    let international = |number: &str| match number.strip_prefix("00") {
        Some(rest) => format!("+{rest}"),
        None => number.to_owned(),
    };
    international(a) == international(b)
}

/// The number in a message of caller ID: of several parameters (type 0x80) or of one (0x04), where it follows eight
/// digits of date and time (ETSI EN 300 659-3 §5, Telcordia GR-30). With `+VCID=1` Rockwell's modems report so a
/// parameter alone, also the number's. Another one, such as the kind of the call, says nothing about the number.
fn message(hexadecimal: &str) -> Option<Option<String>> {
    let bytes = bytes(hexadecimal).unwrap_or_default();
    let [kind, length, rest @ ..] = bytes.as_slice() else { return Some(None) };
    let content = rest.get(..usize::from(*length)).unwrap_or_default();
    let digits = match *kind {
        SEVERAL => CALLING_NUMBERS.iter().find_map(|wanted| parameter(content, *wanted)),
        SINGLE => content.get(8..),
        kind if CALLING_NUMBERS.contains(&kind) => Some(content),
        _ => return None,
    };
    Some(digits.and_then(|digits| number(str::from_utf8(digits).ok()?)))
}

/// A message of several parameters; one of a number alone, which as a parameter says why there is none.
const SEVERAL: u8 = 0x80;
const SINGLE: u8 = 0x04;
/// The parameters "calling line identity" (ETSI EN 300 659-3 §5.4.2) and "dialable directory number" (GR-30).
const CALLING_NUMBERS: [u8; 2] = [0x02, 0x03];

fn parameter(mut content: &[u8], wanted: u8) -> Option<&[u8]> {
    while let [kind, length, rest @ ..] = content {
        let value = rest.get(..usize::from(*length))?;
        if *kind == wanted {
            return Some(value);
        }
        content = &rest[value.len()..];
    }
    None
}

fn bytes(hexadecimal: &str) -> Option<Vec<u8>> {
    let digits = hexadecimal.trim().as_bytes();
    let (pairs, rest) = digits.as_chunks::<2>();
    let byte = |pair: &[u8; 2]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    rest.is_empty().then(|| pairs.iter().map(byte).collect())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_number_is_read_from_every_modems_report() {
        let told = |number: &str| Some(Some(number.to_owned()));
        let table = [
            ("NMBR = 0123456789", told("0123456789")),
            ("NMBR=0123456789", told("0123456789")),
            ("nmbr: 0123456789", told("0123456789")),
            ("NMBR = 012-345-6789", told("0123456789")),
            ("NMBR = (012) 345.6789", told("0123456789")),
            ("NMBR = 0033123456789", told("0033123456789")),
            ("CALLER NUMBER: 0123456789", told("0123456789")),
            ("+CLIP: \"+33123456789\",145,,,\"\",0", told("+33123456789")),
            ("+CLIP: \"\",128", Some(None)),
            ("NMBR = P", Some(None)),
            ("NMBR = O", Some(None)),
            ("NMBR = PRIVATE", Some(None)),
            ("NMBR =", Some(None)),
            ("NMBR = 0123x", Some(None)),
            // Date and time, then the number; the checksum follows.
            ("MESG = 04123039333031323234303132333435363738393B", told("0123456789")),
            // Date and time, number, name.
            ("MESG = 801C0108303933303132323402 0A30".replace(' ', "").leak(), Some(None)),
            (
                "MESG = 8016010830393330313232340 20A30313233343536373839".replace(' ', "").leak(),
                told("0123456789"),
            ),
            // Date and time, and why there is no number.
            ("MESG = 800D01083039333031323234040150", Some(None)),
            // mgetty's cnd.c: Bell Canada by a Supra, the number alone.
            ("MESG = 030735353531323132", told("5551212")),
            ("MESG = 020A30313233343536373839", told("0123456789")),
            ("MESG = 040150", Some(None)),
            // The kind of the call, and a message that waits (EN 300 659-3 §5.4): nothing about the number.
            ("MESG = 110101", None),
            ("MESG = 0B01FF", None),
            // mgetty's cnd.c, its table.
            ("CALLER'S NUMBER: 0123456789", told("0123456789")),
            ("REASON FOR NO CALLER NUMBER: PRIVATE", Some(None)),
            ("CALLED NUMBER: 0123456789", None),
            ("FM:0123456789 TO:0987", told("0123456789")),
            ("NBR=0123456789", told("0123456789")),
            ("CallerID: 0123456789", told("0123456789")),
            ("DDN_NMBR= 0123456789", told("0123456789")),
            ("MESG = 80", Some(None)),
            ("MESG = xyz", Some(None)),
            ("NAME = 0123456789", None),
            ("DATE = 0930", None),
            ("RING", None),
            ("OK", None),
        ];
        for (line, expected) in table {
            assert_eq!(parse(line), expected, "{line}");
        }
    }

    #[test]
    fn two_zeros_are_a_plus() {
        for (told, listed, same) in [
            ("0033123", "+33123", true),
            ("+33123", "0033123", true),
            ("0123", "0123", true),
            ("0123", "+33123", false),
            ("033123", "+33123", false),
        ] {
            assert_eq!(is_same(told, listed), same, "{told} {listed}");
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic_and_a_number_is_digits(line in "(NMBR|MESG|CALLER NUMBER|.CLIP) ?[=:] ?\\PC{0,60}") {
            if let Some(Some(number)) = parse(&line) {
                prop_assert!(number.trim_start_matches('+').bytes().all(|byte| byte.is_ascii_digit()));
            }
        }
    }
}
