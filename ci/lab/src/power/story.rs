//! The stories whose writes are recorded.

use super::facts::Fact;
use super::recording::Recorder;
use crate::bench::Bench;
use crate::booted::Booted;
use crate::card::SITE;
use crate::error::Result;
use crate::kept::KeptBox;
use crate::machine::{Beginning, Machine};
use crate::owner::{Owner, sms_table};
use crate::stage::{Stage, boot_both, stick};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a box does while its writes are recorded.
#[derive(Debug)]
pub struct Story {
    /// Its name, which is also that of its directory.
    pub name: &'static str,
    /// What happens, for a person.
    pub what: &'static str,
    begins: Begins,
    play: fn(&Stage, &Path) -> Result<()>,
}

#[derive(Debug, Clone, Copy)]
enum Begins {
    FreshCard,
    Booted,
}

/// All of them.
pub static STORIES: [Story; 6] = [
    story("first-boot", "the state partition grows and is formatted", Begins::FreshCard, first_boot),
    story("message", "three commands by SMS, each with a code", Begins::Booted, message),
    story("session", "a link with 1.2 MB, on the side of the dialer", Begins::Booted, session),
    story("call", "two calls, on the side of the box that answers", Begins::Booted, call),
    story("ssh", "ssh makes its host key", Begins::Booted, ssh),
    story("daily", "the daily reboot", Begins::Booted, daily),
];

const fn story(
    name: &'static str,
    what: &'static str,
    begins: Begins,
    play: fn(&Stage, &Path) -> Result<()>,
) -> Story {
    Story { name, what, begins, play }
}

const HEAD: &str = "role = \"dialer\"\nhostname = \"dialer\"\n\
    [operator]\nname = \"free\"\napn = \"free\"\nuser = \"free\"\npassword = \"free\"\n";
const KEYS: &str = "[ssh]\nkeys = [\"ssh-ed25519 \
    AAAAC3NzaC1lZDI1NTE5AAAAILmYoNvgJvhHM5aBxq3WGNzQ+eQFVHXhXoRyNzMNjYw5 nobody\"]\n";
const OPERATOR: &str = "role = \"dial-in\"\nhostname = \"operator\"\n\
    [[line]]\nport = \"auto\"\nlocal = \"192.168.32.1\"\nremote = \"192.168.32.105\"\n\
    [[user]]\nname = \"free\"\npassword = \"free\"\n";
/// The file of the ledger of boots, and that of the ledger of calls.
const BOOTS: &str = "ledger";
const CALLS: &str = "calls";
/// More than one claim of the budget.
const BYTES: u32 = 1_200_000;
/// Until services have stopped, on a slow host.
const REBOOT: Duration = Duration::from_secs(70);

impl Story {
    /// Records it in this directory.
    pub fn record(&self, bench: &Bench, kept: &KeptBox, dir: &Path) -> Result<()> {
        let beginning = match self.begins {
            Begins::FreshCard => Beginning::FreshCard,
            Begins::Booted => Beginning::Booted(kept.get(bench)?),
        };
        self.record_on(&Stage::for_scenario(bench, beginning)?, dir)
    }

    /// Records it on a stage where it is the only one.
    pub fn record_on(&self, stage: &Stage, dir: &Path) -> Result<()> {
        (self.play)(stage, dir)
    }

    /// The story with this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        STORIES.iter().find(|story| story.name == name)
    }

    /// The story's directory below that of all.
    pub fn dir(&self, all: &Path) -> PathBuf {
        all.join(self.name)
    }
}

fn first_boot(stage: &Stage, dir: &Path) -> Result<()> {
    let mut machine = stage.dialer(stick())?;
    let recorder = Recorder::start(&mut machine, dir)?;
    let mut booted = machine.boot()?;
    booted.until("dialctl status", &["watchdogd up", "sms-dialer up"])?;
    recorder.note_file(&mut booted, BOOTS)?;
    booted.must("sync")?;
    recorder.finish()
}

fn message(stage: &Stage, dir: &Path) -> Result<()> {
    let mut machine = stage.dialer(stick())?;
    machine.card().write(SITE, (HEAD.to_owned() + &sms_table()).as_bytes())?;
    let recorder = Recorder::start(&mut machine, dir)?;
    let owner = Owner::of(stage, machine.modem()?)?;
    let mut booted = machine.boot()?;
    recorder.note_file(&mut booted, BOOTS)?;
    booted.until("logread", &["messages: in"])?;
    for factor in 0..3 {
        owner.text(&owner.order("status"));
        owner.reply(usize::try_from(factor + 1).unwrap_or(usize::MAX))?;
        recorder.note(Fact::Used(factor))?;
    }
    booted.must("dialctl budget set 30MB")?;
    recorder.note_month(&mut booted)?;
    recorder.finish()
}

fn session(stage: &Stage, dir: &Path) -> Result<()> {
    let (mut dialer, operator) = dialer_and_operator(stage)?;
    let recorder = Recorder::start(&mut dialer, dir)?;
    let (mut dialer, mut operator) = ready(&dialer, &operator)?;
    operator.must(&format!("head -c {BYTES} /dev/zero >/tmp/zeros && httpd -p 8080 -h /tmp"))?;
    dialer.must("dialctl connect")?;
    // Callers reach the services of a box without its firewall.
    operator.must("nft flush ruleset")?;
    dialer.must("wget -q -O /dev/null http://192.168.32.1:8080/zeros")?;
    dialer.until("cat /run/dialbox/link", &["used=1"])?;
    recorder.note_month(&mut dialer)?;
    recorder.note_file(&mut dialer, BOOTS)?;
    dialer.must("dialctl disconnect")?;
    dialer.until("pidof pppd || echo no pppd", &["no pppd"])?;
    recorder.note_month(&mut dialer)?;
    recorder.finish()
}

fn call(stage: &Stage, dir: &Path) -> Result<()> {
    let (dialer, mut operator) = dialer_and_operator(stage)?;
    let recorder = Recorder::start(&mut operator, dir)?;
    let caller = dialer.modem()?;
    let (mut dialer, mut operator) = ready(&dialer, &operator)?;
    for calls in 1..=2 {
        dialer.must("dialctl connect")?;
        dialer.must("dialctl disconnect")?;
        dialer.until("pidof pppd || echo no pppd", &["no pppd"])?;
        stage.exchange().with(|network, now| network.hang_up(caller, now));
        operator.until("dialctl lines", &[&format!("ready, {calls} calls")])?;
        recorder.note_file(&mut operator, CALLS)?;
    }
    recorder.note_file(&mut operator, BOOTS)?;
    recorder.finish()
}

fn dialer_and_operator<'a>(stage: &'a Stage) -> Result<(Machine<'a>, Machine<'a>)> {
    let (dialer, operator) = (stage.dialer(stick())?, stage.answerer("operator")?);
    dialer.card().write(SITE, HEAD.as_bytes())?;
    operator.card().write(SITE, OPERATOR.as_bytes())?;
    Ok((dialer, operator))
}

fn ready<'a>(dialer: &'a Machine, operator: &'a Machine) -> Result<(Booted<'a>, Booted<'a>)> {
    let (mut dialer, mut operator) = boot_both(dialer, operator)?;
    dialer.until("dialctl status", &["Option N.V."])?;
    operator.until("dialctl lines", &["line1   ready, 0 calls"])?;
    Ok((dialer, operator))
}

fn ssh(stage: &Stage, dir: &Path) -> Result<()> {
    let mut machine = stage.dialer(stick())?;
    machine.card().write(SITE, (HEAD.to_owned() + KEYS).as_bytes())?;
    let recorder = Recorder::start(&mut machine, dir)?;
    let mut booted = machine.boot()?;
    recorder.note_file(&mut booted, BOOTS)?;
    booted.until("netstat -lnt", &[":22 "])?;
    recorder.note_file(&mut booted, "ssh/host_ed25519")?;
    recorder.finish()
}

fn daily(stage: &Stage, dir: &Path) -> Result<()> {
    let mut machine = stage.dialer(stick())?;
    let modem = machine.modem()?;
    stage.exchange().with(|network, now| network.set_cell(modem, |cell| cell.time = None, now));
    let recorder = Recorder::start(&mut machine, dir)?;
    let mut booted = machine.boot()?;
    recorder.note_file(&mut booted, BOOTS)?;
    booted.until("dialctl status", &["watchdogd up", "Option N.V."])?;
    let tomorrow = booted.must("date -d @$(($(date +%s) + 86400)) +%Y-%m-%d")?;
    booted.must(&format!("date -s '{tomorrow} 03:59:30'"))?;
    booted.reboots(REBOOT)?;
    let mut booted = machine.boot()?;
    booted.until("dialctl status", &["watchdogd up", "sms-dialer up"])?;
    recorder.note_file(&mut booted, BOOTS)?;
    recorder.finish()
}
