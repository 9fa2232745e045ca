//! The rendered files, used by the real pppd and chat.

use super::{check, shows};
use crate::error::Result;
use crate::stage::{Stage, stick};

/// pppd accepts the provider's options, and chat dials with the provider's script.
pub fn dialer(stage: &Stage) -> Result<()> {
    let machine = stage.dialer(stick())?;
    stage.silent_operator();
    let mut booted = machine.boot()?;
    booted.until("dialctl status", &["Option N.V."])?;
    let options = booted.must("pppd call free dryrun")?;
    shows(
        "pppd call free dryrun",
        &options,
        &["connect chat -v -t 60 -f /etc/ppp/chat/free", "lcp-echo-interval 30"],
    )?;

    // Only one program may use the port at a time. The dialer continues before its heartbeat is overdue.
    booted.must("kill -STOP $(pidof sms-dialer)")?;
    let dialled = booted.run("chat -v -t 10 -f /etc/ppp/chat/free < /dev/ttyUSB0 > /dev/ttyUSB0");
    let modem = machine.modem()?;
    stage.exchange().with(|network, now| network.hang_up(modem, now));
    booted.must("kill -CONT $(pidof sms-dialer)")?;
    let dialled = dialled?;
    check(dialled.code == 0, || format!("chat ended with {}: {}", dialled.code, dialled.text))?;
    let dialled = stage.exchange().with(|network, _| {
        network.journal().events().filter(|event| *event == ("dialer", "dials *99#")).count()
    });
    check(dialled == 1, || format!("*99# was dialled {dialled} times"))
}
