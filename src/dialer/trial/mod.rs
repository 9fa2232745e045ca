//! Values of the site on trial, set by text message: used at once, kept if the far side confirms them in time, and
//! otherwise taken back. Every row of the table in docs/dialer.md is a test in `tests.rs`.
//!
//! It does no I/O: events and their times come in, actions go out. What is kept and what is on trial is in the
//! [record] before it is used.

mod record;
mod steps;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use record::Reach;

use crate::site::{Changes, TimeSpan};
use crate::sms::pdu::Address;
use crate::sms::trial_news::{Confirmation, NotKept, TrialNews};

/// How long the far side or the link may take.
const LINK_TIME: TimeSpan = TimeSpan::minutes(15);
/// How long a person may take to send a message from a new number.
const MESSAGE_TIME: TimeSpan = TimeSpan::minutes(60);
/// A link that has ended is dialled again after this time.
const DIAL_AGAIN: Duration = Duration::from_secs(60);
/// The first link after a start of the box: the modem registers meanwhile.
const AFTER_START: Duration = Duration::from_secs(30);
/// How often the VPN's counter is read.
const ASK_EVERY: Duration = Duration::from_secs(5);
/// A trial goes on after so many starts of the service. One that ends the box or the service is not repeated for ever.
const MOST_STARTS: u8 = 3;

/// Values on trial.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// The values.
    pub changes: Changes,
    /// Who has sent them.
    pub from: Address,
    /// How often the service has started since.
    pub starts: u8,
}

/// The values that are kept, and those on trial.
#[derive(Debug, Default)]
pub struct Trials {
    kept: Changes,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    trial: Trial,
    confirmation: Confirmation,
    until: Duration,
    dial_at: Option<Duration>,
    ask_at: Duration,
    /// Whether only the trial wants the link: then its end closes it.
    has_opened: bool,
}

/// The beginning of a trial.
#[derive(Debug, Clone, PartialEq)]
pub struct Begin {
    /// The values.
    pub trial: Trial,
    /// How they are confirmed.
    pub confirmation: Confirmation,
    /// Whether there is a link, or one is being dialled.
    pub has_link: bool,
}

/// An event.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A proven message has set these values; their record is stored.
    Set(Begin),
    /// The service has started with a trial in its record.
    Start(Begin),
    /// Time has passed.
    Time {
        /// Whether a link is up. One that was dialled with other values is being closed by now.
        is_up: bool,
    },
    /// The far side of the VPN has answered over a link that is up.
    FarSide,
    /// Somebody wants a link, beside the trial.
    Wanted,
    /// The link has ended, or did not come up.
    LinkEnded(LinkEnd),
    /// The command `confirm`, or any command from one of the new numbers; both proven. Or a program on the box confirms.
    Confirm,
    /// The files of these values could not be written.
    NotWritten,
}

/// How a link has ended.
#[derive(Debug, Clone, PartialEq)]
pub enum LinkEnd {
    /// Another attempt may help.
    MayPass,
    /// None does.
    Hopeless(String),
    /// It was closed by request.
    Asked,
    /// The box stops: the trial goes on when it starts.
    Stopping,
}

/// An action, to be carried out in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Store the record.
    Store,
    /// Use the values that are now in force.
    Use,
    /// Open a link with them, or dial the one that is open again.
    Dial,
    /// Close the link.
    Close,
    /// Read the counter of the VPN.
    Ask,
    /// Tell the sender of the trial.
    Tell(Address, TrialNews),
}

impl Trials {
    /// These values are kept.
    pub fn new(kept: Changes) -> Self {
        Self { kept, running: None }
    }

    /// The values that are kept.
    pub fn kept(&self) -> &Changes {
        &self.kept
    }

    /// The values on trial, and when it ends, in time since boot.
    pub fn on_trial(&self) -> Option<(&Changes, Duration)> {
        self.running.as_ref().map(|running| (&running.trial.changes, running.until))
    }

    /// The trial as stored.
    pub fn trial(&self) -> Option<&Trial> {
        self.running.as_ref().map(|running| &running.trial)
    }

    /// When [`Event::Time`] is due, in time since boot.
    pub fn deadline(&self, is_up: bool) -> Option<Duration> {
        let running = self.running.as_ref()?;
        let ask_at = Some(running.ask_at).filter(|_| is_up && running.confirmation == Confirmation::FarSide);
        [Some(running.until), running.dial_at, ask_at].into_iter().flatten().min()
    }

    /// Processes an event.
    pub fn receive(&mut self, event: Event, now: Duration) -> Vec<Action> {
        match event {
            Event::Set(begin) => self.set(begin, now),
            Event::Start(begin) => self.start(begin, now),
            Event::Time { is_up } => self.pass(is_up, now),
            Event::FarSide => self.confirm_if(|running| running.confirmation == Confirmation::FarSide),
            Event::Confirm => self.confirm_if(|_| true),
            Event::Wanted => self.want_link(),
            Event::LinkEnded(end) => self.end_link(end, now),
            Event::NotWritten => self.take_back(NotKept::NotWritten),
        }
    }
}
