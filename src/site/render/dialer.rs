//! pppd's options for the operator, and the routes over the link.

use super::{Options, RenderedFile, chat, pppd_options, quoted, secrets, tunnel, vpn};
use crate::names::SERIAL_FORWARDS;
use crate::site::{Dialer, Forward, Ipv4Net, Port, Routing, SerialForward};
use std::fmt::Write;

pub(super) fn files(dialer: &Dialer) -> Vec<RenderedFile> {
    let operator = &dialer.operator;
    let peer = format!("/etc/ppp/peers/{}", operator.name);
    let mut files =
        vec![pppd_options(), RenderedFile::config(peer, &options(dialer), "pppd, for `pon` and `pppd call`")];
    files.extend(chat::files(&dialer.modem, operator));
    // An operator asks for PAP or CHAP; pppd reads the file of the one asked for.
    files.extend(secrets::of_account(operator.account.as_ref()));
    files.extend(routes(&dialer.link.routing));
    if let Some(vpn) = &dialer.vpn {
        files.extend(vpn::files(
            vpn,
            &dialer.link.routing,
            dialer.forward.as_ref().is_some_and(Forward::passes_packets),
        ));
    }
    if let Some(tunnel) = &dialer.tunnel {
        files.extend(tunnel::files(tunnel, &dialer.link.routing));
    }
    let serial = dialer.forward.as_ref().map(|forward| forward.serial.as_slice()).unwrap_or_default();
    if !serial.is_empty() {
        files.push(serial_forwards(serial));
    }
    files
}

/// For a person, and a sign that the service has something to do.
fn serial_forwards(all: &[SerialForward]) -> RenderedFile {
    let lines = all.iter().fold(String::new(), |mut lines, SerialForward { listen, port, speed }| {
        // A String takes every write: `fmt::Write` for it has no error.
        let _ = writeln!(lines, "{listen} {port} {speed}");
        lines
    });
    RenderedFile::config(SERIAL_FORWARDS, &lines, "TCP ports that lead to serial ports")
}

fn options(dialer: &Dialer) -> String {
    let Dialer { modem, operator, link, .. } = dialer;
    let mut options = Options::default();
    options
        .add(device(&modem.port))
        .add(modem.speed)
        .add(format_args!("connect '{}'", connect_script(dialer, 0, Dialogue::Logged)))
        .add("noauth");
    if let Some(account) = &operator.account {
        options.add(format_args!("user {}", quoted(account.name.as_str())));
    }
    options.add("noipdefault").add_echo(&link.echo);
    // pppd sets no default route beside one of the local network, whatever their metrics (Debian's sys-linux.c,
    // `sifdefaultroute`): our script does, which other links by hand do not want.
    options.add("nodefaultroute");
    // The operator's name servers are reachable over the default route only.
    if link.routing == Routing::Default {
        options.add(format_args!("ipparam {DEFAULT_ROUTE}")).add("usepeerdns");
    }
    options.0
}

/// What `chat` does with the dialogue.
#[derive(Clone, Copy)]
pub(in crate::site) enum Dialogue {
    /// It logs what the modem says: for the person who dials by hand.
    Logged,
    /// It does not: some modems pass messages on at any time, and there may be a code in one.
    Quiet,
}

pub(in crate::site) fn connect_script(dialer: &Dialer, apn: usize, dialogue: Dialogue) -> String {
    let chat = match dialogue {
        Dialogue::Logged => "chat -v",
        Dialogue::Quiet => "chat",
    };
    format!("{chat} -t {} -f {}", dialer.link.chat_timeout, chat::path(&dialer.operator, apn))
}

/// A port that is only known at run time has the conventional symlink `/dev/modem`, which the program that finds the
/// modem sets.
fn device(port: &Port) -> &str {
    match port {
        Port::Device(device) => device.as_str(),
        Port::Auto | Port::Usb(_) => "/dev/modem",
    }
}

/// What the scripts of the site's own link have as `PPP_IPPARAM`, if it gets the default route.
const DEFAULT_ROUTE: &str = "default-route";

fn routes(routing: &Routing) -> [RenderedFile; 2] {
    let (condition, networks) = match routing {
        Routing::Default => {
            (format!("[ \"$PPP_IPPARAM\" = {DEFAULT_ROUTE} ] || exit 0\n"), vec!["default".to_owned()])
        }
        Routing::Only(networks) => (String::new(), networks.iter().map(Ipv4Net::to_string).collect()),
    };
    let each = |verb: &str| {
        networks.iter().fold(condition.clone(), |mut script, network| {
            // A String takes every write: `fmt::Write` for it has no error.
            let _ = writeln!(script, "ip route {verb} {network} dev \"$PPP_IFACE\"");
            script
        })
    };
    [
        RenderedFile::script("/etc/ppp/ip-up.d/routes", &each("replace"), "the networks behind the link"),
        RenderedFile::script("/etc/ppp/ip-down.d/routes", &each("del"), "takes them back"),
    ]
}
