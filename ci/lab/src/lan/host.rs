//! The host: frames and time in, frames out. Its TCP/IP is smoltcp's, which also answers pings.

use super::flood::{self, Flood};
use super::ftp::Ftp;
use super::phones::{FIRST, PHONES, SIP};
use super::{Lan, dhcp, dns};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, PacketMeta, RxToken, TxToken};
use smoltcp::socket::{tcp, udp};
use smoltcp::time::Instant;
use smoltcp::wire::{DHCP_CLIENT_PORT, EthernetAddress, HardwareAddress, IpAddress, IpCidr, IpEndpoint};
use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::time::Duration;

/// Its MAC address, locally administered.
const CARD: EthernetAddress = EthernetAddress([0x02, 0, 0, 0, 0x32, 0xfe]);
/// The number of HTTP connections at a time.
const VISITORS: usize = 4;
const WEB: u16 = 80;
/// An Ethernet frame without its checksum.
const FRAME: usize = 1514;
const BUFFER: usize = 8 << 10;

/// A request to the host, and the client's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// A name was looked up.
    Name(Ipv4Addr, String),
    /// The page was fetched.
    Page(Ipv4Addr),
    /// The page was fetched by active FTP.
    File(Ipv4Addr),
}

/// The host.
pub struct Host {
    interface: Interface,
    card: Card,
    sockets: SocketSet<'static>,
    dhcp: SocketHandle,
    dns: SocketHandle,
    web: [SocketHandle; VISITORS],
    phones: [SocketHandle; PHONES],
    stranger: SocketHandle,
    /// How many REGISTERs the stranger has sent, and its challenge.
    sent: u32,
    challenge: Option<String>,
    ftp: Ftp,
    page: String,
    asked: Vec<Asked>,
}

/// Received frames, and frames to send.
#[derive(Default)]
struct Card {
    came: VecDeque<Vec<u8>>,
    go: Vec<Vec<u8>>,
}

impl Host {
    /// A host that has just been switched on, with this page.
    pub fn new(page: &str) -> Self {
        let mut card = Card::default();
        let config = Config::new(HardwareAddress::Ethernet(CARD));
        let mut interface = Interface::new(config, &mut card, Instant::ZERO);
        interface.update_ip_addrs(|addresses| {
            // There is room for two.
            let _ = addresses.push(IpCidr::new(IpAddress::Ipv4(Lan::HOST), Lan::PREFIX));
            let _ = addresses.push(IpCidr::new(IpAddress::Ipv4(Lan::PUBLIC), 32));
        });
        // The box leads further, as it does for equipment that reaches the VPN. There is room for the route.
        let _ = interface.routes_mut().add_default_ipv4_route(Lan::GIVEN);
        let mut sockets = SocketSet::new(Vec::new());
        let ports = [dhcp::PORT, dns::PORT, FIRST, FIRST + 1, flood::PORT];
        let [dhcp, dns, first, second, stranger] = ports.map(|port| {
            let buffer = || udp::PacketBuffer::new(vec![udp::PacketMetadata::EMPTY; 8], vec![0; BUFFER]);
            let mut socket = udp::Socket::new(buffer(), buffer());
            // It is not bound yet, and the port is not 0.
            let _ = socket.bind(port);
            sockets.add(socket)
        });
        let mut tcp = || {
            let buffer = || tcp::SocketBuffer::new(vec![0; BUFFER]);
            sockets.add(tcp::Socket::new(buffer(), buffer()))
        };
        let web = [(); VISITORS].map(|()| tcp());
        let ftp = Ftp::new(tcp(), tcp());
        let (phones, page) = ([first, second], page.to_owned());
        Self {
            interface,
            card,
            sockets,
            dhcp,
            dns,
            web,
            phones,
            stranger,
            sent: 0,
            challenge: None,
            ftp,
            page,
            asked: Vec::new(),
        }
    }

    /// Processes received frames; returns the frames to send, and when it is next due if no frame comes.
    pub fn turn(&mut self, came: Vec<Vec<u8>>, now: Duration) -> (Vec<Vec<u8>>, Option<Duration>) {
        let now = Instant::from_micros(i64::try_from(now.as_micros()).unwrap_or(i64::MAX));
        self.card.came.extend(came);
        self.interface.poll(now, &mut self.card, &mut self.sockets);
        self.give_addresses();
        self.give_names();
        for visitor in self.web {
            self.give_page(visitor);
        }
        let served = self.ftp.turn(&mut self.sockets, self.interface.context(), &self.page);
        self.asked.extend(served.map(Asked::File));
        self.interface.poll(now, &mut self.card, &mut self.sockets);
        let next = self.interface.poll_delay(now, &self.sockets);
        (std::mem::take(&mut self.card.go), next.map(Into::into))
    }

    /// The requests since the last call.
    pub fn take_asked(&mut self) -> Vec<Asked> {
        std::mem::take(&mut self.asked)
    }

    /// A telephone's datagram to the exchange in the box.
    pub fn call_box(&mut self, phone: usize, datagram: &[u8]) {
        if let Some(handle) = self.phones.get(phone) {
            let to = IpEndpoint::new(IpAddress::Ipv4(Lan::GIVEN), SIP);
            // A full buffer drops it, as a network may.
            let _ = self.sockets.get_mut::<udp::Socket>(*handle).send_slice(datagram, to);
        }
    }

    /// The box's datagrams to a telephone.
    pub fn take_calls(&mut self, phone: usize) -> Vec<Vec<u8>> {
        let Some(handle) = self.phones.get(phone) else { return Vec::new() };
        let socket = self.sockets.get_mut::<udp::Socket>(*handle);
        std::iter::from_fn(|| socket.recv().ok().map(|(datagram, _)| datagram.to_vec())).collect()
    }

    /// Sends a part of a flood, as much as fits into the socket, and counts the answers.
    pub fn flood(&mut self, flood: &Flood) {
        let socket = self.sockets.get_mut::<udp::Socket>(self.stranger);
        while let Ok((answer, _)) = socket.recv() {
            flood.was_answered();
            self.challenge = self.challenge.take().or_else(|| flood::challenge(answer));
        }
        let endpoint = IpEndpoint::new(IpAddress::Ipv4(Lan::GIVEN), SIP);
        let local_address = Some(IpAddress::Ipv4(Lan::PUBLIC));
        while flood.left() > 0 {
            let datagram = flood::register(self.sent + 1, self.challenge.as_deref());
            let to = udp::UdpMetadata { endpoint, local_address, meta: PacketMeta::default() };
            if socket.send_slice(datagram.as_bytes(), to).is_err() {
                break;
            }
            self.sent += 1;
            flood.sent();
        }
    }

    fn give_addresses(&mut self) {
        let socket = self.sockets.get_mut::<udp::Socket>(self.dhcp);
        while let Ok((message, _)) = socket.recv() {
            if let Some((to, answer)) = dhcp::answer(message) {
                let to = IpEndpoint::new(IpAddress::Ipv4(to), DHCP_CLIENT_PORT);
                // A full buffer drops it, as a network may.
                let _ = socket.send_slice(&answer, to);
            }
        }
    }

    fn give_names(&mut self) {
        let socket = self.sockets.get_mut::<udp::Socket>(self.dns);
        while let Ok((query, from)) = socket.recv() {
            if let Some(dns::Answer { name, message }) = dns::answer(query) {
                let IpAddress::Ipv4(by) = from.endpoint.addr;
                self.asked.push(Asked::Name(by, name));
                let _ = socket.send_slice(&message, from);
            }
        }
    }

    /// HTTP/1.0: the page, for any request.
    fn give_page(&mut self, visitor: SocketHandle) {
        let socket = self.sockets.get_mut::<tcp::Socket>(visitor);
        if !socket.is_open() {
            // The port is not 0, and the socket is closed.
            let _ = socket.listen(WEB);
        }
        let mut heard = Vec::new();
        let _ = socket.recv(|bytes| {
            heard.extend_from_slice(bytes);
            let whole = bytes.windows(4).any(|end| end == b"\r\n\r\n");
            (if whole { bytes.len() } else { 0 }, ())
        });
        if heard.windows(4).any(|end| end == b"\r\n\r\n") {
            if let Some(IpEndpoint { addr: IpAddress::Ipv4(by), .. }) = socket.remote_endpoint() {
                self.asked.push(Asked::Page(by));
            }
            let length = self.page.len();
            let answer = format!("HTTP/1.0 200 OK\r\nContent-Length: {length}\r\n\r\n{}", self.page);
            let _ = socket.send_slice(answer.as_bytes());
            socket.close();
        } else if !socket.may_recv() && socket.may_send() && !socket.is_listening() {
            socket.close(); // the client closed without a request
        }
    }
}

impl Device for Card {
    type RxToken<'a> = Came;
    type TxToken<'a> = Go<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Came, Go<'_>)> {
        let frame = self.came.pop_front()?;
        Some((Came(frame), Go(&mut self.go)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Go<'_>> {
        Some(Go(&mut self.go))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        (capabilities.medium, capabilities.max_transmission_unit) = (Medium::Ethernet, FRAME);
        capabilities
    }
}

/// A received frame.
struct Came(Vec<u8>);

impl RxToken for Came {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

/// Room for a frame to send.
struct Go<'a>(&'a mut Vec<Vec<u8>>);

impl TxToken for Go<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let mut frame = vec![0; length];
        let written = write(&mut frame);
        self.0.push(frame);
        written
    }
}
