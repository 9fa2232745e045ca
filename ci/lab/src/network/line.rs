//! A telephone line: its speed and delay, and the bytes in transit.

use std::collections::VecDeque;
use std::time::Duration;

/// The properties of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// Bits per second, in each direction.
    pub rate: u32,
    /// Delay from one end to the other.
    pub latency: Duration,
    /// How long the modems train before data passes.
    pub handshake: Duration,
}

impl Line {
    /// Mobile data at the nominal rate, without delay: for tests in which time is not the subject.
    pub const INSTANT: Self = Self { rate: 7_200_000, latency: Duration::ZERO, handshake: Duration::ZERO };

    /// The properties of two lines in series.
    pub fn joined(self, other: Self) -> Self {
        Self {
            rate: self.rate.min(other.rate),
            latency: self.latency + other.latency,
            handshake: self.handshake.max(other.handshake),
        }
    }

    /// How long it takes to send so many bytes.
    pub fn duration_of(self, bytes: usize) -> Duration {
        let bits = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(8);
        Duration::from_nanos(bits.saturating_mul(1_000_000_000) / u64::from(self.rate.max(1)))
    }
}

#[cfg(test)]
impl Line {
    /// An analogue line at this many bits per second, from 300 to 56000, with the delays of real modems.
    pub fn analogue(rate: u32) -> Self {
        // V.34 and V.90 train for 8 to 20 s, V.32bis about 6 s, older ones 2 s; a frame under V.42 needs 50 to 100 ms.
        let handshake = match rate {
            0..=2400 => 2,
            2401..=14400 => 6,
            14401..=33600 => 10,
            _ => 18,
        };
        Self { rate, latency: Duration::from_millis(60), handshake: Duration::from_secs(handshake) }
    }
}

/// The most that may be in transit: the size of a modem's buffer.
const BUFFERED: Duration = Duration::from_millis(200);
/// Bytes leave the line in pieces of this length.
const PIECE: Duration = Duration::from_millis(10);

/// One direction of a call.
#[derive(Debug, Clone)]
pub struct Pipe {
    line: Line,
    /// When the last byte so far has been sent.
    sent_by: Duration,
    under_way: VecDeque<(Duration, Vec<u8>)>,
}

impl Pipe {
    /// An empty one.
    pub fn new(line: Line) -> Self {
        Self { line, sent_by: Duration::ZERO, under_way: VecDeque::new() }
    }

    /// How many bytes it takes at `now` before the sender has to wait: a piece at least, or none. Single bytes would
    /// become single USB packets for the box, each with an interrupt.
    pub fn room(&self, now: Duration) -> usize {
        let busy = self.sent_by.saturating_sub(now);
        let room = self.bytes_in(BUFFERED.saturating_sub(busy));
        if room < self.piece() { 0 } else { room }
    }

    /// Sends bytes at `now`.
    pub fn send(&mut self, bytes: &[u8], now: Duration) {
        for piece in bytes.chunks(self.piece()) {
            self.sent_by = self.sent_by.max(now) + self.line.duration_of(piece.len());
            self.under_way.push_back((self.sent_by + self.line.latency, piece.to_vec()));
        }
    }

    /// When the next bytes arrive.
    pub fn arrives_at(&self) -> Option<Duration> {
        self.under_way.front().map(|(due, _)| *due)
    }

    /// The bytes that have arrived by `now`.
    pub fn arrived(&mut self, now: Duration) -> Vec<u8> {
        let mut bytes = Vec::new();
        while self.arrives_at().is_some_and(|due| due <= now) {
            bytes.extend(self.under_way.pop_front().into_iter().flat_map(|(_, piece)| piece));
        }
        bytes
    }

    fn piece(&self) -> usize {
        self.bytes_in(PIECE).max(1)
    }

    fn bytes_in(&self, time: Duration) -> usize {
        let bytes = time.as_micros() * u128::from(self.line.rate) / 8_000_000;
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_arrive_as_fast_as_the_line_carries_them_and_not_before_its_latency() {
        // Below the 200 ms of the buffer, or the line would run empty between two polls.
        let latency = Duration::from_millis(60);
        for rate in [300, 2400, 33_600, 56_000] {
            let mut pipe = Pipe::new(Line { rate, latency, handshake: Duration::ZERO });
            let (mut now, mut sent, mut arrived) = (Duration::ZERO, 0, 0);
            while arrived < 1000 {
                let room = pipe.room(now).min(1000 - sent);
                pipe.send(&vec![0; room], now);
                sent += room;
                now = pipe.arrives_at().unwrap();
                arrived += pipe.arrived(now).len();
            }
            let expected = Duration::from_secs_f64(8000.0 / f64::from(rate)) + latency;
            let error = now.abs_diff(expected);
            assert!(error < Duration::from_millis(40), "{rate} bit/s: {now:?} instead of {expected:?}");
        }
    }

    #[test]
    fn a_full_buffer_makes_the_sender_wait() {
        let mut pipe = Pipe::new(Line { rate: 8000, ..Line::INSTANT });
        assert_eq!(pipe.room(Duration::ZERO), 200);
        pipe.send(&[0; 200], Duration::ZERO);
        assert_eq!(pipe.room(Duration::ZERO), 0);
        assert_eq!(pipe.room(Duration::from_millis(9)), 0, "less than a piece");
        assert_eq!(pipe.room(Duration::from_millis(100)), 100);
    }
}
