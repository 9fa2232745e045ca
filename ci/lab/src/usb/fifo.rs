//! A device's buffer for the computer.

use std::collections::VecDeque;

/// Bytes in the order they came.
#[derive(Debug, Default)]
pub struct Fifo {
    bytes: VecDeque<u8>,
}

impl Fifo {
    const SIZE: usize = 16 << 10;

    /// Adds bytes. If the buffer overflows, the oldest are dropped.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
        let over = self.bytes.len().saturating_sub(Self::SIZE);
        self.bytes.drain(..over);
    }

    /// Removes the oldest bytes, at most this many.
    pub fn take(&mut self, limit: usize) -> Vec<u8> {
        let count = limit.min(self.bytes.len());
        self.bytes.drain(..count).collect()
    }

    /// How many bytes can be pushed without dropping any.
    pub fn room(&self) -> usize {
        Self::SIZE - self.bytes.len()
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}
