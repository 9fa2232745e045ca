//! The dial-in role: callers, good ones and bad ones, and a line that is ready for the next one.

use super::{DIAL_IN, SITE, check, shows};
use crate::emulator::Lan;
use crate::error::Result;
use crate::machine::{Booted, Machine};
use crate::modem::Fault;
use crate::network::Subscriber;
use crate::stage::{LINE_NUMBER, Stage, boot_both, stick};

/// What the server in the local network has to say.
const PAGE: &str = "a page of the local network";

/// The caller is whom the dialer's example site says.
fn let_in_the_dialer(called: &Machine) -> Result<()> {
    let site = DIAL_IN.replace("\"caller\"", "\"free\"").replace("\"change-me\"", "\"free\"");
    called.card().write(SITE, site.as_bytes())
}

/// A caller gets an address, the network behind the box and the box's ping, but not its services; whoever ends the call, the next one works.
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
    called_box.must("echo private > /tmp/index.html && httpd -p 8080 -h /tmp")?;
    let own = called_box.must(&get("192.168.32.1", 8080))?;
    shows("the box's own server", &own, &["private"])?;
    let refused = caller_box.run(&get("192.168.32.1", 8080))?;
    shows("the box's own server, asked by a caller,", &refused.text, &["timed out"])?;
    caller_box.must(&format!("ping -c 1 -W 10 {}", Lan::HOST))?;
    let page = caller_box.must(&get(Lan::SERVER, 80))?;
    shows("the server in the local network", &page, &[PAGE])?;
    called_box.must("dialctl hangup 1")?;
    no_link(&mut caller_box)?;
    hang_up()?;

    called_box.until("dialctl lines", &["ready, 1 calls"])?;
    caller_box.must("sed -i 's/ \"free\" / \"wrong\" /' /etc/ppp/pap-secrets")?;
    let wrong = caller_box.run("pppd call free updetach")?;
    caller_box.must("sed -i 's/ \"wrong\" / \"free\" /' /etc/ppp/pap-secrets")?;
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

/// Asks for a page.
fn get(address: &str, port: u16) -> String {
    format!("printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 10 {address} {port}")
}

fn call(caller: &mut Booted) -> Result<()> {
    caller.must("pppd call free updetach")?;
    // pppd counts the link as up with its IPv6 addresses already.
    caller.until("ip addr show ppp0", &["inet 192.168.32.105 peer 192.168.32.1"])?;
    caller.must("ping -c 3 -W 10 192.168.32.1").map(drop)
}

fn no_link(end: &mut Booted) -> Result<()> {
    end.until("pidof pppd || echo no pppd", &["no pppd"]).map(drop)
}

/// Callers who do not speak PPP, or vanish, cost the line a minute at most.
pub fn nuisances(stage: &Stage) -> Result<()> {
    let called = stage.answerer("dial-in")?;
    let mut booted = {
        called.card().write(SITE, DIAL_IN.as_bytes())?;
        called.boot()?
    };
    booted.until("dialctl lines", &["line1   ready, 0 calls"])?;
    let nuisance = stage.exchange().with(|network, _| network.connect_peer("nuisance", "+33698765432"));
    let line = called.modem()?;

    rings_and_is_answered(stage, nuisance, line, 1)?;
    stage.exchange().with(|network, now| network.say(nuisance, b"hello? is anybody there?\r\r\r", now));
    hung_up(stage, line, 1)?; // pppd gives up by itself
    booted.until("dialctl lines", &["ready, 1 calls"])?;

    rings_and_is_answered(stage, nuisance, line, 2)?;
    hung_up(stage, line, 2)?; // not a word
    booted.until("dialctl lines", &["ready, 2 calls"])?;

    rings_and_is_answered(stage, nuisance, line, 3)?;
    stage.exchange().with(|network, now| network.break_modem(line, Fault::DropsCallSilently, now));
    hung_up(stage, line, 3)?;
    booted.until("dialctl lines", &["ready, 3 calls"])?;
    let calls = booted.must("dialctl calls")?;
    check(calls.lines().count() == 3, || format!("not three calls in the ledger:\n{calls}"))
}

fn rings_and_is_answered(stage: &Stage, caller: Subscriber, line: Subscriber, times: usize) -> Result<()> {
    stage.exchange().with(|network, now| network.call(caller, LINE_NUMBER, now));
    stage.exchange().until("CONNECT", |network| {
        let said = network.journal().said(network.name(line));
        (said.matches("CONNECT").count() >= times).then_some(())
    })
}

/// Waits until the modem was made to leave so many calls.
fn hung_up(stage: &Stage, line: Subscriber, times: usize) -> Result<()> {
    stage.exchange().until("ATH", |network| {
        let typed = network.journal().typed(network.name(line));
        (typed.matches("ATH").count() >= times).then_some(())
    })
}
