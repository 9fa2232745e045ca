//! The demo's input.

use dialbox::sms::command::Order;
use std::io::{BufRead, IsTerminal, stdin};
use std::sync::mpsc::{Receiver, TryRecvError, channel};

/// The help text.
pub const HELP: &str = "\
Type a text message to the dialer and press Enter. The telephone adds the code
of its app, unless you type one:
  status | connect | connect 30m | extend | disconnect | reboot | help
  set endpoint 203.0.113.9:51820    a value of the site on trial | confirm
  connect 12345678           with a code of your own, which is wrong
  as +33699999999 connect    from another number
There is more:
  look                       the VPN's far side pings a host on the LAN,
                             reads its page, and talks to a serial port
  drop                       the network drops the call; pppd finds out in time
  ?                          this help again
  quit                       or Ctrl-C; nothing is left behind";

/// A command of the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Send this text unchanged.
    Text(String),
    /// Send this text with the next code.
    Order(String),
    /// Send this text from another number.
    TextAs(String, String),
    /// Drop the call.
    Drop,
    /// Show what the far side of the VPN reaches behind the dialer.
    Look,
    /// Show the help text.
    Help,
    /// Quit.
    Leave,
}

impl Wish {
    fn of(line: &str) -> Option<Self> {
        let line = line.trim();
        match line.split_once(' ') {
            _ if line.is_empty() => None,
            _ if line == "quit" || line == "exit" => Some(Self::Leave),
            _ if line == "drop" => Some(Self::Drop),
            _ if line == "look" => Some(Self::Look),
            _ if line == "?" => Some(Self::Help),
            Some(("as", rest)) => rest
                .trim()
                .split_once(' ')
                .map(|(from, text)| Self::TextAs(from.to_owned(), text.trim().to_owned())),
            _ => Some(match Order::parse(line) {
                Ok(order) if order.code.is_none() => Self::Order(line.to_owned()),
                _ => Self::Text(line.to_owned()),
            }),
        }
    }
}

/// The lines of standard input, read by a thread.
pub struct Prompt {
    lines: Receiver<String>,
    script: bool,
}

impl Prompt {
    /// Starts reading.
    pub fn new() -> Self {
        let (sender, lines) = channel();
        let script = !stdin().is_terminal();
        std::thread::spawn(move || {
            for line in stdin().lock().lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { lines, script }
    }

    /// Whether the input is a script, in which each line waits for the answer to the one before.
    pub fn is_script(&self) -> bool {
        self.script
    }

    /// The next command, if there is one. The end of the input means to quit.
    pub fn next(&self) -> Option<Wish> {
        match self.lines.try_recv() {
            Ok(line) => Wish::of(&line),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Wish::Leave),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_fits_into_eighty_columns() {
        assert!(HELP.lines().all(|line| line.chars().count() < 80));
    }

    #[test]
    fn input_that_is_no_command_is_sent_as_text() {
        let text = |text: &str| Some(Wish::Text(text.to_owned()));
        let order = |text: &str| Some(Wish::Order(text.to_owned()));
        for (line, wish) in [
            ("", None),
            ("status\n", order("status")),
            ("  connect 2h ", order("connect 2h")),
            ("connect 12345678", text("connect 12345678")),
            ("hello there", text("hello there")),
            ("as +331 connect 1h", Some(Wish::TextAs("+331".to_owned(), "connect 1h".to_owned()))),
            ("as", text("as")),
            ("drop", Some(Wish::Drop)),
            ("look", Some(Wish::Look)),
            ("quit", Some(Wish::Leave)),
        ] {
            assert_eq!(Wish::of(line), wish, "{line:?}");
        }
    }
}
