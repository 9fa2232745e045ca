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
//! - **Each transfer is complete**: shorter than the driver's buffer, no multiple of `wMaxPacketSize`, and with a short
//!   packet at its end, so that no channel is left with a partial one, and none waits for more.
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
/// Refusals for each bulk endpoint of a device that leaves, and when there are more: `usb_wwan_indat_callback` of Linux
/// asks again after each of them, some 500 times a second in trials.
const REFUSALS: usize = 100;
const REFUSED_AGAIN: Duration = Duration::from_millis(20);
/// After new refusals, the channels that had waited for them get theirs within this time.
const SERVED: Duration = Duration::from_millis(5);
/// How long the channels take to process them: each is served in turn, every 250 us of the guest's time, and a busy
/// host may not run the guest for a while.
const FOUND: Duration = Duration::from_millis(500);
/// The largest buffer that the model fills by one packet after the other (`dwc2_enable_chan`).
const SMALL: usize = 1536;
/// After this long without a request, no request is on its way.
const QUIET: Duration = Duration::from_millis(50);

/// Whether the device is plugged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    Out,
    In,
    /// It is being pulled out. Its bulk endpoints refuse requests (STALL): the drivers stop sending them, or get a
    /// refusal for each until the end, so that no channel is left with a request. It has no more data, but still
    /// acknowledges what it receives.
    ///
    /// After a while the disconnect follows the next answer in the same write: QEMU then has no other request of this
    /// device in flight, since endpoint 0 takes one at a time, and the guest has no time to make one. Or it follows
    /// when no request has come for a while.
    Leaving {
        since: Duration,
        /// When it refused last.
        refused: Duration,
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
            self.lose_power();
        }
        let program = concat!("dialbox lab ", env!("CARGO_PKG_VERSION")).to_owned();
        self.out = Packet::Hello(Hello { program, capabilities: CAPABILITIES }).unasked().encode();
    }

    /// QEMU has disconnected.
    pub fn disconnected(&mut self) {
        self.greeted = false;
        self.out.clear();
        if let Presence::Leaving { .. } = self.presence {
            self.lose_power();
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
        if self.presence == Presence::In {
            self.leave(now);
        }
    }

    /// It is out. Only now may its description be another one: until then its endpoints are those of the old one.
    fn lose_power(&mut self) {
        self.presence = Presence::Out;
        self.device.lose_power();
    }

    /// Puts another device in the place of one that is out.
    pub fn replace(&mut self, device: Box<dyn Device>) {
        self.device = device;
    }

    fn leave(&mut self, now: Duration) {
        if self.greeted {
            self.refuse_all();
            self.presence = Presence::Leaving { since: now, refused: now };
        } else {
            self.lose_power();
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
                Presence::Leaving { since, refused }
                    if of_endpoint_0 && since + FOUND <= now && refused + SERVED <= now =>
                {
                    self.disconnect();
                }
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
            Presence::Leaving { since, refused } => {
                Some((since + FOUND + QUIET).min(refused + REFUSED_AGAIN))
            }
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
            Presence::Leaving { since, refused }
                if since + FOUND + QUIET <= now && refused + SERVED <= now =>
            {
                self.disconnect();
            }
            Presence::Leaving { since, refused } if refused + REFUSED_AGAIN <= now => {
                self.refuse_all();
                self.presence = Presence::Leaving { since, refused: now };
            }
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
        self.lose_power();
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
                    self.presence = Presence::Leaving { since: now, refused: now };
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
            0 => self.device.description().standard_request(setup),
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
                    Flow::Stream { buffer } => packets(data, max_packet, buffer.into()),
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

    fn refuse_all(&mut self) {
        let polled: Vec<u8> = self.polled.keys().copied().collect();
        polled.into_iter().for_each(|endpoint| self.refuse(endpoint));
    }

    /// Refuses requests at this endpoint, if it is a bulk one, until the device is gone.
    fn refuse(&mut self, endpoint: u8) {
        let about = self.device.description().endpoint(endpoint);
        if about.is_some_and(|it| matches!(it.flow, Flow::Stream { .. } | Flow::Replies)) {
            let refusal = Interrupt { endpoint, status: Status::Stall, length: 0, data: Vec::new() };
            (0..REFUSALS).for_each(|_| self.queue(Packet::Interrupt(refusal.clone()).unasked()));
        }
    }
}

/// Cuts data into transfers that are no multiples of `max_packet`, and each of them into packets. QEMU passes on a transfer
/// once its last packet is shorter than `max_packet` (`usbredir_handle_interrupt_in_data`), and packets of one size at a
/// time to a buffer of up to [`SMALL`].
fn packets(mut data: Vec<u8>, max_packet: usize, buffer: usize) -> Vec<Vec<u8>> {
    let last = match data.len().is_multiple_of(max_packet) {
        true => data.split_off(data.len().saturating_sub(1)),
        false => Vec::new(),
    };
    let packets = [data, last].into_iter().flat_map(|transfer| {
        let full = transfer.len() - transfer.len() % max_packet;
        let size = if buffer > SMALL { full.max(max_packet) } else { max_packet };
        transfer.chunks(size).map(<[u8]>::to_vec).collect::<Vec<_>>()
    });
    packets.collect()
}

fn done_if(known: bool) -> Status {
    if known { Status::Success } else { Status::Stall }
}

fn transfer(endpoint: u8, data: Vec<u8>) -> Message {
    let length = u16::try_from(data.len()).unwrap_or(u16::MAX);
    Packet::Interrupt(Interrupt { endpoint, status: Status::Success, length, data }).unasked()
}

#[cfg(test)]
mod tests;
