//! Text messages open and close the link, with everything that belongs to it, on two boxes; and a power cut between the
//! acceptance and the execution of a command.

use super::{SERVICES_LOG, SITE, check, shows};
use crate::booted::Booted;
use crate::error::{Error, Result};
use crate::modem::Fault;
use crate::owner::{Owner, sms_table};
use crate::pair::{ENDS, Pair, ROUTES, VPN_ENDS, put_behind_vpn};
use crate::stage::{Stage, stick};

/// Message, code, dialling, PAP, routes, VPN, ssh through the VPN, reply; then `disconnect`, after which all of it is
/// gone. The same after pppd is killed.
pub fn by_sms(stage: &Stage) -> Result<()> {
    let pair = Pair::on(stage)?;
    let mut far = pair.far.boot()?;
    let key = make_ssh_key(&mut far)?;
    pair.admit(&[&key])?;
    far.until("dialctl status", &["ready, no calls"])?;
    put_behind_vpn(&mut far)?;
    let mut dialer = pair.dialer.boot()?;
    dialer.until("logread", &["the clock is set to", "messages: in"])?;

    let connect = pair.owner.order("connect");
    pair.owner.text(&connect);
    shows("the reply", &pair.owner.reply(1)?, &["connected as", ENDS[0]])?;
    link_is_as_wanted(&mut dialer)?;
    login_from_behind_the_vpn(&mut far)?;

    // An attacker replays the code with another command.
    pair.owner.text(&connect.replace("connect", "disconnect"));
    pair.owner.text(&pair.owner.order("disconnect"));
    shows("the reply", &pair.owner.reply(2)?, &["disconnected"])?;
    link_is_gone(&mut dialer)?;
    let modem = pair.modem;
    stage.exchange().until("the end of the call", |network| network.modem(modem)?.is_free().then_some(()))?;
    far.until("dialctl status", &["ready, "])?;

    // A killed pppd runs no ip-down script.
    dialer.must("dialctl connect")?;
    link_is_as_wanted(&mut dialer)?;
    dialer.must("kill -9 $(pidof pppd)")?;
    dialer.until("ip link show vpn 2>/dev/null || echo no vpn", &["no vpn"])?;
    link_is_gone(&mut dialer)?;
    check(pair.owner.replies().len() == 2, || format!("more was answered: {:?}", pair.owner.replies()))
}

/// Makes an ssh key on the far side; returns its public half.
fn make_ssh_key(far: &mut Booted) -> Result<String> {
    let output = far.must("dropbearkey -t ed25519 -f /run/id 2>&1")?;
    let key = output.lines().find(|line| line.starts_with("ssh-ed25519 "));
    key.map(str::to_owned).ok_or_else(|| Error::Unexpected(format!("dropbearkey made no key:\n{output}")))
}

fn link_is_as_wanted(dialer: &mut Booted) -> Result<()> {
    dialer.until("ip addr show ppp0", &[&format!("inet {} peer {}", ENDS[0], ENDS[1])])?;
    dialer.until("WG_COLOR_MODE=never wg show vpn", &["latest handshake: "])?;
    let routes = dialer.must("ip route show dev ppp0")?;
    let mut found: Vec<&str> = routes.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let mut wanted = vec![ENDS[1]];
    wanted.extend(ROUTES);
    found.sort_unstable();
    wanted.sort_unstable();
    check(found == wanted, || format!("the routes over the link are not {wanted:?}, but:\n{routes}"))?;
    let default = dialer.run("ip route | grep default")?;
    check(default.code != 0, || format!("there is a default route: {}", default.text))
}

fn login_from_behind_the_vpn(far: &mut Booted) -> Result<()> {
    far.must(&format!("ping -c 2 -W 10 {}", VPN_ENDS[0]))?;
    let login =
        format!("dbclient -y -y -i /run/id root@{} 'hostname; dialctl status' </dev/null 2>&1", VPN_ENDS[0]);
    let shown = far.until(&login, &["dialer"])?;
    shows("dialctl status over ssh", &shown, &["dialbox", "dialer", ENDS[0]])
}

fn link_is_gone(dialer: &mut Booted) -> Result<()> {
    dialer.until("ip link show ppp0 2>/dev/null || echo no link", &["no link"])?;
    dialer.until("pidof pppd || echo no pppd", &["no pppd"])?;
    let routes = dialer.must("ip route")?;
    check(!ROUTES.iter().any(|route| routes.contains(route)), || format!("a route is left:\n{routes}"))?;
    let vpn = dialer.run("ip link show vpn")?;
    check(vpn.code != 0, || format!("the VPN is left: {}", vpn.text))
}

/// The modem hangs at the first command after the order was accepted, and the power fails. At the next boot the message
/// is still in the stick, and an attacker sends it again: neither copy is answered or executed.
pub fn power_cut(stage: &Stage) -> Result<()> {
    let machine = stage.dialer(stick())?;
    stage.silent_operator();
    let site = "role = \"dialer\"\nhostname = \"dialer\"\n[operator]\nname = \"free\"\napn = \"free\"\n";
    machine.card().write(SITE, (site.to_owned() + &sms_table()).as_bytes())?;
    let modem = machine.modem()?;
    let owner = Owner::of(stage, modem)?;
    let is_dialling = |(_, event): (&str, &str)| event.starts_with("dials ");
    let nothing_done = || {
        let dialled = stage.exchange().with(|network, _| network.journal().events().any(is_dialling));
        check(owner.replies().is_empty() && !dialled, || "the order was carried out".to_owned())
    };

    let mut booted = machine.boot()?;
    booted.until("logread", &["messages: in"])?;
    // Without sync, this file must be lost with the power; otherwise the test would prove nothing.
    booted.must("echo gone >/state/unsynced")?;
    stage
        .exchange()
        .with(|network, now| network.break_modem(modem, Fault::HangsAt("+CMGD=".to_owned()), now));
    let order = owner.order("connect");
    owner.text(&order);
    stage.exchange().until("the message's deletion", |network| {
        network.journal().typed(network.name(modem)).contains("AT+CMGD=").then_some(())
    })?;
    booted.cut_power();
    nothing_done()?;

    stage.exchange().with(|network, now| network.break_modem(modem, Fault::Restarts, now));
    let mut booted = machine.boot()?;
    let unsynced = booted.run("cat /state/unsynced")?.text;
    check(!unsynced.contains("gone"), || "an unsynced file has survived: the power was not cut".to_owned())?;
    booted.until(SERVICES_LOG, &["refused, it was obeyed before"])?;
    owner.text(&order);
    booted.until(SERVICES_LOG, &["refused, used code"])?;
    nothing_done()?;

    owner.text(&owner.order("connect"));
    stage.exchange().until("a call", |network| network.journal().events().any(is_dialling).then_some(()))?;
    // From now on pppd uses the only port.
    let replies = owner.replies();
    check(replies.len() == 1 && replies[0].starts_with("dialling"), || format!("it answered {replies:?}"))
}
