//! Where an account is reached, and whether it answers.

use std::collections::VecDeque;
use std::net::SocketAddrV4;
use std::time::Duration;

use super::digest::Used;
use super::uri::Uri;

/// Contacts of one account. An adapter that restarts on other ports leaves an old one behind until it expires.
const MOST_CONTACTS: usize = 4;
/// Between two probes of a contact: as long as Asterisk waits (`qualifyfreq`), of one in a call, and of one that does not
/// answer.
const EVERY: Duration = Duration::from_secs(60);
const EVERY_IN_CALL: Duration = Duration::from_secs(20);
const EVERY_UNREACHABLE: Duration = Duration::from_secs(10);
/// A probe is sent again after each of these, and is lost after the last.
const AGAIN: [Duration; 4] =
    [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];
/// Lost probes in a row that end a call. One may be a moment of the network.
pub const LOST_ENDS_CALL: u32 = 2;

/// An account of the site, as it is now.
#[derive(Debug, Default)]
pub struct Peer {
    /// Its contacts, the newest registration last.
    pub bindings: VecDeque<Binding>,
    /// The nonces that it has used.
    pub used: Used,
}

/// A registered contact (RFC 3261 §10.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The contact's URI.
    pub uri: String,
    /// Where requests for it are sent.
    pub address: SocketAddrV4,
    /// The registration's Call-ID and CSeq: an older request than this one is refused.
    pub call_id: String,
    /// See above.
    pub cseq: u32,
    /// When it ends, in time since boot.
    pub expires: Duration,
    /// What the adapter calls itself.
    pub agent: String,
    /// Whether it answers.
    pub reach: Reach,
    /// The probe that runs or comes next.
    pub probe: Probe,
}

/// Whether a contact answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// It was not asked yet.
    #[default]
    Unknown,
    /// It answered after this time.
    Answers(Duration),
    /// So many probes in a row were lost.
    Lost(u32),
}

/// A probe by OPTIONS (RFC 3261 §11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// Sent at this time.
    Due(Duration),
    /// Unanswered.
    Sent {
        /// Its number, which is part of its branch.
        number: u64,
        /// When it was sent first.
        first: Duration,
        /// How often it was sent.
        times: usize,
        /// When it is sent again, or lost.
        next: Duration,
    },
}

/// What a probe needs now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeStep {
    /// Nothing before this time.
    Wait(Duration),
    /// A request with this number.
    Send(u64),
    /// It is lost; so many in a row by now.
    Lost(u32),
}

impl Binding {
    /// Whether a call can be sent to it.
    pub fn can_ring(&self) -> bool {
        !matches!(self.reach, Reach::Lost(_))
    }

    /// Advances the probe; `new` is the number of a new one.
    pub fn step(&mut self, now: Duration, in_call: bool, new: u64) -> ProbeStep {
        match self.probe {
            Probe::Due(at) => {
                // A call makes the next probe come earlier.
                let at = if in_call { at.min(self.answered_at() + EVERY_IN_CALL) } else { at };
                if now < at {
                    return ProbeStep::Wait(at);
                }
                self.probe = Probe::Sent { number: new, first: now, times: 1, next: now + AGAIN[0] };
                ProbeStep::Send(new)
            }
            Probe::Sent { next, .. } if now < next => ProbeStep::Wait(next),
            Probe::Sent { number, first, times, .. } => match AGAIN.get(times) {
                Some(again) => {
                    self.probe = Probe::Sent { number, first, times: times + 1, next: now + *again };
                    ProbeStep::Send(number)
                }
                None => {
                    let before = if let Reach::Lost(lost) = self.reach { lost } else { 0 };
                    self.reach = Reach::Lost(before.saturating_add(1));
                    self.probe = Probe::Due(now + EVERY_UNREACHABLE);
                    ProbeStep::Lost(before.saturating_add(1))
                }
            },
        }
    }

    /// The time of the last answer, from the time of the next probe.
    fn answered_at(&self) -> Duration {
        match self.probe {
            Probe::Due(at) => at.saturating_sub(EVERY),
            Probe::Sent { first, .. } => first,
        }
    }

    /// Takes an answer to the probe with this number, whatever it says: an adapter that refuses OPTIONS is reachable.
    /// Returns whether it was the one that runs.
    pub fn answered(&mut self, probe: u64, now: Duration) -> bool {
        match self.probe {
            Probe::Sent { number, first, .. } if number == probe => {
                self.reach = Reach::Answers(now.saturating_sub(first));
                self.probe = Probe::Due(now + EVERY);
                true
            }
            _ => false,
        }
    }

    fn is_same_contact(&self, other: &str) -> bool {
        match (Uri::parse(&self.uri), Uri::parse(other)) {
            // RFC 3261 §19.1.4: a host is compared without case.
            (Ok(one), Ok(two)) => {
                (one.user, one.port) == (two.user, two.port) && one.host.eq_ignore_ascii_case(&two.host)
            }
            _ => self.uri == other,
        }
    }
}

impl Peer {
    /// The contact with this URI.
    pub fn binding(&self, uri: &str) -> Option<&Binding> {
        self.bindings.iter().find(|binding| binding.is_same_contact(uri))
    }

    /// Adds or renews a contact, and drops the oldest if there are too many.
    pub fn bind(&mut self, mut binding: Binding) {
        let known = self.bindings.iter().position(|known| known.is_same_contact(&binding.uri));
        let known = known.and_then(|at| self.bindings.remove(at));
        if let Some(known) = known.filter(|known| known.address == binding.address) {
            (binding.reach, binding.probe) = (known.reach, known.probe);
        }
        if self.bindings.len() == MOST_CONTACTS {
            self.bindings.pop_front();
        }
        self.bindings.push_back(binding);
    }

    /// Removes a contact.
    pub fn unbind(&mut self, uri: &str) {
        self.bindings.retain(|binding| !binding.is_same_contact(uri));
    }

    /// The contacts to ring, the newest first.
    pub fn ringable(&self) -> impl Iterator<Item = &Binding> {
        self.bindings.iter().rev().filter(|binding| binding.can_ring())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn binding(uri: &str) -> Binding {
        Binding {
            uri: uri.to_owned(),
            address: "192.0.2.7:5060".parse().unwrap(),
            call_id: "id".into(),
            cseq: 1,
            expires: 3600 * SECOND,
            agent: "HT801".into(),
            reach: Reach::Unknown,
            probe: Probe::Due(SECOND),
        }
    }

    /// All steps of one probe until it is lost, with their times in milliseconds.
    fn run(binding: &mut Binding, from: Duration, in_call: bool) -> Vec<(u128, ProbeStep)> {
        let mut now = from;
        let mut steps = Vec::new();
        loop {
            match binding.step(now, in_call, 7) {
                ProbeStep::Wait(until) => now = until,
                step => {
                    steps.push((now.as_millis(), step));
                    if matches!(step, ProbeStep::Lost(_)) {
                        return steps;
                    }
                }
            }
        }
    }

    #[test]
    fn a_contact_is_lost_after_four_unanswered_requests_and_asked_again() {
        let mut contact = binding("sip:m@192.0.2.7");
        let send = ProbeStep::Send(7);
        let first = [(1000, send), (1500, send), (2500, send), (4500, send), (8500, ProbeStep::Lost(1))];
        assert_eq!(run(&mut contact, Duration::ZERO, false), first);
        assert!(!contact.can_ring());
        let second = run(&mut contact, 8500 * Duration::from_millis(1), false);
        assert_eq!((second[0].0, second[4]), (18_500, (26_000, ProbeStep::Lost(2))));
        contact.step(36 * SECOND, false, 8);
        assert!(!contact.answered(7, 37 * SECOND), "an answer to an older probe");
        assert!(contact.answered(8, 36 * SECOND + Duration::from_millis(12)));
        assert_eq!(contact.reach, Reach::Answers(Duration::from_millis(12)));
    }

    #[test]
    fn a_contact_in_a_call_is_asked_more_often() {
        let mut contact = binding("sip:m@192.0.2.7");
        contact.step(SECOND, false, 1);
        contact.answered(1, SECOND);
        assert_eq!(contact.step(2 * SECOND, false, 2), ProbeStep::Wait(61 * SECOND));
        assert_eq!(contact.step(2 * SECOND, true, 2), ProbeStep::Wait(21 * SECOND));
        assert_eq!(contact.step(22 * SECOND, true, 2), ProbeStep::Send(2));
    }

    #[test]
    fn contacts_are_renewed_and_bounded() {
        let mut peer = Peer::default();
        peer.bind(Binding { reach: Reach::Answers(SECOND), ..binding("sip:m@192.0.2.7:5060") });
        peer.bind(binding("sip:m@192.0.2.7:5060;transport=udp"));
        assert_eq!((peer.bindings.len(), peer.bindings[0].reach), (1, Reach::Answers(SECOND)));
        for port in 6000..6010 {
            peer.bind(binding(&format!("sip:m@192.0.2.7:{port}")));
        }
        let kept: Vec<&str> = peer.ringable().map(|binding| binding.uri.as_str()).collect();
        let expected = [6009, 6008, 6007, 6006].map(|port| format!("sip:m@192.0.2.7:{port}"));
        assert_eq!(kept, expected);
        peer.unbind("sip:m@192.0.2.7:6008");
        assert_eq!(peer.bindings.len(), 3);
    }
}
