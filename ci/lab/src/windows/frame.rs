//! PPP in frames for a serial line: RFC 1662.

const FLAG: u8 = 0x7e;
/// What stands before a byte that may not be sent as it is.
pub const ESCAPE: u8 = 0x7d;
const CHANGED: u8 = 0x20;
/// Address and control.
const ALL_STATIONS: [u8; 2] = [0xff, 0x03];
/// What the checksum of a frame with its checksum is: RFC 1662 §C.2.
const GOOD: u16 = 0xf0b8;

/// A frame with all control characters escaped, which is always allowed.
pub fn framed(protocol: u16, packet: &[u8]) -> Vec<u8> {
    let mut frame = [&ALL_STATIONS[..], &protocol.to_be_bytes(), packet].concat();
    frame.extend((!fcs(&frame)).to_le_bytes());
    let mut sent = vec![FLAG];
    for byte in frame {
        match byte {
            FLAG | ESCAPE | 0..CHANGED => sent.extend([ESCAPE, byte ^ CHANGED]),
            _ => sent.push(byte),
        }
    }
    sent.push(FLAG);
    sent
}

/// Finds the frames in what arrives.
#[derive(Debug, Default)]
pub struct Deframer {
    frame: Vec<u8>,
    escaped: bool,
}

impl Deframer {
    /// The protocols and packets of the frames that end in these bytes. Broken frames are dropped.
    pub fn receive(&mut self, bytes: &[u8]) -> Vec<(u16, Vec<u8>)> {
        let mut packets = Vec::new();
        for byte in bytes {
            match *byte {
                FLAG => {
                    self.escaped = false;
                    packets.extend(packet(&std::mem::take(&mut self.frame)));
                }
                ESCAPE => self.escaped = true,
                byte => self.frame.push(byte ^ if std::mem::take(&mut self.escaped) { CHANGED } else { 0 }),
            }
        }
        packets
    }
}

/// The parts of a frame, whose header may be compressed (RFC 1661 §6.5, §6.6).
fn packet(frame: &[u8]) -> Option<(u16, Vec<u8>)> {
    if fcs(frame) != GOOD {
        return None;
    }
    let frame = &frame[..frame.len().checked_sub(2)?];
    let frame = frame.strip_prefix(&ALL_STATIONS).unwrap_or(frame);
    match frame {
        [low, packet @ ..] if low % 2 == 1 => Some((u16::from(*low), packet.to_vec())),
        [high, low, packet @ ..] => Some((u16::from_be_bytes([*high, *low]), packet.to_vec())),
        _ => None,
    }
}

/// RFC 1662 §C.2, bit by bit.
fn fcs(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xffff, |fcs, byte| {
        (0..8).fold(fcs ^ u16::from(*byte), |fcs, _| if fcs & 1 == 1 { fcs >> 1 ^ 0x8408 } else { fcs >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_survive_the_line_in_pieces_of_any_length() {
        let sent = framed(0x8021, &[1, 1, 0, 6, 0x7e, 0x7d]);
        for size in [1, 3, sent.len()] {
            let mut deframer = Deframer::default();
            let received: Vec<_> = sent.chunks(size).flat_map(|piece| deframer.receive(piece)).collect();
            assert_eq!(received, [(0x8021, vec![1, 1, 0, 6, 0x7e, 0x7d])]);
        }
        let mut broken = sent;
        broken[3] ^= 1;
        assert_eq!(Deframer::default().receive(&broken), []);
    }

    #[test]
    fn the_check_sequence_is_that_of_the_rfc() {
        // "123456789", the check of CRC-16/IBM-SDLC.
        assert_eq!(!fcs(b"123456789"), 0x906e);
    }
}
