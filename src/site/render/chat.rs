//! The script of `chat` for the modem, before pppd takes the line.

use super::RenderedFile;
use crate::chat::{ABORTS, REPORTED};
use crate::site::{Apn, Modem, Operator};
use std::fmt::Write;

/// The path of a provider's script for its APN with this number, from 0. No provider's name has a point.
pub(super) fn path(operator: &Operator, apn: usize) -> String {
    match apn {
        0 => format!("/etc/ppp/chat/{}", operator.name),
        _ => format!("/etc/ppp/chat/{}.{}", operator.name, apn + 1),
    }
}

/// One for each APN.
pub(super) fn files(modem: &Modem, operator: &Operator) -> Vec<RenderedFile> {
    let apns = [&operator.apn].into_iter().chain(&operator.other_apns).enumerate();
    apns.map(|(at, apn)| {
        let script = script(modem, operator, apn);
        RenderedFile::config(path(operator, at), &script, "how the modem is made to dial")
    })
    .collect()
}

fn script(modem: &Modem, operator: &Operator, apn: &Apn) -> String {
    let context = format!("AT+CGDCONT=1,\"{}\",\"{apn}\"", operator.ip_type.pdp_type());
    let dial = format!("ATDT{}", operator.number);
    let commands = modem.init.iter().map(|command| command.as_str());
    let mut script = String::new();
    for abort in ABORTS {
        line(&mut script, "ABORT", abort.words);
    }
    line(&mut script, "REPORT", REPORTED);
    let mut expected = "";
    for command in commands.chain([context.as_str(), dial.as_str()]) {
        line(&mut script, expected, command);
        expected = "OK";
    }
    line(&mut script, "CONNECT", "");
    script
}

fn line(script: &mut String, expect: &str, send: &str) {
    // A String takes every write: `fmt::Write` for it has no error.
    let _ = writeln!(script, "{} {}", word(expect), word(send));
}

/// A word for `chat` (chat.c, `do_file`, `clean` and `chat_send`): quotes preserve blanks and commas; `^` and `\` begin
/// an escape and `@` at the start names a file, so these are written in octal. So is `'`, which would end the quotes, and the
/// end of a line.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "+*#=&".contains(c);
    if !text.is_empty() && text.chars().all(plain) && !text.starts_with('#') {
        return text.to_owned();
    }
    let escaped: String = text
        .chars()
        .map(|c| match c {
            '\\' | '\'' | '^' | '\r' | '\n' => format!("\\{:03o}", u32::from(c)),
            c => c.to_string(),
        })
        .collect();
    format!("'{escaped}'")
}
