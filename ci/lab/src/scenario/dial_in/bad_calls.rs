//! Callers who do not speak PPP, hang up early or vanish, and a modem that hangs: one on each line of a box.

use super::ready::{self, Deadline};
use super::shows;
use crate::error::Result;
use crate::lines::site;
use crate::machine::Machine;
use crate::modem::Fault;
use crate::network::{Line, Network, Subscriber};
use crate::scenario::{SERVICES_LOG, SITE};
use crate::stage::{Stage, line_number};
use std::time::Duration;

/// What goes wrong with a call after the box has answered it, and how soon its line must be ready again (the table in
/// docs/dial-in.md).
struct BadCall {
    happens: fn(&mut Network, Call, Duration),
    deadline: Deadline,
}

/// The two ends of the call.
#[derive(Clone, Copy)]
struct Call {
    caller: Subscriber,
    modem: Subscriber,
}

/// The first four lines, one case each.
const BAD_CALLS: [BadCall; 4] = [
    BadCall {
        happens: |network, call, now| network.hang_up(call.caller, now), // before there is a connection
        deadline: Deadline::new("line1", 5),
    },
    BadCall {
        happens: |network, call, now| network.say(call.caller, b"hello? is anybody there?\r\r\r", now),
        deadline: Deadline::new("line2", 45),
    },
    BadCall { happens: |_, _, _| { /* the caller sends nothing */ }, deadline: Deadline::new("line3", 45) },
    BadCall {
        happens: |network, call, now| network.break_modem(call.modem, Fault::DropsCallSilently, now),
        deadline: Deadline::new("line4", 45),
    },
];

/// Counted from when a modem that hung during a call answers again.
const AFTER_A_HANG: Deadline = Deadline::new("line5", 40);
/// The test ends the hang.
const FOR_LONG: Duration = Duration::from_secs(3600);
/// Long enough to interrupt the training.
const TRAINING: Line = Line { handshake: Duration::from_secs(20), ..Line::INSTANT };

/// Whatever goes wrong with a call, its line is ready again before its deadline.
pub fn bad_calls(stage: &Stage) -> Result<()> {
    let called = stage.with_lines("dial-in", 5)?;
    called.card().write(SITE, site(5).as_bytes())?;
    let mut booted = called.boot()?;
    let ready = ["line1   ready", "line2   ready", "line3   ready", "line4   ready", "line5   ready"];
    booted.until("dialctl lines", &ready)?;

    let began = ready::now(&mut booted)?;
    let calls = call_every_line(stage, &called)?;
    stage.exchange().with(|network, now| {
        BAD_CALLS.iter().zip(&calls).for_each(|(bad_call, call)| (bad_call.happens)(network, *call, now));
        network.break_modem(calls[4].modem, Fault::Hangs(FOR_LONG), now);
    });
    for BadCall { deadline, .. } in &BAD_CALLS {
        ready::kept(stage, &mut booted, began, 1, *deadline)?;
    }

    booted.until("dialctl lines", &["does not prove that it has left the call"])?;
    let began = ready::now(&mut booted)?;
    stage
        .exchange()
        .with(|network, now| network.break_modem(calls[4].modem, Fault::Hangs(Duration::ZERO), now));
    ready::kept(stage, &mut booted, began, 1, AFTER_A_HANG)?;
    let ledger = booted.must("dialctl calls")?;
    for line in [2, 3, 4] {
        let calls = ledger.lines().filter(|call| call.contains(&format!("line {line}"))).collect::<String>();
        shows("dialctl calls", &calls, &["the caller did not speak PPP"])?;
    }
    let log = booted.must(SERVICES_LOG)?;
    shows("the log", &log, &["trying to get the modem back: repeat", "the modem is back"])
}

/// A caller calls each line, and the box answers. The first pair of modems trains slowly.
fn call_every_line(stage: &Stage, called: &Machine) -> Result<Vec<Call>> {
    let calls: Vec<Call> = stage.exchange().with(|network, now| {
        let call = |(line, modem): (usize, &Subscriber)| {
            let caller = network.connect_peer(&format!("caller{line}"), &format!("+3369876543{line}"));
            network.set_line(caller, if line == 1 { TRAINING } else { Line::INSTANT });
            network.call(caller, &line_number(line), now);
            Call { caller, modem: *modem }
        };
        (1..).zip(called.modems()).map(call).collect()
    });
    stage.exchange().until("ATA on every line", |network| {
        let taken = |call: &Call| network.journal().typed(network.name(call.modem)).contains("ATA");
        calls.iter().all(taken).then_some(())
    })?;
    Ok(calls)
}
