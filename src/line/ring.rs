//! Counts the rings of a call, and records the caller's number.

use std::time::Duration;

/// Rings further apart than this belong to two calls (mgetty's value; all ring cadences stay below 6 s).
const GAP: Duration = Duration::from_secs(10);

/// The ringing call, or the last one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Call {
    /// The number of rings.
    pub rings: u32,
    /// The number of the caller, if network and modem report it.
    pub caller: Option<String>,
    last: Option<Duration>,
}

/// The meaning of a modem's line for a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// The first ring of a call.
    NewCall,
    /// Another ring of the same call.
    Ring,
    /// The network sent the caller's number.
    Caller,
}

impl Call {
    /// Processes a line from the modem; `None` if it is not about a call.
    pub fn receive(&mut self, line: &str, now: Duration) -> Option<News> {
        if line == "RING" || line.starts_with("+CRING:") || line == "2" {
            return Some(self.ring(now));
        }
        // V.253 reports caller ID as `NMBR = 0123456789`, between the first two rings.
        let (key, value) = line.split_once('=')?;
        if !key.trim().eq_ignore_ascii_case("NMBR") {
            return None;
        }
        self.renew(now);
        // `P` for a withheld number, `O` for one that the network does not know.
        self.caller = Some(value.trim().to_owned()).filter(|number| !matches!(number.as_str(), "P" | "O"));
        Some(News::Caller)
    }

    fn ring(&mut self, now: Duration) -> News {
        self.renew(now);
        self.rings += 1;
        if self.rings == 1 { News::NewCall } else { News::Ring }
    }

    /// After a gap it is a new call.
    fn renew(&mut self, now: Duration) {
        if self.last.is_some_and(|last| now > last + GAP) {
            *self = Self::default();
        }
        self.last = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rings_are_counted_until_a_gap() {
        let mut call = Call::default();
        let table = [
            (100, "RING", Some(News::NewCall), 1),
            (105, "RING", Some(News::Ring), 2),
            (115, "RING", Some(News::Ring), 3),
            (126, "RING", Some(News::NewCall), 1),
            (127, "OK", None, 1),
            (140, "+CRING: VOICE", Some(News::NewCall), 1),
        ];
        for (second, line, news, rings) in table {
            assert_eq!(call.receive(line, Duration::from_secs(second)), news, "{second} {line}");
            assert_eq!(call.rings, rings, "{second} {line}");
        }
    }

    #[test]
    fn a_withheld_or_unknown_number_is_no_number() {
        for told in ["NMBR = P", "NMBR = O"] {
            let mut call = Call::default();
            assert_eq!(call.receive(told, Duration::ZERO), Some(News::Caller), "{told}");
            assert_eq!(call.caller, None, "{told}");
        }
    }

    #[test]
    fn a_callers_number_belongs_to_one_call() {
        let mut call = Call::default();
        let hear = |call: &mut Call, second, line| call.receive(line, Duration::from_secs(second));
        hear(&mut call, 100, "RING");
        assert_eq!(hear(&mut call, 101, "NMBR = 0123456789"), Some(News::Caller));
        assert_eq!(call.caller.as_deref(), Some("0123456789"));
        assert_eq!(hear(&mut call, 101, "DATE = 1122"), None);
        hear(&mut call, 105, "RING");
        assert_eq!((call.rings, call.caller.is_some()), (2, true));
        hear(&mut call, 200, "RING");
        assert_eq!((call.rings, call.caller.is_some()), (1, false));
    }
}
