//! Counts the rings of a call, and records the caller's number.

use std::time::Duration;

use super::caller_id;

/// Rings further apart than this belong to two calls (mgetty's value; all ring cadences stay below 6 s).
const GAP: Duration = Duration::from_secs(10);
/// The longest ring cadence, with a margin: North America's, 2 s on and 4 s off.
const LONGEST_CADENCE: Duration = Duration::from_millis(6500);
/// Rings closer than this are one: a modem may report each burst of a double ring.
const SAME_RING: Duration = Duration::from_millis(1500);

/// The ringing call, or the last one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Call {
    /// The number of rings.
    pub rings: u32,
    /// The number of the caller, if network and modem report it, and it is beyond doubt that this call is his.
    pub caller: Option<String>,
    /// How it rings, on a line with distinctive rings: the modem's word after `RING`.
    pub ring: Option<String>,
    last: Option<Duration>,
    last_ring: Option<Duration>,
    /// The time between two rings.
    cadence: Option<Duration>,
}

/// The meaning of a modem's line for a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// The first ring of a call.
    NewCall,
    /// Another ring of the same call.
    Ring,
    /// The network sent the caller's number, or that it is withheld.
    Caller,
}

impl Call {
    /// Processes a line from the modem; `None` if it is not about a call.
    pub fn receive(&mut self, line: &str, now: Duration) -> Option<News> {
        if let Some(ring) = Ring::parse(line) {
            return Some(self.ring(&ring, now));
        }
        let caller = caller_id::parse(line)?;
        self.set_caller(caller, now);
        Some(News::Caller)
    }

    /// The last ring, in a modem's words.
    pub fn shown_ring(&self) -> String {
        self.ring.as_deref().map_or_else(|| "RING".to_owned(), |kind| format!("RING {kind}"))
    }

    fn set_caller(&mut self, caller: Option<String>, now: Duration) {
        self.renew(now);
        // A call has one number: the other one has given up, and this one rings.
        if self.caller.is_some() && self.caller != caller {
            *self = Self {
                rings: self.rings.min(1),
                last: self.last,
                last_ring: self.last_ring,
                ..Self::default()
            };
        }
        self.caller = caller;
    }

    fn ring(&mut self, ring: &Ring<'_>, now: Duration) -> News {
        self.renew(now);
        if let Some(gap) = self.last_ring.map(|last| now.saturating_sub(last)).filter(|gap| *gap >= SAME_RING)
        {
            if !self.continues_after(gap) {
                // Perhaps another caller, who rings before this line knows that the first one gave up.
                self.caller = None;
            }
            self.cadence.get_or_insert(gap);
        }
        self.last_ring = Some(now);
        self.ring = ring.kind.map(str::to_owned);
        if let Some(number) = ring.number {
            self.set_caller(caller_id::number(number), now);
        }
        self.rings += 1;
        if self.rings == 1 { News::NewCall } else { News::Ring }
    }

    /// Whether a ring after this time fits the rings before. An exchange rings in one cadence; modems report it a
    /// little early or late.
    fn continues_after(&self, gap: Duration) -> bool {
        let margin = Duration::from_millis(500);
        self.cadence.map_or(gap <= LONGEST_CADENCE, |cadence| {
            gap <= cadence.mul_f32(1.3) + margin && gap + margin >= cadence.mul_f32(0.7)
        })
    }

    /// After a gap it is a new call.
    fn renew(&mut self, now: Duration) {
        if self.last.is_some_and(|last| now > last + GAP) {
            *self = Self::default();
        }
        self.last = Some(now);
    }
}

/// A line by which a modem reports a ring.
#[derive(Debug, PartialEq, Eq)]
struct Ring<'a> {
    kind: Option<&'a str>,
    number: Option<&'a str>,
}

impl<'a> Ring<'a> {
    /// `RING` (V.250 §6.3.4), `2` (V0), `+CRING: VOICE` (TS 27.007 §6.11), `RING A` and `RING 1` for distinctive rings
    /// (U.S. Robotics' `S41`, Rockwell's `-SDR`), and ELSA's `RING;0123456789;22` with the caller's number and the called
    /// one. Terminal adapters of ISDN add a number in other ways, and do not say whose it is.
    fn parse(line: &'a str) -> Option<Self> {
        if line == "2" {
            return Some(Self { kind: None, number: None });
        }
        if let Some(kind) = line.strip_prefix("+CRING:") {
            return Some(Self { kind: Some(kind.trim()), number: None });
        }
        let rest = line.strip_prefix("RING")?;
        if let Some(numbers) = rest.strip_prefix(';') {
            return Some(Self { kind: None, number: numbers.split(';').next().map(str::trim) });
        }
        let kind = rest.trim_start_matches([' ', '\t', '/', ':', ',']);
        let is_word = kind.len() <= 20 && kind.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let separate =
            kind.len() < rest.len() || !rest.starts_with(|first: char| first.is_ascii_alphabetic());
        (is_word && separate)
            .then_some(Self { kind: Some(kind).filter(|kind| !kind.is_empty()), number: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(100_000 + milliseconds)
    }

    #[test]
    fn rings_are_counted_until_a_gap() {
        let mut call = Call::default();
        let table = [
            (0, "RING", Some(News::NewCall), 1),
            (5, "RING", Some(News::Ring), 2),
            (15, "RING", Some(News::Ring), 3),
            (26, "RING", Some(News::NewCall), 1),
            (27, "OK", None, 1),
            (40, "+CRING: VOICE", Some(News::NewCall), 1),
        ];
        for (second, line, news, rings) in table {
            assert_eq!(call.receive(line, at(second * 1000)), news, "{second} {line}");
            assert_eq!(call.rings, rings, "{second} {line}");
        }
    }

    #[test]
    fn every_modems_word_for_a_ring_is_understood() {
        for (line, kind, number) in [
            ("RING", None, None),
            ("2", None, None),
            ("RING 1", Some("1"), None),
            ("RING A", Some("A"), None),
            ("RING  B", Some("B"), None),
            ("+CRING: VOICE", Some("VOICE"), None),
            ("RING;0123456789", None, Some("0123456789")),
            ("RING;0123456789;22", None, Some("0123456789")),
            ("RING;;22", None, Some("")),
            ("RING 0123456789", Some("0123456789"), None),
            ("RING/0123456789", Some("0123456789"), None),
            ("RING: 1", Some("1"), None),
            ("RING1", Some("1"), None),
            ("RING,", None, None),
        ] {
            assert_eq!(Ring::parse(line), Some(Ring { kind, number }), "{line}");
        }
        for line in ["RINGING", "RINGBACK", "RING the operator", "BORING", "22", ""] {
            assert_eq!(Ring::parse(line), None, "{line}");
        }
        let mut call = Call::default();
        call.receive("RING;+33123", at(0));
        call.receive("RING A", at(5000));
        assert_eq!(
            (call.caller.as_deref(), call.ring.as_deref(), call.rings),
            (Some("+33123"), Some("A"), 2)
        );
    }

    #[test]
    fn a_withheld_or_unknown_number_is_no_number() {
        for told in ["NMBR = P", "NMBR = O", "RING;P"] {
            let mut call = Call::default();
            call.receive(told, at(0));
            assert_eq!(call.caller, None, "{told}");
        }
    }

    #[test]
    fn a_callers_number_belongs_to_one_call() {
        let mut call = Call::default();
        call.receive("RING", at(0));
        assert_eq!(call.receive("NMBR = 0123456789", at(1000)), Some(News::Caller));
        assert_eq!(call.caller.as_deref(), Some("0123456789"));
        assert_eq!(call.receive("DATE = 1122", at(1000)), None);
        call.receive("RING", at(5000));
        assert_eq!((call.rings, call.caller.is_some()), (2, true));
        call.receive("RING", at(100_000));
        assert_eq!((call.rings, call.caller.is_some()), (1, false));
    }

    /// A listed caller gives up, and another one rings before ten seconds have passed.
    #[test]
    fn a_ring_out_of_the_cadence_may_be_another_callers() {
        // (rings before, the next one, whether the number still counts), in milliseconds.
        let table: [(&[u64], u64, bool); 9] = [
            (&[0], 6000, true),             // North America
            (&[0], 5000, true),             // Germany
            (&[0], 9000, false),            // no cadence is as long
            (&[0, 5000], 10_100, true),     // as before
            (&[0, 5000], 11_500, true),     // a modem that reports late
            (&[0, 5000], 13_000, false),    // another caller
            (&[0, 5000], 7000, false),      // another caller, too
            (&[0, 600], 3000, true),        // Britain's double ring, each burst reported
            (&[0, 3000, 6000], 9000, true), // Britain
        ];
        for (before, next, counts) in table {
            let mut call = Call::default();
            call.receive("RING", at(before[0]));
            call.receive("NMBR = 0555", at(before[0] + 300));
            for ring in &before[1..] {
                call.receive("RING", at(*ring));
            }
            call.receive("RING", at(next));
            assert_eq!(call.caller.is_some(), counts, "{before:?} {next}");
        }
    }

    #[test]
    fn another_number_is_another_call() {
        let mut call = Call::default();
        call.receive("RING", at(0));
        call.receive("NMBR = 0555", at(300));
        call.receive("RING", at(5000));
        call.receive("RING", at(10_000));
        call.receive("NMBR = 0666", at(10_300));
        assert_eq!((call.rings, call.caller.as_deref()), (1, Some("0666")));
        call.receive("NMBR = P", at(10_400));
        assert_eq!((call.rings, call.caller.as_deref()), (1, None));
    }
}
