//! What closes the dialer's link when nobody does.

use super::{DIAL_IN, SITE, check, shows};
use crate::booted::Booted;
use crate::error::Result;
use crate::stage::{Stage, boot_both, stick};

const LIMITS: &str = "role = \"dialer\"\nhostname = \"dialbox\"\n\
    [operator]\nname = \"free\"\napn = \"free\"\nuser = \"free\"\npassword = \"free\"\n\
    [link]\nidle-limit = \"1m\"\nsession-limit = \"80s\"\ndata-budget = \"100kB\"\n";
/// Long and short pings from outside for as long as the idle limit: 13 kB, which nobody has asked for.
const UNASKED_TRAFFIC: &str =
    "for bytes in 56 100; do ping -c 60 -s $bytes 192.168.32.105 >/tmp/pings-$bytes 2>&1 & done";
/// Of short ones, with the first two; of long ones none.
const ANSWERED: usize = 5;
/// For longer than the session: some 24 kB until its end, which is more than an idle link carries in a minute.
const SOME_TRAFFIC: &str = "(ping -c 90 -s 200 192.168.32.1 >/dev/null 2>&1 &)";
/// More than the budget.
const MUCH_TRAFFIC: &str = "for i in 1 2 3 4; do ping -c 15 -s 1000 192.168.32.1 >/dev/null 2>&1 & done";

/// A link that nobody uses is closed, whatever comes in; one that is used when its time is over, and one that has spent the month's budget at
/// once; after that none is opened.
pub fn of_idle_time_session_and_budget(stage: &Stage) -> Result<()> {
    let (caller, called) = (stage.dialer(stick())?, stage.answerer("dial-in")?);
    caller.card().write(SITE, LIMITS.as_bytes())?;
    let site = DIAL_IN.replace("\"caller\"", "\"free\"").replace("\"change-me\"", "\"free\"");
    called.card().write(SITE, site.as_bytes())?;
    let (mut dialer, mut operator) = boot_both(&caller, &called)?;
    dialer.until("dialctl status", &["Option N.V."])?;
    let modem = caller.modem()?;
    let ends = [("", "idle for 1m"), (SOME_TRAFFIC, "time is over"), (MUCH_TRAFFIC, "100kB are used up")];
    for (calls, (traffic, why)) in ends.into_iter().enumerate() {
        operator.until("dialctl lines", &[&format!("line1   ready, {calls} calls")])?;
        let connected = dialer.must("dialctl connect")?;
        shows("dialctl connect", &connected, &["192.168.32.105"])?;
        match traffic {
            "" => operator.must(UNASKED_TRAFFIC)?,
            traffic => dialer.must(traffic)?,
        };
        // Nobody asks the box meanwhile: it needs its time for the other scenarios.
        stage
            .exchange()
            .until("the end of the call", |network| network.modem(modem)?.is_free().then_some(()))?;
        dialer.until("logread", &[why])?;
        dialer.until("pidof pppd || echo no pppd", &["no pppd"])?;
    }
    pings_were_limited(&mut operator)?;
    is_refused(&mut dialer)
}

fn pings_were_limited(operator: &mut Booted) -> Result<()> {
    for (bytes, allowed) in [(56, ANSWERED), (100, 0)] {
        let told = operator.until(&format!("cat /tmp/pings-{bytes}"), &["60 packets transmitted"])?;
        let answered = told.lines().filter(|line| line.contains(" bytes from ")).count();
        check(answered <= allowed, || format!("{answered} of 60 pings of {bytes} bytes were answered"))?;
    }
    Ok(())
}

fn is_refused(dialer: &mut Booted) -> Result<()> {
    let refused = dialer.run("dialctl connect")?;
    check(refused.code != 0, || format!("a link without budget: {}", refused.text))?;
    shows("dialctl connect", &refused.text, &["of the month's 100kB are used"])
}
