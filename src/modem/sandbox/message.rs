//! The messages between the service and the process, and their limits.

use std::fmt;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::super::probe::{ProbeEvent, ProbeState};
use super::super::recovery::RecoveryStep;
use super::super::serial::Dtr;
use crate::log::Level;
use crate::site::ModemTraits;

/// The longest message. A reply has at most the consequences of one read of a port, 512 bytes: the end of a
/// [line](crate::modem::at::response::LONGEST_LINE), or some 250 short lines.
pub(super) const LONGEST: usize = 16 << 10;
/// The most actions in one reply.
const MOST_ACTIONS: usize = 1024;
/// The longest text for a modem: prompts and echoes for a caller who sends 512 bytes at once.
const LONGEST_SENDING: usize = 8 << 10;
/// The longest line for the log: a line of the modem with words around it. A longer one is cut.
const LONGEST_LINE: usize = 2100;

/// A message of the service.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Request<S, O> {
    /// The first one.
    Start(S),
    Open {
        traits: ModemTraits,
        step: Option<RecoveryStep>,
        now: Duration,
    },
    Bytes {
        bytes: Vec<u8>,
        now: Duration,
    },
    Time {
        now: Duration,
    },
    Close,
    Order(O),
    Probe {
        event: ProbeEvent,
        now: Duration,
    },
}

/// The reply of the process. `C` is its claim of an event, `A` its answer to an order.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Reply<C, A> {
    Did {
        actions: Vec<Action<C>>,
        state: State,
    },
    Answered {
        answer: A,
        state: State,
    },
    Probed(ProbeState),
    /// It has panicked at this place of the source.
    Panicked(String),
}

/// [`ProtocolAction`](crate::modem::protocol::ProtocolAction) as it is sent.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Action<C> {
    Send(String),
    Dtr(Dtr),
    Log(Level, String),
    Publish,
    /// A record as text. The service chooses the file.
    Remember(String),
    Claim(C),
    Abandon(String),
}

/// The state of a protocol, which the service keeps between requests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub deadline: Option<Duration>,
    pub is_idle: bool,
    pub answers: bool,
    pub works: bool,
    pub needs_a_person: bool,
    pub last_step: RecoveryStep,
    pub has_pending_orders: bool,
    /// The record as text, if it has changed.
    pub record: Option<String>,
}

/// Why the service kills a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Violation {
    /// It sends an invalid reply.
    Garbage,
    /// A reply that belongs to another request.
    WrongReply,
    /// It sends without a request.
    Unasked,
    /// It asks for too much at once, or for a request without end.
    TooMuch,
    /// It makes an invalid claim, or something that it has no right to.
    Claim,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Garbage => "sends an invalid reply",
            Self::WrongReply => "replies to another request",
            Self::Unasked => "sends without a request",
            Self::TooMuch => "asks for too much",
            Self::Claim => "makes an invalid claim",
        })
    }
}

/// Writes a message; `None` if it does not fit.
pub(super) fn write<'a>(message: &impl Serialize, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
    postcard::to_slice(message, buffer).ok().map(|written| &*written)
}

/// Parses a whole message.
pub(super) fn read<M: DeserializeOwned>(bytes: &[u8]) -> Result<M, Violation> {
    match postcard::take_from_bytes(bytes) {
        Ok((message, [])) => Ok(message),
        Ok(_) | Err(_) => Err(Violation::Garbage),
    }
}

impl<C, A> Reply<C, A> {
    /// The reply with its texts cut and cleaned of control characters.
    ///
    /// # Errors
    /// It asks for more than any protocol does.
    pub(super) fn checked(mut self) -> Result<Self, Violation> {
        match &mut self {
            Self::Did { actions, .. } => {
                if actions.len() > MOST_ACTIONS {
                    return Err(Violation::TooMuch);
                }
                actions.iter_mut().try_for_each(Action::check)?;
            }
            Self::Panicked(place) => *place = for_the_log(place),
            Self::Answered { .. } | Self::Probed(_) => {}
        }
        Ok(self)
    }
}

impl<C> Action<C> {
    fn check(&mut self) -> Result<(), Violation> {
        match self {
            Self::Send(text) if text.len() > LONGEST_SENDING => return Err(Violation::TooMuch),
            Self::Log(_, text) | Self::Abandon(text) => *text = for_the_log(text),
            // A record drops control characters.
            Self::Send(_) | Self::Dtr(_) | Self::Publish | Self::Remember(_) | Self::Claim(_) => {}
        }
        Ok(())
    }
}

/// A text that forges no line of the log and moves no cursor of a terminal.
pub(super) fn for_the_log(text: &str) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().take(LONGEST_LINE).map(clean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type AnyReply = Reply<u8, ()>;

    fn did(actions: Vec<Action<u8>>) -> AnyReply {
        Reply::Did { actions, state: State::default() }
    }

    #[test]
    fn a_line_for_the_log_is_one_line_and_bounded() {
        let reply =
            did(vec![Action::Log(Level::Info, "a\n<9>forged\u{1b}[2J".to_owned() + &"x".repeat(9999))]);
        let Reply::Did { actions, .. } = reply.checked().unwrap() else { unreachable!() };
        let Action::Log(_, text) = &actions[0] else { unreachable!() };
        assert!(text.starts_with("a <9>forged [2Jxxx"), "{text}");
        assert_eq!(text.chars().count(), LONGEST_LINE);
    }

    #[test]
    fn a_request_of_no_protocol_is_a_violation() {
        let send = |length| Action::Send("x".repeat(length));
        assert!(did(vec![send(LONGEST_SENDING)]).checked().is_ok());
        assert_eq!(did(vec![send(LONGEST_SENDING + 1)]).checked().err(), Some(Violation::TooMuch));
        let publish = |times| (0..times).map(|_| Action::Publish).collect();
        assert!(did(publish(MOST_ACTIONS)).checked().is_ok());
        assert_eq!(did(publish(MOST_ACTIONS + 1)).checked().err(), Some(Violation::TooMuch));
    }

    #[test]
    fn a_message_is_parsed_whole_with_nothing_after_it() {
        let mut buffer = [0; 100];
        let message = write(&did(vec![Action::Publish]), &mut buffer).unwrap().to_vec();
        assert!(read::<AnyReply>(&message).is_ok());
        let longer = [&message[..], &[0]].concat();
        assert_eq!(read::<AnyReply>(&longer).err(), Some(Violation::Garbage));
        assert_eq!(read::<AnyReply>(&message[..message.len() - 1]).err(), Some(Violation::Garbage));
        assert_eq!(write(&did(vec![Action::Send("x".repeat(100))]), &mut buffer), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(reply) = read::<AnyReply>(&bytes) {
                let _ = reply.checked();
            }
        }
    }
}
