//! Notices in the data that the carrier is gone, on a line whose cable does not show it.

use std::time::Duration;

/// A modem's result code when it has lost the carrier (V.250 §5.7.1): it is in command state from then on, and sends
/// nothing more.
const NO_CARRIER: [u8; 14] = *b"\r\nNO CARRIER\r\n";
/// A caller who types the same goes on within this time, or does not mind.
const SILENCE: Duration = Duration::from_secs(2);

/// Watches the bytes from the modem.
#[derive(Debug, Default)]
pub struct CarrierWatch {
    last: [u8; NO_CARRIER.len()],
    /// When the carrier is taken for lost.
    lost_at: Option<Duration>,
}

impl CarrierWatch {
    /// Bytes from the modem.
    pub fn receive(&mut self, bytes: &[u8], now: Duration) {
        for byte in bytes {
            self.last.rotate_left(1);
            if let Some(last) = self.last.last_mut() {
                *last = *byte;
            }
        }
        if !bytes.is_empty() {
            self.lost_at = (self.last == NO_CARRIER).then_some(now + SILENCE);
        }
    }

    /// When the carrier is taken for lost, unless the modem sends something before.
    pub fn lost_at(&self) -> Option<Duration> {
        self.lost_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_words_of_the_modem_count() {
        for (pieces, is_lost) in [
            (&[b"\r\nNO CARRIER\r\n" as &[u8]][..], true),
            (&[b"bye\r\nNO CAR", b"RIER\r\n"], true),
            (&[b"\r\nNO CARRIER\r\n", b""], true),
            (&[b"\r\nNO CARRIER\r\n", b"is a joke"], false),
            (&[b"\r\nNO CARRIER\r\nis a joke"], false),
            (&[b"he said: NO CARRIER\r\n"], false),
            (&[b"\r\nNO CARRIER\r"], false),
        ] {
            let mut watch = CarrierWatch::default();
            for piece in pieces {
                watch.receive(piece, Duration::ZERO);
            }
            assert_eq!(watch.lost_at().is_some(), is_lost, "{pieces:?}");
        }
    }
}
