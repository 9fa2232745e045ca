//! Ethernet frames in a byte stream, as QEMU's `-netdev stream` encodes them (net/stream.c): each after its length in
//! four bytes, big-endian.

use std::io::{Error, ErrorKind, Result};

/// The longest frame that QEMU allows (NET_BUFSIZE).
const LONGEST: usize = 69_632;
const LENGTH: usize = 4;

/// Received bytes that are not a complete frame yet.
#[derive(Debug, Default)]
pub struct Frames(Vec<u8>);

impl Frames {
    /// Adds bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.0.extend(bytes);
    }

    /// Removes and returns the complete frames.
    ///
    /// # Errors
    /// A length that no frame can have.
    pub fn take(&mut self) -> Result<Vec<Vec<u8>>> {
        let mut frames = Vec::new();
        while let Some((length, rest)) = self.0.split_first_chunk::<LENGTH>() {
            let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
            if length > LONGEST {
                return Err(Error::new(ErrorKind::InvalidData, format!("a frame of {length} bytes")));
            }
            let Some(frame) = rest.get(..length) else { break };
            frames.push(frame.to_vec());
            self.0.drain(..LENGTH + length);
        }
        Ok(frames)
    }
}

/// A frame for the stream.
pub fn framed(frame: &[u8]) -> Vec<u8> {
    let length = u32::try_from(frame.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), frame].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_complete_however_the_stream_is_split() {
        let stream = [framed(b"one"), framed(b""), framed(&[7; 300])].concat();
        for piece in [1, 2, 5, stream.len()] {
            let (mut frames, mut taken) = (Frames::default(), Vec::new());
            for bytes in stream.chunks(piece) {
                frames.push(bytes);
                taken.extend(frames.take().unwrap());
            }
            assert_eq!(taken, [b"one".to_vec(), Vec::new(), vec![7; 300]], "{piece}");
        }
    }

    #[test]
    fn an_impossible_frame_length_is_an_error() {
        let mut frames = Frames::default();
        frames.push(b"GET / HTTP/1.0\r\n");
        assert_eq!(frames.take().unwrap_err().kind(), ErrorKind::InvalidData);
    }
}
