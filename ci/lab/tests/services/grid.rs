//! Every kind of mobile network, with IPv4 and without, for a modem of one port and of two: what the owner is told.
//!
//! A script stands in for pppd, which needs the box's kernel: it ends as the real one does in the scenario
//! `an-unanswered-login-is-no-refusal`, with the status of pppd(8) for a negotiation that failed, or for a `chat` that has
//! failed. `lte.rs` plays the same networks for six hours of virtual time: none ends in a reboot.

use super::host_box::{HostBox, OWNER, Tty, order, site};
use dialbox::control::{self, Request};
use dialbox::ppp::{Addresses, Connection, Interface, pid};
use lab::modem::sim::SimCard;
use lab::modem::stick::ec25;
use lab::modem::{Cell, Domains, Modem, Registration};
use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

const ONE_PORT: &[Tty] = &[Tty { name: "ttyUSB0", port: 0, hsotype: None }];
const TWO_PORTS: &[Tty] =
    &[Tty { name: "ttyUSB0", port: 0, hsotype: None }, Tty { name: "ttyUSB1", port: 1, hsotype: None }];
/// Two attempts with a pause of five seconds, on a busy host.
const PATIENCE: Duration = Duration::from_secs(60);
/// Where the script leaves its process ID.
const PID: &str = "/run/pppd.pid";
const NO_IPV4: &str = "not connected: the operator gives no IPv4: PPP negotiation failed";

/// A kind of network: what it admits, and what `status` shows of it.
const NETWORKS: [(&str, Domains, Registration, &str); 5] = [
    ("3G", Domains::CallsAndPackets, Registration::Home, "home"),
    ("LTE by +CEREG only", Domains::Lte, Registration::Home, "home"),
    ("LTE on which +CREG denies", Domains::LteWithoutCalls, Registration::Home, "home"),
    ("no service", Domains::CallsAndPackets, Registration::Searching, "searching"),
    ("roaming refused", Domains::CallsAndPackets, Registration::Denied, "denied"),
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Operator {
    Ipv4,
    Ipv6Only,
}

#[test]
fn every_network_with_and_without_ipv4_ends_as_it_must_for_one_port_and_for_two() {
    std::thread::scope(|scope| {
        for network in NETWORKS {
            for operator in [Operator::Ipv4, Operator::Ipv6Only] {
                for ports in [ONE_PORT, TWO_PORTS] {
                    scope.spawn(move || play(network, operator, ports));
                }
            }
        }
    });
}

fn play(network: (&str, Domains, Registration, &str), operator: Operator, ports: &[Tty]) {
    let (name, domains, registration, shown) = network;
    let cell = format!("{name}, {operator:?}, {} ports", ports.len());
    let mut host_box = HostBox::switched_off(&site(""), Modem::new(ec25(), SimCard::open()));
    host_box.exchange.with(|network, now| {
        let set = |it: &mut Cell| (it.domains, it.registration) = (domains, registration);
        network.set_cell(host_box.modem, set, now);
    });
    put_pppd(&host_box, if shown == "home" { Some(operator) } else { None });
    host_box.plug_in(ports);
    host_box.start();
    // The three commands are asked one after the other.
    let modem = host_box.until_published("modem", |modem| modem.get("registration") == Some(shown));
    assert_eq!(modem.get("data-port").is_some(), ports.len() > 1, "{cell}: {modem:?}");
    match shown {
        "home" => commanded(&host_box, operator, ports.len(), &cell),
        _ => unreached(&host_box, &cell),
    }
}

/// The owner's messages arrive, and each outcome is told: before the call, if the modem cannot tell it during the call.
fn commanded(host_box: &HostBox, operator: Operator, ports: usize, cell: &str) {
    host_box.text(OWNER, &order("connect", 0));
    if operator == Operator::Ipv4 {
        comes_up(host_box);
    }
    let expected: &[&str] = match (operator, ports) {
        (Operator::Ipv4, 1) => &["dialling"],
        (Operator::Ipv4, _) => &["connected as 10.64.0.2, for 2h"],
        (Operator::Ipv6Only, 1) => &["dialling", NO_IPV4],
        (Operator::Ipv6Only, _) => &[NO_IPV4],
    };
    let answers = host_box.answers(expected.len());
    let is_told = |(answer, start): (&String, &&str)| answer.starts_with(start);
    assert!(answers.iter().zip(expected).all(is_told), "{cell}: {answers:?}");
    if operator == Operator::Ipv4 {
        host_box.until_said("connected as 10.64.0.2");
        let closed = control::request(&host_box.places, &Request::Disconnect, PATIENCE);
        assert!(closed.is_ok(), "{cell}: {closed:?}");
    }
    // The modem is served again.
    host_box.text(OWNER, &order("help", 1));
    host_box.answers(expected.len() + 1);
}

/// No message arrives. A person at the box gets the reason, and the box works as soon as there is a network.
fn unreached(host_box: &HostBox, cell: &str) {
    host_box.text(OWNER, &order("help", 0));
    let refused = control::request(&host_box.places, &Request::Connect(None), PATIENCE);
    assert!(format!("{refused:?}").contains("not connected"), "{cell}: {refused:?}");
    let texts = host_box.exchange.with(|network, _| network.phone(host_box.phone).unwrap().texts().len());
    assert_eq!(texts, 0, "{cell}");
    host_box.exchange.with(|network, now| {
        network.set_cell(host_box.modem, |it| it.registration = Registration::Home, now);
    });
    host_box.until_said("help, accepted");
}

/// `None` if there is no network to dial.
fn put_pppd(host_box: &HostBox, operator: Option<Operator>) {
    let script = match operator {
        Some(Operator::Ipv4) => {
            format!("echo $$ >{}\nexec /bin/sleep 60\n", host_box.places.path(PID).display())
        }
        Some(Operator::Ipv6Only) => "exit 10\n".to_owned(),
        None => "exit 8\n".to_owned(),
    };
    let pppd = host_box.places.path("/bin/pppd");
    fs::write(&pppd, format!("#!/bin/sh\n{script}")).unwrap();
    fs::set_permissions(&pppd, fs::Permissions::from_mode(0o755)).unwrap();
}

/// What pppd's ip-up reports.
fn comes_up(host_box: &HostBox) {
    let read = || pid(fs::read_to_string(host_box.places.path(PID)).ok()?.trim_end());
    let pid = host_box.until("pppd", |_| read());
    let addresses = Addresses { local: Ipv4Addr::new(10, 64, 0, 2), remote: Ipv4Addr::new(10, 64, 0, 1) };
    let interface = Interface::new("ppp0").unwrap();
    let link = Connection { interface, pid, addresses: Some(addresses) };
    control::request(&host_box.places, &Request::IpUp { link, name_servers: Vec::new() }, PATIENCE).unwrap();
}
