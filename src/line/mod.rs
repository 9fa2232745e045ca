//! A telephone line that callers ring.
//!
//! ```text
//! modem ──bytes──▶ Answering ──CONNECT──▶ Line ──open port──▶ pppd
//!    ▲   (seat)   reset, rings, ATA,        │                  │ ip-up.d, ip-down.d: who, how much
//!    └────────────  hang up, reset  ◀───────┴──────exit────────┘──▶ Calls, the ledger
//! ```

mod answering;
mod attended;
mod calls;
mod farewell;
pub mod login;
mod report;
mod ring;
mod step;
mod visit;
mod warm;

pub use answering::Answering;
pub use attended::Line;
pub use calls::{CallEntry, Calls};
pub use report::{Connected, Report, is_taking_a_call};
pub use visit::{caller_note, name, pppd_of};
pub use warm::Warmth;
