//! A line without a modem: the caller's computer at the other end of a null-modem cable.

use std::time::Duration;

use super::{Action, Answerer, Phase};
use crate::line::login;
use crate::line::step;
use crate::log::Level;
use crate::modem::at::request::{Request, TxData};

/// What Windows says first (Direct Cable Connection of Windows 95, `mdmnulm.inf` of NT and 2000), and the answer.
const CLIENT: [u8; 6] = *b"CLIENT";
const CLIENT_SERVER: &str = "CLIENTSERVER";

/// Listens for the beginning of a call.
#[derive(Debug, Default)]
pub(super) struct Listener {
    last: [u8; CLIENT.len()],
}

/// How a call begins.
#[derive(Debug, PartialEq, Eq)]
enum Beginning {
    /// `CLIENT`, which wants an answer.
    Client,
    /// A frame of PPP.
    Ppp,
    /// Enter, which wants the prompt.
    Key,
}

impl Listener {
    fn receive(&mut self, byte: u8, has_prompt: bool) -> Option<Beginning> {
        let [.., first, second] = self.last;
        self.last.rotate_left(1);
        if let Some(last) = self.last.last_mut() {
            *last = byte;
        }
        if self.last == CLIENT {
            return Some(Beginning::Client);
        }
        if login::begins_ppp([first, second], byte) {
            return Some(Beginning::Ppp);
        }
        (has_prompt && byte == b'\r').then_some(Beginning::Key)
    }
}

impl Answerer {
    /// Bytes from the other end while no call is up.
    pub(super) fn listen(&mut self, bytes: &[u8], now: Duration) -> Vec<Action> {
        let Phase::Ready = self.phase else { return Vec::new() };
        let has_prompt = self.config.prompt.is_some();
        let beginning = bytes.iter().find_map(|byte| self.listener.receive(*byte, has_prompt));
        let Some(beginning) = beginning else { return Vec::new() };
        self.listener = Listener::default();
        self.calls += 1;
        let mut actions = Vec::new();
        if beginning == Beginning::Client {
            actions.push(Action::Send(client_server()));
        }
        actions.extend(self.connect("null-modem".to_owned(), now));
        if let (Beginning::Key, Phase::LoggingIn(login)) = (beginning, &mut self.phase) {
            let output = login.receive(b"\r", now);
            actions.extend(self.perform(output));
        }
        actions
    }

    /// All that was to be done after a call or the opening of the port is done.
    pub(super) fn listens_again(&mut self) -> Vec<Action> {
        let is_done = self.plan.is_empty() && self.pause.is_none();
        if !is_done || !matches!(self.phase, Phase::Resetting { .. } | Phase::HangingUp { .. }) {
            return Vec::new();
        }
        self.phase = Phase::Ready;
        vec![Action::Publish, Action::log(Level::Info, "waiting for a caller at the null-modem cable")]
    }

    /// The other end notices the end of a call by DTR, if its cable has that wire.
    pub(super) fn hang_up_cable(&mut self) {
        self.plan = step::drop_dtr();
    }
}

fn client_server() -> TxData {
    Request::new(CLIENT_SERVER, 0).without_end_of_line().line().clone()
}
