//! The values after a name, as in `+CPMS: "ME",3,50`: V.250 §5.4.3, TS 27.007 §4.2.

/// The values of the first line with this name, without their quotation marks. Commas inside quotation marks or
/// parentheses do not separate.
pub fn values<'a>(lines: &'a [String], name: &str) -> Option<Vec<&'a str>> {
    lines.iter().find_map(|line| fields(line, name))
}

/// The values of a line with this name.
pub fn fields<'a>(line: &'a str, name: &str) -> Option<Vec<&'a str>> {
    Some(split(line.strip_prefix(name)?.strip_prefix(':')?))
}

/// The values between the commas.
pub fn split(list: &str) -> Vec<&str> {
    let (mut quoted, mut depth) = (false, 0u32);
    let is_separator = |c: char| {
        match c {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && !quoted && depth == 0
    };
    list.split(is_separator).map(|value| value.trim().trim_matches('"')).collect()
}

/// Whether a set in the answer to `=?` contains a number: `(0,2)`, `(0-3)`, or a mixture.
pub fn admits(set: &str, number: u32) -> bool {
    let members = set.trim().trim_start_matches('(').trim_end_matches(')');
    members.split(',').any(|member| {
        let (from, to) = member.split_once('-').unwrap_or((member, member));
        let bounds = from.trim().parse().ok().zip(to.trim().parse().ok());
        bounds.is_some_and(|(from, to): (u32, u32)| (from..=to).contains(&number))
    })
}

/// A text in UCS-2, as a modem writes names and numbers to which another program has given `AT+CSCS="UCS2"` (TS 27.007
/// §5.5); `None` for any other text.
pub fn from_ucs2(text: &str) -> Option<String> {
    let digits = text.as_bytes();
    let is_ucs2 = digits.len() >= 8 && digits.len().is_multiple_of(4);
    if !is_ucs2 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let units = digits.chunks(4).map(|unit| u16::from_str_radix(str::from_utf8(unit).ok()?, 16).ok());
    let text = String::from_utf16(&units.collect::<Option<Vec<_>>>()?).ok()?;
    Some(text).filter(|text| !text.contains(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn commas_separate_values_except_in_quotes_and_parentheses() {
        let table = [
            ("+CSQ: 17,99", "+CSQ", vec!["17", "99"]),
            ("+COPS: 0,0,\"Free, mobile\",2", "+COPS", vec!["0", "0", "Free, mobile", "2"]),
            ("+CPMS: (\"ME\",\"SM\"),(\"SM\")", "+CPMS", vec!["(\"ME\",\"SM\")", "(\"SM\")"]),
            ("+CMGR: 0,,24", "+CMGR", vec!["0", "", "24"]),
            ("^CPIN:SIM PIN,,10,3", "^CPIN", vec!["SIM PIN", "", "10", "3"]),
            ("+X:", "+X", vec![""]),
        ];
        for (line, name, expected) in table {
            assert_eq!(fields(line, name), Some(expected), "{line}");
        }
        assert_eq!(fields("+CSQX: 1", "+CSQ"), None);
        assert_eq!(fields("+CSQ 1", "+CSQ"), None);
    }

    #[test]
    fn lists_and_ranges_of_a_set_are_parsed() {
        let table = [
            ("(0,1,2)", 2, true),
            ("(0-3)", 2, true),
            ("(0,2-4)", 3, true),
            ("(0,2)", 1, false),
            ("2", 2, true),
            ("()", 0, false),
            ("(x-y)", 0, false),
        ];
        for (set, number, expected) in table {
            assert_eq!(admits(set, number), expected, "{set} {number}");
        }
    }

    #[test]
    fn a_text_in_ucs2_is_recognized() {
        for (text, expected) in [
            ("00460072006500650020006D006F00620069006C0065", Some("Free mobile")),
            ("4E2D56FD79FB52A8", Some("\u{4e2d}\u{56fd}\u{79fb}\u{52a8}")),
            ("00320030003800310035", Some("20815")),
            ("20815", None),
            ("Free", None),
            ("FACE", None),
            ("0046000A00650065", None), // a line end
            ("D83D004600720065", None), // half of a character
            ("+123+123", None),
            ("", None),
        ] {
            assert_eq!(from_ucs2(text).as_deref(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_the_parsers_panic(line in "\\PC*") {
            from_ucs2(&line);
            split(&line);
            admits(&line, 1);
        }
    }
}
