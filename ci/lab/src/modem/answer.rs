//! Answers to the computer, and URCs and faults in between.

use super::commands::Flow;
use super::port::Port;
use super::settings::{ResultCode, Settings};
use super::{Modem, Output};

impl Modem {
    /// Information text, as part of an answer.
    pub(super) fn inform(&mut self, port: usize, text: &str) -> Flow {
        let framed = self.ports[port].settings.frame_text(text);
        self.answer_piece(port, framed);
        Flow::Next
    }

    pub(super) fn result(&mut self, port: usize, result: ResultCode) {
        let framed = self.ports[port].settings.frame_result(result);
        self.answer_piece(port, framed);
    }

    /// Sends one piece of an answer, after what a fault puts before it.
    pub(super) fn answer_piece(&mut self, port: usize, framed: Vec<u8>) {
        let Port { trouble, settings, .. } = &mut self.ports[port];
        match trouble.interruption.take() {
            Some((0, line)) => {
                let line = settings.frame_text(&line);
                self.send(port, line);
            }
            Some((pieces, line)) => trouble.interruption = Some((pieces - 1, line)),
            None => {}
        }
        self.send(port, framed);
    }

    /// An unsolicited line, on every port whose settings enable it. It waits while data passes there.
    pub(super) fn unsolicited(&mut self, line: &str, wanted: impl Fn(&Settings) -> bool) {
        for port in 0..self.ports.len() {
            if !wanted(&self.ports[port].settings) {
                continue;
            }
            if self.ports[port].carries_data() {
                self.ports[port].waiting.push(line.to_owned());
            } else {
                let framed = self.ports[port].settings.frame_text(line);
                self.send(port, framed);
            }
        }
    }

    /// Sends bytes to the computer, unless the port has fallen silent.
    pub(super) fn send(&mut self, port: usize, mut bytes: Vec<u8>) {
        let trouble = &mut self.ports[port].trouble;
        if trouble.silent_until.is_some() {
            trouble.held.extend(bytes);
            return;
        }
        if let Some((left, length)) = trouble.stall.take() {
            if left < bytes.len() {
                trouble.held = bytes.split_off(left);
                trouble.silent_until = Some(self.now + length);
            } else {
                trouble.stall = Some((left - bytes.len(), length));
            }
        }
        match self.out.last_mut() {
            _ if bytes.is_empty() => {}
            Some(Output::ToComputer(last, sent)) if *last == port => sent.extend(bytes),
            _ => self.out.push(Output::ToComputer(port, bytes)),
        }
    }
}
