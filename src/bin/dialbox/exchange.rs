//! The telephone exchange: its socket, clock and files around [`Exchange`].

mod relays;

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use dialbox::clock;
use dialbox::exchange::{EndedCall, Exchange, ExchangeLog, LONGEST, Output};
use dialbox::log::Log;
use dialbox::names::{Service, record};
use dialbox::privileges;
use dialbox::service::{self, Start};
use dialbox::site::{self, Role};
use dialbox::state::Store;
use dialbox::watch::heartbeat::Heartbeat;
use relays::Relays;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    self, AddressFamily, RecvFlags, SendFlags, SocketAddrAny, SocketFlags, SocketType, bind, connect,
    getsockname, recvfrom, sendto, sockopt,
};
use rustix::rand::{GetRandomFlags, getrandom};

const SERVICE: Service = Service::Exchange;
const DEADLINE: Duration = Duration::from_secs(20);
/// Between two looks for an interface that is not there.
const RETRY: Duration = Duration::from_secs(1);
/// Datagrams that are taken before what is due is done and the heartbeat is sent.
const BATCH: usize = 64;
/// The kernel keeps so many bytes of datagrams for a process that is busy.
const RECEIVE_BUFFER: usize = 256 * 1024;
/// How often the box's own address is looked up: a DHCP server may change it.
const ADDRESS_EVERY: Duration = Duration::from_secs(10);
/// Between two publications: many adapters may register at once.
const PUBLISH_EVERY: Duration = Duration::from_millis(200);
/// Between two writes of the log of calls to the card.
const STORE_EVERY: Duration = Duration::from_secs(60);

/// From start to end.
pub fn main() -> ExitCode {
    service::main(SERVICE, run)
}

fn run(start: &Start, log: &Log) -> String {
    let Role::DialIn(dial_in) = &start.site.role else { return "the site's role is not dial-in".to_owned() };
    let (Some(exchange), Some(lan)) = (&dial_in.exchange, &start.site.lan) else {
        return "the site has no [exchange]".to_owned();
    };
    match serve(exchange, lan.interface.as_str(), start, log) {
        Err(error) => error.to_string(),
    }
}

/// Serves until a fatal error.
fn serve(
    site: &site::Exchange,
    interface: &str,
    start: &Start,
    log: &Log,
) -> io::Result<std::convert::Infallible> {
    let mut heartbeat = Heartbeat::new(&start.paths, SERVICE, DEADLINE);
    let socket = wait_for(interface, site.port.get(), &mut heartbeat, log)?;
    let mut random = [0; 40];
    getrandom(&mut random, GetRandomFlags::empty())?;
    let unknown = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, site.port.get());
    let mut exchange = Exchange::new(site, start.site.hostname.as_str(), unknown, random);
    let published = start.paths.run_file(record::EXCHANGE);
    if let Ok(text) = std::fs::read_to_string(&published) {
        exchange.restore(&text, clock::since_boot());
    }
    // What follows reads the network. The files it writes are root's own: for them no capability is needed.
    if start.paths.is_the_box() {
        privileges::drop_all()?;
    }
    let mut edge = Edge::new(start, log, interface, site.port.get());
    let mut buffer = vec![0; LONGEST + 1];
    if let Some(peer) = exchange.known_address() {
        edge.find_own(&mut exchange, peer, clock::since_boot());
    }
    loop {
        let now = clock::since_boot();
        heartbeat.beat(now);
        let wake = exchange.tick(now);
        edge.perform(&mut exchange, &socket, now);
        let timeout = edge.until(wake, heartbeat.interval(), clock::since_boot());
        edge.wait(&socket, clock::since_boot() + timeout)?;
        for _ in 0..BATCH {
            let now = clock::since_boot();
            match recvfrom(&socket, &mut buffer[..], RecvFlags::DONTWAIT) {
                Ok((_, length, Some(source))) => {
                    let Ok(source) = SocketAddrV4::try_from(source) else { continue };
                    edge.find_own(&mut exchange, source, now);
                    exchange.receive(&buffer[..length], source, now);
                    edge.send(&mut exchange, &socket);
                }
                Ok((_, _, None)) => {}
                Err(Errno::AGAIN) => break,
                // An ICMP error about an earlier datagram.
                Err(Errno::CONNREFUSED | Errno::HOSTUNREACH | Errno::NETUNREACH | Errno::INTR) => {}
                // The interface is not there yet, or no longer.
                Err(Errno::NETDOWN | Errno::NODEV) => break,
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// The socket, as soon as there is the interface: a USB adapter may come late.
fn wait_for(interface: &str, port: u16, heartbeat: &mut Heartbeat, log: &Log) -> io::Result<OwnedFd> {
    let mut is_told = false;
    loop {
        heartbeat.beat(clock::since_boot());
        match open(interface, port, RECEIVE_BUFFER) {
            Ok(socket) => return Ok(socket),
            Err(error) if error.raw_os_error() == Some(libc::ENODEV) => {
                if !is_told {
                    log.warning(&format!("there is no interface {interface} yet"));
                    is_told = true;
                }
                sleep(RETRY);
            }
            Err(error) => return Err(io::Error::other(format!("UDP port {port} on {interface}: {error}"))),
        }
    }
}

/// A UDP socket that only this interface reaches: a datagram that comes over another one is not for it, whatever its
/// destination address.
fn open(interface: &str, port: u16, buffer: usize) -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = net::socket_with(AddressFamily::INET, SocketType::DGRAM, flags, None)?;
    bind_to_device(&socket, interface)?;
    sockopt::set_socket_recv_buffer_size(&socket, buffer)?;
    bind(&socket, &SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port))?;
    Ok(socket)
}

fn bind_to_device(socket: &OwnedFd, interface: &str) -> io::Result<()> {
    let length = libc::socklen_t::try_from(interface.len()).map_err(io::Error::other)?;
    // SAFETY: the kernel reads `length` bytes of the name, which outlive the call (socket(7), SO_BINDTODEVICE).
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_BINDTODEVICE,
            interface.as_ptr().cast(),
            length,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// What an [`Exchange`] needs of the machine.
struct Edge<'a> {
    start: &'a Start,
    log: &'a Log,
    interface: &'a str,
    port: u16,
    looked_up: Option<Duration>,
    published: Option<Duration>,
    is_dirty: bool,
    /// Calls that are not on the card yet.
    ended: ExchangeLog,
    stored: Option<Duration>,
    /// Outputs other than datagrams, which are sent first.
    later: Vec<Output>,
    relays: Relays,
}

impl<'a> Edge<'a> {
    fn new(start: &'a Start, log: &'a Log, interface: &'a str, port: u16) -> Self {
        Self {
            start,
            log,
            interface,
            port,
            looked_up: None,
            published: None,
            is_dirty: true,
            ended: ExchangeLog::default(),
            stored: None,
            later: Vec::new(),
            relays: Relays::default(),
        }
    }

    /// Looks up the address from which the box reaches a neighbour, now and then.
    fn find_own(&mut self, exchange: &mut Exchange, neighbour: SocketAddrV4, now: Duration) {
        if self.looked_up.is_some_and(|at| now < at + ADDRESS_EVERY) {
            return;
        }
        self.looked_up = Some(now);
        match own_address(self.interface, neighbour) {
            Ok(own) => exchange.set_own(SocketAddrV4::new(own, self.port)),
            Err(error) => self.log.warning(&format!("no address on {}: {error}", self.interface)),
        }
    }

    /// Waits for a datagram of SIP, and passes on what comes to the relays meanwhile.
    fn wait(&mut self, socket: &OwnedFd, until: Duration) -> io::Result<()> {
        loop {
            let left = until.saturating_sub(clock::since_boot());
            let relays = self.relays.sockets().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
            let mut fds: Vec<PollFd> =
                std::iter::once(PollFd::new(socket, PollFlags::IN)).chain(relays).collect();
            match poll(&mut fds, Timespec::try_from(left).ok().as_ref()) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            let mut places = fds.iter().enumerate().filter(|(_, fd)| !fd.revents().is_empty()).peekable();
            let is_over = left.is_zero() || places.peek().is_none_or(|(at, _)| *at == 0);
            let ready: Vec<usize> = places.filter_map(|(at, _)| at.checked_sub(1)).collect();
            drop(fds);
            self.relays.pass(&ready);
            if is_over {
                return Ok(());
            }
        }
    }

    fn send(&mut self, exchange: &mut Exchange, socket: &OwnedFd) {
        for output in exchange.outputs() {
            match output {
                Output::Send(to, bytes) => {
                    // A datagram that cannot be sent is one that was lost: it is sent again, or missed.
                    let _ = sendto(socket, &bytes, SendFlags::empty(), &to);
                }
                other => self.later.push(other),
            }
        }
        self.is_dirty |= exchange.is_changed();
    }

    /// Sends, logs, publishes and stores.
    fn perform(&mut self, exchange: &mut Exchange, socket: &OwnedFd, now: Duration) {
        self.relays.follow(exchange, self.interface, self.log);
        self.send(exchange, socket);
        for output in std::mem::take(&mut self.later) {
            match output {
                Output::Send(..) => {}
                Output::Log(level, message) => self.log.log(level, &message),
                Output::Ended(call) => {
                    let age = i64::try_from(now.as_secs()).unwrap_or(i64::MAX).saturating_sub(call.at);
                    self.ended.push(EndedCall { at: clock::unix().saturating_sub(age), ..call });
                }
            }
        }
        if self.is_dirty && self.published.is_none_or(|at| now >= at + PUBLISH_EVERY) {
            self.published = Some(now);
            self.is_dirty = false;
            if let Err(error) = self.publish(&exchange.snapshot()) {
                self.log.warning(&format!("{}: {error}", record::EXCHANGE));
            }
        }
        if self.ended.count > 0 && self.stored.is_none_or(|at| now >= at + STORE_EVERY) {
            self.stored = Some(now);
            if let Err(error) = ExchangeLog::enter(&Store::new(self.start.paths.state()), &self.ended) {
                self.log.warning(&format!("the log of calls: {error}"));
            }
            self.ended = ExchangeLog::default();
        }
    }

    fn publish(&self, text: &str) -> io::Result<()> {
        let target = self.start.paths.run_file(record::EXCHANGE);
        let new = target.with_extension("new");
        if let Some(dir) = target.parent() {
            std::fs::create_dir_all(dir)?;
        }
        std::fs::write(&new, text)?;
        std::fs::rename(new, target)
    }

    /// How long to wait for a datagram.
    fn until(&self, wake: Duration, longest: Duration, now: Duration) -> Duration {
        let publish = self.published.filter(|_| self.is_dirty).map(|at| at + PUBLISH_EVERY);
        let store = self.stored.filter(|_| self.ended.count > 0).map(|at| at + STORE_EVERY);
        let next = [publish, store].into_iter().flatten().fold(wake, Duration::min);
        next.saturating_sub(now).min(longest)
    }
}

/// The source address of datagrams to a neighbour. Connecting a UDP socket sends nothing.
fn own_address(interface: &str, neighbour: SocketAddrV4) -> io::Result<Ipv4Addr> {
    let socket = net::socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    bind_to_device(&socket, interface)?;
    connect(socket.as_fd(), &neighbour)?;
    let own: SocketAddrAny = getsockname(&socket)?;
    Ok(*SocketAddrV4::try_from(own)?.ip())
}
