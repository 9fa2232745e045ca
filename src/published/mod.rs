//! What services publish below [`RUN_DIR`](crate::names::RUN_DIR), as types: who writes a record and who reads it share
//! one. A record is text, [`Record`]; JSON comes from the same [fields](Fields), with numbers as numbers.

mod boot;
mod clock;
mod driver;
mod fields;
mod line;
mod link;
mod modem;

pub use boot::{BootStatus, LastBoot};
pub use clock::ClockSource;
pub use driver::{DriverStatus, PortNames};
pub use fields::{Fields, Value};
pub use line::{CallerNote, LineCall, LineState, LineStatus, TrafficNote};
pub use link::{LinkPhase, LinkStatus};
pub use modem::ModemStatus;

use crate::record::Record;

/// What one service publishes.
pub trait Published: Sized {
    /// Every field that is known, in the order in which it is shown.
    fn fields(&self) -> Fields;

    /// Reads it; `None` if the record holds nothing of the kind. A field that cannot be read counts as not known.
    fn from_record(record: &Record) -> Option<Self>;

    /// As it is written.
    fn to_record(&self) -> Record {
        self.fields().to_record()
    }
}

#[cfg(test)]
mod tests;
