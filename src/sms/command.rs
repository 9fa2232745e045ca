//! Parses a text message: one command, and the code that authenticates the sender.

use std::fmt;
use std::time::Duration;

use super::code::Code;
use super::set::{self, Wanted};
use crate::site::{Level, LineName, TimeSpan};

/// A command with its code.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// The command.
    pub command: Command,
    /// The one-time code, not checked yet.
    pub code: Option<Code>,
}

/// A command for the box.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Open the link, for this long or as long as the site allows; an open link stays up at least this long from now.
    Connect(Option<Duration>),
    /// Close the link.
    Disconnect,
    /// Let the link stay up this much longer, or as long as the site allows from now.
    Extend(Option<Duration>),
    /// Report the status of the box.
    Status,
    /// Restart the box.
    Reboot,
    /// List the commands.
    Help,
    /// Try other values of the site. They take the space of all other commands many times over.
    Set(Box<Wanted>),
    /// Keep the values that are on trial.
    Confirm,
    /// Switch an output.
    Switch(Switch),
    /// Report the level of a line, or of all.
    Get(Option<LineName>),
}

/// An output and its new level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switch {
    /// Its name.
    pub name: LineName,
    /// The level.
    pub level: Level,
    /// After this time it gets the other one.
    pub time: Option<Duration>,
}

/// `router off 10s`
impl fmt::Display for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.level)?;
        self.time.map_or(Ok(()), |time| write!(f, " {}", TimeSpan::whole(time)))
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, time) = match self {
            Self::Connect(time) => ("connect", *time),
            Self::Disconnect => ("disconnect", None),
            Self::Extend(time) => ("extend", *time),
            Self::Status => ("status", None),
            Self::Reboot => ("reboot", None),
            Self::Help => ("help", None),
            Self::Confirm => ("confirm", None),
            Self::Set(wanted) => return wanted.fmt(f),
            Self::Switch(switch) => return write!(f, "set {switch}"),
            Self::Get(Some(name)) => return write!(f, "get {name}"),
            Self::Get(None) => ("get", None),
        };
        f.write_str(word)?;
        time.map_or(Ok(()), |time| write!(f, " {}", TimeSpan::whole(time)))
    }
}

/// Why a text is not an order. It does not quote the text, which may contain a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAnOrder {
    /// No word except perhaps a code.
    Empty,
    /// It does not start with a command.
    NoCommand,
    /// The word after the command is not a duration, or a very long one.
    Duration,
    /// There is a surplus word.
    Surplus,
    /// The word after `get` is no name of a line.
    Line,
    /// More than one code.
    TwoCodes,
}

impl Order {
    /// Parses the text of a message: `connect`, `disconnect`, `extend`, `status`, `reboot`, `confirm` or `help` in any
    /// case, with a duration after the first and the third, and a code of 6 or 8 digits anywhere, usually last; `get`
    /// with or without a line, `set` with a line, its level and perhaps a duration; or [`set`] of values.
    ///
    /// A duration is a [`TimeSpan`], or a number of minutes; one of six digits would be a code.
    /// At the end the code may be in two halves, `1234 5678`, as apps show it. A full stop or comma after a word is
    /// ignored: telephones add them.
    ///
    /// # Errors
    /// The text is anything else.
    pub fn parse(text: &str) -> Result<Self, NotAnOrder> {
        let lower = text.to_lowercase();
        let words: Vec<&str> =
            lower.split_whitespace().map(|word| word.trim_end_matches(['.', ','])).collect();
        if set::is_set(text) && !is_switch(&words) {
            let (wanted, code) = set::parse(text);
            return Ok(Self { command: Command::Set(Box::new(wanted)), code });
        }
        let (words, code) = split_code(&words)?;
        let command = match words.as_slice() {
            [] => return Err(NotAnOrder::Empty),
            ["connect"] => Command::Connect(None),
            ["connect", time] => Command::Connect(Some(duration(time)?)),
            ["disconnect"] => Command::Disconnect,
            ["extend"] => Command::Extend(None),
            ["extend", time] => Command::Extend(Some(duration(time)?)),
            ["status"] => Command::Status,
            ["reboot"] => Command::Reboot,
            ["help"] => Command::Help,
            ["confirm"] => Command::Confirm,
            ["set", name, level] => Command::Switch(switch(name, level, None)?),
            ["set", name, level, time] => Command::Switch(switch(name, level, Some(duration(time)?))?),
            ["get"] => Command::Get(None),
            ["get", name] => Command::Get(Some(name.parse().map_err(|_| NotAnOrder::Line)?)),
            [
                "set" | "get" | "connect" | "disconnect" | "extend" | "status" | "reboot" | "help"
                | "confirm",
                ..,
            ] => {
                return Err(NotAnOrder::Surplus);
            }
            _ => return Err(NotAnOrder::NoCommand),
        };
        Ok(Self { command, code })
    }
}

/// Whether a level follows a name that is no key of the site, which no line has.
fn is_switch(words: &[&str]) -> bool {
    matches!(words, ["set", name, level, ..] if name.parse::<LineName>().is_ok() && Level::parse(level).is_some())
}

fn switch(name: &str, level: &str, time: Option<Duration>) -> Result<Switch, NotAnOrder> {
    let (name, level) = name.parse().ok().zip(Level::parse(level)).ok_or(NotAnOrder::Line)?;
    Ok(Switch { name, level, time })
}

/// Removes the code from the words.
fn split_code<'a>(words: &[&'a str]) -> Result<(Vec<&'a str>, Option<Code>), NotAnOrder> {
    let of_digits = |word: &&str| word.bytes().all(|byte| byte.is_ascii_digit());
    if let [before @ .., first, second] = words
        && [first, second].into_iter().all(of_digits)
        && matches!((first.len(), second.len()), (3, 3) | (4, 4))
        && !before.is_empty()
    {
        return Ok((before.to_vec(), Code::parse(&format!("{first}{second}"))));
    }
    let mut codes = words.iter().filter_map(|word| Code::parse(word));
    let code = codes.next();
    if codes.next().is_some() {
        return Err(NotAnOrder::TwoCodes);
    }
    Ok((words.iter().copied().filter(|word| Code::parse(word).is_none()).collect(), code))
}

/// `2h`, or a number of minutes.
fn duration(text: &str) -> Result<Duration, NotAnOrder> {
    let minutes = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| format!("{text}m"));
    let span: Result<TimeSpan, _> = minutes.as_deref().unwrap_or(text).parse();
    span.map(TimeSpan::get).map_err(|_| NotAnOrder::Duration)
}

impl fmt::Display for NotAnOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "no command in it",
            Self::NoCommand => "it does not begin with a command",
            Self::Duration => "what follows the command is not a duration",
            Self::Surplus => "something follows that does not belong there",
            Self::Line => "what follows get is not the name of a line",
            Self::TwoCodes => "more than one code",
        })
    }
}

impl std::error::Error for NotAnOrder {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn minutes(minutes: u64) -> Option<Duration> {
        Some(Duration::from_secs(minutes * 60))
    }

    fn switched(name: &str, level: Level, seconds: Option<u64>) -> Command {
        let time = seconds.map(Duration::from_secs);
        Command::Switch(Switch { name: name.parse().unwrap(), level, time })
    }

    /// A key of the site is no line's name, so its value may be any word.
    #[test]
    fn a_value_of_the_site_is_set_even_if_it_reads_like_a_level() {
        for text in ["set apn on 12345678", "set user on password off 12345678", "set 12345678", "set router"]
        {
            assert!(matches!(Order::parse(text).unwrap().command, Command::Set(_)), "{text}");
        }
    }

    #[test]
    fn an_order_is_one_command_with_a_code_anywhere() {
        for (text, command, code) in [
            ("connect", Command::Connect(None), None),
            ("connect 12345678", Command::Connect(None), Some("12345678")),
            ("Connect 2h 12345678", Command::Connect(minutes(120)), Some("12345678")),
            ("12345678 connect 30m", Command::Connect(minutes(30)), Some("12345678")),
            ("  CONNECT\n90\t123456  ", Command::Connect(minutes(90)), Some("123456")),
            ("connect 1h30m", Command::Connect(minutes(90)), None),
            ("connect 1234 5678", Command::Connect(None), Some("12345678")),
            ("connect 90 1234 5678", Command::Connect(minutes(90)), Some("12345678")),
            ("status 123 456", Command::Status, Some("123456")),
            ("Disconnect. 12345678.", Command::Disconnect, Some("12345678")),
            ("extend 168h 00000000", Command::Extend(minutes(168 * 60)), Some("00000000")),
            ("extend", Command::Extend(None), None),
            ("reboot 12345678", Command::Reboot, Some("12345678")),
            ("help", Command::Help, None),
            ("Confirm 12345678", Command::Confirm, Some("12345678")),
            ("set router on 12345678", switched("router", Level::On, None), Some("12345678")),
            ("Set Router OFF 10s. 1234 5678", switched("router", Level::Off, Some(10)), Some("12345678")),
            ("set relay-2 off 2 123456", switched("relay-2", Level::Off, Some(120)), Some("123456")),
            ("get router 12345678", Command::Get("router".parse().ok()), Some("12345678")),
            ("Get 12345678", Command::Get(None), Some("12345678")),
        ] {
            let code = code.and_then(Code::parse);
            assert_eq!(Order::parse(text), Ok(Order { command, code }), "{text:?}");
        }
    }

    #[test]
    fn any_other_text_is_not_an_order() {
        for (text, why) in [
            ("", NotAnOrder::Empty),
            ("12345678", NotAnOrder::Empty),
            ("1234 5678", NotAnOrder::NoCommand),
            ("please connect", NotAnOrder::NoCommand),
            ("connectt 12345678", NotAnOrder::NoCommand),
            ("connect 2h 2h", NotAnOrder::Surplus),
            ("status 2h", NotAnOrder::Surplus),
            ("confirm 2h", NotAnOrder::Surplus),
            ("set router off 10s 10s", NotAnOrder::Surplus),
            ("set router on now", NotAnOrder::Duration),
            ("get a b", NotAnOrder::Surplus),
            ("get 1-router", NotAnOrder::Line),
            ("connect now", NotAnOrder::Duration),
            ("connect h", NotAnOrder::Duration),
            ("connect ２h", NotAnOrder::Duration), // digits of another script
            ("connect -2h", NotAnOrder::Duration),
            ("connect 0", NotAnOrder::Duration),
            ("connect 99999", NotAnOrder::Duration),
            ("connect 4294967295h", NotAnOrder::Duration),
            ("connect 12345678 87654321", NotAnOrder::TwoCodes),
        ] {
            assert_eq!(Order::parse(text), Err(why), "{text:?}");
        }
    }

    #[test]
    fn debug_shows_no_code() {
        let order = Order::parse("connect 2h 12345678").unwrap();
        assert!(!format!("{order:?}").contains("1234"));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in any::<String>()) {
            let _ = Order::parse(&text);
        }

        #[test]
        fn no_numbers_make_the_parser_panic(text in "(connect|extend)( [0-9hm]{0,24}){0,3}") {
            if let Ok(Order { command: Command::Connect(Some(time)) | Command::Extend(Some(time)), .. }) =
                Order::parse(&text)
            {
                prop_assert!(!time.is_zero());
            }
        }
    }
}
