//! Unsolicited lines as the log may show them: without a message, and without a one-time code that is still valid. A
//! message may also be the late answer to a command.

use super::response::extended_name;

/// Unsolicited lines without a name (V.250 §5.7, manuals of SIMCom and others).
const PLAIN: &[&str] = &[
    "OK",
    "ERROR",
    "RING",
    "NO CARRIER",
    "NO DIALTONE",
    "NO ANSWER",
    "BUSY",
    "CONNECT",
    "RDY",
    "READY",
    "Call Ready",
    "SMS Ready",
    "SMS DONE",
    "PB DONE",
    "NORMAL POWER DOWN",
    "UNDER-VOLTAGE WARNNING",
    "STIN",
    "COMMAND NOT SUPPORT",
];

/// Names of lines that may contain a message.
const MESSAGES: &[&str] = &["+CMGR", "+CMGL", "+CMT", "+CDS", "+CBM", "+CUSD", "^HCMT", "^HCMGR", "^HCMGL"];

/// The longest value that cannot be a code: codes have 6 or 8 digits.
const SHORT: usize = 5;
/// The longest value without a digit that is shown.
const WORDS: usize = 24;

/// The line without anything that could be a message or a code.
pub fn shown(line: &str) -> String {
    let is_name = |name: &&str| name.bytes().filter(u8::is_ascii_digit).count() <= SHORT;
    let Some(name) = extended_name(line).filter(is_name) else {
        let is_known = PLAIN.iter().any(|plain| plain.eq_ignore_ascii_case(line));
        return if is_known { line.to_owned() } else { format!("a line of {} characters", line.len()) };
    };
    let rest = &line[name.len()..];
    if MESSAGES.contains(&name) {
        return format!("{name}{}", if rest.is_empty() { "" } else { ": …" });
    }
    let may_be_shown = |value: &str| {
        let value = value.trim().trim_matches([':', '"', ' ']);
        let has_figure = value.bytes().any(|byte| byte.is_ascii_digit());
        value.len() <= SHORT || (!has_figure && value.len() <= WORDS)
    };
    if rest.split(',').all(may_be_shown) {
        return line.to_owned();
    }
    let values = rest.trim_start_matches([':', ' ']).split(',');
    let values: Vec<_> = values.map(|value| if may_be_shown(value) { value } else { "…" }).collect();
    format!("{name}: {}", values.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_is_shown_without_what_could_be_a_code() {
        for (line, expected) in [
            ("+CMTI: \"SM\",3", "+CMTI: \"SM\",3"),
            ("^RSSI:17", "^RSSI:17"),
            ("^BOOT:27710117,0,0,0,75", "^BOOT: …,0,0,0,75"),
            ("+CREG: 1", "+CREG: 1"),
            ("+CME ERROR: SIM not inserted", "+CME ERROR: SIM not inserted"),
            ("RING", "RING"),
            ("NO CARRIER", "NO CARRIER"),
            ("0791361907002039040B913316325476F8", "a line of 34 characters"),
            ("connect 12345678", "a line of 16 characters"),
            ("disconnect", "a line of 10 characters"),
            ("+CMGR: 0,,24", "+CMGR: …"),
            ("+CMGR: 0,,24,0791361907002039", "+CMGR: …"),
            ("+CMGL: 1,\"REC UNREAD\",\"+33612345678\",,\"26/07/14\"", "+CMGL: …"),
            ("+CMT: \"+33612345678\",,\"26/07/14,03:59:58+08\"", "+CMT: …"),
            ("+CUSD: 0,\"Your code is 123456\",15", "+CUSD: …"),
            ("+XMSG: connect 12345678", "+XMSG: …"),
            ("+X: 123456", "+X: …"),
            ("+12345678 is the code", "a line of 21 characters"),
        ] {
            assert_eq!(shown(line), expected, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_code_is_ever_shown(
            before in "[ -~]{0,20}", code in "[0-9]{6}|[0-9]{8}", after in "[ -~]{0,20}"
        ) {
            let shown = shown(&format!("{before}{code}{after}"));
            prop_assert!(!shown.contains(&code), "{}", shown);
        }
    }
}
