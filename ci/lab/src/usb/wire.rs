//! Encodes and decodes packets. Strict: what is too long, too short or unknown is an error.

use super::packet::{
    CAPABILITIES, Control, DeviceConnect, ENDPOINTS, EndpointInfo, Hello, Illegal, InterfaceInfo, Interrupt,
    Kind, Message, Packet, Setup, Speed, Status,
};

/// Longer than any packet of a full-speed device; a longer one is an error.
const LONGEST: u32 = 1 << 17;
/// Bytes of the program's name in a `hello`.
const NAME: usize = 64;
/// Interfaces in the table of them.
const INTERFACES: usize = 32;
/// The entry of the tables where there is no endpoint.
const NO_ENDPOINT: u8 = 255;
/// The status of a transfer exists in answers only, which only the host sends. In requests QEMU leaves the byte
/// uninitialized.
const UNSAID: Status = Status::Success;

mod kind {
    pub(super) const HELLO: u32 = 0;
    pub(super) const DEVICE_CONNECT: u32 = 1;
    pub(super) const DEVICE_DISCONNECT: u32 = 2;
    pub(super) const RESET: u32 = 3;
    pub(super) const INTERFACE_INFO: u32 = 4;
    pub(super) const EP_INFO: u32 = 5;
    pub(super) const SET_CONFIGURATION: u32 = 6;
    pub(super) const GET_CONFIGURATION: u32 = 7;
    pub(super) const CONFIGURATION_STATUS: u32 = 8;
    pub(super) const SET_ALT_SETTING: u32 = 9;
    pub(super) const GET_ALT_SETTING: u32 = 10;
    pub(super) const ALT_SETTING_STATUS: u32 = 11;
    pub(super) const START_INTERRUPT_RECEIVING: u32 = 15;
    pub(super) const STOP_INTERRUPT_RECEIVING: u32 = 16;
    pub(super) const INTERRUPT_RECEIVING_STATUS: u32 = 17;
    pub(super) const CANCEL_DATA_PACKET: u32 = 21;
    pub(super) const FILTER_REJECT: u32 = 22;
    pub(super) const FILTER_FILTER: u32 = 23;
    pub(super) const CONTROL_PACKET: u32 = 100;
    pub(super) const INTERRUPT_PACKET: u32 = 103;
}

impl Message {
    /// The bytes, header first. All numbers are little-endian.
    pub fn encode(&self) -> Vec<u8> {
        let (kind, body) = self.packet.encode();
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
        let mut bytes = Vec::with_capacity(16 + body.len());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(length.to_le_bytes());
        if kind == kind::HELLO {
            // When it is sent, it is not known yet whether both sides support 64-bit ids.
            bytes.extend([0; 4]);
        } else {
            bytes.extend(self.id.to_le_bytes());
        }
        bytes.extend(body);
        bytes
    }
}

impl Packet {
    fn encode(&self) -> (u32, Vec<u8>) {
        match self {
            Self::Hello(hello) => (kind::HELLO, hello.encode()),
            Self::DeviceConnect(device) => (kind::DEVICE_CONNECT, device.encode()),
            Self::DeviceDisconnect => (kind::DEVICE_DISCONNECT, Vec::new()),
            Self::Reset => (kind::RESET, Vec::new()),
            Self::InterfaceInfo(interfaces) => (kind::INTERFACE_INFO, encode_interfaces(interfaces)),
            Self::EndpointInfo(endpoints) => (kind::EP_INFO, encode_endpoints(endpoints)),
            Self::SetConfiguration(configuration) => (kind::SET_CONFIGURATION, vec![*configuration]),
            Self::GetConfiguration => (kind::GET_CONFIGURATION, Vec::new()),
            Self::ConfigurationStatus { status, configuration } => {
                (kind::CONFIGURATION_STATUS, vec![*status as u8, *configuration])
            }
            Self::SetAltSetting { interface, alt } => (kind::SET_ALT_SETTING, vec![*interface, *alt]),
            Self::GetAltSetting(interface) => (kind::GET_ALT_SETTING, vec![*interface]),
            Self::AltSettingStatus { status, interface, alt } => {
                (kind::ALT_SETTING_STATUS, vec![*status as u8, *interface, *alt])
            }
            Self::StartInterruptReceiving(endpoint) => (kind::START_INTERRUPT_RECEIVING, vec![*endpoint]),
            Self::StopInterruptReceiving(endpoint) => (kind::STOP_INTERRUPT_RECEIVING, vec![*endpoint]),
            Self::InterruptReceivingStatus { status, endpoint } => {
                (kind::INTERRUPT_RECEIVING_STATUS, vec![*status as u8, *endpoint])
            }
            Self::Cancel => (kind::CANCEL_DATA_PACKET, Vec::new()),
            Self::FilterReject => (kind::FILTER_REJECT, Vec::new()),
            Self::FilterFilter(rules) => (kind::FILTER_FILTER, rules.clone()),
            Self::Control(control) => (kind::CONTROL_PACKET, control.encode()),
            Self::Interrupt(interrupt) => (kind::INTERRUPT_PACKET, interrupt.encode()),
        }
    }

    fn decode(kind: u32, body: &[u8]) -> Result<Self, Illegal> {
        let mut fields = Fields { kind, body, left: body };
        let packet = match kind {
            kind::HELLO => Self::Hello(Hello::decode(&mut fields)?),
            kind::DEVICE_CONNECT => Self::DeviceConnect(DeviceConnect::decode(&mut fields)?),
            kind::DEVICE_DISCONNECT => Self::DeviceDisconnect,
            kind::RESET => Self::Reset,
            kind::INTERFACE_INFO => Self::InterfaceInfo(decode_interfaces(&mut fields)?),
            kind::EP_INFO => Self::EndpointInfo(decode_endpoints(&mut fields)?),
            kind::SET_CONFIGURATION => Self::SetConfiguration(fields.u8()?),
            kind::GET_CONFIGURATION => Self::GetConfiguration,
            kind::CONFIGURATION_STATUS => {
                Self::ConfigurationStatus { status: fields.status()?, configuration: fields.u8()? }
            }
            kind::SET_ALT_SETTING => Self::SetAltSetting { interface: fields.u8()?, alt: fields.u8()? },
            kind::GET_ALT_SETTING => Self::GetAltSetting(fields.u8()?),
            kind::ALT_SETTING_STATUS => Self::AltSettingStatus {
                status: fields.status()?,
                interface: fields.u8()?,
                alt: fields.u8()?,
            },
            kind::START_INTERRUPT_RECEIVING => Self::StartInterruptReceiving(fields.u8()?),
            kind::STOP_INTERRUPT_RECEIVING => Self::StopInterruptReceiving(fields.u8()?),
            kind::INTERRUPT_RECEIVING_STATUS => {
                Self::InterruptReceivingStatus { status: fields.status()?, endpoint: fields.u8()? }
            }
            kind::CANCEL_DATA_PACKET => Self::Cancel,
            kind::FILTER_REJECT => Self::FilterReject,
            kind::FILTER_FILTER => Self::FilterFilter(fields.rest()),
            kind::CONTROL_PACKET => Self::Control(Control::decode(&mut fields)?),
            kind::INTERRUPT_PACKET => Self::Interrupt(Interrupt::decode(&mut fields)?),
            _ => return Err(Illegal::Type(kind)),
        };
        if fields.left.is_empty() { Ok(packet) } else { Err(fields.wrong_length()) }
    }
}

/// The bytes of one packet after its header, read from the front.
struct Fields<'a> {
    kind: u32,
    body: &'a [u8],
    left: &'a [u8],
}

impl Fields<'_> {
    fn wrong_length(&self) -> Illegal {
        Illegal::Length { of: self.kind, length: u32::try_from(self.body.len()).unwrap_or(u32::MAX) }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Illegal> {
        let (array, left) = self.left.split_first_chunk().ok_or_else(|| self.wrong_length())?;
        self.left = left;
        Ok(*array)
    }

    fn u8(&mut self) -> Result<u8, Illegal> {
        self.array().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Result<u16, Illegal> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, Illegal> {
        self.array().map(u32::from_le_bytes)
    }

    fn status(&mut self) -> Result<Status, Illegal> {
        Status::of(self.u8()?)
    }

    fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.left).to_vec()
    }

    /// The data of a packet: all of its announced length, or none, depending on who sends it.
    fn payload(&mut self, length: u16) -> Result<Vec<u8>, Illegal> {
        let data = self.rest();
        if data.is_empty() || data.len() == usize::from(length) { Ok(data) } else { Err(self.wrong_length()) }
    }
}

impl Hello {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = self.program.as_bytes().to_vec();
        bytes.resize(NAME, 0);
        bytes.extend(self.capabilities.to_le_bytes());
        bytes
    }

    fn decode(fields: &mut Fields) -> Result<Self, Illegal> {
        let name = fields.array::<NAME>()?;
        let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
        let program = String::from_utf8_lossy(name).into_owned();
        let capabilities = fields.u32()?;
        // Words of capabilities later than 0.7.
        while !fields.left.is_empty() {
            fields.u32()?;
        }
        Ok(Self { program, capabilities })
    }
}

impl DeviceConnect {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![self.speed as u8];
        bytes.extend(self.class);
        [self.vendor, self.product, self.version].iter().for_each(|it| bytes.extend(it.to_le_bytes()));
        bytes
    }

    fn decode(fields: &mut Fields) -> Result<Self, Illegal> {
        Ok(Self {
            speed: Speed::of(fields.u8()?)?,
            class: fields.array()?,
            vendor: fields.u16()?,
            product: fields.u16()?,
            version: fields.u16()?,
        })
    }
}

/// A count, then one table per property, each with 32 entries.
fn encode_interfaces(interfaces: &[InterfaceInfo]) -> Vec<u8> {
    let properties: [fn(&InterfaceInfo) -> u8; 4] =
        [|it| it.number, |it| it.class[0], |it| it.class[1], |it| it.class[2]];
    let mut bytes = u32::try_from(interfaces.len()).unwrap_or(u32::MAX).to_le_bytes().to_vec();
    for property in properties {
        let mut table: Vec<u8> = interfaces.iter().map(property).collect();
        table.resize(INTERFACES, 0);
        bytes.extend(table);
    }
    bytes
}

fn decode_interfaces(fields: &mut Fields) -> Result<Vec<InterfaceInfo>, Illegal> {
    let count = usize::try_from(fields.u32()?).unwrap_or(usize::MAX);
    let [numbers, classes, subclasses, protocols] = [
        fields.array::<INTERFACES>()?,
        fields.array::<INTERFACES>()?,
        fields.array::<INTERFACES>()?,
        fields.array::<INTERFACES>()?,
    ];
    if count > INTERFACES {
        return Err(fields.wrong_length());
    }
    let classes = classes.iter().zip(subclasses).zip(protocols);
    let interfaces = numbers.iter().zip(classes).map(|(number, ((class, subclass), protocol))| {
        InterfaceInfo { number: *number, class: [*class, subclass, protocol] }
    });
    Ok(interfaces.take(count).collect())
}

/// One table per property, by [`endpoint_index`](super::packet::endpoint_index).
fn encode_endpoints(endpoints: &[Option<EndpointInfo>; ENDPOINTS]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(5 * ENDPOINTS);
    bytes.extend(endpoints.iter().map(|it| it.map_or(NO_ENDPOINT, |it| it.kind as u8)));
    bytes.extend(endpoints.iter().map(|it| it.map_or(0, |it| it.interval)));
    bytes.extend(endpoints.iter().map(|it| it.map_or(0, |it| it.interface)));
    bytes.extend(endpoints.iter().flat_map(|it| it.map_or(0, |it| it.max_packet).to_le_bytes()));
    bytes
}

fn decode_endpoints(fields: &mut Fields) -> Result<Box<[Option<EndpointInfo>; ENDPOINTS]>, Illegal> {
    let kinds = fields.array::<ENDPOINTS>()?;
    let intervals = fields.array::<ENDPOINTS>()?;
    let interfaces = fields.array::<ENDPOINTS>()?;
    let mut endpoints = Box::new([None; ENDPOINTS]);
    let properties = kinds.iter().zip(intervals).zip(interfaces);
    for (endpoint, ((kind, interval), interface)) in endpoints.iter_mut().zip(properties) {
        let max_packet = fields.u16()?;
        if *kind != NO_ENDPOINT {
            *endpoint = Some(EndpointInfo { kind: Kind::of(*kind)?, interval, interface, max_packet });
        }
    }
    Ok(endpoints)
}

impl Control {
    fn encode(&self) -> Vec<u8> {
        let Setup { request_type, request, value, index, length } = self.setup;
        let mut bytes = vec![self.endpoint, request, request_type, self.status as u8];
        [value, index, length].iter().for_each(|it| bytes.extend(it.to_le_bytes()));
        bytes.extend(&self.data);
        bytes
    }

    fn decode(fields: &mut Fields) -> Result<Self, Illegal> {
        let [endpoint, request, request_type, _] = fields.array()?;
        let [value, index, length] = [fields.u16()?, fields.u16()?, fields.u16()?];
        let setup = Setup { request_type, request, value, index, length };
        Ok(Self { endpoint, setup, status: UNSAID, data: fields.payload(length)? })
    }
}

impl Interrupt {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![self.endpoint, self.status as u8];
        bytes.extend(self.length.to_le_bytes());
        bytes.extend(&self.data);
        bytes
    }

    fn decode(fields: &mut Fields) -> Result<Self, Illegal> {
        let [endpoint, _] = fields.array()?;
        let length = fields.u16()?;
        Ok(Self { endpoint, status: UNSAID, length, data: fields.payload(length)? })
    }
}

/// Finds the packets in a stream of bytes.
#[derive(Debug, Default)]
pub struct Reader {
    waiting: Vec<u8>,
    greeted: bool,
}

impl Reader {
    /// Adds received bytes; [`next`](Self::next) returns the packets that they complete.
    pub fn push(&mut self, bytes: &[u8]) {
        self.waiting.extend(bytes);
    }

    /// The next complete packet. After an error the rest of the stream is meaningless.
    pub fn next(&mut self) -> Result<Option<Message>, Illegal> {
        // Only the first packet, a `hello`, has the short header.
        let header = if self.greeted { 16 } else { 12 };
        let (Some((kind, rest)), Some(id)) = (self.waiting.split_first_chunk(), self.waiting.get(8..header))
        else {
            return Ok(None);
        };
        let kind = u32::from_le_bytes(*kind);
        let length = rest.first_chunk().map_or(0, |length| u32::from_le_bytes(*length));
        if length > LONGEST {
            return Err(Illegal::Length { of: kind, length });
        }
        if (kind == kind::HELLO) == self.greeted {
            return Err(Illegal::Order);
        }
        let end = header + usize::try_from(length).unwrap_or(usize::MAX);
        let Some(body) = self.waiting.get(header..end) else {
            return Ok(None);
        };
        let id = id.iter().rev().fold(0, |id, byte| id << 8 | u64::from(*byte));
        let packet = Packet::decode(kind, body)?;
        if let Packet::Hello(hello) = &packet {
            let missing = CAPABILITIES & !hello.capabilities;
            if missing != 0 {
                return Err(Illegal::Capabilities(missing));
            }
            self.greeted = true;
        }
        self.waiting.drain(..end);
        Ok(Some(Message { id, packet }))
    }
}

#[cfg(test)]
mod tests;
