//! The dial-in role: callers with and without permission, and a line that is ready again after each call.

mod bad_calls;
mod grants;
mod habits;
mod parallel;
pub mod ready;
mod series;
mod sessions;
mod windows;

pub use bad_calls::bad_calls;
pub use grants::grants;
pub use habits::habits;
pub use parallel::two_at_a_time;
pub use series::ten_in_a_row;
pub use sessions::sessions;
pub use windows::windows_95;

use super::{DIAL_IN, SITE, check, port_is_free, shows};
use crate::booted::Booted;
use crate::error::Result;
use crate::lan::{Asked, Lan, get};
use crate::machine::Machine;
use crate::stage::{Stage, boot_both, stick};

/// The page that the server in the local network serves.
pub const PAGE: &str = "a page of the local network";

/// The hash of the password `free`: `openssl passwd -5 -salt labsalt free`.
const HASH: &str = "$5$labsalt$171mnlxIn9LqdDVR6Qm4ysjZZnzk3se2mUTizlZ7BZ9";

/// The caller uses the account of the dialer's example site; the box knows only the hash of its password.
pub fn let_in_the_dialer(called: &Machine) -> Result<()> {
    let hash = format!("password-hash = \"{HASH}\"");
    let site = DIAL_IN.replace("\"caller\"", "\"free\"").replace("password = \"change-me\"", &hash);
    let site = site.replace("8.8.8.8", &Lan::HOST.to_string());
    called.card().write(SITE, site.as_bytes())
}

/// A caller gets an address, reaches the network behind the box and can ping the box, but not use its services.
/// Whichever side ends the call, the next one works.
pub fn callers(stage: &Stage) -> Result<()> {
    let (caller, mut called) = (stage.dialer(stick())?, stage.answerer("dial-in")?);
    called.plug_into_lan(PAGE)?;
    let_in_the_dialer(&called)?;
    let (mut caller_box, mut called_box) = boot_both(&caller, &called)?;
    caller_box.until("dialctl status", &["Option N.V."])?;
    called_box.until("dialctl lines", &["line1   ready, 0 calls"])?;
    called_box.until("ip addr show eth0", &["inet 192.168.32.50/24"])?;
    let hang_up = || stage.exchange().with(|network, now| caller.modem().map(|it| network.hang_up(it, now)));

    call(&mut caller_box)?;
    called_box.until("dialctl lines", &["connected", "as free", "on ppp0"])?;
    is_closed(&mut called_box)?;
    called_box.must("echo private > /tmp/index.html && httpd -p 8080 -h /tmp")?;
    let own = called_box.must(&get("192.168.32.1", 8080))?;
    shows("the box's own server", &own, &["private"])?;
    let refused = caller_box.run(&get("192.168.32.1", 8080))?;
    shows("the box's own server, asked by a caller,", &refused.text, &["timed out"])?;
    reaches_the_lan(&mut caller_box, &called)?;
    called_box.must("dialctl hangup 1")?;
    no_link(&mut caller_box)?;
    hang_up()?;

    called_box.until("dialctl lines", &["ready, 1 calls"])?;
    // The hash itself must not work as a password.
    caller_box.must(&format!("sed -i 's| \"free\" | \"{HASH}\" |' /etc/ppp/pap-secrets"))?;
    port_is_free(&mut caller_box)?;
    let wrong = caller_box.run("pppd call free updetach")?;
    caller_box.must(&format!("sed -i 's| \"{HASH}\" | \"free\" |' /etc/ppp/pap-secrets"))?;
    check(wrong.code == 19, || {
        format!("pppd with a wrong password ended with {}: {}", wrong.code, wrong.text)
    })?;
    hang_up()?;

    called_box.until("dialctl lines", &["ready, 2 calls"])?;
    call(&mut caller_box)?;
    caller_box.must("poff")?;
    no_link(&mut caller_box)?;
    hang_up()?;
    called_box.until("dialctl lines", &["ready, 3 calls"])?;

    let calls = called_box.must("dialctl calls")?;
    let ends = ["hung up here", "name or password wrong", "the caller"];
    check(calls.lines().count() == ends.len(), || format!("not three calls in the ledger:\n{calls}"))?;
    for (entry, why) in calls.lines().zip(ends) {
        shows("dialctl calls", entry, &["line 1", why])?;
    }
    Ok(())
}

/// Through the box, from the box's own address, the caller pings the host behind it, looks up its name and gets its
/// page.
fn reaches_the_lan(caller_box: &mut Booted, called: &Machine) -> Result<()> {
    caller_box.must(&format!("ping -c 1 -W 10 {}", Lan::HOST))?;
    // The name server is the one that IPCP has assigned.
    caller_box.until("cat /etc/resolv.conf", &[&format!("nameserver {}", Lan::HOST)])?;
    let page = caller_box.must(&format!("timeout 20 wget -q -O - http://{}/", Lan::NAME))?;
    shows("the server in the local network", &page, &[PAGE])?;
    let asked = called.lan().map(Lan::asked).unwrap_or_default();
    let seen = [Asked::Name(Lan::GIVEN, Lan::NAME.to_owned()), Asked::Page(Lan::GIVEN)];
    check(seen.iter().all(|it| asked.contains(it)), || {
        format!("the host has received other requests: {asked:?}")
    })
}

/// With its first caller and its local network, the box has only the site's addresses, accepts no routes from others,
/// and has no world-writable file.
fn is_closed(called: &mut Booted) -> Result<()> {
    let ipv6 = called.run("ip -6 addr; ip -6 route")?;
    check(ipv6.text.is_empty(), || format!("the box has an IPv6 address or route:\n{}", ipv6.text))?;
    for (setting, value) in SETTINGS {
        let settings = called.must(&format!("cd /proc/sys; grep . {setting}; cd /"))?;
        let wrong: Vec<_> = settings.lines().filter(|line| !line.ends_with(&format!(":{value}"))).collect();
        check(settings.lines().count() > 1 && wrong.is_empty(), || format!("not {value}: {wrong:?}"))?;
    }
    let open = called.must("find /etc /run /state /tmp /var -type f -perm -2")?;
    check(open.is_empty(), || format!("any user can write to {open}"))?;
    called.must("test -e /run/ifstate").map(drop)
}

/// Files below `/proc/sys`, at least two each so that grep(1) prints their names, and the value that all of them must
/// have.
const SETTINGS: [(&str, &str); 7] = [
    ("kernel/kptr_restrict kernel/kptr_restrict", "2"),
    ("net/ipv4/conf/eth0/rp_filter net/ipv4/conf/ppp0/rp_filter", "1"),
    ("net/ipv4/conf/eth0/accept_redirects net/ipv4/conf/ppp0/accept_redirects", "0"),
    ("net/ipv4/conf/eth0/send_redirects net/ipv4/conf/ppp0/send_redirects", "0"),
    ("net/ipv6/conf/eth0/accept_ra net/ipv6/conf/ppp0/accept_ra", "0"),
    ("net/ipv6/conf/eth0/disable_ipv6 net/ipv6/conf/ppp0/disable_ipv6", "1"),
    ("net/ipv4/conf/all/arp_ignore net/ipv4/conf/all/arp_ignore", "1"),
];

/// The caller gets a link.
pub fn call(caller: &mut Booted) -> Result<()> {
    port_is_free(caller)?;
    // The caller asks for IPv6 too.
    caller.must("pppd call free +ipv6 updetach")?;
    caller.until("ip addr show ppp0", &["inet 192.168.32.105 peer 192.168.32.1"])?;
    caller.until("ping -c 1 -W 3 192.168.32.1", &[]).map(drop)
}

fn no_link(end: &mut Booted) -> Result<()> {
    end.until("pidof pppd || echo no pppd", &["no pppd"]).map(drop)
}
