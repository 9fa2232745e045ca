//! The role that answers calls.

use super::{
    AtCommand, CallerNumber, Exchange, InterfaceName, LcpEcho, Netmask, Offers, Port, Prompt, Service, Speed,
    TimeSpan, Users, Whole,
};
use std::net::Ipv4Addr;
use std::time::Duration;

/// The role that answers calls.
#[derive(Clone, Debug, PartialEq)]
pub struct DialIn {
    /// The telephone lines, at least one. The first is line 1.
    pub lines: Vec<LineConfig>,
    /// Netmask of the callers' interface, if not the kernel's default (a host).
    pub netmask: Option<Netmask>,
    /// Name servers for the callers, two at most.
    pub dns: Vec<Ipv4Addr>,
    /// The interface of the local network, if the box answers ARP there for the callers.
    pub proxy_arp: Option<InterfaceName>,
    /// Whether the callers' packets get the box's own addresses elsewhere (NAT).
    pub masquerade: bool,
    /// TCP ports of the box itself that callers may reach; all others are closed to them.
    pub open_ports: Vec<TcpPort>,
    /// Longest packet in each direction, in bytes; `None` for pppd's default, 1500.
    pub mtu: Option<Mtu>,
    /// How a dead caller is detected.
    pub echo: LcpEcho,
    /// How long a caller may be silent; `None` for no limit.
    pub idle_limit: Option<TimeSpan>,
    /// How long a call may last; `None` for no limit.
    pub session_limit: Option<TimeSpan>,
    /// The users who may call; none only if every line is for guests.
    pub users: Users,
    /// What they get after the login prompt.
    pub offers: Offers,
    /// The services for terminals, each offered to somebody.
    pub services: Vec<Service>,
    /// How pppd lets a caller prove the name, strongest first. Never empty; only [`PppAuth::Pap`] with hashes.
    pub authentication: Vec<PppAuth>,
    /// WINS servers for the callers, two at most.
    pub wins: Vec<Ipv4Addr>,
    /// Whether callers reach each other.
    pub callers_meet: bool,
    /// The words of the login prompt.
    pub prompts: Prompts,
    /// The telephone exchange for adapters, if the box is one.
    pub exchange: Option<Box<Exchange>>,
}

/// The words of the login prompt.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Prompts {
    /// For the name; `None` for the box's name and ` login: `.
    pub name: Option<Prompt>,
    /// For the password; `None` for `Password: `.
    pub password: Option<Prompt>,
}

/// How a caller proves its name to pppd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PppAuth {
    /// RFC 2759: Windows NT, 2000 and later, by default.
    MsChapV2,
    /// RFC 1994, with MD5.
    Chap,
    /// RFC 1334: the password in clear text.
    Pap,
}

/// A TCP port.
pub type TcpPort = Whole<1, 65535>;

/// Bytes, 296 to 1500: the smallest useful size with TCP/IP headers (pppd(8), `mtu`), and pppd's default.
pub type Mtu = Whole<296, 1500>;

/// A count, 1 to 20.
pub type Rings = Whole<1, 20>;

/// One telephone line.
#[derive(Clone, Debug, PartialEq)]
pub struct LineConfig {
    /// The port of its modem. Never [`Port::Auto`] if there are several lines.
    pub port: Port,
    /// Speed of the serial line.
    pub speed: Speed,
    /// The box's address on this line.
    pub local: Ipv4Addr,
    /// The caller's address.
    pub remote: Ipv4Addr,
    /// Flow control of the serial line.
    pub flow: FlowControl,
    /// The number of rings before a call is answered.
    pub rings: Rings,
    /// The callers that are answered; `None` for all.
    pub callers: Option<Vec<CallerNumber>>,
    /// Whether a caller who does not start with PPP gets a login prompt.
    pub login: bool,
    /// Whether anybody may call, without a name.
    pub guest: bool,
    /// There is no modem, but a null-modem cable to the caller's computer.
    pub null_modem: bool,
    /// What its modem needs.
    pub modem: LineModem,
}

/// What the modem of a line needs, from its model and the site.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct LineModem {
    /// The name of its model, if the site says it.
    pub model: Option<String>,
    /// How long it ignores commands after the `OK` to its reset.
    pub settle: Duration,
    /// Command lines after the reset, before the box's own.
    pub init: Vec<AtCommand>,
    /// Turns on the caller's number; `None` for the command of ITU-T V.253.
    pub caller_id: Option<AtCommand>,
}

/// Flow control of a serial line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FlowControl {
    /// By the wires RTS and CTS.
    RtsCts,
    /// None: for three-wire cables and faulty adapters.
    None,
}
