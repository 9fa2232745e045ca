//! A telephone line for callers.
//!
//! ```text
//! modem ──bytes──▶ Answerer ──CONNECT──▶ Line ──open port──▶ pppd
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
mod ppp_session;
mod preload;
mod report;
mod ring;
mod secret;
mod service;
mod step;

pub use answerer::{Answerer, AnswererConfig};
pub use calls::{CallEntry, Calls};
pub use password_check::{Authentication, PasswordCheck, authenticate};
pub use ppp_session::pppd_of;
pub use preload::Preload;
pub use report::{Connected, Report, is_taking_a_call};
pub use secret::Registers;
pub use service::{LineService, Logins};
