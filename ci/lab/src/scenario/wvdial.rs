//! A caller with Debian's wvdial, which starts the box's pppd.

use super::{DIAL_IN, SITE, check, shows};
use crate::booted::Booted;
use crate::error::Result;
use crate::lines::resets;
use crate::network::Subscriber;
use crate::stage::{LINE_NUMBER, Stage, boot_both};

/// The partition of root B; this caller has none.
const ROOT_B: usize = 3;

/// wvdial has its own dynamic loader and libraries; the pppd that it starts uses those of the box.
const WVDIAL: &str = "/run/caller/lib/arm-linux-gnueabi/ld-linux.so.3 \
    --library-path /run/caller/lib/arm-linux-gnueabi:/run/caller/usr/lib/arm-linux-gnueabi:/run/caller/usr/lib \
    /run/caller/usr/bin/wvdial";

/// wvdial kills its pppd 100 ms after SIGTERM (wvstreams, utils/wvsubproc.cc, `~WvSubProc`), so some calls end without
/// a TERMINATE-REQUEST, and QEMU carries no DCD. The echo requests detect that end.
const ECHO: &str = "[dial-in]\nlcp-echo-interval = 5\nlcp-echo-failure = 3\n";

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
    let (caller, called) = (stage.with_lines("caller", 1)?, stage.answerer("dial-in")?);
    caller.card().write_partition(ROOT_B, &tools)?;
    caller.card().write(SITE, DIAL_IN.as_bytes())?;
    let site = DIAL_IN.replace("[dial-in]\n", ECHO).replace("#login = false", "login = true");
    called.card().write(SITE, site.as_bytes())?;
    let (mut caller_box, mut called_box) = boot_both(&caller, &called)?;
    let modems = [caller.modem()?, called.modem()?];
    lines_are_ready_again(stage, modems, 0)?;

    install(&mut caller_box)?;
    caller_box.must(&format!("{WVDIAL} > /run/wvdial.log 2>&1 & echo $! > /run/wvdial.pid"))?;
    stage.exchange().until("CONNECT", |network| {
        network.journal().said(network.name(modems[0])).contains("CONNECT").then_some(())
    })?;
    called_box.until("dialctl lines", &["connected", "as caller, on ppp0"])?;
    // At most once a second of the box's own time: more polling would slow the box down.
    caller_box.until("sleep 1; ip addr show ppp0", &["inet 192.168.32.105 peer 192.168.32.1"])?;
    caller_box.must("ping -c 1 -W 10 192.168.32.1")?;

    caller_box.must("kill -INT $(cat /run/wvdial.pid)")?;
    lines_are_ready_again(stage, modems, 1)?;
    caller_box.until("dialctl lines", &["line1   ready"])?;
    called_box.until("dialctl lines", &["line1   ready, 1 calls"])?;
    let left = caller_box.run("pidof pppd; ip link show ppp0 2>/dev/null")?;
    check(left.text.is_empty(), || format!("wvdial left behind: {}", left.text))?;
    let said = caller_box.must("cat /run/wvdial.log")?;
    let steps = ["login prompt", "password prompt", "PPP negotiation detected", "Disconnecting"];
    shows("wvdial", &said, &steps)?;
    let output = called_box.must("dialctl calls; logread")?;
    shows("the ledger and the log", &output, &["  caller  ", "caller has logged in"])?;
    check(!output.contains("change-me"), || format!("a password is in the ledger or the log:\n{output}"))
}

/// Installs those files of wvdial that must be at a fixed path.
fn install(caller: &mut Booted) -> Result<()> {
    let device = format!("/dev/mmcblk0p{ROOT_B}");
    caller.must(&format!("mkdir /run/caller && mount -t squashfs -o ro {device} /run/caller"))?;
    caller.must("cp /run/caller/etc/ppp/peers/wvdial /etc/ppp/peers/")?;
    caller.must(&format!("printf '{}' > /etc/wvdial.conf", wvdial_conf().replace('\n', "\\n"))).map(drop)
}

/// Waits until both boxes have reset their modems after `calls` calls.
fn lines_are_ready_again(stage: &Stage, modems: [Subscriber; 2], calls: usize) -> Result<()> {
    stage.exchange().until("a reset of both modems", |network| {
        modems.iter().all(|modem| resets(network, network.name(*modem)) > calls).then_some(())
    })
}
