//! What the box is called, what time it is there, and its interfaces.

use super::RenderedFile;
use crate::site::{Role, Site};

pub(super) fn files(site: &Site) -> Vec<RenderedFile> {
    let hostname = site.hostname.as_str();
    vec![
        RenderedFile::value("/etc/hostname", hostname, "the name of the box"),
        RenderedFile::config("/etc/hosts", &hosts(hostname), "names without a name server"),
        RenderedFile::value("/etc/TZ", site.timezone.as_str(), "the time zone, for the variable TZ"),
        RenderedFile::value("/etc/dialbox/role", site.role.word(), "what the box is for"),
        RenderedFile::config("/etc/network/interfaces", &interfaces(&site.role), "for ifup"),
    ]
}

fn hosts(hostname: &str) -> String {
    // 127.0.1.1 as Debian does it: the name resolves before any interface is up.
    format!(
        "127.0.0.1\tlocalhost\n\
         127.0.1.1\t{hostname}\n\
         ::1\tlocalhost ip6-localhost ip6-loopback\n"
    )
}

fn interfaces(role: &Role) -> String {
    let loopback = "auto lo\niface lo inet loopback\n";
    match role {
        // Not `auto`: the link is opened when somebody asks for it.
        Role::Dialer(dialer) => {
            let provider = &dialer.operator.name;
            format!("{loopback}\niface ppp0 inet ppp\n\tprovider {provider}\n")
        }
        Role::DialIn(_) => loopback.to_owned(),
    }
}
