//! A modem's [faults](Fault).

use super::call::Call;
use super::fault::Fault;
use super::{Modem, Output};
use std::time::Duration;

impl Modem {
    pub(super) fn breaks(&mut self, fault: Fault) {
        let known = |port: usize| port.min(self.ports.len() - 1);
        match fault {
            Fault::Says(line) => self.unsolicited(&line, |_| true),
            Fault::Interrupts { port, piece, line } => {
                let port = known(port);
                self.ports[port].trouble.interruption = Some((piece, line));
            }
            Fault::Stalls { port, after, lasts } => {
                let port = known(port);
                self.ports[port].trouble.stall = Some((after, lasts));
            }
            Fault::HoldsBack { command, after, lasts } => {
                self.holds_back = Some((command.to_ascii_uppercase(), after, lasts));
            }
            Fault::Garbage(port, bytes) => self.send(known(port), bytes),
            Fault::Hangs(lasts) => self.hang_until(self.now + lasts),
            Fault::HangsAt(command) => self.hangs_at = Some(command.to_ascii_uppercase()),
            Fault::Answers { command, lines } => {
                self.canned.insert(command.to_ascii_uppercase(), lines);
            }
            Fault::Restarts => self.with_registration(Self::restart),
            Fault::KeepsEcho => {
                for port in &mut self.ports {
                    port.trouble.keeps_echo = true;
                    port.settings.echo = true;
                }
            }
            Fault::DropsCallSilently => {
                if std::mem::replace(&mut self.call, Call::None) != Call::None {
                    self.out.push(Output::HungUp);
                }
            }
            Fault::StorageFull(pdu) => self.storages.fill(&pdu),
            Fault::KeepsMessages => self.keeps_messages = true,
            Fault::Sends(sends) => self.sends = sends,
            Fault::Dials(says, refuses) => self.dials = (says, refuses),
            Fault::WrongTime(shown) => self.wrong_time = Some(shown),
        }
    }

    /// Answers this command line if a fault says [how](Fault::Answers).
    pub(super) fn answers_otherwise(&mut self, port: usize, body: &str) -> bool {
        let Some(lines) = self.canned.get(&body.to_ascii_uppercase()).copied() else { return false };
        for line in lines.unwrap_or_default() {
            let framed = self.ports[port].settings.frame_text(line);
            self.answer_piece(port, framed);
        }
        true
    }

    fn hang_until(&mut self, until: Duration) {
        for port in &mut self.ports {
            (port.trouble.silent_until, port.trouble.deaf_until) = (Some(until), Some(until));
        }
    }

    /// Begins to [hold back](Fault::HoldsBack) the answer if this is the command line.
    pub(super) fn hold_back(&mut self, port: usize, body: &str) {
        let held =
            self.holds_back.take_if(|(command, ..)| body.to_ascii_uppercase().contains(command.as_str()));
        if let Some((_, after, lasts)) = held {
            self.ports[port].trouble.stall = Some((after, lasts));
        }
    }

    /// Whether the modem [hangs at](Fault::HangsAt) this command line; then it hangs from now on.
    pub(super) fn hangs_at(&mut self, body: &str) -> bool {
        let hangs =
            self.hangs_at.take_if(|command| body.to_ascii_uppercase().contains(command.as_str())).is_some();
        if hangs {
            self.hang_until(Duration::MAX);
        }
        hangs
    }
}
