//! Between a caller and a service: bytes and the time go in, bytes come out, and in the end why.

use std::fmt;
use std::time::Duration;

use super::carrier::CarrierWatch;
use super::escape::EscapeGuard;
use super::telnet::Telnet;
use crate::site::ServiceProtocol;

/// No more is read for a side that has so many bytes waiting.
const MOST_WAITING: usize = 4096;
/// How long a caller may still read the last words of a service: the modem discards them when it hangs up.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// A modem that takes nothing for so long is gone.
const STUCK: Duration = Duration::from_secs(30);

/// Why it is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The caller, or the carrier.
    HungUp,
    /// The service has ended the connection.
    Service,
    /// A limit of the site.
    Limit,
    /// `dialctl hangup`.
    Told,
    /// The service cannot be reached, or the interface cannot be set up, for this reason.
    Failed(String),
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HungUp => f.write_str("the caller hung up"),
            Self::Service => f.write_str("the service ended the connection"),
            Self::Limit => f.write_str("the site's limit for idle or long calls"),
            Self::Told => f.write_str("hung up here"),
            Self::Failed(why) => f.write_str(why),
        }
    }
}

/// The site's limits; `None` for none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// How long a caller may send nothing.
    pub idle: Option<Duration>,
    /// How long a call may last.
    pub session: Option<Duration>,
}

/// A caller at a terminal, and a service.
#[derive(Debug)]
pub struct Bridge {
    telnet: Option<Telnet>,
    guard: EscapeGuard,
    carrier: CarrierWatch,
    limits: Limits,
    /// When it began, and when the caller has last sent something.
    began: Duration,
    heard: Duration,
    /// The bytes for the modem, and for the service.
    to_caller: Vec<u8>,
    to_service: Vec<u8>,
    /// All bytes of the caller, and for it.
    counted: (u64, u64),
    /// Why it ends, and when at the latest.
    ending: Option<(Ending, Duration)>,
}

impl Bridge {
    /// Begins at this time.
    pub fn new(protocol: ServiceProtocol, limits: Limits, now: Duration) -> Self {
        Self {
            telnet: (protocol == ServiceProtocol::Telnet).then(Telnet::default),
            guard: EscapeGuard::default(),
            carrier: CarrierWatch::default(),
            limits,
            began: now,
            heard: now,
            to_caller: Vec::new(),
            to_service: Vec::new(),
            counted: (0, 0),
            ending: None,
        }
    }

    /// Bytes of the caller's modem.
    pub fn hear_caller(&mut self, bytes: &[u8], now: Duration) {
        self.heard = now;
        self.counted.0 += bytes.len() as u64;
        self.carrier.receive(bytes, now);
        match &mut self.telnet {
            Some(telnet) => {
                let mut echo = Vec::new();
                telnet.hear_caller(bytes, &mut echo, &mut self.to_service);
                self.send(&echo, now);
            }
            None => self.to_service.extend_from_slice(bytes),
        }
    }

    /// Bytes of the service.
    pub fn hear_service(&mut self, bytes: &[u8], now: Duration) {
        match &mut self.telnet {
            Some(telnet) => {
                let (mut data, mut answers) = (Vec::new(), Vec::new());
                telnet.hear_service(bytes, &mut data, &mut answers);
                // A service that asks and asks, and reads no answer, gets none.
                if self.to_service.len() < MOST_WAITING {
                    self.to_service.append(&mut answers);
                }
                self.send(&data, now);
            }
            None => self.send(bytes, now),
        }
    }

    /// The box's own words for the caller.
    pub fn tell(&mut self, text: &str, now: Duration) {
        self.send(text.as_bytes(), now);
    }

    fn send(&mut self, bytes: &[u8], now: Duration) {
        self.counted.1 += bytes.len() as u64;
        self.guard.push(bytes, now, &mut self.to_caller);
    }

    /// The service is gone: the caller may read the rest.
    pub fn service_ended(&mut self, ending: Ending, now: Duration) {
        self.ending.get_or_insert((ending, now + STUCK));
    }

    /// The bytes that wait for the modem: what it has taken is removed by the owner.
    pub fn to_caller(&mut self) -> &mut Vec<u8> {
        &mut self.to_caller
    }

    /// Whether the modem gets nothing for now: it seems to have lost the carrier, and to take for a command what it is sent.
    pub fn holds(&self) -> bool {
        self.carrier.lost_at().is_some()
    }

    /// The same for the service.
    pub fn to_service(&mut self) -> &mut Vec<u8> {
        &mut self.to_service
    }

    /// Whether more of the caller may be read.
    pub fn reads_caller(&self) -> bool {
        self.to_service.len() < MOST_WAITING
    }

    /// Whether more of the service may be read.
    pub fn reads_service(&self) -> bool {
        self.ending.is_none() && self.to_caller.len() < MOST_WAITING
    }

    /// Bytes from the caller, and to it.
    pub fn counted(&self) -> (u64, u64) {
        self.counted
    }

    /// Checks the time. Why it is over, if it is.
    pub fn tick(&mut self, now: Duration) -> Option<Ending> {
        self.guard.tick(now, &mut self.to_caller);
        if self.carrier.lost_at().is_some_and(|at| at <= now) {
            return Some(Ending::HungUp);
        }
        if self.limit().is_some_and(|at| at <= now) {
            return Some(Ending::Limit);
        }
        let (_, until) = self.ending.as_mut()?;
        if self.to_caller.is_empty() && self.guard.deadline().is_none() {
            *until = (*until).min(now + LAST_WORDS);
        }
        self.ending.take_if(|(_, until)| *until <= now).map(|(ending, _)| ending)
    }

    /// When to [tick](Self::tick) if nothing happens.
    pub fn deadline(&self) -> Option<Duration> {
        let ending = self.ending.as_ref().map(|(_, until)| *until);
        [self.guard.deadline(), self.carrier.lost_at(), self.limit(), ending].into_iter().flatten().min()
    }

    fn limit(&self) -> Option<Duration> {
        let idle = self.limits.idle.map(|limit| self.heard + limit);
        let session = self.limits.session.map(|limit| self.began + limit);
        idle.into_iter().chain(session).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZERO: Duration = Duration::ZERO;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn raw(limits: Limits) -> Bridge {
        Bridge::new(ServiceProtocol::Raw, limits, ZERO)
    }

    /// Ticks at each deadline; when it is over, and why.
    fn until_over(bridge: &mut Bridge) -> Option<(Duration, Ending)> {
        for _ in 0..10 {
            let now = bridge.deadline()?;
            if let Some(ending) = bridge.tick(now) {
                return Some((now, ending));
            }
        }
        panic!("it never ends")
    }

    #[test]
    fn a_raw_service_and_its_caller_get_every_byte_of_the_other() {
        let all: Vec<u8> = (0..=255).collect();
        let mut bridge = raw(Limits::default());
        bridge.hear_caller(&all, ZERO);
        bridge.hear_service(&all, ZERO);
        assert_eq!(bridge.to_service().as_slice(), &all[..]);
        assert_eq!(bridge.to_caller().as_slice(), &all[..]);
        assert_eq!(bridge.counted(), (256, 256));
        assert_eq!((bridge.tick(at(1_000_000)), bridge.deadline()), (None, None));
    }

    #[test]
    fn the_limits_count_from_the_callers_last_byte_and_from_the_beginning() {
        let idle = Limits { idle: Some(at(60)), session: None };
        let mut bridge = raw(idle);
        bridge.hear_caller(b"x", at(30));
        bridge.hear_service(b"news", at(80));
        assert_eq!(until_over(&mut bridge), Some((at(90), Ending::Limit)));
        let mut bridge = raw(Limits { session: Some(at(100)), ..idle });
        bridge.hear_caller(b"x", at(59));
        assert_eq!(until_over(&mut bridge), Some((at(100), Ending::Limit)));
    }

    #[test]
    fn the_caller_reads_the_last_words_of_a_service() {
        let mut bridge = raw(Limits::default());
        bridge.hear_service(b"bye", ZERO);
        bridge.service_ended(Ending::Service, ZERO);
        assert!(!bridge.reads_service());
        assert_eq!(bridge.tick(at(5)), None, "the modem has not taken them");
        bridge.to_caller().clear();
        assert_eq!(bridge.tick(at(6)), None);
        assert_eq!(until_over(&mut bridge), Some((at(9), Ending::Service)));
        let mut stuck = raw(Limits::default());
        stuck.hear_service(b"bye", ZERO);
        stuck.service_ended(Ending::Service, ZERO);
        assert_eq!(until_over(&mut stuck), Some((STUCK, Ending::Service)));
    }

    #[test]
    fn the_carrier_that_is_lost_without_dcd_ends_it() {
        let mut bridge = raw(Limits::default());
        bridge.hear_caller(b"\r\nNO CARRIER\r\n", at(1));
        assert_eq!(until_over(&mut bridge), Some((at(3), Ending::HungUp)));
    }

    /// A service that echoes, a modem that does, too, and neither ever stops; or one that would dial by our modem.
    #[test]
    fn a_modem_that_may_be_in_command_state_gets_nothing() {
        let mut bridge = raw(Limits::default());
        bridge.hear_caller(b"\r\nNO CARRIER\r\n", at(1));
        bridge.hear_service(b"\r\nNO CARRIER\r\nATDT0900\r", at(1));
        assert!(bridge.holds());
        assert_eq!(until_over(&mut bridge), Some((at(3), Ending::HungUp)));
        let mut typed = raw(Limits::default());
        typed.hear_caller(b"\r\nNO CARRIER\r\n", at(1));
        typed.hear_service(b"ha", at(1));
        typed.hear_caller(b"is a joke", at(2));
        assert!(!typed.holds());
        assert_eq!(typed.to_caller(), b"ha");
    }

    #[test]
    fn neither_side_fills_the_memory() {
        let mut bridge = Bridge::new(ServiceProtocol::Telnet, Limits::default(), ZERO);
        // WILL 99, which is refused each time.
        for _ in 0..10_000 {
            bridge.hear_service(&[255, 251, 99], ZERO);
        }
        assert!(bridge.to_service().len() < MOST_WAITING + 16);
        bridge.hear_service(&[b'x'; MOST_WAITING], ZERO);
        bridge.hear_caller(&[b'x'; MOST_WAITING], ZERO);
        assert!(!bridge.reads_service() && !bridge.reads_caller());
    }
}
