//! The script of `chat` for the modem, before pppd takes the line.

use super::RenderedFile;
use crate::chat::{ABORTS, REPORTED};
use crate::site::{Modem, Operator};
use std::fmt::Write;

/// The path of a provider's script.
pub(super) fn path(operator: &Operator) -> String {
    format!("/etc/ppp/chat/{}", operator.name)
}

pub(super) fn file(modem: &Modem, operator: &Operator) -> RenderedFile {
    RenderedFile::config(path(operator), &script(modem, operator), "how the modem is made to dial")
}

fn script(modem: &Modem, operator: &Operator) -> String {
    let context = format!("AT+CGDCONT=1,\"{}\",\"{}\"", operator.ip_type.pdp_type(), operator.apn);
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
