//! A line with a login prompt, for callers who do not start with PPP.

use super::{DIAL_IN, SITE, check, port_is_free, shows};
use crate::booted::Booted;
use crate::error::Result;
use crate::network::Subscriber;
use crate::stage::{LINE_NUMBER, Stage, boot_both, stick};

/// The part of the caller's chat script that logs in after CONNECT.
const LOG_IN: &str = "ogin: caller ssword: change-me PPP ''";

/// The hash of that password: `openssl passwd -6 -salt labsalt change-me`.
const HASH: &str = concat!(
    "$6$labsalt$o5MqIn2L0OkJjgNkpUjVJE15LpsYQkFq6EatQIYALmPVIVS0H",
    "i6AwT83PpZPxQ6FBIWLTwUyTaop6/4MDxMWD1"
);

const SERVICE: &str = "\n[[service]]\nname = \"bbs\"\naddress = \"127.0.0.1:2323\"\n";
/// A service for terminals: busybox's telnetd, with a program in the place of login(1).
pub const SERVER: &str = "printf '#!/bin/sh\necho welcome; read -r name; echo goodbye $name\n' > /tmp/bbs; \
     chmod +x /tmp/bbs; busybox telnetd -b 127.0.0.1 -p 2323 -l /tmp/bbs";

/// A person at a terminal sees the prompts and may mistype. A box that logs in by its chat script is not asked again by
/// PAP, which it could not answer.
pub fn without_ppp(stage: &Stage) -> Result<()> {
    let (caller, called) = (stage.dialer(stick())?, stage.answerer("dial-in")?);
    let hash = format!("password-hash = \"{HASH}\"");
    let site = DIAL_IN.replace("#login = false", "login = true").replace("password = \"change-me\"", &hash);
    let site = site + &format!("{SERVICE}[[user]]\nname = \"reader\"\n{hash}\nservices = [\"bbs\"]\n");
    called.card().write(SITE, site.as_bytes())?;
    let (mut caller_box, mut called_box) = boot_both(&caller, &called)?;
    caller_box.until("dialctl status", &["Option N.V."])?;
    called_box.until("dialctl lines", &["line1   ready, 0 calls"])?;

    let terminal = stage.exchange().with(|network, now| {
        let terminal = network.connect_peer("terminal", "+33698765432");
        network.call(terminal, LINE_NUMBER, now);
        terminal
    });
    let line = called.modem()?;
    stage.exchange().until("CONNECT", |network| {
        network.journal().said(network.name(line)).contains("CONNECT").then_some(())
    })?;
    called_box.until("dialctl lines", &["logging-in"])?;
    types(stage, terminal, "\r", "\r\ndialbox login: ")?;
    let wrong = "\r\ndialbox login: caller\r\nPassword: \r\nLogin incorrect\r\n\r\ndialbox login: ";
    types(stage, terminal, "caller\rchange-you\r", wrong)?;
    types(stage, terminal, "caller\rchange-me\r", "caller\r\nPassword: \r\nStarting PPP\r\n")?;
    called_box.until("dialctl lines", &["connected"])?;
    // A frame of pppd begins with a flag and the address (RFC 1662).
    stage.exchange().until("PPP", |network| network.peer_has_heard(terminal, b"~\xff").then_some(()))?;
    called_box.must("dialctl hangup 1")?;
    stage.exchange().with(|network, now| network.hang_up(terminal, now));
    called_box.until("dialctl lines", &["ready, 1 calls"])?;
    reads(stage, terminal, &mut called_box)?;

    caller_box.must(&format!("echo \"{LOG_IN}\" >> /etc/ppp/chat/free"))?;
    port_is_free(&mut caller_box)?;
    caller_box.must("pppd call free updetach")?;
    caller_box.until("ip addr show ppp0", &["inet 192.168.32.105 peer 192.168.32.1"])?;
    caller_box.until("ping -c 1 -W 3 192.168.32.1", &[])?;
    called_box.until("dialctl lines", &["connected", "as caller, on ppp0"])?;
    let output = called_box.must("dialctl calls; logread; cat /run/dialbox/line1")?;
    shows("the ledger and the log", &output, &["  caller  ", "caller has logged in"])?;
    check(!output.contains("change-"), || format!("a password is in the ledger, log or status:\n{output}"))
}

/// A user who may use a service and nothing else gets it, and the line is ready again when the service has ended the
/// connection. What carries the bytes has no privilege.
fn reads(stage: &Stage, terminal: Subscriber, called: &mut Booted) -> Result<()> {
    called.must(SERVER)?;
    stage.exchange().with(|network, now| network.call(terminal, LINE_NUMBER, now));
    called.until("dialctl lines", &["logging-in"])?;
    types(stage, terminal, "\rreader\rchange-me\r", "Connecting to bbs\r\n")?;
    stage
        .exchange()
        .until("welcome", |network| network.peer_has_heard(terminal, b"welcome").then_some(()))?;
    called.until("dialctl lines", &["connected", "as reader, on bbs"])?;
    let status = called.must("cat /proc/$(cat /run/ppp-line1.pid)/status")?;
    let nothing = "0000000000000000";
    let rights =
        ["Uid:\t61001\t61001\t61001\t61001", &format!("CapEff:\t{nothing}"), "NoNewPrivs:\t1", "Seccomp:\t2"];
    shows("the process", &status, &rights)?;
    types(stage, terminal, "joe\r", "goodbye joe")?;
    called.until("dialctl lines", &["ready, 2 calls"])?;
    shows("the ledger", &called.must("dialctl calls")?, &["reader", "bbs  the service ended the connection"])
}

/// Sends keys from the terminal, and waits until it shows `seen`.
fn types(stage: &Stage, terminal: Subscriber, keys: &str, seen: &str) -> Result<()> {
    stage.exchange().with(|network, now| network.say(terminal, keys.as_bytes(), now));
    stage.exchange().until(seen, |network| network.peer_has_heard(terminal, seen.as_bytes()).then_some(()))
}
