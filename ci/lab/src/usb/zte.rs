//! ZTE's MF110, as the kernel's drivers `usb-storage` and `option` expect it: first a CD-ROM drive, and once its disc is
//! ejected, three serial ports and that drive. The ids are those of the option driver and of usb_modeswitch's data.

use super::device::{Description, Device, Endpoint, Flow, Interface, Outward, Reply};
use super::disc::{self, Disc};
use super::fifo::Fifo;
use super::packet::Setup;
use std::time::Duration;

const VENDOR: u16 = 0x19d2;
const NAMES: [&str; 2] = ["ZTE,Incorporated", "ZTE WCDMA Technologies MSM"];
const VENDOR_SPECIFIC: [u8; 3] = [0xff; 3];

/// The drive is interface 0 alone, and interface 2 of the modem.
const DISC_IN: u8 = 0x81;
const DISC_OUT: u8 = 0x09;
const SERIAL_STATE: u8 = 0x85;
/// Of the three ports: diagnostic, commands, calls. The first one does not answer here.
const PORTS_IN: [u8; 3] = [0x82, 0x83, 0x84];
const PORTS_OUT: [u8; 3] = [0x0a, 0x0b, 0x0c];
/// Their interfaces.
const INTERFACES: [u16; 3] = [0, 1, 3];

/// `IN_BUFLEN` of usb-wwan.h.
const SERIAL_STREAM: Flow = Flow::Stream { buffer: 4096 };

const fn bulk(address: u8, flow: Flow) -> Endpoint {
    Endpoint { address, max_packet: 64, flow }
}

const DRIVE: Interface = Interface {
    class: disc::CLASS,
    extra: &[],
    endpoints: &[bulk(DISC_IN, Flow::Replies), bulk(DISC_OUT, Flow::Replies)],
};

static AS_A_DRIVE: Description = Description {
    class: [0; 3],
    vendor: VENDOR,
    product: 0x2000,
    version: 0x0000,
    names: NAMES,
    interfaces: &[DRIVE],
};

static AS_A_MODEM: Description = Description {
    class: [0; 3],
    vendor: VENDOR,
    product: 0x0031,
    version: 0x0000,
    names: NAMES,
    interfaces: &[
        Interface {
            class: VENDOR_SPECIFIC,
            extra: &[],
            endpoints: &[bulk(PORTS_IN[0], SERIAL_STREAM), bulk(PORTS_OUT[0], SERIAL_STREAM)],
        },
        Interface {
            class: VENDOR_SPECIFIC,
            extra: &[],
            endpoints: &[bulk(PORTS_IN[1], SERIAL_STREAM), bulk(PORTS_OUT[1], SERIAL_STREAM)],
        },
        DRIVE,
        Interface {
            class: VENDOR_SPECIFIC,
            extra: &[],
            endpoints: &[
                Endpoint { address: SERIAL_STATE, max_packet: 16, flow: Flow::Messages { interval: 4 } },
                bulk(PORTS_IN[2], SERIAL_STREAM),
                bulk(PORTS_OUT[2], SERIAL_STREAM),
            ],
        },
    ],
};

/// The same ports behind ids that the kernel does not know.
static UNKNOWN: Description =
    Description { vendor: 0x1234, product: 0xabcd, names: ["Acme", "Cellular 4G"], ..AS_A_MODEM };

/// One stick.
#[derive(Debug, Default)]
pub struct Zte {
    is_modem: bool,
    is_unknown: bool,
    disc: Disc,
    received: [Fifo; 3],
    outward: Vec<Outward>,
}

impl Zte {
    /// A stick of ids that the kernel does not know, which is a modem from the start: [`UNKNOWN`].
    pub fn unknown() -> Self {
        Self { is_modem: true, is_unknown: true, ..Self::default() }
    }
}

impl Device for Zte {
    fn description(&self) -> &'static Description {
        match (self.is_unknown, self.is_modem) {
            (true, _) => &UNKNOWN,
            (false, true) => &AS_A_MODEM,
            (false, false) => &AS_A_DRIVE,
        }
    }

    fn request(&mut self, setup: Setup, _: &[u8], _: Duration) -> Reply {
        /// USB CDC PSTN table 13; `usb_wwan_send_setup` of the kernel sends it to the port's interface.
        const SET_CONTROL_LINE_STATE: u8 = 0x22;
        let port = INTERFACES.iter().position(|interface| self.is_modem && *interface == setup.index);
        match (setup.request_type, setup.request, port) {
            (0x21, SET_CONTROL_LINE_STATE, Some(port)) => {
                self.outward.push(Outward::Dtr(port, setup.value & 1 != 0));
                Reply::Done(Vec::new())
            }
            _ => Disc::request(setup),
        }
    }

    fn receive(&mut self, endpoint: u8, data: &[u8]) {
        match PORTS_OUT.iter().position(|port| *port == endpoint) {
            Some(port) => self.outward.push(Outward::Bytes(port, data.to_vec())),
            None => self.disc.receive(data),
        }
    }

    fn send(&mut self, endpoint: u8, limit: usize, _: Duration) -> Vec<u8> {
        match PORTS_IN.iter().position(|port| *port == endpoint) {
            Some(port) => self.received[port].take(limit),
            None if endpoint == DISC_IN => self.disc.send(),
            None => Vec::new(),
        }
    }

    fn deadline(&self) -> Option<Duration> {
        None
    }

    fn lose_power(&mut self) {
        *self = if self.is_unknown { Self::unknown() } else { Self::default() };
    }

    fn leaves(&self) -> bool {
        !self.is_modem && self.disc.is_ejected()
    }

    fn come_back(&mut self) {
        *self = Self { is_modem: true, ..Self::default() };
    }

    fn outward(&mut self) -> Vec<Outward> {
        std::mem::take(&mut self.outward)
    }

    fn room(&self, port: usize) -> usize {
        self.received.get(port).map_or(usize::MAX, Fifo::room)
    }

    fn inward(&mut self, port: usize, bytes: &[u8], _: Duration) {
        if let Some(received) = self.received.get_mut(port) {
            received.push(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drive_whose_disc_is_ejected_becomes_a_modem_until_it_is_pulled_out() {
        let mut stick = Zte::default();
        assert_eq!((stick.description().product, stick.leaves()), (0x2000, false));
        // Bulk-Only Transport §5.1 around START STOP UNIT with LoEj.
        let eject = b"USBC\x01\0\0\0\0\0\0\0\0\0\x06\x1b\0\0\0\x02\0\0\0\0\0\0\0\0\0\0\0";
        stick.receive(DISC_OUT, eject);
        assert!(!stick.leaves(), "its status was not read");
        assert_eq!(stick.send(DISC_IN, 63, Duration::ZERO), b"USBS\x01\0\0\0\0\0\0\0\0");
        assert!(stick.leaves());
        stick.come_back();
        assert_eq!((stick.description().product, stick.leaves()), (0x0031, false));
        stick.lose_power();
        assert_eq!(stick.description().product, 0x2000);
    }

    #[test]
    fn each_port_of_the_modem_has_its_own_line() {
        let mut stick = Zte { is_modem: true, ..Zte::default() };
        let dtr = Setup { request_type: 0x21, request: 0x22, value: 1, index: 3, length: 0 };
        assert_eq!(stick.request(dtr, &[], Duration::ZERO), Reply::Done(Vec::new()));
        stick.receive(PORTS_OUT[1], b"AT\r");
        assert_eq!(stick.outward(), [Outward::Dtr(2, true), Outward::Bytes(1, b"AT\r".to_vec())]);
        stick.inward(2, b"OK", Duration::ZERO);
        assert_eq!(stick.send(PORTS_IN[1], 9, Duration::ZERO), b"");
        assert_eq!(stick.send(PORTS_IN[2], 9, Duration::ZERO), b"OK");
    }
}
