//! Calls that come to nothing, with the real chat and pppd, and the reason that is told.

use super::{DIAL_IN, SITE, check, shows};
use crate::booted::Booted;
use crate::error::Result;
use crate::machine::Machine;
use crate::modem::Fault;
use crate::stage::{Stage, boot_both, stick};

/// The protocols of PPP by which one end proves who it is: RFC 1334, RFC 1994.
const PAP: u16 = 0xc023;
const CHAP: u16 = 0xc223;
const UNANSWERED: &str = "the operator does not answer to user and password; dialling again in 5s";
/// What happens on the network.
const DIALS: &str = "dials ";
const CONNECTED: &str = "is connected to ";

/// Every result of a dial command ends `chat` at once with its cause, and a line that the modem says by itself does not.
pub fn by_the_modem(stage: &Stage) -> Result<()> {
    let machine = stage.dialer(stick())?;
    stage.silent_operator();
    let mut dialer = machine.boot()?;
    dialer.until("dialctl status", &["Option N.V."])?;
    let modem = machine.modem()?;
    let unasked = || Some("+CMS ERROR: 322".to_owned());
    for (said, cause) in [
        ("NO DIALTONE", "no dial tone"),
        ("NO DIAL TONE", "no dial tone"),
        ("COMMAND NOT SUPPORT", "the modem refuses a command"),
        ("+CME ERROR: 30", "the modem refuses to dial: no network service"),
        ("+CME ERROR: PLMN not allowed", "the modem refuses to dial: PLMN not allowed"),
    ] {
        let fault = Fault::Dials(unasked(), Some(said.to_owned()));
        stage.exchange().with(|network, now| network.break_modem(modem, fault, now));
        // Twice, with five seconds between; a step of `chat` takes sixty when it waits in vain.
        let told = dialer.run("time -f %e dialctl connect 2>&1")?;
        check(told.code != 0, || format!("a link in spite of {said}: {}", told.text))?;
        shows("dialctl connect", &told.text, &["not connected", cause])?;
        let seconds = told.text.split_whitespace().last().and_then(|seconds| seconds.parse::<f64>().ok());
        check(seconds.is_some_and(|seconds| seconds < 30.0), || {
            format!("{said} took too long: {}", told.text)
        })?;
    }
    stage.exchange().with(|network, now| network.break_modem(modem, Fault::Dials(unasked(), None), now));
    dialer.must("(dialctl connect >/dev/null 2>&1 &)")?;
    happens_again(stage, DIALS, 0)?;
    dialer.must("dialctl disconnect").map(drop)
}

/// An operator that asks for PAP or CHAP and then falls silent has refused nothing, and is dialled again; one that
/// refuses the password is not. One that gives IPv6 alone is said to, and the next attempt, with the other APN, gets
/// IPv4 from it.
pub fn by_the_operator(stage: &Stage) -> Result<()> {
    let (caller, called) = (stage.dialer(stick())?, stage.answerer("dial-in")?);
    let site = "role = \"dialer\"\nhostname = \"dialbox\"\n\
        [operator]\nname = \"free\"\napn = \"free\"\nother-apns = [\"second\"]\nuser = \"free\"\npassword = \"free\"\n";
    caller.card().write(SITE, site.as_bytes())?;
    let site = DIAL_IN.replace("\"caller\"", "\"free\"").replace("\"change-me\"", "\"free\"");
    called.card().write(SITE, site.as_bytes())?;
    let (mut dialer, mut operator) = boot_both(&caller, &called)?;
    dialer.until("dialctl status", &["Option N.V."])?;
    operator.until("dialctl lines", &["line1   ready, 0 calls"])?;

    // The operator does not lose patience first.
    operator.must("printf 'pap-timeout 0\\nchap-max-challenge 100\\n' >>/etc/ppp/options.line1")?;
    stage.exchange().with(|network, _| network.drop_ppp(&[PAP]));
    falls_silent(stage, &caller, &mut dialer, "No response to PAP authenticate-requests")?;

    operator.until("dialctl lines", &["line1   ready"])?;
    operator.must(
        "sed -i s/^+pap/+chap/ /etc/ppp/options.line1 && cp /etc/ppp/pap-secrets /etc/ppp/chap-secrets",
    )?;
    stage.exchange().with(|network, _| network.drop_ppp(&[CHAP]));
    falls_silent(stage, &caller, &mut dialer, "CHAP authentication timed out")?;

    operator.until("dialctl lines", &["line1   ready"])?;
    stage.exchange().with(|network, _| network.drop_ppp(&[]));
    dialer.must("sed -i s/free/wrong/2 /etc/ppp/chap-secrets")?;
    let before = count(stage, DIALS);
    let refused = dialer.run("dialctl connect 2>&1")?;
    check(refused.code != 0, || format!("a link with a wrong password: {}", refused.text))?;
    shows("dialctl connect", &refused.text, &["the operator refuses user or password"])?;
    check(count(stage, DIALS) == before + 1, || "it was dialled again after a refusal".to_owned())?;

    // It rejects the protocol of IPv4's addresses.
    operator.until("dialctl lines", &["line1   ready"])?;
    operator.must("printf 'noip\\n+ipv6\\n' >>/etc/ppp/options.line1")?;
    dialer.must("sed -i s/wrong/free/ /etc/ppp/chap-secrets")?;
    let before = count(stage, CONNECTED);
    dialer.must("(dialctl connect >/tmp/told 2>&1 &)")?;
    happens_again(stage, CONNECTED, before)?;
    dialer.until("logread | grep authentication", &["CHAP authentication succeeded"])?;
    // The pppd of this call has read its file.
    operator.must("sed -i '/noip/d; /ipv6/d' /etc/ppp/options.line1 && dialctl hangup 1")?;
    let told = "the operator gives no IPv4: PPP negotiation failed; dialling again in 5s";
    dialer.until("logread | tail -n 20", &[told])?;
    dialer.until("cat /tmp/told", &["connected as"])?;
    let apns = apns(&caller)?;
    let has_changed = matches!(apns.as_slice(), [.., failed, used] if failed != used);
    check(has_changed, || format!("the APNs of the attempts: {apns:?}"))?;
    dialer.must("dialctl disconnect").map(drop)
}

/// The APNs of all attempts, as the modem got them.
fn apns(caller: &Machine) -> Result<Vec<String>> {
    let apn = |line: &str| Some(line.strip_prefix("AT+CGDCONT=")?.split('"').nth(3)?.to_owned());
    Ok(caller.typed()?.split('\r').filter_map(|line| apn(line.trim())).collect())
}

/// How often this has happened on the network.
fn count(stage: &Stage, what: &str) -> usize {
    stage
        .exchange()
        .with(|network, _| network.journal().events().filter(|(_, event)| event.starts_with(what)).count())
}

/// Waits until this has happened more often.
fn happens_again(stage: &Stage, what: &str, before: usize) -> Result<()> {
    stage.exchange().until(what, |network| {
        let events = network.journal().events().filter(|(_, event)| event.starts_with(what));
        (events.count() > before).then_some(())
    })
}

/// Opens a link, waits until that comes to nothing, and calls off the second attempt.
fn falls_silent(stage: &Stage, caller: &Machine, dialer: &mut Booted, said: &str) -> Result<()> {
    let before = count(stage, CONNECTED);
    dialer.must("(dialctl connect >/dev/null 2>&1 &)")?;
    happens_again(stage, CONNECTED, before)?;
    let modem = caller.modem()?;
    stage.exchange().until("the end of the call", |network| network.modem(modem)?.is_free().then_some(()))?;
    // Each has its time in the log: the last one of pppd's is about this call.
    dialer.until("logread | grep 'pppd.*: ' | tail -n 20", &[said])?;
    dialer.until("logread | tail -n 20", &[UNANSWERED])?;
    dialer.must("dialctl disconnect")?;
    dialer.until("pidof pppd || echo no pppd", &["no pppd"])?;
    stage.exchange().until("no call", |network| network.modem(modem)?.is_free().then_some(()))
}
