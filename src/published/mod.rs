//! The records below [`RUN_DIR`](crate::names::RUN_DIR) as types, which writers and readers share. A record is text,
//! [`Record`]; JSON is made from the same [fields](Fields), with numbers as numbers.

mod boot;
mod card;
mod clock;
mod codes;
mod driver;
mod fields;
mod firewall;
mod line;
mod link;
mod modem;

pub use boot::{BootStatus, LastBoot};
pub use card::{CardStatus, Twin};
pub use clock::ClockSource;
pub use codes::CodesStatus;
pub use driver::{DriverStatus, PortNames};
pub use fields::{Fields, Value};
pub use firewall::FirewallStatus;
pub use line::{CallerNote, LineCall, LineState, LineStatus, TrafficNote};
pub use link::{FarSide, LinkPhase, LinkStatus, OnTrial};
pub use modem::ModemStatus;

use crate::record::Record;

/// The record of one service.
pub trait Published: Sized {
    /// Every known field, in the order of display.
    fn fields(&self) -> Fields;

    /// Parses a record; `None` if it is of another kind. A field that cannot be read counts as unknown.
    fn from_record(record: &Record) -> Option<Self>;

    /// The record as it is written.
    fn to_record(&self) -> Record {
        self.fields().to_record()
    }
}

#[cfg(test)]
mod tests;
