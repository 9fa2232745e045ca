//! The input of a caller.

use std::fmt;

use ctutils::{Choice, CtEq};

/// Longer than any name or password of a site: truncated input matches none.
pub(super) const LONGEST: usize = 256;

/// The input of a caller, which may be a password even at the prompt for a name. `Debug` shows dots, and the memory is
/// overwritten.
pub struct Typed(Vec<u8>);

impl Default for Typed {
    /// Allocated in full: a vector that grows leaves copies behind.
    fn default() -> Self {
        Self(Vec::with_capacity(LONGEST))
    }
}

impl Drop for Typed {
    fn drop(&mut self) {
        self.0.resize(LONGEST, 0);
        self.0.fill(0);
        // Without this the compiler may drop writes that are never read.
        std::hint::black_box(&self.0);
    }
}

impl Typed {
    /// Text that was received as a whole; a longer one is truncated.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut typed = Self::default();
        bytes.iter().take(LONGEST).for_each(|byte| {
            typed.push(*byte);
        });
        typed
    }

    /// False if there is no more room.
    pub(super) fn push(&mut self, byte: u8) -> bool {
        let fits = self.0.len() < LONGEST;
        if fits {
            self.0.push(byte);
        }
        fits
    }

    /// Removes the last character; false if there is none.
    pub(super) fn erase(&mut self) -> bool {
        self.0.pop().is_some()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Compares in a time that reveals neither the text nor its length.
    pub fn is(&self, known: &str) -> Choice {
        padded(&self.0).ct_eq(&padded(known.as_bytes()))
    }
}

/// A typed character is never zero.
fn padded(text: &[u8]) -> [u8; LONGEST] {
    let mut padded = [0; LONGEST];
    for (to, from) in padded.iter_mut().zip(text) {
        *to = *from;
    }
    padded
}

impl fmt::Debug for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Typed(••••)")
    }
}
