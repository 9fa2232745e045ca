//! A telephone line for callers.
//!
//! ```text
//! modem ──bytes──▶ Answerer ──CONNECT──▶ Line ──open port──▶ pppd, or another session
//!    ▲   (driver)   reset, rings, ATA,        │                  │ ip-up.d, ip-down.d: user, bytes
//!    └────────────  hang up, reset  ◀───────┴──────exit────────┘──▶ Calls, the ledger
//! ```

mod answerer;
mod caller_id;
mod calls;
mod hangup_cause;
pub mod login;
mod parser;
mod password_check;
mod preload;
mod report;
mod ring;
mod secret;
mod service;
mod session;
pub mod slip;
mod step;
pub mod terminal;
mod termination;

pub use answerer::{Answerer, AnswererConfig};
pub use calls::{CallEntry, Calls};
pub use password_check::{Authentication, PasswordCheck, authenticate};
pub use preload::Preload;
pub use report::{Connected, Report, is_taking_a_call};
pub use secret::Registers;
pub use service::{LineService, Logins};
pub use session::session_of;
