//! What a device holds for the computer until it is fetched.

use std::collections::VecDeque;

/// Bytes in the order they came.
#[derive(Debug, Default)]
pub struct Fifo {
    bytes: VecDeque<u8>,
}

impl Fifo {
    const SIZE: usize = 16 << 10;

    /// More to be fetched. A modem nobody listens to forgets the oldest of what it had to say.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
        let over = self.bytes.len().saturating_sub(Self::SIZE);
        self.bytes.drain(..over);
    }

    /// The oldest bytes, so many at most.
    pub fn take(&mut self, limit: usize) -> Vec<u8> {
        let count = limit.min(self.bytes.len());
        self.bytes.drain(..count).collect()
    }

    /// How many bytes can be pushed and none be forgotten.
    pub fn room(&self) -> usize {
        Self::SIZE - self.bytes.len()
    }

    /// Whether there is nothing to fetch.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}
