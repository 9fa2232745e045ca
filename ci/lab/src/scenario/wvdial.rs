//! A caller with Debian's wvdial, which starts the box's pppd, and then with Debian's slattach.

use super::dial_in::PAGE;
use super::{DIAL_IN, SITE, check, port_is_free, shows};
use crate::booted::Booted;
use crate::error::Result;
use crate::lan::{Asked, Lan, get};
use crate::lines::resets;
use crate::machine::Machine;
use crate::network::Subscriber;
use crate::stage::{LINE_NUMBER, Stage, boot_both};
use std::net::Ipv4Addr;

/// The partition of root B; this caller has none.
const ROOT_B: usize = 3;

/// The programs have their own dynamic loader and libraries; the pppd that wvdial starts uses those of the box.
const LOADER: &str = "/run/caller/lib/arm-linux-gnueabi/ld-linux.so.3 \
    --library-path /run/caller/lib/arm-linux-gnueabi:/run/caller/usr/lib/arm-linux-gnueabi:/run/caller/usr/lib";
const WVDIAL: &str = "/run/caller/usr/bin/wvdial";
const SLATTACH: &str = "/run/caller/usr/sbin/slattach";

/// wvdial kills its pppd 100 ms after SIGTERM (wvstreams, utils/wvsubproc.cc, `~WvSubProc`), so some calls end without
/// a TERMINATE-REQUEST, and QEMU carries no DCD. The echo requests detect that end.
const ECHO: &str = "[dial-in]\nlcp-echo-interval = 5\nlcp-echo-failure = 3\n";

/// The caller by SLIP, and a port of the box for it.
const SLIP: &str = "idle-limit = \"15m\"\nopen-ports = [8080]\n";
const SLIP_USER: &str = "\n[[user]]\nname = \"old\"\npassword = \"change-it\"\nservices = [\"cslip\"]\n";

/// The first part is as `wvdialconf` writes it. `Check DNS` would look up names of the Internet, which do not exist
/// here.
fn wvdial_conf() -> String {
    format!(
        "[Dialer Defaults]\n\
         Modem = /dev/line1\nBaud = 115200\nInit1 = ATZ\nInit2 = ATQ0 V1 E1 S0=0 &C1 &D2 +FCLASS=0\n\
         Phone = {LINE_NUMBER}\nUsername = caller\nPassword = change-me\nCheck DNS = off\n"
    )
}

/// wvdial recognizes the login prompt and then PPP, gets an address and reaches the other end. After it ends, both
/// lines are ready for the next call. The calling box answers calls itself; between calls, any program may use its
/// modem.
pub fn gets_a_link(stage: &Stage) -> Result<()> {
    let tools = stage.caller_tools()?;
    let (caller, mut called) = (stage.with_lines("caller", 1)?, stage.answerer("dial-in")?);
    called.plug_into_lan(PAGE)?;
    caller.card().write_partition(ROOT_B, &tools)?;
    caller.card().write(SITE, DIAL_IN.as_bytes())?;
    let site =
        DIAL_IN.replace("[dial-in]\n", &format!("{ECHO}{SLIP}")).replace("#login = false", "login = true");
    let site = site + SLIP_USER;
    called.card().write(SITE, site.as_bytes())?;
    let (mut caller_box, mut called_box) = boot_both(&caller, &called)?;
    let modems = [caller.modem()?, called.modem()?];
    lines_are_ready_again(stage, modems, 0)?;
    called_box.until("dialctl lines", &["line1   ready, 0 calls"])?;
    install(&mut caller_box)?;
    is_left_alone(&mut caller_box)?;
    caller_box.must(&format!("{LOADER} {WVDIAL} > /run/wvdial.log 2>&1 & echo $! > /run/wvdial.pid"))?;
    stage.exchange().until("CONNECT", |network| {
        network.journal().said(network.name(modems[0])).contains("CONNECT").then_some(())
    })?;
    called_box.until("dialctl lines", &["connected", "as caller, on ppp0"])?;
    // At most once a second of the box's own time: more polling would slow the box down.
    caller_box.until("sleep 1; ip addr show ppp0", &["inet 192.168.32.105 peer 192.168.32.1"])?;
    caller_box.must("ping -c 1 -W 10 192.168.32.1")?;

    caller_box.must("kill -INT $(cat /run/wvdial.pid)")?;
    lines_are_ready_again(stage, modems, 1)?;
    is_left_alone(&mut caller_box)?;
    called_box.until("dialctl lines", &["line1   ready, 1 calls"])?;
    let left = caller_box.run("pidof pppd; ip link show ppp0 2>/dev/null")?;
    check(left.text.is_empty(), || format!("wvdial left behind: {}", left.text))?;
    let said = caller_box.must("cat /run/wvdial.log")?;
    let steps = ["login prompt", "password prompt", "PPP negotiation detected", "Disconnecting"];
    shows("wvdial", &said, &steps)?;
    let output = called_box.must("dialctl calls; logread")?;
    shows("the ledger and the log", &output, &["  caller  ", "caller has logged in"])?;
    check(!output.contains("change-me"), || format!("a password is in the ledger or the log:\n{output}"))?;
    called_box.until("ip addr show eth0", &[&format!("inet {}/24", Lan::GIVEN)])?;
    by_slip(&mut caller_box, &mut called_box)?;
    reaches_the_lan(&mut caller_box, &mut called_box, &called)?;

    called_box.must("dialctl hangup 1")?;
    caller_box.must("kill $(cat /tmp/old.pid); rm -f /run/lock/LCK..line1")?;
    lines_are_ready_again(stage, modems, 2)?;
    called_box.until("dialctl lines", &["line1   ready, 2 calls"])?;
    let calls = called_box.must("dialctl calls; ! ip link show ppp0")?;
    shows("the ledger", &calls, &["  old  ", " cslip  hung up here"])
}

/// A caller of 1993: a login prompt, then the kernel's SLIP with compressed headers on both ends. Its addresses are
/// those that it was told.
fn by_slip(caller: &mut Booted, called: &mut Booted) -> Result<()> {
    called.must("echo an old page > /tmp/index.html && httpd -p 8080 -h /tmp")?;
    // Its lock says that the port is in use (as in `lock` of pppd).
    let script = format!(
        "printf \"%10d\\n\" $$ > /run/lock/LCK..line1; \
         chat TIMEOUT 60 \"\" ATZ OK ATDT{LINE_NUMBER} CONNECT \"\\c\" ogin: old ssword: \"\\qchange-it\" \
         \"your address is 192.168.32.105\" \"\\c\" && exec {LOADER} {SLATTACH} -p cslip -s 115200 /dev/line1"
    );
    caller.must(&format!("printf '%s' '{script}' > /tmp/old"))?;
    caller.must("sh /tmp/old <>/dev/line1 >&0 2>/tmp/old.log & echo $! > /tmp/old.pid")?;
    called.until("dialctl lines", &["connected", "as old, on ppp0"])?;
    caller
        .until("cat /tmp/old.log; ifconfig sl0 192.168.32.105 pointopoint 192.168.32.1 mtu 1006 up", &[])?;
    caller.until("ping -c 1 -W 5 -s 900 192.168.32.1", &[])?;
    let page = caller.must(&get("192.168.32.1", 8080))?;
    shows("the box, asked over SLIP,", &page, &["an old page"])?;
    let address = called.must("ip addr show ppp0")?;
    shows("the interface", &address, &["mtu 1006", "inet 192.168.32.1 peer 192.168.32.105/32"])?;
    Ok(())
}

/// With NAT the host in the local network sees the box's address, and without it the caller's, for which the box answers
/// its ARP requests. The site's `masquerade = false` differs by that table only.
fn reaches_the_lan(caller: &mut Booted, called: &mut Booted, machine: &Machine) -> Result<()> {
    caller.must(&format!("ip route add {} dev sl0", Lan::HOST))?;
    for seen in [Lan::GIVEN, Ipv4Addr::new(192, 168, 32, 105)] {
        let page = caller.must(&get(&Lan::HOST.to_string(), 80))?;
        shows("the server in the local network, asked over SLIP,", &page, &[PAGE])?;
        let asked = machine.lan().map(Lan::asked).unwrap_or_default();
        check(asked.contains(&Asked::Page(seen)), || format!("the host has received {asked:?}"))?;
        called.run("nft delete table ip nat")?;
    }
    Ok(())
}

/// Installs those files of wvdial that must be at a fixed path.
fn install(caller: &mut Booted) -> Result<()> {
    let device = format!("/dev/mmcblk0p{ROOT_B}");
    caller.must(&format!("mkdir /run/caller && mount -t squashfs -o ro {device} /run/caller"))?;
    caller.must("cp /run/caller/etc/ppp/peers/wvdial /etc/ppp/peers/")?;
    caller.must(&format!("printf '{}' > /etc/wvdial.conf", wvdial_conf().replace('\n', "\\n"))).map(drop)
}

/// Waits until the calling box's own service only waits for calls. After the reset it still has commands for its modem: a
/// program that wants the port then finds it locked, and gives up.
fn is_left_alone(caller: &mut Booted) -> Result<()> {
    caller.until("dialctl lines", &["line1   ready"])?;
    port_is_free(caller)
}

/// Waits until both boxes have reset their modems after `calls` calls.
fn lines_are_ready_again(stage: &Stage, modems: [Subscriber; 2], calls: usize) -> Result<()> {
    stage.exchange().until("a reset of both modems", |network| {
        modems.iter().all(|modem| resets(network, network.name(*modem)) > calls).then_some(())
    })
}
