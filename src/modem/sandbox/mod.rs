//! A protocol in a process of its own, without privileges: who takes over the parser of what a modem, a cell or a caller
//! sends has nothing but that modem.
//!
//! ```text
//!   the service: root                                  the process: a user of its own, no file, no network
//!   Driver ── Sandboxed ══ bytes, time, orders ══▶ run ── Mobile or Answerer
//!      │         │      ◀══ actions, state ═══════
//!    port     Guard: what may be believed
//! ```
//!
//! The service keeps the port, the store, pppd and every secret that proves somebody. It sends one [request](message) at
//! a time and waits for the one reply, for a bounded time. What the process replies is a claim: [`Guard`] accepts it or
//! not. A process that ends, keeps silent, says what is not a reply or speaks without being asked is killed, and
//! the modem is then lost, as if its port had vanished; the next opening of a port starts a new one.
//!
//! [`run`] is the process, a second start of the service's own program: so no thread and no memory of the service is in
//! it, which a `fork` would leave there.

mod message;
mod privileges;
mod process;
mod protocol;
mod run;
mod syscalls;

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use message::Violation;
pub use process::{Program, Sandbox};
pub use protocol::Sandboxed;
pub use run::{is_requested, run};

use super::protocol::Protocol;
use super::recovery::RecoveryStep;
use crate::record::Record;

/// A protocol that can run in the process.
pub trait Sandboxable: Protocol + Sized {
    /// What it is made of. Secrets in it are known to the process.
    type Start: Serialize + DeserializeOwned;
    /// What the service asks of it, besides what every [`Protocol`] is asked.
    type Order: Serialize + DeserializeOwned;
    /// The answer to that.
    type Answer: Serialize + DeserializeOwned;
    /// Its report as it is sent to the service.
    type Claim: Serialize + DeserializeOwned;

    /// The protocol at its start; `None` if it cannot be made of that.
    fn start(start: Self::Start) -> Option<Self>;
    /// Does what the service asks for.
    fn obey(&mut self, order: Self::Order) -> Self::Answer;
    /// What is sent of a report.
    fn claim(&mut self, report: Self::Report) -> Self::Claim;
    /// Whether something is still to be done of what was asked for.
    fn has_errands(&self) -> bool;
}

/// What the service keeps of a protocol, and by which it judges the process.
pub trait Guard {
    /// The protocol that runs in the process.
    type Parser: Sandboxable;
    /// What the driver's owner is told.
    type Report;
    /// What [`Protocol::is_idle`] says while there is no process.
    const IS_IDLE_WITHOUT_PROCESS: bool;

    /// What a new process is given.
    fn start(&self) -> <Self::Parser as Sandboxable>::Start;
    /// The step to take when the port is opened by a process that has replaced another one, which may have left a call
    /// open.
    fn step_after_restart(&self, step: Option<RecoveryStep>) -> Option<RecoveryStep>;
    /// A report of the process.
    ///
    /// # Errors
    /// The process cannot have it by right.
    fn accept(
        &mut self,
        claim: <Self::Parser as Sandboxable>::Claim,
        now: Duration,
    ) -> Result<Self::Report, Violation>;
    /// The file of the [store](crate::state::Store) that the process may replace, and the record as it may stand there.
    fn remembers(&self, record: &Record) -> Option<(&'static str, Record)>;
    /// The process has died, with this record as its last: what is lost by that is reported.
    fn lost(&mut self, record: &Record, now: Duration) -> Vec<Self::Report>;
}
