//! A USB device: descriptors as data, and its reaction to requests and transfers.

use super::packet::{Class, EndpointInfo, InterfaceInfo, Kind, Setup};
use std::time::Duration;

/// Bytes per packet on endpoint 0.
const CONTROL_PACKET: u8 = 64;
/// `bConfigurationValue` of the only configuration.
pub const CONFIGURATION: u8 = 1;
/// American English, for all strings.
const LANGUAGE: u16 = 0x0409;

/// A device's description: USB 2.0 §9.6. Full speed, one configuration, no alternate settings.
#[derive(Debug)]
pub struct Description {
    /// Class of the whole device.
    pub class: Class,
    /// `idVendor`
    pub vendor: u16,
    /// `idProduct`
    pub product: u16,
    /// `bcdDevice`
    pub version: u16,
    /// Manufacturer and product, as `lsusb` shows them.
    pub names: [&'static str; 2],
    /// Its interfaces, in the order of their numbers.
    pub interfaces: &'static [Interface],
}

/// One interface of a device.
#[derive(Debug)]
pub struct Interface {
    /// `bInterfaceNumber`
    pub number: u8,
    /// Descriptors before its own, as an interface association.
    pub before: &'static [u8],
    /// Its class.
    pub class: Class,
    /// Descriptors of the class or vendor, behind its own.
    pub extra: &'static [u8],
    /// Its endpoints.
    pub endpoints: &'static [Endpoint],
}

/// One endpoint of an interface.
#[derive(Debug, Clone, Copy)]
pub struct Endpoint {
    /// Its number, with 0x80 if data comes from the device.
    pub address: u8,
    /// `wMaxPacketSize`: 64 at most.
    pub max_packet: u8,
    /// Its kind of transfer.
    pub flow: Flow,
}

/// An endpoint's kind of transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// A bulk endpoint: a stream of bytes, read by the driver into buffers of this size.
    Stream {
        /// Bytes of one buffer; no transfer can be longer.
        buffer: u16,
    },
    /// A bulk endpoint on which each request of the computer is answered by one packet, so that none is given up.
    Replies,
    /// An interrupt endpoint: one message per packet.
    Messages {
        /// `bInterval`: milliseconds from poll to poll.
        interval: u8,
    },
}

/// A device's reply to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It is done; this is the data stage of a request for data.
    Done(Vec<u8>),
    /// It knows no such request.
    Stall,
}

/// Output of a device to the lines of its serial ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outward {
    /// The computer sent bytes to a port.
    Bytes(usize, Vec<u8>),
    /// The computer raised or dropped DTR of a port.
    Dtr(usize, bool),
}

/// A device: a state machine without bus, lines or clock.
pub trait Device: Send {
    /// Its description.
    fn description(&self) -> &'static Description;
    /// A request of a class or vendor came to endpoint 0, with this data if it goes to the device.
    fn request(&mut self, setup: Setup, data: &[u8], now: Duration) -> Reply;
    /// Data came to an OUT endpoint.
    fn receive(&mut self, endpoint: u8, data: &[u8]);
    /// Its data for an IN endpoint: one message, or at most this many bytes of the stream. Empty if there is none.
    fn send(&mut self, endpoint: u8, limit: usize, now: Duration) -> Vec<u8>;
    /// When [`send`](Self::send) is to be called again, if nothing comes before.
    fn deadline(&self) -> Option<Duration>;
    /// It was pulled out: its buffers are lost.
    fn lose_power(&mut self);
    /// Whether it leaves the bus by itself, to [come back](Self::come_back).
    fn leaves(&self) -> bool {
        false
    }
    /// It is back on the bus, from now on with another [description](Self::description).
    fn come_back(&mut self) {}
    /// The computer's output at its ports since the last call.
    fn outward(&mut self) -> Vec<Outward>;
    /// How many bytes it accepts now from a port's line.
    fn room(&self, port: usize) -> usize;
    /// Bytes came from a port's line.
    fn inward(&mut self, port: usize, bytes: &[u8], now: Duration);
    /// DCD of a port's line; called often, whether it has changed or not.
    fn carrier(&mut self, _port: usize, _on: bool) {}
}

impl Description {
    /// USB 2.0 §9.4, without the requests that QEMU handles itself or sends in packets of their own.
    pub fn standard_request(&self, setup: Setup) -> Reply {
        const GET_STATUS: u8 = 0;
        const CLEAR_FEATURE: u8 = 1;
        const SET_FEATURE: u8 = 3;
        const GET_DESCRIPTOR: u8 = 6;
        let [index, kind] = setup.value.to_le_bytes();
        match (setup.request_type, setup.request) {
            (0x80, GET_DESCRIPTOR) => self.descriptor(kind, index).map_or(Reply::Stall, Reply::Done),
            (0x80..=0x82, GET_STATUS) => Reply::Done(vec![0, 0]),
            (0x00..=0x02, CLEAR_FEATURE | SET_FEATURE) => Reply::Done(Vec::new()),
            _ => Reply::Stall,
        }
    }

    /// The descriptor that `GET_DESCRIPTOR` asks for: type and index.
    pub fn descriptor(&self, kind: u8, index: u8) -> Option<Vec<u8>> {
        match (kind, index) {
            (1, 0) => Some(self.device()),
            (2, 0) => Some(self.configuration()),
            (3, 0) => Some(text([LANGUAGE].into_iter())),
            (3, _) => {
                let name = self.names.get(usize::from(index) - 1)?;
                Some(text(name.encode_utf16()))
            }
            _ => None,
        }
    }

    /// USB 2.0 table 9-8.
    fn device(&self) -> Vec<u8> {
        let mut bytes = vec![18, 1, 0x00, 0x02];
        bytes.extend(self.class);
        bytes.push(CONTROL_PACKET);
        [self.vendor, self.product, self.version].iter().for_each(|it| bytes.extend(it.to_le_bytes()));
        bytes.extend([1, 2, 0, 1]);
        bytes
    }

    /// USB 2.0 tables 9-10, 9-12 and 9-13: bus-powered, 500 mA.
    fn configuration(&self) -> Vec<u8> {
        let mut below = Vec::new();
        for interface in self.interfaces {
            let endpoints = u8::try_from(interface.endpoints.len()).unwrap_or(u8::MAX);
            below.extend(interface.before);
            below.extend([9, 4, interface.number, 0, endpoints]);
            below.extend(interface.class);
            below.push(0);
            below.extend(interface.extra);
            for endpoint in interface.endpoints {
                let (kind, interval) = match endpoint.flow {
                    Flow::Stream { .. } | Flow::Replies => (Kind::Bulk, 0),
                    Flow::Messages { interval } => (Kind::Interrupt, interval),
                };
                below.extend([7, 5, endpoint.address, kind as u8, endpoint.max_packet, 0, interval]);
            }
        }
        let interfaces = u8::try_from(self.interfaces.len()).unwrap_or(u8::MAX);
        let length = u16::try_from(9 + below.len()).unwrap_or(u16::MAX).to_le_bytes();
        let mut bytes = vec![9, 2, length[0], length[1], interfaces, CONFIGURATION, 0, 0x80, 250];
        bytes.extend(below);
        bytes
    }

    /// The interfaces, for QEMU.
    pub fn interface_info(&self) -> Vec<InterfaceInfo> {
        self.interfaces.iter().map(|it| InterfaceInfo { number: it.number, class: it.class }).collect()
    }

    /// All endpoints but 0, each with the number of its interface.
    pub fn endpoints(&self) -> impl Iterator<Item = (u8, Endpoint)> {
        self.interfaces
            .iter()
            .flat_map(|interface| interface.endpoints.iter().map(|it| (interface.number, *it)))
    }

    /// The endpoint at this address.
    pub fn endpoint(&self, address: u8) -> Option<Endpoint> {
        self.endpoints().map(|(_, endpoint)| endpoint).find(|it| it.address == address)
    }
}

impl Endpoint {
    /// As announced to QEMU; see [`Plug`](super::plug::Plug) for why a stream is announced as polled.
    pub fn info(&self, interface: u8) -> EndpointInfo {
        let interval = match self.flow {
            Flow::Stream { .. } | Flow::Replies => 1,
            Flow::Messages { interval } => interval,
        };
        EndpointInfo { kind: Kind::Interrupt, interval, interface, max_packet: u16::from(self.max_packet) }
    }
}

/// A string descriptor: USB 2.0 table 9-15.
fn text(units: impl Iterator<Item = u16>) -> Vec<u8> {
    let units: Vec<u8> = units.flat_map(u16::to_le_bytes).collect();
    let length = u8::try_from(2 + units.len()).unwrap_or(u8::MAX);
    [vec![length, 3], units].concat()
}
