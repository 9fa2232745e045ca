//! The telephone exchange: connects calls.

use super::Subscriber;
use super::line::{Line, Pipe};
use super::ppp_filter::PppFilter;
use std::collections::BTreeMap;
use std::time::Duration;

/// The state of a call.
#[derive(Debug, Clone)]
enum Stage {
    /// The called modem rings.
    Ringing,
    /// It was answered; the modems will have trained at this time.
    Training { until: Duration },
    /// Connected: data from the caller, and to it.
    Up { there: Pipe, back: Pipe, filters: Box<[PppFilter; 2]> },
}

/// One call.
#[derive(Debug, Clone)]
struct Call {
    caller: Subscriber,
    called: Subscriber,
    line: Line,
    stage: Stage,
}

/// The progress of a call over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The modems of these two have trained, at this many bits per second.
    Connected(Subscriber, Subscriber, u32),
    /// Data arrives.
    Data(Subscriber, Vec<u8>),
}

/// The state in which a call was hung up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The other end was ringing.
    WhileRinging(Subscriber),
    /// The other end was answering or connected.
    Connected(Subscriber),
}

/// All calls, and the numbers that are routed to a subscriber besides its own.
#[derive(Debug, Clone, Default)]
pub struct Switchboard {
    routes: BTreeMap<String, Subscriber>,
    calls: Vec<Call>,
    dropped: Vec<u16>,
}

impl Switchboard {
    /// Calls to `number` go to this subscriber.
    pub fn route(&mut self, number: &str, to: Subscriber) {
        self.routes.insert(number.to_owned(), to);
    }

    /// From the next call on, no packet of these PPP protocols arrives.
    pub fn drop_ppp(&mut self, protocols: &[u16]) {
        self.dropped = protocols.to_vec();
    }

    /// The subscriber for this number. Every context of packet data (`*99***1#`) leads where `*99#` does.
    pub fn find(&self, number: &str) -> Option<Subscriber> {
        let service = if number.starts_with("*99***") { "*99#" } else { number };
        self.routes.get(service).copied()
    }

    /// Whether this subscriber is in no call.
    pub fn is_free(&self, subscriber: Subscriber) -> bool {
        !self.calls.iter().any(|call| call.involves(subscriber))
    }

    /// A call begins to ring.
    pub fn ring(&mut self, caller: Subscriber, called: Subscriber, line: Line) {
        self.calls.push(Call { caller, called, line, stage: Stage::Ringing });
    }

    /// The called subscriber has answered.
    pub fn answered(&mut self, by: Subscriber, now: Duration) {
        for call in self.calls.iter_mut().filter(|call| call.called == by) {
            if matches!(call.stage, Stage::Ringing) {
                call.stage = Stage::Training { until: now + call.line.handshake };
            }
        }
    }

    /// One end has hung up; data in transit is lost.
    pub fn hung_up(&mut self, by: Subscriber) -> Option<Ended> {
        let at = self.calls.iter().position(|call| call.involves(by))?;
        let call = self.calls.remove(at);
        let other = if call.caller == by { call.called } else { call.caller };
        Some(match call.stage {
            Stage::Ringing => Ended::WhileRinging(other),
            Stage::Training { .. } | Stage::Up { .. } => Ended::Connected(other),
        })
    }

    /// Data from one end; dropped without a connected call.
    pub fn send(&mut self, from: Subscriber, bytes: &[u8], now: Duration) {
        let Some(call) = self.calls.iter_mut().find(|call| call.involves(from)) else { return };
        if let Stage::Up { there, back, filters } = &mut call.stage {
            let [forth, home] = filters.as_mut();
            let (pipe, filter) = if call.caller == from { (there, forth) } else { (back, home) };
            pipe.send(&filter.pass(bytes), now);
        }
    }

    /// How many bytes of data this end may send now; `None` when it is not connected.
    pub fn room(&mut self, from: Subscriber, now: Duration) -> Option<usize> {
        self.pipe_from(from).map(|pipe| pipe.room(now))
    }

    fn pipe_from(&mut self, from: Subscriber) -> Option<&mut Pipe> {
        let call = self.calls.iter_mut().find(|call| call.involves(from))?;
        match &mut call.stage {
            Stage::Up { there, .. } if call.caller == from => Some(there),
            Stage::Up { back, .. } => Some(back),
            Stage::Ringing | Stage::Training { .. } => None,
        }
    }

    /// When the switchboard is next due without an event.
    pub fn deadline(&self) -> Option<Duration> {
        let moments = self.calls.iter().flat_map(|call| match &call.stage {
            Stage::Ringing => [None, None],
            Stage::Training { until } => [Some(*until), None],
            Stage::Up { there, back, .. } => [there.arrives_at(), back.arrives_at()],
        });
        moments.flatten().min()
    }

    /// What has happened by `now`.
    pub fn elapse(&mut self, now: Duration) -> Vec<Progress> {
        let mut progress = Vec::new();
        for call in &mut self.calls {
            match &mut call.stage {
                Stage::Training { until } if *until <= now => {
                    let filters = [(); 2].map(|()| PppFilter::new(&self.dropped)).into();
                    call.stage =
                        Stage::Up { there: Pipe::new(call.line), back: Pipe::new(call.line), filters };
                    progress.push(Progress::Connected(call.caller, call.called, call.line.rate));
                }
                Stage::Up { there, back, .. } => {
                    for (to, pipe) in [(call.called, there), (call.caller, back)] {
                        let bytes = pipe.arrived(now);
                        if !bytes.is_empty() {
                            progress.push(Progress::Data(to, bytes));
                        }
                    }
                }
                Stage::Ringing | Stage::Training { .. } => {}
            }
        }
        progress
    }
}

impl Call {
    fn involves(&self, subscriber: Subscriber) -> bool {
        self.caller == subscriber || self.called == subscriber
    }
}
