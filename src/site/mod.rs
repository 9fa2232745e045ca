//! `site.toml`: everything that makes one box different from the next.
//!
//! ```text
//! text ──parse──▶ raw::Site ──validate──▶ Site ──render──▶ [RenderedFile]
//!        syntax,   keys and     what one      pure: no file is read or written here
//!        columns   single       key says
//!                  values       about another
//! ```
//!
//! A [`Site`] cannot hold a wrong state: whatever takes one need not check again. The builder
//! bakes its rendering into the image, `cargo xtask site show` prints it and the box applies it at
//! boot, all from the one [`Site::render`]. The keys are described in `docs/site.md`.

mod amount;
mod at;
mod caller;
mod device;
mod error;
mod excerpt;
mod hash;
mod lan;
mod name;
mod net;
mod number;
mod raw;
mod render;
mod secret;
mod sms;
mod ssh;
mod suggest;
mod summary;
mod table;
mod text;
mod timezone;
mod user;
mod validate;
mod vpn;
mod well_known;

pub use amount::{DataSize, TimeSpan};
pub use at::{Apn, AtCommand, DialNumber};
pub use caller::CallerNumber;
pub use device::{DevicePath, Port, Speed, UsbPath};
pub use error::SiteError;
pub use hash::PasswordHash;
pub use lan::{Addressing, InterfaceName, Lan};
pub use name::{Hostname, ProviderName, UserName};
pub use net::{HostAddress, Ipv4Net, Netmask};
pub use number::Whole;
pub use render::RenderedFile;
pub use secret::{Pin, Secret};
pub use sms::{Digits, OneTimeCode, OtpSecret, PhoneNumber, Proof, Sms};
pub use ssh::SshKey;
pub use suggest::closest;
pub use text::Invalid;
pub use timezone::Timezone;
pub use user::Users;
pub use vpn::{Endpoint, Keepalive, PublicKey, SecretKey, Vpn};

use std::net::Ipv4Addr;

/// One box, validated.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// The name of the box.
    pub hostname: Hostname,
    /// The clock on its wall: decides when `reboot.hour` comes.
    pub timezone: Timezone,
    /// The daily reboot.
    pub reboot: Reboot,
    /// The hardware watchdog.
    pub watchdog: Watchdog,
    /// The local network, if the box is to be in one.
    pub lan: Option<Lan>,
    /// Who may log in over the network; nobody if there are none.
    pub ssh_keys: Vec<SshKey>,
    /// What the box is for, and the settings of that role.
    pub role: Role,
}

/// What the box is for.
#[derive(Clone, Debug, PartialEq)]
pub enum Role {
    /// Opens a mobile data link on request.
    Dialer(Box<Dialer>),
    /// Answers telephone calls and gives the callers a network.
    DialIn(DialIn),
}

/// The daily reboot, the last cure of whatever else went wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Reboot {
    /// Local hour of the day.
    pub hour: Hour,
}

/// An hour of the day, 0 to 23.
pub type Hour = Whole<0, 23>;

/// The hardware watchdog that resets the box when nobody feeds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Watchdog {
    /// Its device, normally `/dev/watchdog`.
    pub device: DevicePath,
    /// Seconds without food until the reset.
    pub timeout: WatchdogTimeout,
}

/// Seconds, 1 to 15: the BCM2835 counts 20 bits of 1/65536 s, which is just below 16 s
/// (linux/drivers/watchdog/bcm2835_wdt.c, `PM_WDOG_TIME_SET`).
pub type WatchdogTimeout = Whole<1, 15>;

/// The role that opens a mobile data link.
#[derive(Clone, Debug, PartialEq)]
pub struct Dialer {
    /// The modem and its SIM.
    pub modem: Modem,
    /// The mobile operator.
    pub operator: Operator,
    /// What goes over the link, and when it is given up.
    pub link: LinkConfig,
    /// Who may command the box by text message; `None`: nobody.
    pub sms: Option<Sms>,
    /// The VPN over the link, if there is one.
    pub vpn: Option<Vpn>,
}

/// A mobile modem.
#[derive(Clone, Debug, PartialEq)]
pub struct Modem {
    /// Where it is plugged in.
    pub port: Port,
    /// Speed of the serial line.
    pub speed: Speed,
    /// The PIN of its SIM, if the SIM asks for one.
    pub pin: Option<Pin>,
    /// The commands before the APN is set and the number is dialled, in order.
    pub init: Vec<AtCommand>,
}

/// A mobile operator, as its data sheet describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Operator {
    /// Names the provider file: `pon <name>`.
    pub name: ProviderName,
    /// Access point name.
    pub apn: Apn,
    /// What the modem dials for a data call.
    pub number: DialNumber,
    /// The account for PAP or CHAP, if the operator asks for one.
    pub account: Option<Account>,
}

/// A user name and its password, or what is known of that.
#[derive(Clone, Debug, PartialEq)]
pub struct Account<P = Secret> {
    /// The name the peer authenticates.
    pub name: UserName,
    /// Its password.
    pub password: P,
}

/// The data link.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkConfig {
    /// What goes over it.
    pub routing: Routing,
    /// How the death of the peer is noticed.
    pub echo: LcpEcho,
    /// Seconds that `chat` waits for each answer of the modem.
    pub chat_timeout: ChatTimeout,
    /// How long nobody may use it before it is closed.
    pub idle_limit: TimeSpan,
    /// How long it stays up at most without a new request.
    pub session_limit: TimeSpan,
    /// How much a calendar month may cost; `None` for as much as there is.
    pub data_budget: Option<DataSize>,
}

/// Seconds, 1 to 600.
pub type ChatTimeout = Whole<1, 600>;

/// What goes over the link.
#[derive(Clone, Debug, PartialEq)]
pub enum Routing {
    /// Everything that has no better route.
    Default,
    /// These networks only, perhaps none but the peer itself.
    Only(Vec<Ipv4Net>),
}

/// LCP echo requests (RFC 1661 §5.8): the peer is dead after `interval` × `failure` seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct LcpEcho {
    /// Seconds between two requests.
    pub interval: EchoInterval,
    /// Unanswered requests until the link is closed.
    pub failure: EchoFailure,
}

/// Seconds, 1 to 3600.
pub type EchoInterval = Whole<1, 3600>;

/// A count, 1 to 100.
pub type EchoFailure = Whole<1, 100>;

/// The role that answers calls.
#[derive(Clone, Debug, PartialEq)]
pub struct DialIn {
    /// The telephone lines, at least one. The first is line 1.
    pub lines: Vec<LineConfig>,
    /// Mask of the callers' interface, if the kernel's own (a host) will not do.
    pub netmask: Option<Netmask>,
    /// Name servers told to the callers, two at most.
    pub dns: Vec<Ipv4Addr>,
    /// Answer ARP for the callers on the local network.
    pub proxy_arp: bool,
    /// Whether the callers go under the box's own addresses elsewhere (NAT).
    pub masquerade: bool,
    /// TCP ports of the box itself that callers may reach; the rest of the box is closed to them.
    pub open_ports: Vec<TcpPort>,
    /// Longest packet in each direction, in bytes; `None` for pppd's own 1500.
    pub mtu: Option<Mtu>,
    /// How the death of a caller is noticed.
    pub echo: LcpEcho,
    /// How long a caller may be silent; `None` for as long as it likes.
    pub idle_limit: Option<TimeSpan>,
    /// How long a call may be; `None` for as long as the caller likes.
    pub session_limit: Option<TimeSpan>,
    /// Who may call.
    pub users: Users,
}

/// A TCP port.
pub type TcpPort = Whole<1, 65535>;

/// Bytes, 296 to 1500: the least that TCP/IP headers leave sense in (pppd(8), `mtu`), and what pppd
/// takes by itself.
pub type Mtu = Whole<296, 1500>;

/// A count, 1 to 20.
pub type Rings = Whole<1, 20>;

/// One telephone line.
#[derive(Clone, Debug, PartialEq)]
pub struct LineConfig {
    /// Where its modem is plugged in. Never [`Port::Auto`] when there are several lines.
    pub port: Port,
    /// Speed of the serial line.
    pub speed: Speed,
    /// The box's address on this line.
    pub local: Ipv4Addr,
    /// The caller's address.
    pub remote: Ipv4Addr,
    /// How the serial line is stopped when it is too fast.
    pub flow: FlowControl,
    /// How often it rings before it is answered.
    pub rings: Rings,
    /// Whose calls are answered; `None` for everybody's.
    pub callers: Option<Vec<CallerNumber>>,
    /// Whether a caller whose first word is not PPP gets a login prompt.
    pub login: bool,
}

/// Flow control of a serial line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FlowControl {
    /// RTS and CTS wires.
    RtsCts,
    /// None: three-wire cables and adapters that get it wrong.
    None,
}

impl Site {
    /// Reads and validates a site.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line and column. Never shows a secret.
    pub fn parse(text: &str) -> Result<Self, SiteError> {
        // The byte order mark of Windows editors is no part of the first column.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let site = raw::parse(text).and_then(validate::site);
        site.map_err(|problem| SiteError::new(*problem, text))
    }

    /// Reads and validates a site, and refuses secrets that everybody can read in dialbox's repository.
    /// Every password hash costs the time of two verifications.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_for_use(text: &str) -> Result<Self, SiteError> {
        let site = Self::parse(text)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let refused = raw::parse(text).and_then(|raw| well_known::refuse(&raw));
        refused.map_err(|problem| SiteError::new(*problem, text))?;
        Ok(site)
    }

    /// The files this site puts into the box.
    #[must_use]
    pub fn render(&self) -> Vec<RenderedFile> {
        render::render(self)
    }

    /// One screen about the site, without its secrets.
    #[must_use]
    pub fn summary(&self) -> String {
        summary::summary(self)
    }

    /// The same site with dots for secrets: render this one to show files to a person.
    #[must_use]
    pub fn masked(&self) -> Self {
        let mut site = self.clone();
        match &mut site.role {
            Role::Dialer(dialer) => {
                dialer.modem.pin = dialer.modem.pin.as_ref().map(|_| Pin::masked());
                if let Some(account) = &mut dialer.operator.account {
                    account.password = Secret::masked();
                }
                dialer.sms = dialer.sms.as_ref().map(Sms::masked);
                if let Some(vpn) = &mut dialer.vpn {
                    vpn.private_key = SecretKey::masked();
                    vpn.preshared_key = vpn.preshared_key.as_ref().map(|_| SecretKey::masked());
                }
            }
            Role::DialIn(dial_in) => {
                dial_in.users = dial_in.users.masked();
            }
        }
        site
    }
}

impl Dialer {
    /// The shell's words that make the call, for pppd's option `connect`, and log nothing of the modem's.
    #[must_use]
    pub fn connect_script(&self) -> String {
        render::connect_script(self, render::Dialogue::Quiet)
    }
}

impl Role {
    /// The word of `role = "…"`, also the content of `/etc/dialbox/role`.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Dialer(_) => "dialer",
            Self::DialIn(_) => "dial-in",
        }
    }
}
