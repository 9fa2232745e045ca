//! Requests of the exchange's own, BYE and CANCEL: sent again until they are answered (RFC 3261 §17.1.2).

use std::net::SocketAddrV4;
use std::time::Duration;

/// The estimate of a round trip (RFC 3261 §17.1.1.1, Table 4).
pub const T1: Duration = Duration::from_millis(500);
/// The longest pause between two transmissions of a request that is not an INVITE.
pub const T2: Duration = Duration::from_secs(4);
/// The life of a transaction, 64 × T1.
pub const LIFE: Duration = Duration::from_secs(32);

/// A request that waits for its answer.
#[derive(Debug)]
pub struct Sending {
    /// The branch of its Via.
    pub branch: String,
    /// Its method, since CANCEL has the branch of its INVITE.
    pub method: &'static str,
    /// Where it goes.
    pub to: SocketAddrV4,
    /// The datagram.
    pub bytes: Vec<u8>,
    /// When it is sent again.
    pub resend: Resend,
}

/// When something is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resend {
    next: Duration,
    pause: Duration,
    longest: Duration,
    /// When it is given up.
    pub until: Duration,
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Nothing before this time.
    Wait(Duration),
    /// Send it again.
    Send,
    /// Give it up.
    GiveUp,
}

impl Resend {
    /// Of what was sent now: after T1, and twice as long each time, up to this pause.
    pub fn new(now: Duration, longest: Duration) -> Self {
        Self { next: now + T1, pause: T1, longest, until: now + LIFE }
    }

    /// What is due now.
    pub fn due(&mut self, now: Duration) -> Due {
        if now >= self.until {
            return Due::GiveUp;
        }
        if now < self.next {
            return Due::Wait(self.next.min(self.until));
        }
        self.pause = (self.pause * 2).min(self.longest);
        self.next = now + self.pause;
        Due::Send
    }

    /// When [`due`](Self::due) has something to do.
    pub fn deadline(&self) -> Duration {
        self.next.min(self.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_sent_eleven_times_in_32_seconds() {
        // RFC 3261 §17.1.2.2: at 0, 500 ms, 1500 ms, 3500 ms, 7500 ms and then every 4 s.
        let mut resend = Resend::new(Duration::ZERO, T2);
        let mut sent = vec![0];
        loop {
            let now = resend.deadline();
            match resend.due(now) {
                Due::Send => sent.push(now.as_millis()),
                Due::GiveUp => break assert_eq!(now, LIFE),
                Due::Wait(_) => panic!("waits at its deadline"),
            }
        }
        assert_eq!(sent, [0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]);
    }
}
