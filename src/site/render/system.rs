//! Host name, time zone and interfaces.

use super::RenderedFile;
use crate::names::{LAN_METRIC, LAN_NAME_SERVERS};
use crate::site::{Addressing, Lan, Role, Site, SshKey};

pub(super) fn files(site: &Site) -> Vec<RenderedFile> {
    let hostname = site.hostname.as_str();
    let mut files = vec![
        RenderedFile::value("/etc/hostname", hostname, "the name of the box"),
        RenderedFile::config("/etc/hosts", &hosts(hostname), "names without a name server"),
        RenderedFile::value("/etc/TZ", site.timezone.as_str(), "the time zone, for the variable TZ"),
        RenderedFile::value("/etc/dialbox/role", site.role.as_str(), "what the box is for"),
        RenderedFile::config("/etc/network/interfaces", &interfaces(site), "for ifup"),
    ];
    if !site.ssh_keys.is_empty() {
        files.push(authorized_keys(&site.ssh_keys));
    }
    files
}

/// dropbear reads it only if no other user can write to it; init's script starts dropbear if it exists.
fn authorized_keys(keys: &[SshKey]) -> RenderedFile {
    let lines: String = keys.iter().map(|key| format!("{key}\n")).collect();
    RenderedFile::secret("/root/.ssh/authorized_keys", &lines, "who may log in by ssh")
}

fn hosts(hostname: &str) -> String {
    // 127.0.1.1 as in Debian: the name resolves before any interface is up.
    format!(
        "127.0.0.1\tlocalhost\n\
         127.0.1.1\t{hostname}\n\
         ::1\tlocalhost ip6-localhost ip6-loopback\n"
    )
}

fn interfaces(site: &Site) -> String {
    let mut text = "auto lo\niface lo inet loopback\n".to_owned();
    if let Some(lan) = &site.lan {
        text += &self::lan(lan);
    }
    // Not `auto`: the link is opened on request.
    if let Role::Dialer(dialer) = &site.role {
        text += &format!("\niface ppp0 inet ppp\n\tprovider {}\n", dialer.operator.name);
    }
    text
}

/// Not `auto` either: mdev calls `ifup` when the kernel has found the interface.
fn lan(lan: &Lan) -> String {
    let Lan { interface, addressing } = lan;
    match addressing {
        // Without a server, or a cable, it continues to ask in the background.
        Addressing::Dhcp => format!("\niface {interface} inet dhcp\n\tudhcpc_opts -b -S\n"),
        Addressing::Fixed { address, gateway, dns } => {
            let (address, netmask) = (address.address(), address.netmask());
            let mut text =
                format!("\niface {interface} inet static\n\taddress {address}\n\tnetmask {netmask}\n");
            if let Some(gateway) = gateway {
                text += &format!("\tgateway {gateway}\n\tmetric {LAN_METRIC}\n");
            }
            if !dns.is_empty() {
                let servers = dns.iter().map(|server| format!(" {server}")).collect::<String>();
                text += &format!("\tup {LAN_NAME_SERVERS}{servers}\n");
            }
            text
        }
    }
}
