//! How a modem reports new messages: `+CNMI` (TS 27.005 §3.4.1).

use std::fmt;

use crate::modem::at::values::admits;

/// The five values of `+CNMI`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cnmi {
    /// Buffering of URCs while the line is busy with data.
    mode: u8,
    /// SMS-DELIVER: 1 stored and indicated, 2 passed on unstored.
    mt: u8,
    /// Cell broadcasts.
    bm: u8,
    /// Status reports.
    ds: u8,
    /// What happens to buffered URCs when `mode` changes.
    bfr: u8,
}

impl Cnmi {
    /// The best first: buffer while the line is busy, store messages and indicate where. The first three are
    /// ModemManager's fallbacks; the next two are for modems that know neither broadcasts nor reports, and the last has
    /// messages passed on without storing them.
    pub const CANDIDATES: [Self; 6] = [
        Self::new([2, 1, 2, 1, 0]),
        Self::new([2, 1, 2, 2, 0]),
        Self::new([2, 1, 2, 0, 0]),
        Self::new([2, 1, 0, 0, 0]),
        Self::new([1, 1, 0, 0, 0]),
        Self::new([2, 2, 0, 0, 0]),
    ];

    const fn new([mode, mt, bm, ds, bfr]: [u8; 5]) -> Self {
        Self { mode, mt, bm, ds, bfr }
    }

    /// Whether the modem's answer to `+CNMI=?` admits it: a set for each value. A modem that does not say is asked for
    /// each candidate in turn.
    pub fn is_admitted_by(self, sets: &[&str]) -> bool {
        let Self { mode, mt, bm, ds, bfr } = self;
        sets.len() < 5
            || [mode, mt, bm, ds, bfr].into_iter().zip(sets).all(|(value, set)| admits(set, value.into()))
    }

    /// Whether messages come without being stored (`+CMT`).
    pub fn passes_on(self) -> bool {
        self.mt == 2
    }
}

impl fmt::Display for Cnmi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mode, mt, bm, ds, bfr } = self;
        write!(f, "{mode},{mt},{bm},{ds},{bfr}")
    }
}
