//! Finds out which of a modem's ports answer AT. All are probed at once: it takes as long as the slowest of them.

use std::time::Duration;

use super::at::queue::{Event, Queue};
use serde::{Deserialize, Serialize};

use super::at::request::{Request, TxData};
use super::at::response::Final;

/// A modem that was just plugged in or reset may lose or garble the first commands.
const TRIES: u32 = 5;
/// Once one port answers, the modem is running, and the others have this long.
const GRACE: Duration = Duration::from_secs(2);

/// Any modem answers this.
pub(super) const ATTENTION: Request = Request::new("AT", 1);
/// The same for a modem that a program has left with result codes off (`Q1`) or as numbers (`V0`), or at the prompt for
/// a text.
pub(super) const ATTENTION_IN_WORDS: Request = Request::new("\x1bATQ0V1", 1).shown_as("ATQ0V1");

/// An event on the probed ports. They are numbered from 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProbeEvent {
    /// So many ports are to be probed.
    Begin(usize),
    /// Bytes came from a port.
    Bytes(usize, Vec<u8>),
    /// A port has vanished or takes no bytes.
    Lost(usize),
    /// The time of a port is checked.
    Time(usize),
}

/// What follows from an event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeState {
    /// What to write to the port of the event.
    pub send: Option<String>,
    /// When to continue if nothing is received, in time since boot.
    pub deadline: Option<Duration>,
    /// The ports that answer, once they are known.
    pub answering: Option<Vec<usize>>,
}

/// Probes ports.
pub trait Probe {
    /// Processes an event.
    fn on_event(&mut self, event: ProbeEvent, now: Duration) -> ProbeState;
    /// Why it could not probe, once.
    fn failure(&mut self) -> Option<String> {
        None
    }
}

/// The probe of several ports.
#[derive(Debug, Default)]
pub struct PortProbe {
    ports: Vec<AskedPort>,
    /// When the first port answered, in time since boot.
    awake: Option<Duration>,
}

#[derive(Debug, Default)]
struct AskedPort {
    queue: Queue<()>,
    tries: u32,
    answers: Option<bool>,
}

impl Probe for PortProbe {
    fn on_event(&mut self, event: ProbeEvent, now: Duration) -> ProbeState {
        let mut send = None;
        match event {
            ProbeEvent::Begin(ports) => *self = Self::new(ports),
            ProbeEvent::Bytes(port, bytes) => self.receive(port, &bytes, now),
            ProbeEvent::Lost(port) => self.lose(port),
            ProbeEvent::Time(port) => send = self.tick(port, now),
        }
        let send = send.map(|data| String::from_utf8_lossy(&data.bytes()).into_owned());
        ProbeState { send, deadline: self.deadline(), answering: self.answering(now) }
    }
}

impl PortProbe {
    /// A probe of so many ports.
    fn new(ports: usize) -> Self {
        Self { ports: (0..ports).map(|_| AskedPort::default()).collect(), awake: None }
    }

    /// Bytes came from a port.
    fn receive(&mut self, port: usize, bytes: &[u8], now: Duration) {
        let Some(probe) = self.ports.get_mut(port) else { return };
        for event in probe.queue.receive(bytes, now) {
            if let Event::Answered { result: Final::Ok, .. } = event {
                probe.answers = Some(true);
                self.awake.get_or_insert(now);
            }
        }
    }

    /// A port has vanished or takes no bytes.
    fn lose(&mut self, port: usize) {
        if let Some(probe) = self.ports.get_mut(port) {
            probe.answers = Some(false);
        }
    }

    /// The next bytes for a port.
    fn tick(&mut self, port: usize, now: Duration) -> Option<TxData> {
        let probe = self.ports.get_mut(port).filter(|probe| probe.answers.is_none())?;
        probe.queue.expire(now);
        if probe.queue.is_idle() {
            if probe.tries == TRIES {
                probe.answers = Some(false);
                return None;
            }
            let in_words = probe.tries % 2 == 1;
            probe.tries += 1;
            probe.queue.push((), if in_words { ATTENTION_IN_WORDS } else { ATTENTION });
        }
        probe.queue.next(now)
    }

    /// When to continue if nothing is received, in time since boot.
    fn deadline(&self) -> Option<Duration> {
        let open = self.ports.iter().filter(|probe| probe.answers.is_none());
        let deadlines = open.filter_map(|probe| probe.queue.deadline());
        deadlines.chain(self.awake.map(|awake| awake + GRACE)).min()
    }

    /// The ports that answer, once they are known.
    fn answering(&self, now: Duration) -> Option<Vec<usize>> {
        let is_over = self.awake.is_some_and(|awake| awake + GRACE <= now)
            || self.ports.iter().all(|probe| probe.answers.is_some());
        let answering = self.ports.iter().enumerate().filter(|(_, probe)| probe.answers == Some(true));
        is_over.then(|| answering.map(|(port, _)| port).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Runs a probe of ports that answer from so many seconds on; returns those that answered, and when the probe
    /// ended.
    fn probe(answer_from: &[Option<u32>]) -> (Vec<usize>, u32) {
        let mut probe = PortProbe::new(answer_from.len());
        for second in 0..60 {
            let now = SECOND * second;
            for (port, from) in answer_from.iter().enumerate() {
                if probe.tick(port, now).is_some() && from.is_some_and(|from| from <= second) {
                    probe.receive(port, b"\r\nOK\r\n", now);
                }
            }
            if let Some(answering) = probe.answering(now) {
                return (answering, second);
            }
        }
        panic!("it never ends");
    }

    #[test]
    fn every_port_that_answers_is_found_in_bounded_time() {
        for (ports, answering, seconds) in [
            (vec![Some(0), Some(0)], vec![0, 1], 0),
            (vec![None, Some(0), None], vec![1], 2),
            (vec![Some(4), None, Some(4)], vec![0, 2], 5),
            (vec![None, None], vec![], 5),
            (vec![], vec![], 0),
        ] {
            assert_eq!(probe(&ports), (answering, seconds), "{ports:?}");
        }
    }

    #[test]
    fn a_port_that_vanishes_is_not_waited_for() {
        let mut probe = PortProbe::new(2);
        probe.tick(0, SECOND);
        probe.tick(1, SECOND);
        probe.lose(0);
        probe.receive(1, b"0\r", SECOND);
        assert_eq!(probe.answering(SECOND), Some(vec![1]));
    }
}
