//! A CD-ROM drive without a disc to read: USB Mass Storage, Bulk-Only Transport 1.0, with the few commands of SPC and MMC
//! that Linux and usb_modeswitch send to a stick which shows its maker's software first.

use super::device::Reply;
use super::packet::Setup;
use std::collections::VecDeque;

/// Class, subclass (MMC) and protocol (Bulk-Only) of the interface.
pub const CLASS: [u8; 3] = [0x08, 0x06, 0x50];
/// The length of a command block wrapper (Bulk-Only Transport §5.1).
const WRAPPER: usize = 31;
/// Its and the status wrapper's first bytes.
const COMMAND: &[u8] = b"USBC";
const STATUS: &[u8] = b"USBS";

/// The drive.
#[derive(Debug)]
pub struct Disc {
    /// Vendor, product and revision.
    inquiry: &'static str,
    /// The beginning of the command that makes a modem of it, if one does.
    switch: Option<&'static [u8]>,
    replies: VecDeque<Vec<u8>>,
    is_switched: bool,
}

impl Disc {
    /// A drive.
    pub fn new(inquiry: &'static str, switch: Option<&'static [u8]>) -> Self {
        Self { inquiry, switch, replies: VecDeque::new(), is_switched: false }
    }

    /// A request of the class (§3).
    pub fn request(setup: Setup) -> Reply {
        const RESET: u8 = 0xff;
        const GET_MAX_LUN: u8 = 0xfe;
        match (setup.request_type, setup.request) {
            (0xa1, GET_MAX_LUN) => Reply::Done(vec![0]),
            (0x21, RESET) => Reply::Done(Vec::new()),
            _ => Reply::Stall,
        }
    }

    /// Takes a command. Anything else is ignored: a real drive stalls both endpoints until it is reset (§6.6.1).
    pub fn receive(&mut self, bytes: &[u8]) {
        if bytes.len() != WRAPPER || !bytes.starts_with(COMMAND) {
            return;
        }
        let (tag, wanted) = (&bytes[4..8], u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]));
        let command = &bytes[15..WRAPPER];
        self.is_switched |= self.switch.is_some_and(|switch| command.starts_with(switch));
        let (data, is_done) = match command {
            [TEST_UNIT_READY | ALLOW_REMOVAL, ..] => (Vec::new(), true),
            [START_STOP_UNIT, _, _, _, LOAD_EJECT, ..] => (Vec::new(), true),
            [INQUIRY, ..] => (inquiry(self.inquiry), true),
            [REQUEST_SENSE, ..] => (sense(), true),
            // The maker's own command resets the stick at once: nobody reads a status (Linux, drivers/usb/storage,
            // `usb_stor_huawei_scsi_init`).
            _ if self.is_switched => return,
            _ => (Vec::new(), false),
        };
        let sent = data.iter().copied().take(usize::try_from(wanted).unwrap_or(usize::MAX));
        let sent: Vec<u8> = sent.collect();
        let left = wanted - u32::try_from(sent.len()).unwrap_or(wanted);
        if !sent.is_empty() {
            self.replies.push_back(sent);
        }
        let mut status = [STATUS, tag, &left.to_le_bytes()].concat();
        status.push(u8::from(!is_done));
        self.replies.push_back(status);
    }

    /// What the computer reads next.
    pub fn send(&mut self) -> Vec<u8> {
        self.replies.pop_front().unwrap_or_default()
    }

    /// Whether the computer has made a modem of it, and has read all answers.
    pub fn is_switched(&self) -> bool {
        self.is_switched && self.replies.is_empty()
    }
}

// SPC-4 table 61, and MMC-6 table 229 for the drive's own.
const TEST_UNIT_READY: u8 = 0x00;
const REQUEST_SENSE: u8 = 0x03;
const INQUIRY: u8 = 0x12;
const START_STOP_UNIT: u8 = 0x1b;
const ALLOW_REMOVAL: u8 = 0x1e;
/// The bit LoEj without Start (SBC-3 §5.20).
const LOAD_EJECT: u8 = 0x02;

/// Standard INQUIRY data (SPC-4 §6.4.2): a removable CD-ROM drive.
fn inquiry(names: &str) -> Vec<u8> {
    let mut data = vec![0x05, 0x80, 0x02, 0x02, 31, 0, 0, 0];
    data.extend(format!("{names:28.28}").bytes());
    data
}

/// Fixed sense data (SPC-4 §4.5.3): illegal request, invalid command, which is why any command fails here.
fn sense() -> Vec<u8> {
    vec![0x70, 0, 0x05, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0]
}

#[cfg(test)]
mod tests {
    use super::*;

    const EJECT: &[u8] = &[START_STOP_UNIT, 0, 0, 0, LOAD_EJECT];

    fn wrapped(wanted: u32, command: &[u8]) -> Vec<u8> {
        let mut bytes = [COMMAND, &[7, 0, 0, 0], &wanted.to_le_bytes(), &[0x80, 0, 6], command].concat();
        bytes.resize(WRAPPER, 0);
        bytes
    }

    #[test]
    fn each_command_gets_its_data_and_its_status() {
        for (command, wanted, data, residue, status) in [
            (&[INQUIRY, 0, 0, 0, 36][..], 36, 36, 0_u32, 0_u8),
            (&[INQUIRY, 0, 0, 0, 5], 5, 5, 0, 0),
            (&[REQUEST_SENSE, 0, 0, 0, 20], 20, 18, 2, 0),
            (&[TEST_UNIT_READY], 0, 0, 0, 0),
            (&[0x25], 8, 0, 8, 1),
        ] {
            let mut disc = Disc::new("ZTE     USB SCSI CD-ROM 2.31", None);
            disc.receive(&wrapped(wanted, command));
            if data > 0 {
                assert_eq!(disc.send().len(), data, "{command:02x?}");
            }
            let expected = [STATUS, &[7, 0, 0, 0], &residue.to_le_bytes(), &[status]].concat();
            assert_eq!(disc.send(), expected, "{command:02x?}");
            assert!(disc.send().is_empty() && !disc.is_switched());
        }
    }

    #[test]
    fn the_drive_becomes_a_modem_by_its_own_command_when_the_computer_knows_it() {
        let mut disc = Disc::new("", Some(EJECT));
        disc.receive(&wrapped(0, &[0x11, 0x06]));
        disc.send();
        assert!(!disc.is_switched(), "another maker's command");
        disc.receive(&wrapped(0, EJECT));
        assert!(!disc.is_switched());
        disc.send();
        assert!(disc.is_switched());
    }

    #[test]
    fn a_makers_own_command_gets_no_status() {
        let mut disc = Disc::new("", Some(&[0x11, 0x06]));
        disc.receive(&wrapped(0, EJECT));
        disc.send();
        assert!(!disc.is_switched());
        disc.receive(&wrapped(0, &[0x11, 0x06, 0x20]));
        assert!(disc.is_switched() && disc.send().is_empty());
    }
}
