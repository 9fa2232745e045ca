//! A summary of a site, of one screen.

use super::{
    Addressing, DialIn, Dialer, Exchange, FlowControl, Forward, Gpio, IpType, LineConfig, LineModem,
    LinkConfig, MissedCall, Port, Proof, Role, Routing, Schedule, Service, Site, Sms, Tell, Tunnel, ssh,
};
use std::fmt::Display;

pub(super) fn summary(site: &Site) -> String {
    let mut rows = Rows::default();
    rows.add("role", site.role.as_str())
        .add("hostname", &site.hostname)
        .add("reboot", format!("every day at {:02}:00, {}", site.reboot.hour.get(), site.timezone))
        .add("watchdog", format!("{}, {} s", site.watchdog.device, site.watchdog.timeout));
    if let Some(lan) = &site.lan {
        let addressing = match &lan.addressing {
            Addressing::Dhcp => "DHCP".to_owned(),
            Addressing::Fixed { address, .. } => address.to_string(),
        };
        rows.add("lan", format!("{}, {addressing}", lan.interface));
    }
    if !site.ssh_keys.is_empty() {
        rows.add("ssh", format!("root, with one of {} keys", site.ssh_keys.len()));
    }
    match &site.role {
        Role::Dialer(dialer) => add_dialer(&mut rows, dialer),
        Role::DialIn(dial_in) => add_dial_in(&mut rows, dial_in),
    }
    if let Some([one, other]) = Port::interchangeable(&ports(&site.role)) {
        rows.add(
            "warning",
            format!("{one} and {other} may change places at a boot: name USB ports, as in \"1-1.2\""),
        );
    }
    if ports(&site.role).into_iter().any(Port::is_console) {
        rows.add("warning", "/dev/ttyAMA0 is the box's serial console, unless a layer has changed that");
    }
    if !site.ssh_keys.is_empty() && !is_ssh_reached(site) {
        rows.add("warning", "nobody reaches the ssh server, unless a layer opens the firewall to somebody");
    }
    rows.0
}

/// Whether the firewall opens port 22 to anybody, or a tunnel leads there.
fn is_ssh_reached(site: &Site) -> bool {
    site.lan.is_some()
        || match &site.role {
            Role::Dialer(dialer) => dialer.vpn.is_some() || dialer.tunnel.is_some(),
            Role::DialIn(dial_in) => dial_in.open_ports.iter().any(|port| port.get() == ssh::PORT),
        }
}

/// All serial ports of the site.
fn ports(role: &Role) -> Vec<&Port> {
    match role {
        Role::Dialer(dialer) => {
            let forwarded = dialer.forward.iter().flat_map(|forward| &forward.serial);
            std::iter::once(&dialer.modem.port).chain(forwarded.map(|serial| &serial.port)).collect()
        }
        Role::DialIn(dial_in) => dial_in.lines.iter().map(|line| &line.port).collect(),
    }
}

fn add_dialer(rows: &mut Rows, dialer: &Dialer) {
    let Dialer { modem, operator, link, sms, vpn, tunnel, forward, gpio, schedule, missed_call, tell } =
        dialer;
    let pin = if modem.pin.is_some() { "with a PIN" } else { "no PIN" };
    let account = match &operator.account {
        Some(account) => format!("as {}, with a password", account.name),
        None => "without an account".to_owned(),
    };
    let routing = match &link.routing {
        Routing::Default => "the default route".to_owned(),
        Routing::Only(networks) if networks.is_empty() => "only the peer".to_owned(),
        Routing::Only(networks) => format!("only {}", list(networks)),
    };
    let context = match operator.ip_type {
        IpType::Ipv4 => String::new(),
        IpType::Ipv4v6 => ", beside IPv6, which is not used".to_owned(),
    };
    let others = if operator.other_apns.is_empty() {
        String::new()
    } else {
        format!(" or {}", list(&operator.other_apns))
    };
    rows.add("modem", format!("{} at {} bit/s, {pin}", modem.port, modem.speed))
        .add("operator", format!("{} ({account})", operator.name))
        .add("dials", format!("{}, APN {}{others}{context}", operator.number, operator.apn))
        .add("carries", format!("{routing}, by IPv4 alone"))
        .add("closes", closing(link))
        .add("obeys", obeys(sms.as_ref()));
    if let Some(forward) = forward {
        rows.add("forwards", forwards(forward));
    }
    if let Some(Gpio { outputs, inputs }) = gpio {
        let switched =
            outputs.iter().map(|it| format!("{} at GPIO {}, {} at boot", it.name, it.line, it.at_boot));
        let read = inputs.iter().map(|it| format!("reads {} at GPIO {}", it.name, it.line));
        rows.add("gpio", switched.chain(read).collect::<Vec<_>>().join("; "));
    }
    if let Some(Schedule { on, at, length, spread }) = schedule {
        rows.add("opens", format!("{on} at {at} or up to {spread} later, for {length}"));
    }
    if let Some(MissedCall { numbers, length }) = missed_call {
        rows.add("", format!("for {length} at a missed call of {}", list(numbers)));
        rows.add("warning", "a caller's number can be forged: `[missed-call]`");
    }
    if let Some(Tell { to, on, a_day }) = tell {
        let on: Vec<&str> = on.iter().map(|occasion| occasion.as_str()).collect();
        rows.add("tells", format!("{}: {}, at most {a_day} a day", list(to), list(&on)));
    }
    if let Some(tunnel) = tunnel {
        let Tunnel { server, user, port, .. } = tunnel;
        rows.add("tunnel", format!("port {port} of {server}, as {user}"));
    }
    if let Some(vpn) = vpn {
        let peer = format!("{} to {} as {}", list(&vpn.networks), vpn.endpoint, vpn.address);
        rows.add("vpn", peer);
        if !vpn.other_endpoints.is_empty() {
            rows.add("", format!("or to {}", list(&vpn.other_endpoints)));
        }
        if let Some(endpoint) = vpn.endpoint_inside() {
            let what =
                format!("{endpoint} is in the VPN's own network: write where the peer listens outside of it");
            rows.add("warning", what);
        }
    }
}

fn forwards(forward: &Forward) -> String {
    let Forward { networks, ports, serial, from_lan, .. } = forward;
    let networks = (!networks.is_empty()).then(|| format!("the VPN to {}", list(networks)));
    let ports = ports.iter().map(|port| format!("port {} to {}", port.listen, port.to));
    let serial = serial.iter().map(|serial| format!("port {} to serial port {}", serial.listen, serial.port));
    let back = from_lan.then(|| "the local network to the VPN".to_owned());
    networks.into_iter().chain(ports).chain(serial).chain(back).collect::<Vec<_>>().join(", ")
}

fn closing(link: &LinkConfig) -> String {
    let LinkConfig { idle_limit, session_limit, .. } = link;
    let budget = match link.data_budget {
        Some(budget) => match link.billing_day.get() {
            1 => format!("at {budget} a month"),
            day => format!("at {budget} a month from day {day} on"),
        },
        None => "no data budget".to_owned(),
    };
    format!("idle for {idle_limit}, after {session_limit}, {budget}")
}

fn obeys(sms: Option<&Sms>) -> String {
    let Some(Sms { numbers, proof, .. }) = sms else { return "no text message".to_owned() };
    let proof = match proof {
        Proof::Totp(code) => format!("with a TOTP code of {} digits", code.digits.count()),
        Proof::Hotp(code) => format!("with an HOTP code of {} digits", code.digits.count()),
        Proof::SenderOnly => "without proof".to_owned(),
    };
    format!("{}, {proof}", list(numbers))
}

fn add_dial_in(rows: &mut Rows, dial_in: &DialIn) {
    for (line, number) in dial_in.lines.iter().zip(1_usize..) {
        let flow = match line.flow {
            FlowControl::RtsCts => "RTS/CTS",
            FlowControl::None => "no flow control",
        };
        rows.add(
            &format!("line {number}"),
            format!("{} at {} bit/s, {flow}: {} gives {}", line.port, line.speed, line.local, line.remote),
        );
        rows.add("", answering(line));
        if line.guest {
            rows.add("warning", format!("line {number} is open to anybody who calls: `guest`"));
        }
        if line.modem != LineModem::default() {
            rows.add("", modem(&line.modem));
        }
    }
    let elsewhere = if dial_in.masquerade { "as this box" } else { "as they are" };
    let reach = match dial_in.open_ports.as_slice() {
        [] => "nothing of this box".to_owned(),
        ports => format!("of this box TCP {}", list(ports)),
    };
    let each_other = if dial_in.callers_meet { "; each other" } else { "" };
    rows.add("reach", format!("{reach}; the rest of the network {elsewhere}{each_other}"));
    if dial_in.lines.iter().any(|line| line.guest) {
        rows.add("", "guests: the Internet and the name servers only");
    }
    if let Some(limits) = limits(dial_in) {
        rows.add("closes", limits);
    }
    let names = dial_in.users.names();
    if !names.is_empty() {
        rows.add("callers", list(&names));
    }
    for (user, offers) in dial_in.offers.listed() {
        rows.add("", format!("{user} gets {} after the login prompt", list(offers)));
    }
    for Service { name, address, protocol } in &dial_in.services {
        rows.add("service", format!("{name}: {} to {address}", protocol.as_str()));
    }
    if !dial_in.dns.is_empty() {
        rows.add("dns", list(&dial_in.dns));
    }
    if !dial_in.wins.is_empty() {
        rows.add("wins", list(&dial_in.wins));
    }
    if let Some(exchange) = &dial_in.exchange {
        add_exchange(rows, exchange);
    }
}

fn limits(dial_in: &DialIn) -> Option<String> {
    let idle = dial_in.idle_limit.map(|limit| format!("idle for {limit}"));
    let session = dial_in.session_limit.map(|limit| format!("after {limit}"));
    let limits: Vec<String> = idle.into_iter().chain(session).collect();
    (!limits.is_empty()).then(|| list(&limits))
}

fn add_exchange(rows: &mut Rows, exchange: &Exchange) {
    let accounts: Vec<&str> = exchange.accounts.iter().map(|account| account.name.as_str()).collect();
    rows.add("exchange", format!("UDP {} for {}", exchange.port, list(&accounts)));
    for account in &exchange.accounts {
        if let Some(extension) = &account.extension {
            rows.add("", format!("{extension} rings {}", account.name));
        }
    }
    for route in &exchange.routes {
        let to: Vec<&str> = route.to.iter().filter_map(|at| accounts.get(*at).copied()).collect();
        rows.add("", format!("{} rings {}", route.pattern, list(&to)));
    }
    if exchange.rtp_relay {
        rows.add("", "the sound passes through this box");
    }
}

fn answering(line: &LineConfig) -> String {
    if line.null_modem {
        return format!("null-modem cable{}", if line.login { ", login prompt" } else { "" });
    }
    let rings = match line.rings.get() {
        1 => "answers the first ring".to_owned(),
        rings => format!("answers the ring number {rings}"),
    };
    let callers = line.callers.as_ref().map_or(String::new(), |numbers| format!(" of {}", list(numbers)));
    let login = if line.login { ", login prompt" } else { "" };
    format!("{rings}{callers}{login}")
}

fn modem(modem: &LineModem) -> String {
    let model = modem.model.as_deref().unwrap_or("no model");
    format!("modem: {model}, gets {}", list(&modem.init))
}

fn list<T: Display>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

#[derive(Default)]
struct Rows(String);

impl Rows {
    fn add(&mut self, name: &str, value: impl Display) -> &mut Self {
        self.0 += &format!("{name:<9} {value}\n");
        self
    }
}

#[cfg(test)]
mod tests {
    use crate::site::Site;

    #[test]
    fn a_port_that_is_the_console_is_warned_of() {
        for (port, is_warned) in [("/dev/ttyAMA0", true), ("/dev/ttyUSB0", false), ("auto", false)] {
            let text = format!(
                "role='dialer'\nhostname='x'\n[modem]\nport='{port}'\n[operator]\nname='a'\napn='a'\n"
            );
            let summary = Site::parse(&text).unwrap().summary();
            assert_eq!(summary.contains("is the box's serial console"), is_warned, "{summary}");
        }
    }

    #[test]
    fn the_peer_s_address_in_the_vpn_as_its_endpoint_is_warned_of() {
        let key = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";
        for (endpoint, other, is_warned) in [
            ("10.9.0.1:51820", "203.0.113.5:443", true),
            ("203.0.113.5:51820", "10.9.0.1:443", true),
            ("203.0.113.5:51820", "vpn.example:443", false),
        ] {
            let text = format!(
                "role='dialer'\nhostname='x'\n[operator]\nname='a'\napn='a'\n[vpn]\nprivate-key='{key}'\n\
                 address='10.9.0.2/24'\npublic-key='LVzhNIRwcCZ8nLbCbvMs1ql87Jh84ADfLhO3gs7nils='\n\
                 endpoint='{endpoint}'\nother-endpoints=['{other}']\nnetworks=['10.9.0.0/24']\n"
            );
            let summary = Site::parse(&text).unwrap().summary();
            assert_eq!(summary.contains("is in the VPN's own network"), is_warned, "{summary}");
        }
    }

    #[test]
    fn what_callers_reach_and_when_they_are_hung_up_is_told() {
        let line = |number, more| {
            let ends = format!("local='192.0.2.{number}'\nremote='198.51.100.{number}'");
            format!("[[line]]\nport='1-1.{number}'\n{ends}\n{more}\n")
        };
        let site = |dial_in: &str, rest: &str| {
            let text = format!("role='dial-in'\nhostname='box'\n[dial-in]\n{dial_in}\n{rest}");
            Site::parse(&text).unwrap().summary()
        };
        let all = "callers-meet=true\nidle-limit='15m'\nsession-limit='4h'\nwins=['192.0.2.9']";
        let user = "[[user]]\nname='u'\npassword='p'\n";
        let summary = site(all, &format!("{}{}{user}", line(1, ""), line(2, "guest=true")));
        for row in [
            "reach     nothing of this box; the rest of the network as this box; each other\n",
            "          guests: the Internet and the name servers only\n",
            "closes    idle for 15m, after 4h\n",
            "callers   u\n",
            "wins      192.0.2.9\n",
        ] {
            assert!(summary.contains(row), "{row} in {summary}");
        }
        let summary = site("", &line(1, "guest=true"));
        for row in ["closes", "callers", "wins", "each other"] {
            assert!(!summary.contains(row), "no {row} in {summary}");
        }
    }

    #[test]
    fn an_ssh_server_that_nobody_reaches_is_warned_of() {
        let ssh = "[ssh]\nkeys=['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILmYoNvgJvhHM5aBxq3WGNzQ+eQFVHXhXoRyNzMNjYw5']\n";
        let dialer = format!("role='dialer'\nhostname='box'\n{ssh}[operator]\nname='x'\napn='x'\n");
        let dial_in = format!(
            "role='dial-in'\nhostname='box'\n{ssh}[[line]]\nport='auto'\nlocal='192.0.2.1'\nremote='192.0.2.2'\n\
             [[user]]\nname='u'\npassword='p'\n"
        );
        let table = [
            (&dialer, "", true),
            (&dialer, "[lan]\naddress='dhcp'\n", false),
            (&dial_in, "[dial-in]\nopen-ports=[80]\n", true),
            (&dial_in, "[dial-in]\nopen-ports=[22]\n", false),
        ];
        for (site, more, is_warned) in table {
            let summary = Site::parse(&format!("{site}{more}")).unwrap().summary();
            assert_eq!(summary.contains("warning   nobody reaches the ssh server"), is_warned, "{summary}");
        }
    }

    #[test]
    fn ports_that_may_change_places_are_warned_of() {
        let table = [
            (["/dev/ttyUSB0", "/dev/ttyUSB1"], true),
            (["/dev/ttyACM1", "/dev/ttyACM0"], true),
            (["/dev/ttyUSB0", "/dev/ttyACM0"], false),
            (["/dev/ttyUSB0", "/dev/ttyAMA0"], false),
            (["/dev/ttyUSB0", "1-1.2"], false),
            (["1-1.2", "1-1.3"], false),
        ];
        for (ports, is_warned) in table {
            let line = |(number, port)| {
                format!("[[line]]\nport='{port}'\nlocal='192.0.2.{number}'\nremote='198.51.100.{number}'\n")
            };
            let lines: String = (1..).zip(ports).map(line).collect();
            let text = format!("role='dial-in'\nhostname='box'\n{lines}[[user]]\nname='u'\npassword='p'\n");
            let summary = Site::parse(&text).unwrap().summary();
            let warning = format!("warning   {} and {} may change places at a boot", ports[0], ports[1]);
            assert_eq!(summary.contains(&warning), is_warned, "{summary}");
        }
    }
}
