//! How the modem reports new messages: the values of `+CNMI` (TS 27.005 §3.4.1).

use std::fmt;

use crate::modem::at::values::admits;

/// One setting of `+CNMI`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cnmi {
    /// Buffering while the line is busy.
    mode: u32,
    /// Messages: 1 stores them and reports `+CMTI`, 2 delivers them with `+CMT` without storing.
    mt: u32,
    /// Cell broadcasts.
    bm: u32,
    /// Status reports.
    ds: u32,
    /// Buffered reports: 0 sends them.
    bfr: u32,
}

impl Cnmi {
    /// The best first: buffer while the line is busy, store messages and report where. The first three are
    /// ModemManager's sequence; the others are for modems without broadcasts and status reports, and the last one
    /// delivers messages without storing them.
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

    /// Whether the modem delivers messages without storing them.
    pub fn delivers(self) -> bool {
        self.mt == 2
    }

    /// Whether the sets in the answer to `+CNMI=?` admit this. With a modem that does not list all five, every setting
    /// is tried.
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
