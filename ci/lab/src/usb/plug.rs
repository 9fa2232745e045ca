//! The USB bus with one device on it, and QEMU at the other end. No socket, no clock.
//!
//! It works around QEMU's model of the Pi's host controller, `hw/usb/hcd-dwc2.c` (7.2, and the development version of
//! that time), which ends the emulator by an assertion where real hardware would not care:
//!
//! - **All endpoints are announced as polled**, while the descriptors say bulk. A bulk transfer waits in QEMU as an
//!   asynchronous packet. When Linux gives it up, because the tty was closed, it halts the channel. The model does
//!   not cancel the packet, and the next use of the channel fails `!usb_packet_is_inflight`. A polled endpoint
//!   answers NAK at once, and the model repeats the request by itself.
//! - **[`STALE`] empty packets before each burst.** A halted channel keeps requesting (`needs_service` stays set), and
//!   would put the next data into a buffer that no longer exists. It gets the empty packets.
//! - **Each packet is a complete transfer**: shorter than the driver's buffer and no multiple of `wMaxPacketSize`, so
//!   that no channel is left with a partial one.
//! - **At most [`BURST`] packets at once**: QEMU queues 2000 and drops the rest.
//! - **A device leaves in steps** ([`Presence`]): a channel's request to a device that is gone makes the model look up
//!   an endpoint of no device, and a request that was never answered stays in flight indefinitely.

use super::device::{CONFIGURATION, Device, Flow, Reply};
use super::packet::{
    CAPABILITIES, Control, DeviceConnect, ENDPOINTS, Hello, Illegal, Interrupt, Message, Packet, Setup,
    Speed, Status, endpoint_index,
};
use super::wire::Reader;
use std::collections::BTreeMap;
use std::time::Duration;

/// Most halted channels that still send requests: one for each time a port was closed since it last had data.
const STALE: usize = 3;
/// Most packets for one endpoint that may be waiting in QEMU, by estimate.
const BURST: u32 = 400;
/// How long QEMU takes to pass on one packet.
const DRAIN: Duration = Duration::from_micros(250);
/// A stream that paused for this long may have been closed and opened again.
const PAUSE: Duration = Duration::from_millis(5);
/// Refusals for each stream of a device that leaves: more than there are buffers, or stale channels.
const REFUSALS: usize = 100;
/// How long the channels take to process them: each is served in turn, every 250 us of the guest's time, and a busy
/// host may not run the guest for a while.
const FOUND: Duration = Duration::from_millis(500);
/// After this long without a request, no request is on its way.
const QUIET: Duration = Duration::from_millis(50);

/// Whether the device is plugged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    Out,
    In,
    /// It is being pulled out. Its streams refuse requests (STALL), and the drivers stop sending them, so that no
    /// channel is left with a request. It has no more data, but still acknowledges what it receives.
    ///
    /// After a while the disconnect follows the next answer in the same write: QEMU then has no other request of this
    /// device in flight, since endpoint 0 takes one at a time, and the guest has no time to make one. Or it follows
    /// when no request has come for a while.
    Leaving {
        since: Duration,
    },
}

/// An IN endpoint that the guest polls.
#[derive(Debug, Clone, Copy, Default)]
struct Polled {
    /// When the last packet went out.
    last: Option<Duration>,
    /// When QEMU will have passed on everything sent.
    drained: Duration,
}

/// One device, plugged in or out.
pub struct Plug {
    device: Box<dyn Device>,
    reader: Reader,
    greeted: bool,
    presence: Presence,
    /// Whether the device has left by itself, and comes back.
    returns: bool,
    polled: BTreeMap<u8, Polled>,
    out: Vec<u8>,
}

impl Plug {
    /// A device that is plugged in.
    pub fn new(device: Box<dyn Device>) -> Self {
        Self {
            device,
            reader: Reader::default(),
            greeted: false,
            presence: Presence::In,
            returns: false,
            polled: BTreeMap::new(),
            out: Vec::new(),
        }
    }

    /// A new QEMU has connected.
    pub fn connected(&mut self) {
        self.reader = Reader::default();
        self.greeted = false;
        self.polled.clear();
        if let Presence::Leaving { .. } = self.presence {
            self.presence = Presence::Out;
        }
        let program = concat!("dialbox lab ", env!("CARGO_PKG_VERSION")).to_owned();
        self.out = Packet::Hello(Hello { program, capabilities: CAPABILITIES }).unasked().encode();
    }

    /// QEMU has disconnected.
    pub fn disconnected(&mut self) {
        self.greeted = false;
        self.out.clear();
        if let Presence::Leaving { .. } = self.presence {
            self.presence = Presence::Out;
        }
    }

    /// The device is plugged in.
    pub fn put_in(&mut self) {
        if self.presence == Presence::Out {
            self.presence = Presence::In;
            if self.greeted {
                self.connect();
            }
        }
    }

    /// The device is pulled out. It is gone when [`is_out`](Self::is_out).
    pub fn pull_out(&mut self, now: Duration) {
        self.returns = false;
        self.device.lose_power();
        if self.presence == Presence::In {
            self.leave(now);
        }
    }

    fn leave(&mut self, now: Duration) {
        self.presence = Presence::Out;
        if self.greeted {
            let polled: Vec<u8> = self.polled.keys().copied().collect();
            polled.into_iter().for_each(|endpoint| self.refuse(endpoint));
            self.presence = Presence::Leaving { since: now };
        }
    }

    /// The device, for the lines of its ports; `None` while it is not plugged in.
    pub fn device(&mut self) -> Option<&mut dyn Device> {
        (self.presence == Presence::In && self.greeted).then_some(&mut *self.device)
    }

    /// Whether the disconnect was sent to QEMU.
    pub fn is_out(&self) -> bool {
        self.presence == Presence::Out
    }

    /// Bytes from QEMU.
    pub fn receive(&mut self, bytes: &[u8], now: Duration) -> Result<(), Illegal> {
        self.reader.push(bytes);
        while let Some(Message { id, packet }) = self.reader.next()? {
            let Some(answer) = self.answer(packet, now) else { continue };
            let of_endpoint_0 = !matches!(answer, Packet::InterruptReceivingStatus { .. });
            self.queue(Message { id, packet: answer });
            match self.presence {
                Presence::Leaving { since } if of_endpoint_0 && since + FOUND <= now => self.disconnect(),
                _ => {}
            }
        }
        Ok(())
    }

    /// When the plug is next due without input.
    pub fn deadline(&self) -> Option<Duration> {
        match self.presence {
            Presence::In if self.greeted => self.device.deadline(),
            Presence::In | Presence::Out => None,
            Presence::Leaving { since } => Some(since + FOUND + QUIET),
        }
    }

    /// Bytes for QEMU.
    pub fn transmit(&mut self, now: Duration) -> Vec<u8> {
        match self.presence {
            Presence::In if self.greeted && self.device.leaves() => {
                self.returns = true;
                self.leave(now);
            }
            Presence::In if self.greeted => self.send(now),
            Presence::Leaving { since } if since + FOUND + QUIET <= now => self.disconnect(),
            Presence::In | Presence::Out | Presence::Leaving { .. } => {}
        }
        std::mem::take(&mut self.out)
    }

    fn queue(&mut self, message: Message) {
        self.out.extend(message.encode());
    }

    fn disconnect(&mut self) {
        self.queue(Packet::DeviceDisconnect.unasked());
        self.polled.clear();
        self.presence = Presence::Out;
        if std::mem::take(&mut self.returns) {
            self.device.come_back();
            self.put_in();
        }
    }

    /// Announces the device; QEMU requires the description of its parts before the connect.
    fn connect(&mut self) {
        let about = self.device.description();
        let mut endpoints = Box::new([None; ENDPOINTS]);
        for (interface, endpoint) in about.endpoints() {
            if let Some(entry) = endpoints.get_mut(endpoint_index(endpoint.address)) {
                *entry = Some(endpoint.info(interface));
            }
        }
        let device = DeviceConnect {
            speed: Speed::Full,
            class: about.class,
            vendor: about.vendor,
            product: about.product,
            version: about.version,
        };
        self.queue(Packet::InterfaceInfo(about.interface_info()).unasked());
        self.queue(Packet::EndpointInfo(endpoints).unasked());
        self.queue(Packet::DeviceConnect(device).unasked());
    }

    fn answer(&mut self, packet: Packet, now: Duration) -> Option<Packet> {
        match packet {
            Packet::Hello(_) => {
                self.greeted = true;
                if self.presence == Presence::In {
                    self.connect();
                }
                None
            }
            // What QEMU still sends for a device that is out needs no answer: it has cancelled everything.
            _ if self.presence == Presence::Out => None,
            Packet::Control(control) => Some(Packet::Control(self.control(control, now))),
            Packet::Interrupt(Interrupt { endpoint, data, .. }) => {
                if self.presence == Presence::In {
                    self.device.receive(endpoint, &data);
                }
                None // for QEMU a transfer to a polled endpoint is complete when it is sent
            }
            Packet::SetConfiguration(configuration) => {
                let known = configuration <= CONFIGURATION;
                Some(Packet::ConfigurationStatus { status: done_if(known), configuration })
            }
            Packet::GetConfiguration => {
                Some(Packet::ConfigurationStatus { status: Status::Success, configuration: CONFIGURATION })
            }
            Packet::SetAltSetting { interface, alt } => {
                Some(Packet::AltSettingStatus { status: done_if(alt == 0), interface, alt })
            }
            Packet::GetAltSetting(interface) => {
                Some(Packet::AltSettingStatus { status: Status::Success, interface, alt: 0 })
            }
            Packet::StartInterruptReceiving(endpoint) => {
                self.polled.insert(endpoint, Polled::default());
                if let Presence::Leaving { .. } = self.presence {
                    self.refuse(endpoint);
                    self.presence = Presence::Leaving { since: now };
                }
                Some(Packet::InterruptReceivingStatus { status: Status::Success, endpoint })
            }
            Packet::StopInterruptReceiving(endpoint) => {
                self.polled.remove(&endpoint);
                Some(Packet::InterruptReceivingStatus { status: Status::Success, endpoint })
            }
            // A port reset comes before an enumeration, when there is no data yet. A cancelled request was answered
            // already.
            _ => None,
        }
    }

    fn control(&mut self, Control { endpoint, setup, data, .. }: Control, now: Duration) -> Control {
        let reply = match setup.request_type >> 5 & 3 {
            0 => standard(&*self.device, setup),
            _ if self.presence == Presence::In => self.device.request(setup, &data, now),
            // It is leaving: it accepts everything and has no data.
            _ => Reply::Done(Vec::new()),
        };
        let (status, mut data) = match reply {
            Reply::Done(data) => (Status::Success, data),
            Reply::Stall => (Status::Stall, Vec::new()),
        };
        data.truncate(setup.length.into());
        let is_in = setup.request_type & 0x80 != 0;
        let length = if is_in { u16::try_from(data.len()).unwrap_or(u16::MAX) } else { setup.length };
        Control { endpoint, setup: Setup { length, ..setup }, status, data }
    }

    /// Sends the device's data for the polled endpoints.
    fn send(&mut self, now: Duration) {
        let about = self.device.description();
        for (address, mut polled) in self.polled.clone() {
            let Some(endpoint) = about.endpoint(address) else { continue };
            let max_packet = usize::from(endpoint.max_packet);
            let limit = match endpoint.flow {
                Flow::Messages { .. } | Flow::Replies => max_packet,
                Flow::Stream { buffer } => usize::from(buffer) - 1,
            };
            while polled.drained < now + DRAIN * BURST {
                let data = self.device.send(address, limit, now);
                if data.is_empty() {
                    break;
                }
                let mut packets = match endpoint.flow {
                    Flow::Messages { .. } | Flow::Replies => vec![data],
                    Flow::Stream { .. } => short(data, max_packet),
                };
                let burst = polled.last.is_none_or(|last| last + PAUSE <= now);
                if burst && matches!(endpoint.flow, Flow::Stream { .. }) {
                    packets.splice(..0, vec![Vec::new(); STALE]);
                }
                for data in packets {
                    polled.drained = polled.drained.max(now) + DRAIN;
                    self.queue(transfer(address, data));
                }
                polled.last = Some(now);
            }
            self.polled.insert(address, polled);
        }
    }

    /// Refuses requests at this endpoint, if it is a stream, until the device is gone.
    fn refuse(&mut self, endpoint: u8) {
        let about = self.device.description().endpoint(endpoint);
        if about.is_some_and(|it| matches!(it.flow, Flow::Stream { .. })) {
            let refusal = Interrupt { endpoint, status: Status::Stall, length: 0, data: Vec::new() };
            (0..REFUSALS).for_each(|_| self.queue(Packet::Interrupt(refusal.clone()).unasked()));
        }
    }
}

/// Splits a transfer so that each piece ends with a short packet.
fn short(mut data: Vec<u8>, max_packet: usize) -> Vec<Vec<u8>> {
    if data.len().is_multiple_of(max_packet) {
        let last = data.split_off(data.len().saturating_sub(1));
        return vec![data, last];
    }
    vec![data]
}

fn done_if(known: bool) -> Status {
    if known { Status::Success } else { Status::Stall }
}

fn transfer(endpoint: u8, data: Vec<u8>) -> Message {
    let length = u16::try_from(data.len()).unwrap_or(u16::MAX);
    Packet::Interrupt(Interrupt { endpoint, status: Status::Success, length, data }).unasked()
}

/// USB 2.0 §9.4, without the requests that QEMU handles itself or sends in packets of their own.
fn standard(device: &dyn Device, setup: Setup) -> Reply {
    const GET_STATUS: u8 = 0;
    const CLEAR_FEATURE: u8 = 1;
    const SET_FEATURE: u8 = 3;
    const GET_DESCRIPTOR: u8 = 6;
    let [index, kind] = setup.value.to_le_bytes();
    match (setup.request_type, setup.request) {
        (0x80, GET_DESCRIPTOR) => {
            device.description().descriptor(kind, index).map_or(Reply::Stall, Reply::Done)
        }
        (0x80..=0x82, GET_STATUS) => Reply::Done(vec![0, 0]),
        (0x00..=0x02, CLEAR_FEATURE | SET_FEATURE) => Reply::Done(Vec::new()),
        _ => Reply::Stall,
    }
}

#[cfg(test)]
mod tests;
