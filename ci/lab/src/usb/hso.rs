//! Option's sticks, such as the ICON 225, as `drivers/net/usb/hso.c` expects them.
//!
//! The driver creates a network interface and four ttys. Two of them have no endpoints of their own: they are written
//! through endpoint 0; data to read is announced by a byte on an interrupt endpoint and fetched through endpoint 0.

use super::device::{Description, Device, Endpoint, Flow, Interface, Outward, Reply};
use super::fifo::Fifo;
use super::packet::Setup;
use std::time::Duration;

/// Its ports, in the order of the ttys, with their `hsotype`: Control, Application, Diagnostic, Modem. The first two
/// are multiplexed on endpoint 0, by their number here.
const MULTIPLEXED_PORTS: usize = 2;
/// The port for calls. Diagnostic, before it, has a binary protocol of Qualcomm, and does not answer here.
const MODEM_PORT: usize = 3;

const READY_TO_READ: u8 = 0x81;
const NETWORK_IN: u8 = 0x82;
const NETWORK_OUT: u8 = 0x0a;
const DIAGNOSTIC_IN: u8 = 0x83;
const DIAGNOSTIC_OUT: u8 = 0x0b;
const SERIAL_STATE: u8 = 0x84;
const MODEM_IN: u8 = 0x85;
const MODEM_OUT: u8 = 0x0d;
/// The interface of the Modem port.
const MODEM_INTERFACE: u8 = 2;

/// `MUX_BULK_RX_BUF_SIZE` and `BULK_URB_RX_SIZE` of the driver.
const NETWORK_STREAM: Flow = Flow::Stream { buffer: 2048 };
const SERIAL_STREAM: Flow = Flow::Stream { buffer: 4096 };
const VENDOR_SPECIFIC: [u8; 3] = [0xff; 3];

// Numbers of IN and OUT endpoints differ: with equal numbers QEMU's model of the host failed in trials.
const fn endpoint(address: u8, max_packet: u8, flow: Flow) -> Endpoint {
    Endpoint { address, max_packet, flow }
}

static ICON_225: Description = Description {
    class: VENDOR_SPECIFIC,
    vendor: 0x0af0,
    product: 0x6971,
    version: 0x0000,
    names: ["Option N.V.", "Globetrotter HSUPA Modem"],
    interfaces: &[
        Interface {
            number: 0,
            before: &[],
            class: VENDOR_SPECIFIC,
            // Which ports are multiplexed, as bits (`hso_get_mux_ports`).
            extra: &[3, 0x24, 0b11],
            endpoints: &[
                endpoint(READY_TO_READ, 2, Flow::Messages { interval: 4 }),
                endpoint(NETWORK_IN, 64, NETWORK_STREAM),
                endpoint(NETWORK_OUT, 64, NETWORK_STREAM),
            ],
        },
        Interface {
            number: 1,
            before: &[],
            class: VENDOR_SPECIFIC,
            extra: &[],
            endpoints: &[
                endpoint(DIAGNOSTIC_IN, 64, SERIAL_STREAM),
                endpoint(DIAGNOSTIC_OUT, 64, SERIAL_STREAM),
            ],
        },
        Interface {
            number: 2,
            before: &[],
            class: VENDOR_SPECIFIC,
            extra: &[],
            endpoints: &[
                endpoint(SERIAL_STATE, 16, Flow::Messages { interval: 4 }),
                endpoint(MODEM_IN, 64, SERIAL_STREAM),
                endpoint(MODEM_OUT, 64, SERIAL_STREAM),
            ],
        },
    ],
};

/// A multiplexed port with data to read.
#[derive(Debug, Default)]
struct Multiplexed {
    fifo: Fifo,
    /// When it announces that, and after which pause it repeats the announcement.
    ///
    /// It repeats it because the driver drops an announcement that comes while it reads (`hso_mux_serial_read`): 7 of
    /// 500 answers stayed in the stick. The pauses grow because a port that is not open reads nothing, and
    /// announcements would pile up in QEMU.
    announce: Option<(Duration, Duration)>,
}

const SOON_AGAIN: Duration = Duration::from_millis(10);
const SELDOM: Duration = Duration::from_millis(640);

impl Multiplexed {
    fn push(&mut self, bytes: &[u8], now: Duration) {
        self.fifo.push(bytes);
        self.announce = Some((now, SOON_AGAIN));
    }

    fn read(&mut self, limit: usize, now: Duration) -> Vec<u8> {
        let bytes = self.fifo.take(limit);
        self.announce = (!self.fifo.is_empty()).then_some((now + SOON_AGAIN, SOON_AGAIN));
        bytes
    }

    /// Whether an announcement is due.
    fn announces(&mut self, now: Duration) -> bool {
        match self.announce {
            Some((due, pause)) if due <= now => {
                self.announce = Some((now + pause, (pause * 2).min(SELDOM)));
                true
            }
            _ => false,
        }
    }
}

/// One stick.
#[derive(Debug, Default)]
pub struct Hso {
    multiplexed: [Multiplexed; MULTIPLEXED_PORTS],
    modem: Fifo,
    outward: Vec<Outward>,
}

impl Hso {
    /// The multiplexed ports with announced data, as bits.
    fn announcement(&mut self, now: Duration) -> Vec<u8> {
        let bits =
            (0..).zip(&mut self.multiplexed).filter_map(|(bit, it)| it.announces(now).then_some(1 << bit));
        match bits.fold(0_u8, |all, bit| all | bit) {
            0 => Vec::new(),
            bits => vec![bits],
        }
    }
}

impl Device for Hso {
    fn description(&self) -> &'static Description {
        &ICON_225
    }

    fn request(&mut self, setup: Setup, data: &[u8], now: Duration) -> Reply {
        /// USB CDC 1.2 table 19 and PSTN table 13; the driver numbers ports where CDC numbers interfaces.
        const SEND_ENCAPSULATED_COMMAND: u8 = 0x00;
        const GET_ENCAPSULATED_RESPONSE: u8 = 0x01;
        const SET_CONTROL_LINE_STATE: u8 = 0x22;
        const RADIO_OFF: u8 = 0x81;
        const RADIO_ON: u8 = 0x82;
        let port = usize::from(setup.index);
        match (setup.request_type, setup.request) {
            (0x21, SEND_ENCAPSULATED_COMMAND) if port < MULTIPLEXED_PORTS => {
                self.outward.push(Outward::Bytes(port, data.to_vec()));
                Reply::Done(Vec::new())
            }
            (0xa1, GET_ENCAPSULATED_RESPONSE) => {
                let multiplexed = self.multiplexed.get_mut(port);
                multiplexed.map_or(Reply::Stall, |it| Reply::Done(it.read(setup.length.into(), now)))
            }
            (0x21, SET_CONTROL_LINE_STATE) if setup.index == u16::from(MODEM_INTERFACE) => {
                self.outward.push(Outward::Dtr(MODEM_PORT, setup.value & 1 != 0));
                Reply::Done(Vec::new())
            }
            (0x40, RADIO_ON | RADIO_OFF) => Reply::Done(Vec::new()),
            _ => Reply::Stall,
        }
    }

    fn receive(&mut self, endpoint: u8, data: &[u8]) {
        if endpoint == MODEM_OUT {
            self.outward.push(Outward::Bytes(MODEM_PORT, data.to_vec()));
        }
    }

    fn send(&mut self, endpoint: u8, limit: usize, now: Duration) -> Vec<u8> {
        match endpoint {
            READY_TO_READ => self.announcement(now),
            MODEM_IN => self.modem.take(limit),
            _ => Vec::new(),
        }
    }

    fn deadline(&self) -> Option<Duration> {
        self.multiplexed.iter().filter_map(|it| it.announce).map(|(due, _)| due).min()
    }

    fn lose_power(&mut self) {
        *self = Self::default();
    }

    fn outward(&mut self) -> Vec<Outward> {
        std::mem::take(&mut self.outward)
    }

    fn room(&self, port: usize) -> usize {
        // Data that is never fetched must not block a multiplexed port.
        if port == MODEM_PORT { self.modem.room() } else { usize::MAX }
    }

    fn inward(&mut self, port: usize, bytes: &[u8], now: Duration) {
        if port == MODEM_PORT {
            self.modem.push(bytes);
        } else if let Some(multiplexed) = self.multiplexed.get_mut(port) {
            multiplexed.push(bytes, now);
        }
    }
}

#[cfg(test)]
mod tests;
