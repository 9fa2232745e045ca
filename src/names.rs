//! Names that programs, scripts and rendered files of the box share. Each is defined here once; the shell scripts of a
//! site are rendered from the same values.

use std::fmt;

/// The directory for published records and files. It is empty after a boot.
pub const RUN_DIR: &str = "/run/dialbox";

/// The disk that the box has booted from, as a symlink in `/dev`.
pub const CARD: &str = "/dev/card";

/// What the kernel tells of every mounted ext4.
pub const EXT4: &str = "/sys/fs/ext4";

/// The device of the first hardware watchdog.
pub const WATCHDOG: &str = "/dev/watchdog";

/// Files in [`RUN_DIR`] that are not records.
pub mod run_file {
    /// There is one if this boot stays counted as [failed](crate::boot::attempts).
    pub const FAILED_BOOT: &str = "failed-boot";
    /// The dialer's [control socket](crate::control).
    pub const CONTROL_SOCKET: &str = "control";
    /// The log of the dialer's pppd and its `chat` about the last call.
    pub const PPPD_LOG: &str = "pppd";
    /// The PPP interface that the VPN belongs to: written and read by the rendered scripts of pppd.
    pub const VPN_INTERFACE: &str = "vpn.link";
    /// The endpoint of the VPN, if it is not the site's first one: written by the dialer, read by those scripts.
    pub const VPN_ENDPOINT: &str = "vpn.endpoint";
}

/// The interface of the VPN.
pub const VPN: &str = "vpn";

/// The script of pppd that brings it up.
pub const VPN_UP: &str = "/etc/ppp/ip-up.d/vpn";

/// The reverse ssh tunnel: the script that runs dbclient, and the home directory in which that looks for the server's key.
pub const TUNNEL: &str = "/etc/dialbox/tunnel/connect";
/// See [`TUNNEL`].
pub const TUNNEL_HOME: &str = "/etc/dialbox/tunnel";

/// The name servers in use: `/etc/resolv.conf` of the image is a symlink to it.
pub const RESOLV_CONF: &str = "/run/resolv.conf";

/// Those of the local network, in use or not.
pub const LAN_RESOLV_CONF: &str = "/run/resolv.conf.lan";

/// Takes the name servers of the local network as arguments.
pub const LAN_NAME_SERVERS: &str = "/etc/network/name-servers";

/// The metric of a default route over the local network. That of a link has a smaller one, and is used while it is up.
pub const LAN_METRIC: u32 = 100;

/// The dial plan of the exchange, as text. There is one if the box is an exchange.
pub const DIAL_PLAN: &str = "/etc/dialbox/dial-plan";

/// The serial ports that are forwarded, as text. There is one if there are any.
pub const SERIAL_FORWARDS: &str = "/etc/dialbox/serial-forward";

/// pppd's options for every link; those of one line add the [line's name](LineName::pppd_options).
pub const PPPD_OPTIONS: &str = "/etc/ppp/options";

/// The files with pppd's process ID: one named after its interface once it has one, and one named after its
/// [`linkname`](LineName::pppd_pid_name) from its start (pppd's main.c, `create_pidfile`, `create_linkpidfile`).
pub fn pppd_pid_file(name: &str) -> String {
    format!("/run/{name}.pid")
}

/// A service that init keeps running (`/etc/inittab`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Text messages and the PPP link.
    SmsDialer,
    /// Telephone lines.
    DialIn,
    /// The hardware watchdog and the daily reboot.
    Watchdogd,
    /// The card's copies.
    Scrubd,
    /// The telephone exchange for adapters.
    Exchange,
    /// Serial ports of the equipment over TCP.
    SerialForward,
}

impl Service {
    /// The name of its program.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SmsDialer => "sms-dialer",
            Self::DialIn => "dial-in",
            Self::Watchdogd => "watchdogd",
            Self::Scrubd => "scrubd",
            Self::Exchange => "exchange",
            Self::SerialForward => "serial-forward",
        }
    }
}

/// The user and group of the process that parses the output of the dialer's modem (`modem-parser` in `/etc/passwd`).
pub const MODEM_PARSER_UID: u32 = 900;

/// The user and group of the process that parses the output of a line's modem and callers. Each line has its own, since
/// a process can signal others of its user.
pub fn line_parser_uid(line: usize) -> u32 {
    // A site has a few lines; whatever the number, it is not root's.
    MODEM_PARSER_UID + u32::try_from(line).unwrap_or(u32::MAX).clamp(1, 60_000)
}

/// The user and group of the process that carries a caller of this line to a service: not that of the parser.
pub fn line_terminal_uid(line: usize) -> u32 {
    61_000 + u32::try_from(line).unwrap_or(u32::MAX).clamp(1, 4000)
}

/// What has a line during a call, by the names of the processes (proc(5), `comm`: 15 characters).
pub mod session {
    /// A terminal on a [service](crate::line::terminal).
    pub const TERMINAL: &str = "line-terminal";
    /// SLIP.
    pub const SLIP: &str = "line-slip";
    /// All of them.
    pub const ALL: [&str; 3] = ["pppd", TERMINAL, SLIP];
}

/// Names of published records, below [`RUN_DIR`]. A line's is its [`LineName`].
pub mod record {
    /// How the box booted: written by `init`.
    pub const BOOT: &str = "boot";
    /// What the builder has put on the card, [`Card`](crate::card::layout::Card): written by `init`.
    pub const CARD_LAYOUT: &str = "card-layout";
    /// The number of this boot, and how the previous one ended: written by `init`.
    pub const LEDGER: &str = "ledger";
    /// Which site is in force: written by `dialctl site apply`.
    pub const SITE: &str = "site";
    /// How far the clock can be trusted: written by `sms-dialer`.
    pub const CLOCK: &str = "clock";
    /// Whether one-time codes can be accepted: written by `sms-dialer`.
    pub const CODES: &str = "codes";
    /// Accounts and calls of the exchange, [`snapshot`](crate::exchange::snapshot): written by `exchange`, and read by
    /// the next `exchange` of the same boot.
    pub const EXCHANGE: &str = "exchange";
    /// Whether the firewall has its rules: written by `/etc/init.d/firewall`.
    pub const FIREWALL: &str = "firewall";
    /// The levels of `[gpio]` outputs: written by `sms-dialer`, and read by the next one of the same boot.
    pub const GPIO: &str = "gpio";
    /// The PPP link and the data budget: written by `sms-dialer`.
    pub const LINK: &str = "link";
    /// The dialer's modem; also the name of its symlink in `/dev`.
    pub const MODEM: &str = "modem";
    /// The card's copies: written by `scrubd`.
    pub const SCRUB: &str = "scrub";
    /// There while `scrubd` has not begun a scrub that `dialctl scrub` has requested.
    pub const SCRUB_REQUEST: &str = "scrub-request";
}

/// The event that a script of pppd reports: the first argument of `dialctl hook`, and the name of the control request
/// that it becomes.
pub mod hook {
    /// `ip-pre-up INTERFACE PID LOCAL REMOTE`; fails if the link must not come up.
    pub const IP_PRE_UP: &str = "ip-pre-up";
    /// `ip-up INTERFACE PID LOCAL REMOTE [NAME SERVER]…`
    pub const IP_UP: &str = "ip-up";
    /// `ip-down INTERFACE PID SENT RECEIVED`
    pub const IP_DOWN: &str = "ip-down";
    /// `no-call STATUS`: the exit status of `chat`.
    pub const NO_CALL: &str = "no-call";
    /// What [`IP_PRE_UP`] reports about a link that must not come up.
    pub const OWN_ADDRESS: &str = "own-address";
}

/// Keys of the notes that pppd's scripts leave about a call, each with the variable of its value (pppd(8), SCRIPTS).
pub mod note {
    /// The name that pppd has authenticated.
    pub const USER: &str = "user";
    /// The caller's PPP interface.
    pub const INTERFACE: &str = "interface";
    /// Bytes from the caller.
    pub const RECEIVED: &str = "received";
    /// Bytes to the caller.
    pub const SENT: &str = "sent";
    /// Why a call has ended that had no pppd.
    pub const WHY: &str = "why";

    /// The note of ip-up.d.
    pub const UP: [(&str, &str); 2] = [(USER, "PEERNAME"), (INTERFACE, "PPP_IFACE")];
    /// The note of ip-down.d.
    pub const DOWN: [(&str, &str); 2] = [(RECEIVED, "BYTES_RCVD"), (SENT, "BYTES_SENT")];
}

/// A telephone line: its record, its symlink in `/dev`, pppd's `linkname`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineName(pub usize);

impl LineName {
    /// The suffix of the note of ip-up.d about a caller.
    pub const UP: &'static str = "up";
    /// The suffix of the note of ip-down.d.
    pub const DOWN: &'static str = "down";

    /// Reads `line2`, or what a user types: `2`.
    pub fn parse(text: &str) -> Option<Self> {
        text.strip_prefix("line").unwrap_or(text).parse().ok().map(Self)
    }

    /// The note of ip-up.d: [`CallerNote`](crate::published::CallerNote).
    pub fn up(self) -> String {
        format!("{self}.{}", Self::UP)
    }

    /// The note of ip-down.d: [`TrafficNote`](crate::published::TrafficNote).
    pub fn down(self) -> String {
        format!("{self}.{}", Self::DOWN)
    }

    /// pppd's log of the call, besides syslog.
    pub fn pppd_log(self) -> String {
        format!("{self}.pppd")
    }

    /// pppd's options for a caller of this line.
    pub fn pppd_options(self) -> String {
        format!("{PPPD_OPTIONS}.{self}")
    }

    /// The name of the [PID file](pppd_pid_file) that pppd writes for `linkname` and this line, and the service for
    /// other processes.
    pub fn pppd_pid_name(self) -> String {
        format!("ppp-{self}")
    }
}

impl fmt::Display for LineName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_name_is_read_as_written_and_as_typed() {
        assert_eq!(LineName::parse(&LineName(2).to_string()), Some(LineName(2)));
        assert_eq!(LineName::parse("2"), Some(LineName(2)));
        assert_eq!(LineName::parse("modem"), None);
    }

    #[test]
    fn the_scripts_of_the_overlay_use_the_same_names() {
        let hooks = [
            (include_str!("../overlay/etc/ppp/ip-up.d/zz-dialbox"), hook::IP_UP),
            (include_str!("../overlay/etc/ppp/ip-down.d/zz-dialbox"), hook::IP_DOWN),
        ];
        for (script, name) in hooks {
            assert!(script.contains(&format!("dialctl hook {name} ")), "{name}");
        }
        let role = include_str!("../overlay/etc/init.d/role");
        for service in [Service::SmsDialer, Service::DialIn] {
            assert!(role.contains(&format!("exec {} ;;", service.as_str())), "{service:?}");
        }
        for service in [Service::Watchdogd, Service::Scrubd] {
            let line = format!("::respawn:/usr/sbin/{}\n", service.as_str());
            assert!(include_str!("../overlay/etc/inittab").contains(&line), "{service:?}");
        }
        let exchange = include_str!("../overlay/etc/init.d/exchange");
        assert!(exchange.contains(&format!("[ -e {DIAL_PLAN} ]")) && exchange.ends_with("exec exchange\n"));
        assert!(include_str!("../overlay/etc/inittab").contains("::respawn:/etc/init.d/exchange\n"));
        let dhcp = include_str!("../overlay/etc/udhcpc/default.script");
        assert!(dhcp.contains(&format!("{LAN_NAME_SERVERS} $dns\n")));
        let lan = include_str!("../overlay/etc/network/name-servers");
        assert!(
            lan.contains(&format!(">{LAN_RESOLV_CONF}\n")) && lan.ends_with(&format!(" {RESOLV_CONF}\n"))
        );
        assert!(dhcp.contains(&format!(
            "ip route replace default via \"${{router%% *}}\" dev \"$interface\" metric {LAN_METRIC}\n"
        )));
    }
}
