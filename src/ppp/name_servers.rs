//! The operator's name servers. Debian's own script for them needs options of `readlink` and `grep` that busybox lacks.

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::Path;

use super::Interface;
use crate::names::{LAN_RESOLV_CONF, RESOLV_CONF};
use crate::paths::Paths;

/// The usable ones. Some sticks, asked too soon, invent 10.11.12.13 and 10.11.12.14, and pppd passes on what the peer
/// sends.
pub fn usable(received: &[Ipv4Addr]) -> Vec<Ipv4Addr> {
    let made_up = |it: &&Ipv4Addr| matches!(it.octets(), [10, 11, 12, 13 | 14]);
    let unspecified =
        |it: &&Ipv4Addr| it.is_unspecified() || it.is_broadcast() || it.is_loopback() || it.is_multicast();
    received.iter().filter(|it| !made_up(it) && !unspecified(it)).copied().collect()
}

/// Uses the link's name servers from now on, if it has usable ones.
///
/// # Errors
/// The file cannot be written.
pub fn install(paths: &Paths, interface: &Interface, received: &[Ipv4Addr]) -> io::Result<()> {
    let servers: String = usable(received).iter().map(|server| format!("nameserver {server}\n")).collect();
    if servers.is_empty() {
        return Ok(());
    }
    let file = paths.path(RESOLV_CONF);
    if let Some(dir) = file.parent() {
        fs::create_dir_all(dir)?;
    }
    replace(&file, &format!("{}{servers}", mark(interface.as_str())))
}

/// Stops using them, unless those of another link are in use. Those of the local network come back, if it has any.
///
/// # Errors
/// The file cannot be removed or written.
pub fn remove(paths: &Paths, interface: &str) -> io::Result<()> {
    let file = paths.path(RESOLV_CONF);
    match fs::read_to_string(&file) {
        Ok(text) if text.starts_with(&mark(interface)) => {}
        _ => return Ok(()),
    }
    match fs::read_to_string(paths.path(LAN_RESOLV_CONF)) {
        Ok(of_lan) => replace(&file, &of_lan),
        Err(_) => fs::remove_file(file),
    }
}

fn replace(file: &Path, text: &str) -> io::Result<()> {
    let new = file.with_extension("new");
    fs::write(&new, text)?;
    fs::rename(new, file)
}

fn mark(interface: &str) -> String {
    format!("# From {interface}, by `dialctl hook`.\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Ipv4Addr = Ipv4Addr::new(212, 27, 40, 240);

    #[test]
    fn an_address_that_a_stick_invents_is_not_a_name_server() {
        let address = Ipv4Addr::new;
        for (received, taken) in [
            (vec![GOOD, address(10, 11, 12, 13)], vec![GOOD]),
            (vec![address(10, 11, 12, 13), address(10, 11, 12, 14)], vec![]),
            (vec![address(0, 0, 0, 0), address(255, 255, 255, 255)], vec![]),
            (vec![address(10, 11, 12, 15)], vec![address(10, 11, 12, 15)]),
        ] {
            assert_eq!(usable(&received), taken, "{received:?}");
        }
    }

    #[test]
    fn name_servers_come_and_go_with_their_link() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(dir.path());
        let read = || fs::read_to_string(paths.path(RESOLV_CONF)).ok();
        let ppp0 = Interface::new("ppp0").unwrap();
        install(&paths, &ppp0, &[]).unwrap();
        assert_eq!(read(), None);
        install(&paths, &ppp0, &[GOOD]).unwrap();
        assert_eq!(read().unwrap(), "# From ppp0, by `dialctl hook`.\nnameserver 212.27.40.240\n");
        remove(&paths, "ppp1").unwrap();
        assert!(read().is_some());
        remove(&paths, "ppp0").unwrap();
        remove(&paths, "ppp0").unwrap();
        assert_eq!(read(), None);
    }
    #[test]
    fn those_of_the_local_network_come_back_after_the_link() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(dir.path());
        let ppp0 = Interface::new("ppp0").unwrap();
        install(&paths, &ppp0, &[GOOD]).unwrap();
        // As the script of the local network has it, which leaves the link's file as it is.
        fs::write(paths.path(LAN_RESOLV_CONF), "nameserver 192.0.2.53\n").unwrap();
        remove(&paths, "ppp0").unwrap();
        assert_eq!(fs::read_to_string(paths.path(RESOLV_CONF)).unwrap(), "nameserver 192.0.2.53\n");
    }
}
