//! A VPN whose far side is dead: what it costs the link, and that the box does not reboot.

use super::{check, shows};
use crate::error::Result;
use crate::pair::{Pair, put_behind_vpn};
use crate::stage::Stage;

/// What the dialer logs for each attempt. The operator gives no name servers.
const TUNNEL: &str = "the far side of the VPN is silent: the tunnel is made again";
const LINK: &str = "the far side of the VPN is silent: dialling again";

/// A tunnel, two links, a tunnel, and then nothing for ten minutes; messages reach the box all the while. When the far
/// side comes to life, the box finds it without another link.
pub fn silent(stage: &Stage) -> Result<()> {
    let pair = Pair::on(stage)?;
    let mut far = pair.far.boot()?;
    far.until("dialctl status", &["ready, no calls"])?;
    let mut dialer = pair.dialer.boot()?;
    dialer.until("logread", &["the clock is set to", "messages: in"])?;
    pair.owner.text(&pair.owner.order("connect"));
    shows("the reply", &pair.owner.reply(1)?, &["connected as"])?;
    dialer.until("ip link show vpn", &["vpn"])?;
    let counts = format!("echo $(logread | grep -c '{TUNNEL}') $(logread | grep -c '{LINK}')");
    for counted in ["1 0", "1 1", "1 2", "2 2"] {
        // An attempt comes a minute after the one before; dialling takes some seconds more.
        for _ in 0..5 {
            dialer.must("sleep 10")?;
        }
        dialer.until(&counts, &[counted])?;
    }
    dialer.until("dialctl status", &["link      up", "the far side is silent, 4 attempts"])?;
    put_behind_vpn(&mut far)?;
    dialer.until("dialctl status", &["the far side answers"])?;
    let said = dialer.must(&counts)?;
    check(said.contains("2 2"), || format!("tunnels and links: {said}"))?;
    shows("the boots", &dialer.must("dialctl status")?, &["boots     1,"])
}
