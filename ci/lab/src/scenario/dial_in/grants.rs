//! What each kind of caller reaches: one with a name, a guest, and one at a null-modem cable. Each caller's pppd has a
//! network namespace of its own, as if it ran on a computer of its own.

use super::{PAGE, SITE, check, shows};
use crate::booted::Booted;
use crate::error::Result;
use crate::lan::{Asked, Lan, get};
use crate::lines::{BootedLines, Lines};
use crate::machine::Machine;
use crate::network::Line;
use crate::scenario::active_ftp;
use crate::stage::Stage;
use std::net::Ipv4Addr;

/// Lines 1 to 3.
const NAMED: usize = 1;
const GUEST: usize = 2;
const CABLE: usize = 3;

const BOX: Ipv4Addr = Ipv4Addr::new(192, 168, 32, 1);
/// A port of the box that the site opens to callers.
const OPEN: u16 = 8080;

/// As some devices are set up that take a modem's place: they connect by themselves, silently.
const LIKE_A_CABLE: &[u8] = b"ATE0Q1S0=1&D2\r";
/// A guest has no name to prove.
const NO_NAME: &str = "refuse-pap refuse-chap refuse-mschap refuse-mschap-v2 refuse-eap";

/// A caller's address.
fn remote(line: usize) -> Ipv4Addr {
    let [a, b, c, _] = BOX.octets();
    Ipv4Addr::new(a, b, c, u8::try_from(100 + line).unwrap_or(u8::MAX))
}

fn site() -> String {
    let line = |(number, more)| {
        let remote = remote(number);
        format!("[[line]]\nport = \"1-1.{number}\"\nlocal = \"{BOX}\"\nremote = \"{remote}\"\n{more}\n")
    };
    let lines: String =
        [(NAMED, ""), (GUEST, "guest = true"), (CABLE, "null-modem = true")].map(line).concat();
    format!(
        "role = \"dial-in\"\nhostname = \"dial-in\"\n[lan]\naddress = \"dhcp\"\n\
         [dial-in]\ndns = [\"{}\"]\nproxyarp = true\ncallers-meet = true\nopen-ports = [{OPEN}]\n\
         {lines}[[user]]\nname = \"free\"\npassword = \"free\"\n",
        Lan::HOST
    )
}

/// A caller with a name reaches the network, the ports that the site opens, the other callers, and files by active
/// FTP. A guest reaches the Internet and the name server, and nothing else. At a null-modem cable a call begins as
/// Windows begins it, and the name counts as it does on a telephone line.
pub fn grants(stage: &Stage) -> Result<()> {
    let mut lines = Lines::with_site(stage, Line::INSTANT, CABLE, &site())?;
    lines.called.plug_into_lan(PAGE)?;
    lines.called.card().write(SITE, site().as_bytes())?;
    stage.exchange().with(|network, now| {
        for modem in lines.called.modems().iter().skip(CABLE - 1) {
            network.typed(*modem, 0, LIKE_A_CABLE.to_vec(), now);
        }
    });
    let mut boxes = lines.boot()?;
    boxes.called.until("ip addr show eth0", &[&format!("inet {}/24", Lan::GIVEN)])?;
    boxes.called.must(&format!("echo private > /tmp/index.html && httpd -p {OPEN} -h /tmp"))?;

    boxes
        .caller
        .must("sed -i 's|CONNECT .*|CONNECT CLIENT CLIENTSERVER \\\\\"\\\\\"\"|' /etc/ppp/peers/line3")?;
    call(&mut boxes.caller, NAMED, "")?;
    call(&mut boxes.caller, GUEST, NO_NAME)?;
    call(&mut boxes.caller, CABLE, "")?;
    boxes.called.until("dialctl lines", &["as free, on ppp0", "on ppp1", "as free, on ppp2"])?;

    guest_is_kept_out(&mut boxes)?;
    callers_meet(&mut boxes.caller)?;
    get_files(&mut boxes, &lines.called)?;

    boxes.caller.must("kill $(head -n 1 /run/ppp-caller3.pid)")?;
    boxes.called.until("dialctl lines", &["line3   ready, 1 calls"]).map(drop)
}

/// Calls a line, in a network namespace that this caller has for itself.
fn call(caller: &mut Booted, line: usize, options: &str) -> Result<()> {
    caller.must(&format!("unshare -n pppd call line{line} updetach {options}"))?;
    caller.must(&within(line, "ip route add default dev ppp0"))?;
    caller.until(&within(line, "ip addr show ppp0"), &[&format!("inet {} peer {BOX}", remote(line))])?;
    caller.until(&within(line, &format!("ping -c 1 -W 3 {BOX}")), &[]).map(drop)
}

/// A command that runs where a caller's link is.
fn within(line: usize, command: &str) -> String {
    format!("nsenter -t $(head -n 1 /run/ppp-caller{line}.pid) -n sh -c '{}'", command.replace('\'', "'\\''"))
}

fn guest_is_kept_out(boxes: &mut BootedLines) -> Result<()> {
    let name = boxes.caller.must(&within(GUEST, &format!("nslookup {} {}", Lan::NAME, Lan::HOST)))?;
    shows("the name server, asked by a guest,", &name, &[&Lan::HOST.to_string()])?;
    let page = boxes.caller.must(&within(GUEST, &get(&Lan::PUBLIC.to_string(), 80)))?;
    shows("a server in the Internet, asked by a guest,", &page, &[PAGE])?;
    for (host, port, open_to_others) in [(Lan::HOST, 80, PAGE), (BOX, OPEN, "private")] {
        let get = get(&host.to_string(), port);
        let page = boxes.caller.must(&within(NAMED, &get))?;
        shows("a server, asked by a caller with a name,", &page, &[open_to_others])?;
        let refused = boxes.caller.run(&within(GUEST, &get))?;
        shows("a server, asked by a guest,", &refused.text, &["timed out"])?;
    }
    Ok(())
}

fn callers_meet(caller: &mut Booted) -> Result<()> {
    for (from, to, arrives) in
        [(NAMED, CABLE, true), (CABLE, NAMED, true), (NAMED, GUEST, true), (GUEST, NAMED, false)]
    {
        let pinged = caller.run(&within(from, &format!("ping -c 2 -W 5 {}", remote(to))))?;
        check((pinged.code == 0) == arrives, || format!("line {from} pings line {to}: {}", pinged.text))?;
    }
    Ok(())
}

/// The server sees the box's address with NAT, and the caller's without: the site's `masquerade = false` differs by
/// that table only.
fn get_files(boxes: &mut BootedLines, called: &Machine) -> Result<()> {
    // Each transfer has a port of its own, as with ftp.exe: the box still knows the connection to the one before.
    for (seen, port) in [(Lan::GIVEN, 5001), (remote(NAMED), 5002)] {
        gets_a_file(&mut boxes.caller, port)?;
        let asked = called.lan().map(Lan::asked).unwrap_or_default();
        check(asked.contains(&Asked::File(seen)), || format!("the host has received {asked:?}"))?;
        boxes.called.run("nft delete table ip nat")?;
    }
    Ok(())
}

fn gets_a_file(caller: &mut Booted, port: u16) -> Result<()> {
    caller.must(&format!("printf '%s\\n' '{}' >/tmp/ftp", active_ftp::script(remote(NAMED), port)))?;
    let said = caller.run(&within(NAMED, active_ftp::RUN))?;
    shows("the FTP server", &said.text, &active_ftp::steps(PAGE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dialbox::site::{Role, Site};

    #[test]
    fn the_site_is_valid() {
        let Role::DialIn(dial_in) = Site::parse(&site()).unwrap().role else { panic!("it is called") };
        assert_eq!(dial_in.lines.len(), CABLE);
    }
}
