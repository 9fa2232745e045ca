//! The ledger of boots: when the box started, and why it had stopped.

use std::{fmt, io};

use super::Store;

/// The number of boots in the ledger: a year of daily reboots, in 20 kB.
const REMEMBERED: usize = 366;

/// Why the box stopped before a boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// No cause was stored: power cut, hardware watchdog, kernel panic, or the very first boot.
    Unknown,
    /// The daily reboot of the site.
    Daily,
    /// A service made no progress.
    Stuck(String),
    /// The modem could not be recovered by any other means.
    Modem,
    /// No process could be started.
    NoProcess,
    /// Programs could not read the root, although the card was healed.
    RootDamaged,
    /// A user or another program requested it.
    Requested,
}

impl Cause {
    /// Parses the output of [`Display`](fmt::Display); anything else is unknown.
    pub fn parse(text: &str) -> Self {
        match text.trim().split_once(' ') {
            Some(("stuck", service)) => Self::Stuck(service.to_owned()),
            _ => match text.trim() {
                "daily" => Self::Daily,
                "modem" => Self::Modem,
                "no process could be started" => Self::NoProcess,
                "root-damaged" => Self::RootDamaged,
                "requested" => Self::Requested,
                _ => Self::Unknown,
            },
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("power cut or unknown"),
            Self::Daily => f.write_str("daily"),
            Self::Stuck(service) => write!(f, "stuck {service}"),
            Self::Modem => f.write_str("modem"),
            Self::NoProcess => f.write_str("no process could be started"),
            Self::RootDamaged => f.write_str("root-damaged"),
            Self::Requested => f.write_str("requested"),
        }
    }
}

/// One boot of the box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boot {
    /// Counted from 1 since the state partition was formatted.
    pub number: u64,
    /// When it booted, in seconds since 1970, as far as the clock was known.
    pub at: i64,
    /// Why the box had stopped before.
    pub cause: Cause,
    /// What `init` did otherwise than usual, as text; empty if nothing.
    pub remedies: String,
}

/// The boots in the ledger, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    boots: Vec<Boot>,
}

impl Ledger {
    /// Its file in the [store](super::Store).
    pub const FILE: &'static str = "ledger";
    /// The file with the cause of the next boot, written just before a reboot.
    pub const CAUSE_FILE: &'static str = "cause";

    /// Reads a ledger; invalid lines are left out.
    pub fn parse(text: &str) -> Self {
        let boots = text.lines().filter_map(Boot::parse).collect();
        Self { boots }
    }

    /// Adds this boot, with the stored cause, to the ledger of a store. If that cannot be written, the boot is known all the
    /// same.
    pub fn enter_boot(store: &Store, at: i64, remedies: Option<&str>) -> (Boot, io::Result<()>) {
        let cause = store.read(Self::CAUSE_FILE);
        let cause = cause.map_or(Cause::Unknown, |text| Cause::parse(&text));
        let mut ledger = Self::load(store);
        let boot = ledger.record(at, cause, remedies.unwrap_or_default()).clone();
        let entered = store.replace(Self::FILE, &ledger.to_string());
        (boot, entered.and_then(|()| store.clear(Self::CAUSE_FILE)))
    }

    /// The ledger of a store; an empty one if there is none.
    pub fn load(store: &Store) -> Self {
        Self::parse(&store.read(Self::FILE).unwrap_or_default())
    }

    /// Stores why the box is about to stop, unless a cause is stored already.
    pub fn note_cause(store: &Store, cause: &Cause) -> io::Result<()> {
        match store.read(Self::CAUSE_FILE) {
            Some(_) => Ok(()),
            None => store.replace(Self::CAUSE_FILE, &format!("{cause}\n")),
        }
    }

    /// Adds a boot and drops the oldest if there are too many.
    pub fn record(&mut self, at: i64, cause: Cause, remedies: &str) -> &Boot {
        let number = self.boots.last().map_or(0, |boot| boot.number) + 1;
        let surplus = (self.boots.len() + 1).saturating_sub(REMEMBERED);
        self.boots.drain(..surplus);
        self.boots.push_mut(Boot { number, at, cause, remedies: remedies.to_owned() })
    }

    /// The boots, oldest first.
    pub fn boots(&self) -> &[Boot] {
        &self.boots
    }

    /// How many consecutive boots, up to the last one, followed a stuck service or a root that could not be read.
    pub fn failed_in_a_row(&self) -> usize {
        let newest_first = self.boots.iter().rev();
        newest_first.take_while(|boot| matches!(boot.cause, Cause::Stuck(_) | Cause::RootDamaged)).count()
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.boots.iter().try_for_each(|boot| writeln!(f, "{boot}"))
    }
}

impl Boot {
    /// Between the cause and the remedies; no cause contains it.
    const SEPARATOR: &str = "; ";

    fn parse(line: &str) -> Option<Self> {
        let (number, rest) = line.split_once(' ')?;
        let (at, cause) = rest.split_once(' ')?;
        let (cause, remedies) = cause.split_once(Self::SEPARATOR).unwrap_or((cause, ""));
        let (number, at) = (number.parse().ok()?, at.parse().ok()?);
        Some(Self { number, at, cause: Cause::parse(cause), remedies: remedies.to_owned() })
    }
}

impl fmt::Display for Boot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.number, self.at, self.cause)?;
        if self.remedies.is_empty() { Ok(()) } else { write!(f, "{}{}", Self::SEPARATOR, self.remedies) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boots_are_numbered_and_say_why() {
        let mut ledger = Ledger::default();
        ledger.record(100, Cause::Unknown, "");
        ledger.record(200, Cause::Daily, "");
        ledger.record(300, Cause::Stuck("sms-dialer".into()), "");
        ledger.record(400, Cause::Requested, "");
        ledger.record(500, Cause::Modem, "");
        ledger.record(600, Cause::NoProcess, "");
        ledger.record(650, Cause::RootDamaged, "");
        ledger.record(700, Cause::Unknown, "after 3 failed boots: root B first");
        let text = ledger.to_string();
        insta::assert_snapshot!(text, @r"
        1 100 power cut or unknown
        2 200 daily
        3 300 stuck sms-dialer
        4 400 requested
        5 500 modem
        6 600 no process could be started
        7 650 root-damaged
        8 700 power cut or unknown; after 3 failed boots: root B first
        ");
        assert_eq!(Ledger::parse(&text), ledger);
    }

    #[test]
    fn the_first_stored_cause_counts_and_only_once() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        let first = Ledger::enter_boot(&store, 100, None).0;
        assert_eq!((first.number, first.cause), (1, Cause::Unknown));
        Ledger::note_cause(&store, &Cause::Stuck("dial-in".into())).unwrap();
        Ledger::note_cause(&store, &Cause::Requested).unwrap();
        let second = Ledger::enter_boot(&store, 200, None).0;
        assert_eq!((second.number, second.cause), (2, Cause::Stuck("dial-in".into())));
        let third = Ledger::enter_boot(&store, 300, None).0;
        assert_eq!(third.cause, Cause::Unknown);
    }

    #[test]
    fn the_ledger_never_grows_beyond_a_year_and_keeps_counting() {
        let mut ledger = Ledger::default();
        for day in 0..1000 {
            ledger.record(day * 86_400, Cause::Daily, "");
        }
        assert_eq!(ledger.boots().len(), REMEMBERED);
        assert_eq!(ledger.boots().last().unwrap().number, 1000);
        assert!(ledger.to_string().len() < 20_000);
    }

    #[test]
    fn a_damaged_line_is_skipped() {
        let ledger = Ledger::parse("1 100 daily\n\0\0\0\n3 30");
        assert_eq!(ledger.boots().len(), 1);
    }

    #[test]
    fn only_consecutive_failed_boots_count() {
        let row = |causes: &[&str]| {
            let mut ledger = Ledger::default();
            for cause in causes {
                ledger.record(0, Cause::parse(cause), "");
            }
            ledger.failed_in_a_row()
        };
        assert_eq!(row(&[]), 0);
        assert_eq!(row(&["stuck a", "daily"]), 0);
        assert_eq!(row(&["stuck a", "daily", "stuck a", "root-damaged", "stuck b"]), 3);
    }
}
