//! The limits that close the dialer's link.

use super::{DIAL_IN, SITE, check, shows};
use crate::booted::Booted;
use crate::error::Result;
use crate::machine::Machine;
use crate::stage::{Stage, boot_both, stick};
use dialbox::ppp::idle::QUIET;

const DIALER: &str = "role = \"dialer\"\nhostname = \"dialbox\"\n\
    [operator]\nname = \"free\"\napn = \"free\"\nuser = \"free\"\npassword = \"free\"\n[link]\n";
const IDLE_LIMIT: &str = "idle-limit = \"1m\"\n";
const SESSION_LIMIT_AND_BUDGET: &str = "session-limit = \"1m\"\ndata-budget = \"100kB\"\n";
/// Long and short pings from outside for as long as the idle limit: 13 kB of unsolicited traffic. Pings that are not
/// sent yet when the link closes fail: the clocks of the two boxes differ.
const UNASKED_TRAFFIC: &str = "for bytes in 56 100; do \
    { ping -c 60 -s $bytes 192.168.32.105; echo no more pings; } >/tmp/pings-$bytes 2>&1 & done";
/// The most short pings that may be answered, the first two included. No long one may be.
const ANSWERED: usize = 5;
/// Exceeds the budget.
const MUCH_TRAFFIC: &str = "for i in 1 2 3 4; do ping -c 15 -s 1000 192.168.32.1 >/dev/null 2>&1 & done";

/// A link over which the box sends nothing is closed, whatever it receives.
pub fn of_idle_time(stage: &Stage) -> Result<()> {
    let (caller, called) = dialer_and_operator(stage, IDLE_LIMIT)?;
    let (mut dialer, mut operator) = boot_both(&caller, &called)?;
    dialer.until("dialctl status", &["Option N.V."])?;
    operator.until("dialctl lines", &["line1   ready"])?;
    connect(&mut dialer)?;
    operator.must(UNASKED_TRAFFIC)?;
    closes(stage, &caller, &mut dialer, "idle for 1m")?;
    pings_were_limited(&mut operator)
}

/// The session limit closes a link, and the spent budget closes one at once; after that no link opens.
pub fn of_session_and_budget(stage: &Stage) -> Result<()> {
    let (caller, called) = dialer_and_operator(stage, SESSION_LIMIT_AND_BUDGET)?;
    let (mut dialer, mut operator) = boot_both(&caller, &called)?;
    dialer.until("dialctl status", &["Option N.V."])?;
    operator.until("dialctl lines", &["line1   ready, 0 calls"])?;
    connect(&mut dialer)?;
    closes(stage, &caller, &mut dialer, "time is over")?;

    operator.until("dialctl lines", &["line1   ready, 1 calls"])?;
    connect(&mut dialer)?;
    dialer.must(MUCH_TRAFFIC)?;
    closes(stage, &caller, &mut dialer, "100kB are used up")?;
    is_refused(&mut dialer)
}

fn dialer_and_operator<'a>(stage: &'a Stage, limits: &str) -> Result<(Machine<'a>, Machine<'a>)> {
    let (caller, called) = (stage.dialer(stick())?, stage.answerer("dial-in")?);
    caller.card().write(SITE, format!("{DIALER}{limits}").as_bytes())?;
    let site = DIAL_IN.replace("\"caller\"", "\"free\"").replace("\"change-me\"", "\"free\"");
    called.card().write(SITE, site.as_bytes())?;
    Ok((caller, called))
}

fn connect(dialer: &mut Booted) -> Result<()> {
    let connected = dialer.must("dialctl connect")?;
    shows("dialctl connect", &connected, &["192.168.32.105"])
}

/// Waits for the end of the call without commands on the box, whose processor time the other scenarios need.
fn closes(stage: &Stage, caller: &Machine, dialer: &mut Booted, why: &str) -> Result<()> {
    let modem = caller.modem()?;
    stage.exchange().until("the end of the call", |network| network.modem(modem)?.is_free().then_some(()))?;
    dialer.until("logread", &[why])?;
    dialer.until("pidof pppd || echo no pppd", &["no pppd"]).map(drop)
}

fn pings_were_limited(operator: &mut Booted) -> Result<()> {
    for (bytes, allowed) in [(56, ANSWERED), (100, 0)] {
        let pings = operator.until(&format!("cat /tmp/pings-{bytes}"), &["no more pings"])?;
        let answered = pings.lines().filter(|line| line.contains(" bytes from ")).count();
        check(answered <= allowed, || format!("{answered} of 60 pings of {bytes} bytes were answered"))?;
    }
    // Without enough traffic the link would have been idle in any case.
    let log = operator.until("logread | grep pppd", &["Sent "])?;
    check(sent(&log).is_some_and(|sent| sent > QUIET), || format!("the operator did not send enough:\n{log}"))
}

/// The bytes that pppd has sent, as it logs them at the end of a link (ppp 2.4.9, main.c, `print_link_stats`).
fn sent(log: &str) -> Option<u64> {
    log.lines().find_map(|line| line.split_once("Sent ")?.1.split_once(" bytes, ")?.0.parse().ok())
}

fn is_refused(dialer: &mut Booted) -> Result<()> {
    let refused = dialer.run("dialctl connect")?;
    check(refused.code != 0, || format!("a link without budget: {}", refused.text))?;
    shows("dialctl connect", &refused.text, &["of the month's 100kB are used"])
}
