//! A line that carries PPP, but not every protocol of it: an operator that falls silent in the middle of the negotiation.

/// The end of a frame, and what the byte after an escape is changed by: RFC 1662 §4.
const FLAG: u8 = 0x7e;
const ESCAPE: u8 = 0x7d;
const CHANGED: u8 = 0x20;
/// Address and control, which may be left out: RFC 1662 §3.2.
const ALL_STATIONS: [u8; 2] = [0xff, 0x03];

/// One direction of a call.
#[derive(Debug, Clone)]
pub struct PppFilter {
    dropped: Vec<u16>,
    frame: Vec<u8>,
}

impl PppFilter {
    /// A filter that drops frames of these protocols.
    pub fn new(dropped: &[u16]) -> Self {
        Self { dropped: dropped.to_vec(), frame: Vec::new() }
    }

    /// What of these bytes is carried now; the beginning of a frame waits for its end.
    pub fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        if self.dropped.is_empty() {
            return bytes.to_vec();
        }
        let mut passed = Vec::new();
        for byte in bytes {
            self.frame.push(*byte);
            if *byte == FLAG {
                let frame = std::mem::take(&mut self.frame);
                if !protocol(&frame).is_some_and(|protocol| self.dropped.contains(&protocol)) {
                    passed.extend(frame);
                }
            }
        }
        passed
    }
}

/// The protocol of a frame: RFC 1661 §2. One of a single octet is none that is dropped here.
fn protocol(frame: &[u8]) -> Option<u16> {
    let mut escaped = false;
    let octets: Vec<u8> = frame
        .iter()
        .filter_map(|byte| match (*byte, std::mem::take(&mut escaped)) {
            (ESCAPE, false) => {
                escaped = true;
                None
            }
            (byte, true) => Some(byte ^ CHANGED),
            (byte, false) => Some(byte),
        })
        .collect();
    let rest = octets.strip_prefix(&ALL_STATIONS).unwrap_or(&octets);
    let (protocol, _) = rest.split_first_chunk()?;
    Some(u16::from_be_bytes(*protocol))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LCP: &[u8] = b"~\xff}#\xc0!}!}!} }4}\"}&~";
    const PAP: &[u8] = b"\xff\x03\xc0#\x01\x01\x00\x0e\x04free\x04free\x12\x34~";
    const PAP_SHORT: &[u8] = b"\xc0#\x01\x02\x00\x0e\x04free\x04free\x12\x34~";

    #[test]
    fn only_packets_of_the_named_protocols_are_lost() {
        let all = [LCP, PAP, LCP, PAP_SHORT].concat();
        for size in [1, 7, all.len()] {
            let mut filter = PppFilter::new(&[0xc023]);
            let passed: Vec<u8> = all.chunks(size).flat_map(|piece| filter.pass(piece)).collect();
            assert_eq!(passed, [LCP, LCP].concat(), "in pieces of {size}");
        }
        assert_eq!(PppFilter::new(&[]).pass(PAP), PAP);
        assert_eq!(PppFilter::new(&[0xc223]).pass(PAP), PAP);
    }
}
