//! Keeps the data of a service from being an escape sequence of the box's own modem.
//!
//! A modem in data state takes `+++` with silence around it for the way into command state (V.250 §5 leaves it to the
//! maker; Hayes' modems wait S12), and some take it without silence if `AT` follows (TIES). A service that echoes what
//! the caller types, or means harm, could so command the box's modem, and dial with it. A NUL behind `+++`, which
//! terminals ignore (RFC 854, "NUL"), prevents both. It is sent only where nothing or an `A` follows, so a file that
//! is transferred stays as it is.

use std::time::Duration;

/// How long the end of `+++` may be held: much less than the guard time that the box has set, a second (S12).
const HOLD: Duration = Duration::from_millis(300);
/// The length of the sequence.
const ESCAPE: usize = 3;
const NUL: u8 = 0;

/// The last filter before the modem.
#[derive(Debug, Default)]
pub struct EscapeGuard {
    /// How many `+` came last.
    pluses: usize,
    /// The last of at least [`ESCAPE`] of them, and until when it waits for what follows.
    held: Option<(u8, Duration)>,
}

impl EscapeGuard {
    /// Adds the bytes for the modem to `out`.
    pub fn push(&mut self, bytes: &[u8], now: Duration, out: &mut Vec<u8>) {
        for byte in bytes {
            // Some modems ignore the eighth bit, which may be parity.
            let character = byte & 0x7f;
            if let Some((held, _)) = self.held.take() {
                out.push(held);
                if character.eq_ignore_ascii_case(&b'A') {
                    out.push(NUL);
                }
            }
            self.pluses = if character == b'+' { self.pluses.saturating_add(1) } else { 0 };
            if self.pluses >= ESCAPE {
                self.held = Some((*byte, now + HOLD));
            } else {
                out.push(*byte);
            }
        }
    }

    /// Nothing more has come until now.
    pub fn tick(&mut self, now: Duration, out: &mut Vec<u8>) {
        if let Some((held, _)) = self.held.take_if(|(_, until)| *until <= now) {
            out.extend([held, NUL]);
            self.pluses = 0;
        }
    }

    /// When to [tick](Self::tick).
    pub fn deadline(&self) -> Option<Duration> {
        self.held.map(|(_, until)| until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What the modem gets of pieces that come a second apart.
    fn filtered(pieces: &[&[u8]]) -> Vec<u8> {
        let mut guard = EscapeGuard::default();
        let mut out = Vec::new();
        for (second, piece) in (1..).zip(pieces) {
            let now = Duration::from_secs(second);
            guard.push(piece, now, &mut out);
            guard.tick(now + HOLD, &mut out);
        }
        out
    }

    #[test]
    fn an_escape_sequence_never_ends_in_silence_or_before_a_command() {
        let table: [(&[&[u8]], &[u8]); 9] = [
            (&[b"+++"], b"+++\0"),
            (&[b"+", b"+", b"+"], b"+++\0"),
            (&[b"++++"], b"++++\0"),
            (&[b"\xab\xab\xab"], b"\xab\xab\xab\0"),
            (&[b"+++ATH0\r"], b"+++\0ATH0\r"),
            (&[b"+++athz\r"], b"+++\0athz\r"),
            (&[b"++"], b"++"),
            (&[b"a+++b"], b"a+++b"),
            (&[b"++-+"], b"++-+"),
        ];
        for (pieces, expected) in table {
            assert_eq!(filtered(pieces), expected, "{pieces:?}");
        }
    }

    proptest! {
        #[test]
        fn only_nul_is_added_and_only_behind_three_pluses(
            pieces in prop::collection::vec(prop::collection::vec(prop::sample::select(b"+Aax\xab".to_vec()), 0..9), 0..9)
        ) {
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            let out = filtered(&pieces);
            let mut sent = pieces.concat().into_iter();
            let mut pluses = 0;
            for byte in out {
                if byte == NUL && pluses >= ESCAPE {
                    pluses = 0;
                    continue;
                }
                prop_assert_eq!(Some(byte), sent.next());
                pluses = if byte & 0x7f == b'+' { pluses + 1 } else { 0 };
            }
            prop_assert_eq!(sent.next(), None);
            prop_assert!(pluses < ESCAPE, "ends in an escape sequence");
        }
    }
}
