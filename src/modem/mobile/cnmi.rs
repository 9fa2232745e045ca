//! How the modem reports new messages: the values of `+CNMI` (TS 27.005 §3.4.1).

use std::fmt;

use crate::modem::at::values::admits;

/// One setting of `+CNMI`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cnmi {
    /// Buffering while the line is busy.
    mode: u32,
    /// Messages: 1 is stored and reported by `+CMTI`, 2 is passed on by `+CMT` without storing.
    mt: u32,
    /// Cell broadcasts.
    bm: u32,
    /// Status reports.
    ds: u32,
    /// What happens to buffered reports: 0 sends them.
    bfr: u32,
}

impl Cnmi {
    /// The best first: buffer while the line is busy, store messages and report where. The first
    /// three are ModemManager's sequence; what follows is for modems that know neither broadcasts nor
    /// status reports, and the last one passes messages on without storing them.
    pub const PREFERENCE: [Self; 6] = [
        Self::new(2, 1, 2, 1, 0),
        Self::new(2, 1, 2, 2, 0),
        Self::new(2, 1, 2, 0, 0),
        Self::new(2, 1, 0, 0, 0),
        Self::new(1, 1, 0, 0, 0),
        Self::new(2, 2, 0, 0, 0),
    ];

    const fn new(mode: u32, mt: u32, bm: u32, ds: u32, bfr: u32) -> Self {
        Self { mode, mt, bm, ds, bfr }
    }

    /// Whether messages are passed on without being stored.
    pub fn passes_on(self) -> bool {
        self.mt == 2
    }

    /// Whether the sets of an answer to `+CNMI=?` admit this. A modem that does not list all five is
    /// tried with each setting in turn.
    pub fn is_admitted_by(self, sets: &[&str]) -> bool {
        let values = [self.mode, self.mt, self.bm, self.ds, self.bfr];
        sets.len() < values.len() || values.iter().zip(sets).all(|(value, set)| admits(set, *value))
    }
}

impl fmt::Display for Cnmi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mode, mt, bm, ds, bfr } = self;
        write!(f, "{mode},{mt},{bm},{ds},{bfr}")
    }
}
