//! The commands of a line's `init`: what the box relies on must stay as the box sets it.

use std::fmt;

use super::at::AtCommand;
use super::text::{Invalid, Text};

/// A command line of `init`.
#[derive(Clone, Debug, PartialEq)]
pub struct LineInit(pub AtCommand);

impl Text for LineInit {
    const EXPECTED: &'static str = AtCommand::EXPECTED;

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let command = AtCommand::from_text(text)?;
        check(command.as_str()).map(|()| Self(command))
    }
}

/// A command of a command line (ITU-T V.250 §5.3): `&D2`, `S0=0`, `+MS=V34`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Command<'a> {
    /// Its name in capitals: `&D`, `S0`, `+MS`.
    pub name: String,
    /// The digits, or what follows `=`.
    pub value: &'a str,
}

impl fmt::Display for Command<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, value } = self;
        let is_letter = name.len() == 1 || name.starts_with(['&', '\\', '%', '*', ')']);
        let between = if is_letter || value.is_empty() { "" } else { "=" };
        write!(f, "{name}{between}{value}")
    }
}

/// Commands that the box sends after `init`, with the values that it needs, and why.
const SET_BY_THE_BOX: [(&str, &str, &str); 12] = [
    ("Q", "0", "without result codes the box does not know what the modem does"),
    ("V", "1", "the box reads result codes in words"),
    ("E", "0", "the box sends commands without their echo"),
    ("S0", "0", "the box answers calls itself, after `rings`"),
    ("&C", "1", "DCD must show the end of a call"),
    ("&D", "2", "the box hangs up by DTR"),
    ("S2", "43", "the box leaves a call by +++"),
    ("S3", "13", "the box ends commands by CR"),
    ("S4", "10", "the box reads lines that end with CR LF"),
    ("S5", "8", "it has no use here"),
    ("S12", "50", "the box leaves a call by +++ with one second of silence around it"),
    ("+FCLASS", "0", "the line is for data"),
];

/// Commands that never belong there.
const REFUSED: [(&str, &str); 12] = [
    ("A", "it answers a call, and has no OK"),
    ("D", "it dials, and has no OK"),
    ("O", "it goes back to a call, and has no OK"),
    ("H", "there is no call to end"),
    ("Z", "the box has just reset the modem"),
    ("S6", "the box keeps a secret in it during a call"),
    ("S8", "the box keeps a secret in it during a call"),
    ("&W", "it would write the modem's memory at every call, which wears out"),
    ("&Q0", "in direct mode the modem changes the speed of its serial line"),
    ("\\N1", "in direct mode the modem changes the speed of its serial line"),
    ("+IPR", "the line's `speed` is the serial line's"),
    ("+VCID", "the box asks for the caller's number itself"),
];

/// Checks a command line that begins with `AT`.
fn check(line: &str) -> Result<(), Invalid> {
    for command in commands(line.get(2..).unwrap_or_default())? {
        let shown = command.to_string();
        if let Some((name, why)) = REFUSED.iter().find(|(name, _)| *name == command.name || *name == shown) {
            return refused(name, why);
        }
        let value = if command.value.is_empty() { "0" } else { command.value };
        let set = SET_BY_THE_BOX.iter().find(|(name, needed, _)| *name == command.name && *needed != value);
        if let Some((_, _, why)) = set {
            return refused(&shown, why);
        }
    }
    Ok(())
}

fn refused(command: &str, why: &str) -> Result<(), Invalid> {
    Err(Invalid::new(format!("`{command}` cannot be in `init`: {why}"), format!("remove `{command}`")))
}

/// The commands of a line, without its `AT`. Makers' commands with `&`, `\`, `%`, `*` and `)` are like letters, those
/// with `#`, `-`, `$`, `^` and `_` like `+` up to a semicolon.
fn commands(body: &str) -> Result<Vec<Command<'_>>, Invalid> {
    let mut commands = Vec::new();
    let mut rest = body.trim_start();
    while !rest.is_empty() {
        let (command, after) = first(rest).ok_or_else(|| {
            Invalid::new(
                format!("{rest:?} is not an AT command"),
                "write commands as the modem's manual has them, as in \"AT&K3\" or \"AT+MS=V34\"",
            )
        })?;
        commands.push(command);
        rest = after.trim_start();
    }
    Ok(commands)
}

/// The same, without those in another form: each ends at a semicolon.
pub(super) fn known_commands(body: &str) -> Vec<Command<'_>> {
    let mut commands = Vec::new();
    let mut rest = body.trim_start();
    while !rest.is_empty() {
        let after = match first(rest) {
            Some((command, after)) => {
                commands.push(command);
                after
            }
            None => rest.split_once(';').map_or("", |(_, after)| after),
        };
        rest = after.trim_start();
    }
    commands
}

fn first(text: &str) -> Option<(Command<'_>, &str)> {
    match text.chars().next()? {
        '+' | '#' | '-' | '$' | '^' | '_' => extended(text),
        '&' | '\\' | '%' | '*' | ')' => basic(text, 2),
        'S' | 's' => register(text),
        letter if letter.is_ascii_alphabetic() => basic(text, 1),
        _ => None,
    }
}

/// A letter, perhaps after a mark, and a number.
fn basic(text: &str, marked: usize) -> Option<(Command<'_>, &str)> {
    let (name, rest) = text.split_at_checked(marked)?;
    name.ends_with(|letter: char| letter.is_ascii_alphabetic()).then_some(())?;
    let rest = rest.strip_prefix('=').unwrap_or(rest);
    let (value, rest) = rest.split_at(digits(rest));
    // `D` takes the rest of its line (V.250 §6.3.1).
    let rest = if name.eq_ignore_ascii_case("D") { "" } else { rest };
    Some((Command { name: name.to_ascii_uppercase(), value }, rest))
}

/// `S7=60`, and `S40.2=1` for one bit.
fn register(text: &str) -> Option<(Command<'_>, &str)> {
    let (name, rest) = text.split_once('=')?;
    let number = name.get(1..)?;
    let is_number = number.starts_with(|c: char| c.is_ascii_digit())
        && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let name =
        if number.contains('.') { name.to_owned() } else { format!("S{}", number.parse::<u8>().ok()?) };
    let (value, rest) = rest.split_at(digits(rest));
    is_number.then_some((Command { name: name.to_ascii_uppercase(), value }, rest))
}

fn extended(text: &str) -> Option<(Command<'_>, &str)> {
    let (command, rest) = text.split_once(';').unwrap_or((text, ""));
    let (name, value) = command.split_once('=').unwrap_or((command, ""));
    let name = name.trim_end();
    let is_name = name.len() > 1 && name[1..].bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_name.then_some((Command { name: name.to_ascii_uppercase(), value: value.trim() }, rest))
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_modems_manual_suggests_is_accepted() {
        for line in [
            "AT&F1",
            "AT &F &K3 X4 W2 M0 L0",
            "AT\\N0%C0",
            "AT+MS=V22B,0,2400,2400",
            "AT+MS=10,0,14400,14400;+ES=0,0,0",
            "AT-SDR=7",
            "ATS7=90S10=50S40.2=1",
            "ATQ0 V1 S0=0 &C1 &D2 +FCLASS=0",
            "AT",
        ] {
            assert_eq!(check(line), Ok(()), "{line}");
        }
    }

    #[test]
    fn what_the_box_relies_on_cannot_be_changed() {
        for (line, named) in [
            ("ATQ1", "Q1"),
            ("AT&K3V0", "V0"),
            ("ATV", "V"),
            ("ATE1", "E1"),
            ("ATS0=1", "S0=1"),
            ("ATS00=1", "S0=1"),
            ("at&c0", "&C0"),
            ("AT&D3", "&D3"),
            ("AT &D", "&D"),
            ("ATS2=255", "S2=255"),
            ("ATA", "A"),
            ("ATDT123", "D"),
            ("ATH0", "H"),
            ("ATZ", "Z"),
            ("ATX4O", "O"),
            ("ATS8=3", "S8"),
            ("AT&K3&W", "&W"),
            ("AT\\N1", "\\N1"),
            ("AT+MS=V34;+IPR=9600", "+IPR"),
            ("AT+FCLASS=1", "+FCLASS=1"),
        ] {
            let error = check(line).expect_err(line);
            assert!(
                error.why.starts_with(&format!("`{named}` cannot be in `init`: ")),
                "{line}: {}",
                error.why
            );
        }
    }

    #[test]
    fn what_is_no_command_is_refused() {
        for line in
            ["AT?", "AT&", "AT&1", "ATS=1", "ATS7", "ATS999=1", "AT+=1", "AT1", "AT+MS V=1", "AT\u{20ac}"]
        {
            assert!(check(line).is_err(), "{line}");
        }
    }
}
