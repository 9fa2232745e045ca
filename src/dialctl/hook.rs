//! `dialctl hook`: pppd's scripts report one event each, with its arguments.
//!
//! They also run without a dialer, after a manual `pon` or on a dial-in box. That is not an error.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use crate::chat::DialFailure;
use crate::control::{self, Request, RequestError};
use crate::log::Log;
use crate::names;
use crate::paths::Paths;
use crate::ppp::{Addresses, Connection, DownReason, Interface, name_servers, own_networks, pid, pppd_log};

/// pppd's scripts wait for each other, and a user may wait for them.
const PATIENCE: Duration = Duration::from_secs(5);

/// Executes a hook.
///
/// # Errors
/// The arguments are invalid, or the dialer could not be reached.
pub fn run(paths: &Paths, arguments: &[&str]) -> Result<(), String> {
    if let [names::hook::IP_PRE_UP, arguments @ ..] = arguments {
        return ip_pre_up(paths, arguments);
    }
    let request = parse(arguments, || pppd_log::read(paths))
        .ok_or_else(|| format!("hook {}: no such hook", arguments.join(" ")))?;
    match &request {
        Request::IpUp { link, name_servers } => {
            name_servers::install(paths, &link.interface, name_servers).map_err(in_words)?;
        }
        Request::IpDown { .. } => {
            let interface = arguments.get(1).copied().unwrap_or_default();
            name_servers::remove(paths, interface).map_err(in_words)?;
        }
        _ => {}
    }
    match control::request(paths, &request, PATIENCE) {
        Ok(_) | Err(RequestError::NotRunning) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// Fails if the link must not come up. The log is the only output of pppd's scripts.
fn ip_pre_up(paths: &Paths, arguments: &[&str]) -> Result<(), String> {
    let (link, addresses) = parse_ip_pre_up(arguments).ok_or("hook ip-pre-up: wrong arguments")?;
    let Some(address) = own_networks::find_conflict(paths, &link.interface, addresses) else { return Ok(()) };
    let why = DownReason::OwnAddress(address).to_string();
    Log::new("dialctl", paths).error(&format!("{}: {why}", link.interface));
    // The link must not come up, even if no dialer is there to receive the reason.
    let _ = control::request(paths, &Request::OwnAddress { pid: link.pid, address }, PATIENCE);
    Err(why)
}

fn parse_ip_pre_up(arguments: &[&str]) -> Option<(Connection, Addresses)> {
    let [interface, process, local, remote] = arguments else { return None };
    let addresses = Addresses { local: local.parse().ok()?, remote: remote.parse().ok()? };
    Some((
        Connection { interface: Interface::new(interface)?, pid: pid(process)?, addresses: Some(addresses) },
        addresses,
    ))
}

/// `said` is what pppd and its `chat` have written.
fn parse(arguments: &[&str], said: impl FnOnce() -> String) -> Option<Request> {
    match arguments {
        [names::hook::IP_UP, interface, process, local, remote, servers @ ..] => {
            let addresses = local.parse().ok().zip(remote.parse().ok());
            let link = Connection {
                interface: Interface::new(interface)?,
                pid: pid(process)?,
                addresses: addresses.map(|(local, remote)| Addresses { local, remote }),
            };
            let name_servers: Vec<Ipv4Addr> = servers.iter().filter_map(|it| it.parse().ok()).collect();
            Some(Request::IpUp { link, name_servers })
        }
        [names::hook::IP_DOWN, _, process, sent, received] => {
            let count = |text: &str| text.parse::<u64>().ok();
            let carried = count(sent).zip(count(received)).map(|(sent, received)| sent + received);
            Some(Request::IpDown { pid: pid(process)?, carried })
        }
        [names::hook::NO_CALL, status] => {
            Some(Request::DialFailure(DialFailure::from_chat_status(status.parse().ok()?, &said())))
        }
        _ => None,
    }
}

fn in_words(error: io::Error) -> String {
    format!("the name servers: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scripts_arguments_are_read() {
        let pid = pid("412").unwrap();
        let said = "Serial port initialized.\nchat:  Nov 28 09:10:11 +CME ERROR: 30\nConnect script failed\n";
        let ppp0 = |addresses| Connection { interface: Interface::new("ppp0").unwrap(), pid, addresses };
        let addresses =
            Addresses { local: Ipv4Addr::new(10, 3, 2, 1), remote: Ipv4Addr::new(10, 64, 64, 64) };
        for (arguments, expected) in [
            (
                "ip-up ppp0 412 10.3.2.1 10.64.64.64 9.9.9.9",
                Some(Request::IpUp {
                    link: ppp0(Some(addresses)),
                    name_servers: vec![Ipv4Addr::new(9, 9, 9, 9)],
                }),
            ),
            (
                "ip-up ppp0 412 10.3.2.1 10.64.64.64",
                Some(Request::IpUp { link: ppp0(Some(addresses)), name_servers: vec![] }),
            ),
            ("ip-down ppp0 412 1000 24000", Some(Request::IpDown { pid, carried: Some(25_000) })),
            ("ip-down ppp0 412  ", Some(Request::IpDown { pid, carried: None })),
            ("no-call 7", Some(Request::DialFailure(DialFailure::from_chat_status(7, "")))),
            ("no-call 16", Some(Request::DialFailure(DialFailure::from_chat_status(16, said)))),
            ("ip-up ppp0", None),
            ("ip-up ../x 412 10.3.2.1 10.64.64.64", None),
            ("ip-sideways", None),
        ] {
            let found = parse(&arguments.split(' ').collect::<Vec<_>>(), || said.to_owned());
            assert_eq!(found, expected, "{arguments}");
        }
    }

    #[test]
    fn a_hook_without_a_dialer_succeeds() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(dir.path());
        for arguments in [
            &["ip-up", "ppp0", "412", "10.3.2.1", "10.64.64.64", "9.9.9.9"][..],
            &["ip-down", "ppp0", "412", "", ""],
            &["no-call", "3"],
        ] {
            assert_eq!(run(&paths, arguments), Ok(()), "{arguments:?}");
        }
        assert!(run(&paths, &["ip-sideways"]).is_err());
    }
}
