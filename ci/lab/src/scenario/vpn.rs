//! The rendered files of the VPN, used by the real ip, wg and kernel.

use super::{SITE, check, shows};
use crate::error::Result;
use crate::stage::{Stage, stick};

/// The public keys of the box and its peer, made by `wg genkey` for this scenario alone.
const BOX: &str = "IQm5ry1NjYnCg//cbKxFq6bW7unE2CJA6JH0h13KU10=";
const PEER: &str = "COQjZQ+NDsM5EgunGYdWDG6sAKuWgU7fkKrGik+AKX0=";
const TABLE: &str = r#"
[vpn]
private-key = "aAtSHjdVOAl1GdMyUhhgyIHY14tpX+dhE3kdwY79QH4="
address = "10.9.0.2/24"
public-key = "LVzhNIRwcCZ8nLbCbvMs1ql87Jh84ADfLhO3gs7nils="
endpoint = "127.0.0.1:51820"
networks = ["10.9.0.0/24", "192.168.20.0/24"]
"#;
/// The commands that pppd runs when the link comes up and goes down; the loopback stands in for the link.
const UP: &str = "PPP_IFACE=lo /etc/ppp/ip-up.d/vpn";
const DOWN: &str = "PPP_IFACE=lo /etc/ppp/ip-down.d/vpn";
const ANOTHER_DOWN: &str = "PPP_IFACE=ppp7 /etc/ppp/ip-down.d/vpn";

/// The scripts load WireGuard's driver, set up the interface and complete a handshake. They tolerate an interface that
/// was left over, ignore the end of another link, and remove everything they made.
pub fn scripts(stage: &Stage) -> Result<()> {
    let machine = stage.dialer(stick())?;
    let site = machine.card().read_text(SITE)? + TABLE;
    machine.card().write(SITE, site.as_bytes())?;
    let mut booted = machine.boot()?;
    booted.until("dialctl status", super::DIALER_UP)?;
    let mode = booted.must("ls -l /etc/wireguard/vpn.conf")?;
    check(mode.starts_with("-rw------- "), || format!("others can read the key: {mode}"))?;

    // A peer on the same box: another interface, with its own key.
    booted.must(&format!(
        "ip link add peer type wireguard && echo {PEER} >/tmp/peer && \
         wg set peer listen-port 51820 private-key /tmp/peer peer {BOX} allowed-ips 10.9.0.2/32 && ip link set peer up"
    ))?;
    for _ in 0..2 {
        booted.must(UP)?;
        let routes = booted.must("ip route show dev vpn; ip addr show vpn")?;
        shows("the VPN", &routes, &["10.9.0.0/24", "192.168.20.0/24", "inet 10.9.0.2/24"])?;
        booted.until("WG_COLOR_MODE=never wg show vpn", &["latest handshake", "every 25 seconds"])?;
    }
    booted.must(ANOTHER_DOWN)?;
    booted.must("ip link show vpn")?;
    // pppd runs it, and the dialer runs it for a pppd that was killed.
    for _ in 0..2 {
        booted.must(DOWN)?;
    }
    let left = booted.run("ip link show vpn 2>/dev/null; ip route | grep -e 10.9 -e 192.168.20")?;
    check(left.text.is_empty(), || format!("the VPN left behind: {}", left.text))
}
