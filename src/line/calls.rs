//! The ledger of calls: caller, time, duration, bytes, and cause of the end.

use std::fmt;
use std::io;
use std::time::Duration;

use super::Connected;
use crate::clock::Utc;
use crate::ppp::Exit;
use crate::record::Record;
use crate::site::{DataSize, Offer};
use crate::state::Store;

/// The number of calls in the ledger: some 40 kB, written once a call.
const REMEMBERED: usize = 250;
/// Its file in the [store](Store).
const FILE: &str = "calls";

/// An answered call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallEntry {
    /// When it was connected or lost, in seconds since 1970, as far as the clock was known.
    pub at: i64,
    /// The line, counted from 1.
    pub line: usize,
    /// The caller's number, if the network sent it.
    pub caller: Option<String>,
    /// The modem's text after `CONNECT`.
    pub speed: Option<String>,
    /// The user that was authenticated, if any.
    pub user: Option<String>,
    /// What the caller got, if not PPP.
    pub offer: Option<String>,
    /// How long the caller was connected.
    pub seconds: u64,
    /// Bytes from the caller and to it, if IP was up.
    pub bytes: Option<(u64, u64)>,
    /// The cause of its end.
    pub why: String,
}

/// The calls in the ledger, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calls(Vec<CallEntry>);

impl Calls {
    /// The ledger of a store; empty if the store has none.
    pub fn load(store: &Store) -> Self {
        let text = store.read(FILE).unwrap_or_default();
        Self(text.lines().filter_map(CallEntry::parse).collect())
    }

    /// Adds a call to the ledger of a store; drops the oldest if there are too many.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn enter(store: &Store, call: CallEntry) -> io::Result<()> {
        let Self(mut calls) = Self::load(store);
        calls.push(call);
        let surplus = calls.len().saturating_sub(REMEMBERED);
        let text: String = calls.iter().skip(surplus).map(CallEntry::line).collect();
        store.replace(FILE, &text)
    }
}

/// A table as text, the newest call last.
impl fmt::Display for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|call| writeln!(f, "{call}"))
    }
}

impl fmt::Display for CallEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let (minutes, seconds) = (self.seconds / 60, self.seconds % 60);
        write!(
            f,
            "{}  line {}  {:<14} {:<10} ",
            Utc(self.at),
            self.line,
            or_dash(&self.caller),
            or_dash(&self.user)
        )?;
        write!(f, "{minutes:>4}:{seconds:02}  ")?;
        if let Some((received, sent)) = self.bytes {
            let [received, sent] = [received, sent].map(DataSize::from_bytes);
            write!(f, "{received} in, {sent} out  ")?;
        }
        if let Some(speed) = &self.speed {
            write!(f, "at {speed}  ")?;
        }
        if let Some(offer) = &self.offer {
            write!(f, "{offer}  ")?;
        }
        f.write_str(&self.why)
    }
}

impl CallEntry {
    /// A call on this line that ends now; both clocks are used.
    pub fn of(line: usize, connected: Connected, now: Duration, unix: i64, why: String) -> Self {
        let seconds = now.saturating_sub(connected.since).as_secs();
        Self {
            at: unix.saturating_sub_unsigned(seconds),
            line,
            caller: connected.caller,
            speed: connected.speed,
            user: connected.user.map(|user| user.as_str().to_owned()),
            offer: Some(connected.offer).filter(|offer| *offer != Offer::Ppp).map(|offer| offer.to_string()),
            seconds,
            bytes: None,
            why,
        }
    }

    /// One line: fields of a [`Record`], whose values hold no control characters, between tabs.
    fn line(&self) -> String {
        let record = Record::new()
            .with("at", self.at)
            .with("line", self.line)
            .with_known("caller", self.caller.as_ref())
            .with_known("speed", self.speed.as_ref())
            .with_known("user", self.user.as_ref())
            .with_known("gets", self.offer.as_ref())
            .with("seconds", self.seconds)
            .with_known("received", self.bytes.map(|(received, _)| received))
            .with_known("sent", self.bytes.map(|(_, sent)| sent))
            .with("why", &self.why);
        let fields: Vec<_> = record.iter().map(|(key, value)| format!("{key}={value}")).collect();
        format!("{}\n", fields.join("\t"))
    }

    /// Reads a line; `None` for one that is damaged.
    fn parse(line: &str) -> Option<Self> {
        let record = Record::parse(&line.replace('\t', "\n"));
        let text = |key| record.get(key).map(str::to_owned);
        Some(Self {
            at: record.get("at")?.parse().ok()?,
            line: record.get("line")?.parse().ok()?,
            caller: text("caller"),
            speed: text("speed"),
            user: text("user"),
            offer: text("gets"),
            seconds: record.number("seconds")?,
            bytes: record.number("received").zip(record.number("sent")),
            why: text("why")?,
        })
    }
}

/// The cause of a call's end, from pppd's exit.
pub fn why(exit: &Exit) -> String {
    let words = match exit {
        Exit::Peer => "the caller closed the link",
        Exit::HungUp => "the caller hung up",
        Exit::PeerDead => "the caller no longer answered",
        Exit::NoAgreement => "the caller did not speak PPP",
        // pppd(8), EXIT STATUS, 11: the peer has failed to authenticate itself.
        Exit::AuthRefused | Exit::Broken(11) => "name or password wrong",
        Exit::OwnLimit => "the site's limit for idle or long calls",
        Exit::Told => "hung up here",
        Exit::Unseen => "not known: the service restarted during the call",
        Exit::Loopback => "the line is looped back",
        Exit::Broken(_)
        | Exit::NoKernelPpp
        | Exit::Locked
        | Exit::NoPort
        | Exit::DialFailure
        | Exit::AuthUnanswered
        | Exit::AuthUnexplained
        | Exit::Killed(_)
        | Exit::NotStarted(_) => return exit.to_string(),
    };
    words.to_owned()
}

/// The same for a process in the place of pppd that has left no reason in its note.
pub fn why_of_another(exit: &Exit) -> String {
    match exit {
        Exit::Killed(libc::SIGTERM) => why(&Exit::Told),
        Exit::Unseen => why(exit),
        Exit::Killed(signal) => format!("signal {signal} has ended it"),
        _ => "it could not begin".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(line: usize) -> CallEntry {
        CallEntry {
            at: 1_784_001_598,
            line,
            caller: Some("0123456789".to_owned()),
            speed: Some("33600/ARQ/V34".to_owned()),
            user: Some("caller".to_owned()),
            offer: None,
            seconds: 754,
            bytes: Some((12_345, 2_345_678)),
            why: why(&Exit::HungUp),
        }
    }

    #[test]
    fn the_table_has_one_line_a_call() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        let refused =
            CallEntry { why: why(&Exit::AuthRefused), at: 1_784_002_000, line: 2, ..CallEntry::default() };
        Calls::enter(&store, call(1)).unwrap();
        Calls::enter(&store, refused.clone()).unwrap();
        let calls = Calls::load(&store);
        assert_eq!(calls, Calls(vec![call(1), refused]));
        insta::assert_snapshot!(calls, @"
        2026-07-14 03:59:58 UTC  line 1  0123456789     caller       12:34  12.3kB in, 2.3MB out  at 33600/ARQ/V34  the caller hung up
        2026-07-14 04:06:40 UTC  line 2  -              -             0:00  name or password wrong
        ");
    }

    #[test]
    fn a_call_that_was_ended_here_is_told_from_a_process_that_was_killed() {
        assert_eq!(why_of_another(&Exit::Killed(libc::SIGTERM)), "hung up here");
        assert_eq!(why_of_another(&Exit::Killed(libc::SIGKILL)), "signal 9 has ended it");
    }

    #[test]
    fn the_ledger_has_a_bounded_size() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        for line in 1..=REMEMBERED + 3 {
            Calls::enter(&store, call(line)).unwrap();
        }
        let Calls(calls) = Calls::load(&store);
        assert_eq!((calls.len(), calls[0].line), (REMEMBERED, 4));
        assert!(store.read(FILE).unwrap().len() < 50_000);
    }

    #[test]
    fn a_damaged_line_is_skipped_and_a_number_cannot_forge_a_field() {
        let forged = CallEntry { caller: Some("1\tuser=root\nline=9".to_owned()), ..call(1) };
        let read = CallEntry::parse(&forged.line()).unwrap();
        assert_eq!((read.line, read.user.as_deref()), (1, Some("caller")));
        assert_eq!(CallEntry::parse("at=1\tline="), None);
    }
}
