//! A protocol in a process of its own, without privileges: an attacker who takes over the parser of what a modem, a
//! cell or a caller sends controls nothing but that modem.
//!
//! ```text
//!   the service: root                                  the process: a user of its own, no file, no network
//!   Driver ── Sandboxed ══ bytes, time, orders ══▶ run ── Mobile or Answerer
//!      │         │      ◀══ actions, state ═══════
//!    port     Guard: checks claims
//! ```
//!
//! The service keeps the port, the store, pppd and every secret that authenticates a person. It sends one
//! [request](message) at a time and waits for its reply, for a limited time. A reply is a claim: [`Guard`] accepts it
//! or not. The service kills a process that ends, stays silent, sends an invalid reply or sends without a
//! request. The modem is then lost, as if its port had vanished; the next opening of a port starts a new process.
//!
//! [`run`] is the process, a second start of the service's own program: unlike after a `fork`, it has no memory of the
//! service.

mod message;
mod process;
mod protocol;
mod run;

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use message::Violation;
pub use process::{Program, ROOT, Sandbox};
pub use protocol::Sandboxed;
pub use run::{NAME, run};

use super::protocol::Protocol;
use super::recovery::RecoveryStep;
use crate::record::Record;

/// A protocol that can run in the process.
pub trait Sandboxable: Protocol + Sized {
    /// Names it to the [program](Program), as the first argument.
    const NAME: &'static str;
    /// Its configuration. The process knows the secrets in it.
    type Start: Serialize + DeserializeOwned;
    /// A request of the service, besides those of every [`Protocol`].
    type Order: Serialize + DeserializeOwned;
    /// The answer to an order.
    type Answer: Serialize + DeserializeOwned;
    /// Its report, for sending to the service.
    type Claim: Serialize + DeserializeOwned;

    /// The protocol at its start; `None` if the configuration is invalid.
    fn start(start: Self::Start) -> Option<Self>;
    /// Carries out an order.
    fn obey(&mut self, order: Self::Order) -> Self::Answer;
    /// Converts a report for sending.
    fn claim(&mut self, report: Self::Report) -> Self::Claim;
    /// Whether an order is not carried out yet.
    fn has_pending_orders(&self) -> bool;
}

/// The service's side of a protocol, which checks the claims of the process.
pub trait Guard {
    /// The protocol that runs in the process.
    type Parser: Sandboxable;
    /// The report for the driver's owner.
    type Report;
    /// [`Protocol::is_idle`] while there is no process.
    const IS_IDLE_WITHOUT_PROCESS: bool;

    /// The configuration for a new process.
    fn start(&self) -> <Self::Parser as Sandboxable>::Start;
    /// The step to take when a port is opened after the process was replaced: the old one may have left a call open.
    fn step_after_restart(&self, step: Option<RecoveryStep>) -> Option<RecoveryStep>;
    /// Checks a claim of the process.
    ///
    /// # Errors
    /// The claim is impossible, or the process has no right to it.
    fn accept(
        &mut self,
        claim: <Self::Parser as Sandboxable>::Claim,
        now: Duration,
    ) -> Result<Self::Report, Violation>;
    /// The file of the [store](crate::state::Store) that the process may replace, and the part of the record that may
    /// go into it; `None` if it may not store this.
    fn remembers(&self, record: &Record) -> Option<(&'static str, Record)>;
    /// The process has died; this was its last record. Reports what is lost by that.
    fn lost(&mut self, record: &Record, now: Duration) -> Vec<Self::Report>;
}
