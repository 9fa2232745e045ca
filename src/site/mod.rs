//! `site.toml`: the whole configuration of one box.
//!
//! ```text
//! text ──parse──▶ raw::Site ──validate──▶ Site ──render──▶ [RenderedFile]
//!        syntax,   keys and     what one      pure: no file is read or written here
//!        columns   single       key says
//!                  values       about another
//! ```
//!
//! A [`Site`] is always valid: code that takes one need not check it again. The builder bakes its rendering into the
//! image, `cargo xtask site show` prints it and the box applies it at boot, all with [`Site::render`]. The keys are
//! described in `docs/site.md`.

mod account_command;
mod amount;
mod at;
mod caller;
mod changed_key;
mod changes;
mod context_auth;
mod device;
mod dial_in;
mod dial_init;
pub mod encoding;
mod error;
mod excerpt;
mod exchange;
mod forward;
mod gpio;
mod hash;
mod ip_type;
mod lan;
mod line_init;
mod missed_call;
mod mobile_model;
mod modem_model;
mod name;
mod net;
mod number;
mod peer;
mod prompt;
mod raw;
mod render;
mod schedule;
mod secret;
mod service;
mod sms;
mod ssh;
mod suggest;
mod summary;
mod table;
mod tell;
mod text;
mod timezone;
mod tunnel;
mod user;
mod validate;
mod vpn;
mod well_known;

pub use account_command::{AccountCommand, Placeholder};
pub use amount::{DataSize, TimeSpan};
pub use at::{Apn, AtCommand, DialNumber};
pub use caller::CallerNumber;
pub use changed_key::ChangedKey;
pub use changes::{Changes, Shown};
pub use context_auth::ContextAuth;
pub use device::{DevicePath, Port, Speed, UsbPath};
pub use dial_in::{DialIn, FlowControl, LineConfig, LineModem, Mtu, PppAuth, Prompts, Rings, TcpPort};
pub use error::SiteError;
pub use exchange::{
    AccountName, DigestAlgorithm, Exchange, ExchangeAccount, ExchangeRoute, Extension, Pattern, Qualify,
    RELAY_PORTS, UdpPort,
};
pub use forward::{Forward, PortForward, SerialForward};
pub use gpio::{Bias, Gpio, GpioInput, GpioNumber, GpioOutput, Level, LineName};
pub use hash::PasswordHash;
pub use ip_type::IpType;
pub use lan::{Addressing, InterfaceName, Lan};
pub use missed_call::MissedCall;
pub use mobile_model::simulated::Simulation;
pub use mobile_model::simulated_usb::{SimulatedUsb, UsbEndpoint, UsbInterface};
pub use mobile_model::{
    DIRECTORY as MODELS, MobileModel, ModeSwitch, ModemTraits, PortId, SignalCommand, UsbId,
};
pub use modem_model::ModemModel;
pub use name::{Hostname, ProviderName, UserName};
pub use net::{HostAddress, Ipv4Net, Netmask};
pub use number::Whole;
pub use peer::{AnyEndpoint, Endpoint, NamedEndpoint};
pub use prompt::Prompt;
pub use render::RenderedFile;
pub use schedule::{Days, Schedule, TimeOfDay};
pub use secret::{Pin, Secret};
pub use service::{Offer, Offers, Service, ServiceName, ServiceProtocol};
pub use sms::{Digits, OneTimeCode, OtpSecret, PhoneNumber, Proof, Sms};
pub use ssh::SshKey;
pub use suggest::closest;
pub use tell::{MessagesADay, Occasion, Tell};
pub use text::Invalid;
pub use timezone::Timezone;
pub use tunnel::{SshUser, Tunnel};
pub use user::Users;
pub use vpn::{Keepalive, PublicKey, SecretKey, Vpn};

/// One box, validated.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// The name of the box.
    pub hostname: Hostname,
    /// The time zone, for `reboot.hour`.
    pub timezone: Timezone,
    /// The daily reboot.
    pub reboot: Reboot,
    /// The hardware watchdog.
    pub watchdog: Watchdog,
    /// The local network, if the box is in one.
    pub lan: Option<Lan>,
    /// The keys for ssh; without keys no login over the network is possible.
    pub ssh_keys: Vec<SshKey>,
    /// The role, with its settings.
    pub role: Role,
}

/// The role of a box.
#[derive(Clone, Debug, PartialEq)]
pub enum Role {
    /// Opens a mobile data link on request.
    Dialer(Box<Dialer>),
    /// Answers telephone calls and gives the callers a network.
    DialIn(Box<DialIn>),
}

/// The daily reboot, the last remedy for any fault.
#[derive(Clone, Debug, PartialEq)]
pub struct Reboot {
    /// Local hour of the day.
    pub hour: Hour,
}

/// An hour of the day, 0 to 23.
pub type Hour = Whole<0, 23>;

/// The hardware watchdog, which resets the box when it is not fed.
#[derive(Clone, Debug, PartialEq)]
pub struct Watchdog {
    /// Its device, normally `/dev/watchdog`.
    pub device: DevicePath,
    /// Seconds without feeding until the reset.
    pub timeout: WatchdogTimeout,
}

/// Seconds, 5 to 15: `watchdogd` feeds every two seconds, and may come late on a busy box; the BCM2835 counts 20 bits of
/// 1/65536 s, which is just below 16 s (linux/drivers/watchdog/bcm2835_wdt.c, `PM_WDOG_TIME_SET`).
pub type WatchdogTimeout = Whole<5, 15>;

/// The role that opens a mobile data link.
#[derive(Clone, Debug, PartialEq)]
pub struct Dialer {
    /// The modem and its SIM.
    pub modem: Modem,
    /// The mobile operator.
    pub operator: Operator,
    /// Routes and limits of the link.
    pub link: LinkConfig,
    /// The numbers that may command the box by text message; `None`: none.
    pub sms: Option<Sms>,
    /// The VPN over the link, if there is one.
    pub vpn: Option<Vpn>,
    /// The reverse ssh tunnel over the link, if there is one.
    pub tunnel: Option<Tunnel>,
    /// What passes between the VPN and the local network; `None`: nothing.
    pub forward: Option<Forward>,
    /// The lines of the board's header that have names; `None`: none.
    pub gpio: Option<Gpio>,
    /// When it opens the link by itself; `None`: never.
    pub schedule: Option<Schedule>,
    /// Whose calls open it, without being answered; `None`: nobody's.
    pub missed_call: Option<MissedCall>,
    /// What it tells without being asked; `None`: nothing.
    pub tell: Option<Tell>,
}

/// A mobile modem.
#[derive(Clone, Debug, PartialEq)]
pub struct Modem {
    /// Its port.
    pub port: Port,
    /// Speed of the serial line.
    pub speed: Speed,
    /// The PIN of its SIM, if the SIM asks for one.
    pub pin: Option<Pin>,
    /// The commands before the APN is set and the number is dialled, in this order.
    pub init: Vec<AtCommand>,
    /// How long a modem may have no network until another one is used.
    pub other_after: TimeSpan,
}

/// A mobile operator, with the values of its data sheet.
#[derive(Clone, Debug, PartialEq)]
pub struct Operator {
    /// The name of the provider file: `pon <name>`.
    pub name: ProviderName,
    /// Access point name.
    pub apn: Apn,
    /// Others, tried in this order while no link comes up, and `apn` again after the last one.
    pub other_apns: Vec<Apn>,
    /// What the modem dials for a data call.
    pub number: DialNumber,
    /// What the packet context carries.
    pub ip_type: IpType,
    /// The account for PAP or CHAP, if the operator asks for one.
    pub account: Option<Account>,
    /// How the modem proves it where it attaches without PPP, on LTE.
    pub auth: ContextAuth,
}

/// A user name, with its password or hash.
#[derive(Clone, Debug, PartialEq)]
pub struct Account<P = Secret> {
    /// The name for authentication.
    pub name: UserName,
    /// Its password.
    pub password: P,
}

/// The data link.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkConfig {
    /// The routes over it.
    pub routing: Routing,
    /// How a dead peer is detected.
    pub echo: LcpEcho,
    /// Seconds that `chat` waits for each answer of the modem.
    pub chat_timeout: ChatTimeout,
    /// How long it may be unused before it is closed.
    pub idle_limit: TimeSpan,
    /// How long it stays up at most without another request.
    pub session_limit: TimeSpan,
    /// The most bytes of a month; `None` for no limit.
    pub data_budget: Option<DataSize>,
    /// The day on which the budget's month begins.
    pub billing_day: BillingDay,
}

/// A day that every month has, 1 to 28.
pub type BillingDay = Whole<1, 28>;

/// PPP, name servers and a VPN's handshake take some kB for each link: a smaller budget would be used up by opening it.
const SMALLEST_BUDGET: DataSize = DataSize::from_bytes(100_000);

/// Seconds, 10 to 600. A modem answers a dialled `*99#` once the network has given it a context, which takes seconds.
pub type ChatTimeout = Whole<10, 600>;

/// The routes over the link.
#[derive(Clone, Debug, PartialEq)]
pub enum Routing {
    /// The default route.
    Default,
    /// These networks only, or none but the peer itself.
    Only(Vec<Ipv4Net>),
}

/// LCP echo requests (RFC 1661 §5.8): the peer counts as dead at most `interval` × (`failure` + 1) seconds after its last
/// answer. pppd counts when it sends the next request (lcp.c, `LcpSendEchoRequest`), so it waits for the last answer, too.
#[derive(Clone, Debug, PartialEq)]
pub struct LcpEcho {
    /// Seconds between two requests.
    pub interval: EchoInterval,
    /// Unanswered requests until the link is closed.
    pub failure: EchoFailure,
}

/// Seconds, 1 to 3600.
pub type EchoInterval = Whole<1, 3600>;

/// A count, 2 to 100: one lost packet ends no link.
pub type EchoFailure = Whole<2, 100>;

impl Site {
    /// Reads and validates a site.
    ///
    /// # Errors
    /// The first error, with its line and column. It never shows a secret.
    pub fn parse(text: &str) -> Result<Self, SiteError> {
        // The byte order mark of Windows editors does not count as a column.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let site = raw::parse(text).and_then(validate::site);
        site.map_err(|problem| SiteError::new(*problem, text))
    }

    /// Reads and validates a site, and refuses secrets that are published in dialbox's repository. Every password hash
    /// costs the time of two verifications.
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

    /// The files that are rendered from this site.
    #[must_use]
    pub fn render(&self) -> Vec<RenderedFile> {
        render::render(self)
    }

    /// A summary of one screen, without secrets.
    #[must_use]
    pub fn summary(&self) -> String {
        summary::summary(self)
    }

    /// The same site with dots for secrets, to render files for display.
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
                for account in dial_in.exchange.iter_mut().flat_map(|exchange| &mut exchange.accounts) {
                    account.password = Secret::masked();
                }
            }
        }
        site
    }
}

impl Dialer {
    /// The shell command that makes the call, for pppd's option `connect`. It logs nothing that the modem says.
    /// `apn` counts from 0, for the operator's first one.
    #[must_use]
    pub fn connect_script(&self, apn: usize) -> String {
        render::connect_script(self, apn, render::Dialogue::Quiet)
    }
}

impl Role {
    /// The value of `role = "…"`, and the content of `/etc/dialbox/role`.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Dialer(_) => "dialer",
            Self::DialIn(_) => "dial-in",
        }
    }
}
