//! A stick or module made of its model's file (`[simulated.usb]`): serial ports for the drivers on top of `usb_wwan`
//! (option, qcserial) and for `cdc-acm`, and CD-ROM drives, one of which it may be before its mode switch.

use super::device::{Description, Device, Endpoint, Flow, Interface, Outward, Reply};
use super::disc::{self, Disc};
use super::fifo::Fifo;
use super::packet::Setup;
use crate::modem::stick::Stick;
use dialbox::site::{PortId, SimulatedUsb, UsbId, UsbInterface};
use std::time::Duration;

/// `bMaxPacketSize` of a bulk endpoint at full speed (USB 2.0 §5.8.3).
const BULK_PACKET: u8 = 64;
/// `IN_BUFLEN` of Linux' drivers/usb/serial/usb-wwan.h.
const WWAN_STREAM: Flow = Flow::Stream { buffer: 4096 };
/// `readsize` in `acm_probe` of drivers/usb/class/cdc-acm.c: two packets.
const ACM_STREAM: Flow = Flow::Stream { buffer: 128 };
/// Where the ports of the maker's own class are, and those of CDC-ACM (USB CDC 1.2 tables 15 and 16).
const MAKERS_OWN: u8 = 0xff;
const ABSTRACT_CONTROL: [u8; 2] = [0x02, 0x02];
const CDC_DATA: u8 = 0x0a;
/// 115200 bit/s, 8N1 (USB CDC PSTN table 17).
const LINE_CODING: [u8; 7] = [0x00, 0xc2, 0x01, 0x00, 0, 0, 8];

/// A model as a USB device.
#[derive(Debug)]
pub struct UsbModel {
    /// What it is before its mode switch, and how it is switched.
    drive: Option<(Mode, DiscModel)>,
    modem: Mode,
    /// The interfaces of the ports for calls and for commands, as the file names them.
    named: [Option<u8>; 2],
}

/// A CD-ROM drive.
#[derive(Debug, Clone, Copy)]
struct DiscModel {
    inquiry: &'static str,
    command: &'static [u8],
}

/// The device between two changes of its descriptors.
#[derive(Debug)]
struct Mode {
    about: Description,
    ports: Vec<SerialPort>,
    /// The endpoints of CD-ROM drives, IN and OUT.
    discs: Vec<[u8; 2]>,
}

/// What a serial port consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SerialPort {
    /// The interface that its requests go to.
    interface: u8,
    /// IN and OUT.
    data: [u8; 2],
    /// The endpoint that reports the carrier.
    state: Option<u8>,
}

impl UsbModel {
    /// The device of a model, if its file has descriptors; it lasts as long as the program.
    pub fn of(Stick { model, usb, .. }: &Stick) -> Option<&'static Self> {
        let usb = usb.as_ref()?;
        let ids = model.usb.first().copied().or(usb.ids).unwrap_or(UsbId(0, 0));
        let drive = usb.drive.as_ref().and_then(|drive| {
            let (ids, command) = drive.switch.clone()?;
            let disc = DiscModel { inquiry: keep(&drive.inquiry), command: Vec::leak(command) };
            Some((Mode::new([0; 3], ids, usb, &drive.interfaces), disc))
        });
        let named = [&model.data, &model.command].map(|port| match port {
            Some(PortId::Interface(number)) => Some(*number),
            _ => None,
        });
        let modem = Mode::new(usb.class, ids, usb, &usb.interfaces);
        Some(Box::leak(Box::new(Self { drive, modem, named })))
    }

    /// For each serial port, the port of the modem behind it: 0 for calls, 1 for commands. A model whose file does not
    /// name its ports answers at the first one.
    pub fn modem_ports(&self) -> Vec<Option<usize>> {
        let port_at = |(at, port): (usize, &SerialPort)| match self.named {
            [None, _] => (at == 0).then_some(0),
            named => named.iter().position(|it| *it == Some(port.interface)),
        };
        self.modem.ports.iter().enumerate().map(port_at).collect()
    }
}

impl Mode {
    fn new(
        class: [u8; 3],
        UsbId(vendor, product): UsbId,
        usb: &SimulatedUsb,
        interfaces: &[UsbInterface],
    ) -> Self {
        let interfaces: &'static [Interface] = Vec::leak(interfaces.iter().map(interface).collect());
        let discs = interfaces.iter().filter(|it| it.class == disc::CLASS);
        let discs = discs.filter_map(|it| Some([bulk(it, true)?, bulk(it, false)?])).collect();
        let names = [keep(&usb.names[0]), keep(&usb.names[1])];
        let about = Description { class, vendor, product, version: usb.release, names, interfaces };
        Self { about, ports: ports(interfaces), discs }
    }
}

/// The serial ports of a device: each interface of the maker's own class with bulk endpoints in both directions, and
/// each pair of CDC-ACM.
fn ports(interfaces: &[Interface]) -> Vec<SerialPort> {
    let following = interfaces.iter().skip(1).map(Some).chain([None]);
    let ports = interfaces.iter().zip(following).filter_map(|(it, next)| {
        let data = match it.class {
            [MAKERS_OWN, ..] => it,
            [class, subclass, _] if [class, subclass] == ABSTRACT_CONTROL => {
                next.filter(|it| it.class[0] == CDC_DATA)?
            }
            _ => return None,
        };
        let is_messages = |it: &&Endpoint| matches!(it.flow, Flow::Messages { .. });
        let state = it.endpoints.iter().find(is_messages).map(|it| it.address);
        Some(SerialPort { interface: it.number, data: [bulk(data, true)?, bulk(data, false)?], state })
    });
    ports.collect()
}

/// The bulk endpoint in this direction.
fn bulk(interface: &Interface, is_in: bool) -> Option<u8> {
    let fits =
        |it: &&Endpoint| !matches!(it.flow, Flow::Messages { .. }) && (it.address & 0x80 != 0) == is_in;
    interface.endpoints.iter().find(fits).map(|it| it.address)
}

fn interface(it: &UsbInterface) -> Interface {
    let stream = match it.class {
        disc::CLASS => Flow::Replies,
        [CDC_DATA, ..] => ACM_STREAM,
        _ => WWAN_STREAM,
    };
    let endpoints = it.endpoints.iter().map(|endpoint| match endpoint.interrupt {
        None => Endpoint { address: endpoint.address, max_packet: BULK_PACKET, flow: stream },
        Some((max_packet, interval)) => {
            Endpoint { address: endpoint.address, max_packet, flow: Flow::Messages { interval } }
        }
    });
    Interface {
        number: it.number,
        before: Vec::leak(it.before.clone()),
        class: it.class,
        extra: Vec::leak(it.extra.clone()),
        endpoints: Vec::leak(endpoints.collect()),
    }
}

fn keep(text: &str) -> &'static str {
    text.to_owned().leak()
}

/// One stick.
#[derive(Debug)]
pub struct UsbStick {
    model: &'static UsbModel,
    is_modem: bool,
    discs: Vec<Disc>,
    lines: Vec<Line>,
    outward: Vec<Outward>,
}

/// What the stick knows of a port's line.
#[derive(Debug)]
struct Line {
    received: Fifo,
    coding: Vec<u8>,
    dtr: bool,
    dcd: bool,
    /// DCD as last reported.
    reported: bool,
}

impl Line {
    fn new() -> Self {
        Self {
            received: Fifo::default(),
            coding: LINE_CODING.to_vec(),
            dtr: false,
            dcd: false,
            reported: false,
        }
    }

    /// The carrier, if it is to be reported: only while DTR is on, as the driver does not read a closed port.
    fn report(&mut self, interface: u8) -> Vec<u8> {
        if !self.dtr || self.reported == self.dcd {
            return Vec::new();
        }
        self.reported = self.dcd;
        const SERIAL_STATE: u8 = 0x20;
        const DSR: u8 = 1 << 1;
        vec![0xa1, SERIAL_STATE, 0, 0, interface, 0, 2, 0, DSR | u8::from(self.dcd), 0]
    }
}

impl UsbStick {
    /// A stick of a model, as it is when it gets power.
    pub fn new(model: &'static UsbModel) -> Self {
        Self::begin(model, model.drive.is_none())
    }

    fn begin(model: &'static UsbModel, is_modem: bool) -> Self {
        let mut stick = Self { model, is_modem, discs: Vec::new(), lines: Vec::new(), outward: Vec::new() };
        let (inquiry, command) = match &model.drive {
            Some((_, disc)) if !is_modem => (disc.inquiry, Some(disc.command)),
            Some((_, disc)) => (disc.inquiry, None),
            None => ("", None),
        };
        stick.discs = stick.mode().discs.iter().map(|_| Disc::new(inquiry, command)).collect();
        stick.lines = stick.mode().ports.iter().map(|_| Line::new()).collect();
        stick
    }

    fn mode(&self) -> &'static Mode {
        match &self.model.drive {
            Some((drive, _)) if !self.is_modem => drive,
            _ => &self.model.modem,
        }
    }

    fn port(&self, is_it: impl Fn(&SerialPort) -> bool) -> Option<usize> {
        self.mode().ports.iter().position(is_it)
    }
}

impl Device for UsbStick {
    fn description(&self) -> &'static Description {
        &self.mode().about
    }

    fn request(&mut self, setup: Setup, data: &[u8], _: Duration) -> Reply {
        // USB CDC PSTN table 13; `usb_wwan_send_setup` sends the last one to the ports of the maker's own class, too.
        const SET_LINE_CODING: u8 = 0x20;
        const GET_LINE_CODING: u8 = 0x21;
        const SET_CONTROL_LINE_STATE: u8 = 0x22;
        let port = self.port(|port| u16::from(port.interface) == setup.index);
        let Some((port, line)) = port.and_then(|port| Some((port, self.lines.get_mut(port)?))) else {
            return Disc::request(setup);
        };
        match (setup.request_type, setup.request) {
            (0x21, SET_CONTROL_LINE_STATE) => {
                line.dtr = setup.value & 1 != 0;
                line.reported = false;
                self.outward.push(Outward::Dtr(port, line.dtr));
                Reply::Done(Vec::new())
            }
            (0x21, SET_LINE_CODING) if data.len() == LINE_CODING.len() => {
                line.coding = data.to_vec();
                Reply::Done(Vec::new())
            }
            (0xa1, GET_LINE_CODING) => Reply::Done(line.coding.clone()),
            _ => Reply::Stall,
        }
    }

    fn receive(&mut self, endpoint: u8, data: &[u8]) {
        if let Some(port) = self.port(|port| port.data[1] == endpoint) {
            self.outward.push(Outward::Bytes(port, data.to_vec()));
        }
        let discs = self.mode().discs.iter().zip(&mut self.discs);
        discs.filter(|(at, _)| at[1] == endpoint).for_each(|(_, disc)| disc.receive(data));
    }

    fn send(&mut self, endpoint: u8, limit: usize, _: Duration) -> Vec<u8> {
        let mode = self.mode();
        for (port, line) in mode.ports.iter().zip(&mut self.lines) {
            match endpoint {
                it if it == port.data[0] => return line.received.take(limit),
                it if Some(it) == port.state => return line.report(port.interface),
                _ => {}
            }
        }
        let mut discs = mode.discs.iter().zip(&mut self.discs);
        discs.find(|(at, _)| at[0] == endpoint).map_or_else(Vec::new, |(_, disc)| disc.send())
    }

    fn deadline(&self) -> Option<Duration> {
        None
    }

    fn lose_power(&mut self) {
        *self = Self::new(self.model);
    }

    fn leaves(&self) -> bool {
        self.discs.iter().any(Disc::is_switched)
    }

    fn come_back(&mut self) {
        *self = Self::begin(self.model, true);
    }

    fn outward(&mut self) -> Vec<Outward> {
        std::mem::take(&mut self.outward)
    }

    fn room(&self, port: usize) -> usize {
        self.lines.get(port).map_or(0, |line| line.received.room())
    }

    fn inward(&mut self, port: usize, bytes: &[u8], _: Duration) {
        if let Some(line) = self.lines.get_mut(port) {
            line.received.push(bytes);
        }
    }

    fn carrier(&mut self, port: usize, on: bool) {
        if let Some(line) = self.lines.get_mut(port) {
            line.dcd = on;
        }
    }
}

#[cfg(test)]
mod tests;
