//! The packets of usbredir 0.7 between QEMU (the "guest") and the program that has the device (the "host").
//!
//! The source is `docs/usb-redirection-protocol.md` of usbredir and QEMU's `hw/usb/redirect.c`. Both sides announce
//! their capabilities in their first packet, and the layout of later packets depends on those that both have.
//! We announce and require [`CAPABILITIES`], so there is one layout here. Packets that belong to other
//! capabilities (streams, bulk receiving), and those of endpoints that we never announce (bulk, isochronous), are
//! illegal between these two.

use std::fmt;

/// Our capabilities, as bits of the first word.
pub const CAPABILITIES: u32 = CONNECT_DEVICE_VERSION | FILTER | MAX_PACKET_SIZE | IDS_OF_64_BITS;
const CONNECT_DEVICE_VERSION: u32 = 1 << 1;
const FILTER: u32 = 1 << 2;
const MAX_PACKET_SIZE: u32 = 1 << 4;
const IDS_OF_64_BITS: u32 = 1 << 5;

/// The size of the tables of [`EndpointInfo`]: OUT endpoints first, then IN.
pub const ENDPOINTS: usize = 32;

/// One packet, with the number that matches an answer to its request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Chosen by the guest; 0 in a packet that is no answer.
    pub id: u64,
    /// The packet.
    pub packet: Packet,
}

/// A packet's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    /// The first one of each side.
    Hello(Hello),
    /// Host: the device is plugged in. Its interfaces and endpoints must have been described before.
    DeviceConnect(DeviceConnect),
    /// Host: it was pulled out.
    DeviceDisconnect,
    /// Guest: the port is reset.
    Reset,
    /// Host: the interfaces of the configuration in use.
    InterfaceInfo(Vec<InterfaceInfo>),
    /// Host: the endpoints of the configuration in use, by [`endpoint_index`].
    EndpointInfo(Box<[Option<EndpointInfo>; ENDPOINTS]>),
    /// Guest: the request of the same name; it does not come as a control packet.
    SetConfiguration(u8),
    /// Guest: the request of the same name.
    GetConfiguration,
    /// Host: the answer to both.
    ConfigurationStatus {
        /// What came of it.
        status: Status,
        /// The one in use now.
        configuration: u8,
    },
    /// Guest: the request of the same name.
    SetAltSetting {
        /// Which interface.
        interface: u8,
        /// Which setting.
        alt: u8,
    },
    /// Guest: the request of the same name, for this interface.
    GetAltSetting(u8),
    /// Host: the answer to both.
    AltSettingStatus {
        /// What came of it.
        status: Status,
        /// Which interface.
        interface: u8,
        /// The one in use now.
        alt: u8,
    },
    /// Guest: it polls this interrupt endpoint from now on.
    StartInterruptReceiving(u8),
    /// Guest: it no longer does.
    StopInterruptReceiving(u8),
    /// Host: the answer to both, or an error later.
    InterruptReceivingStatus {
        /// What came of it.
        status: Status,
        /// Which endpoint.
        endpoint: u8,
    },
    /// Guest: it cancels the packet with this message's id, which is answered all the same.
    Cancel,
    /// Guest: the device was refused.
    FilterReject,
    /// Guest: which devices it will refuse.
    FilterFilter(Vec<u8>),
    /// A request to endpoint 0, or its answer.
    Control(Control),
    /// A transfer on an interrupt endpoint, or its answer.
    Interrupt(Interrupt),
}

/// The sender and its capabilities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// The program's name, of up to 64 bytes.
    pub program: String,
    /// The first word of capabilities; there are no others yet.
    pub capabilities: u32,
}

/// `bDeviceClass` and its like: class, subclass, protocol.
pub type Class = [u8; 3];

/// A device, as its descriptor has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceConnect {
    /// Bits per second.
    pub speed: Speed,
    /// Class of the whole device.
    pub class: Class,
    /// `idVendor`
    pub vendor: u16,
    /// `idProduct`
    pub product: u16,
    /// `bcdDevice`
    pub version: u16,
}

/// An interface, as its descriptor has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InterfaceInfo {
    /// `bInterfaceNumber`
    pub number: u8,
    /// Its class.
    pub class: Class,
}

/// An endpoint, as the guest is to treat it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndpointInfo {
    /// How it transfers.
    pub kind: Kind,
    /// `bInterval`
    pub interval: u8,
    /// The interface it belongs to.
    pub interface: u8,
    /// `wMaxPacketSize`
    pub max_packet: u16,
}

/// A request to endpoint 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// 0x80 if the data comes from the device, else 0.
    pub endpoint: u8,
    /// The eight bytes of the setup stage. In an answer `length` is the number of bytes transferred.
    pub setup: Setup,
    /// What came of it; `Success` in a request.
    pub status: Status,
    /// The data stage, where this packet carries it: requests to, and answers from, the device.
    pub data: Vec<u8>,
}

/// The setup stage of a control transfer: USB 2.0 §9.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setup {
    /// `bmRequestType`
    pub request_type: u8,
    /// `bRequest`
    pub request: u8,
    /// `wValue`
    pub value: u16,
    /// `wIndex`
    pub index: u16,
    /// `wLength`
    pub length: u16,
}

/// A transfer on an interrupt endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interrupt {
    /// Its address.
    pub endpoint: u8,
    /// What came of it; `Success` in a request.
    pub status: Status,
    /// How much was transferred.
    pub length: u16,
    /// What this packet carries: requests to the device, and what comes from it.
    pub data: Vec<u8>,
}

/// An enum with a number for each variant.
macro_rules! numbered {
    ($(#[$about:meta])* $name:ident { $($(#[$what:meta])* $variant:ident = $number:literal),* $(,)? }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$what])* $variant = $number),* }

        impl $name {
            /// The variant with this number.
            pub fn of(number: u8) -> Result<Self, Illegal> {
                match number {
                    $($number => Ok(Self::$variant),)*
                    _ => Err(Illegal::Number { of: stringify!($name), number }),
                }
            }
        }
    };
}

numbered! {
    /// The result of a transfer.
    Status {
        /// It was done.
        Success = 0,
        /// The guest cancelled it.
        Cancelled = 1,
        /// There is no such endpoint or length.
        Invalid = 2,
        /// An I/O error: the device does not answer.
        IoError = 3,
        /// The device refused.
        Stall = 4,
        /// The device did not answer in time.
        Timeout = 5,
        /// The device sent more than was asked for.
        Babble = 6,
    }
}

numbered! {
    /// The device's speed.
    Speed {
        /// 1.5 Mbit/s
        Low = 0,
        /// 12 Mbit/s
        Full = 1,
        /// 480 Mbit/s
        High = 2,
    }
}

numbered! {
    /// How an endpoint transfers: USB 2.0 table 9-13.
    Kind {
        /// Requests and answers.
        Control = 0,
        /// At a fixed rate, unacknowledged.
        Isochronous = 1,
        /// Whenever there is room.
        Bulk = 2,
        /// Polled.
        Interrupt = 3,
    }
}

/// An endpoint's place in the tables.
pub fn endpoint_index(address: u8) -> usize {
    usize::from((address & 0x80) >> 3 | address & 0x0f)
}

/// Why bytes are not a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Illegal {
    /// No packet of this type is allowed between these two.
    Type(u32),
    /// The length does not fit the type, or the data length in the packet.
    Length {
        /// Which type.
        of: u32,
        /// Bytes after the header.
        length: u32,
    },
    /// A number that has no meaning.
    Number {
        /// Its field.
        of: &'static str,
        /// The number.
        number: u8,
    },
    /// The first packet must be a `hello`, and no later one may be.
    Order,
    /// The other side lacks some of [`CAPABILITIES`].
    Capabilities(u32),
}

impl fmt::Display for Illegal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type(number) => write!(f, "a packet of type {number} has no place here"),
            Self::Length { of, length } => write!(f, "a packet of type {of} with {length} bytes"),
            Self::Number { of, number } => write!(f, "{number} is no {of}"),
            Self::Order => f.write_str("`hello` out of place"),
            Self::Capabilities(missing) => write!(f, "the other side lacks the capabilities {missing:#x}"),
        }
    }
}

impl std::error::Error for Illegal {}

impl Packet {
    /// As a message that is no answer.
    pub fn unasked(self) -> Message {
        Message { id: 0, packet: self }
    }
}
