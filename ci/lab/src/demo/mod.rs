//! The interactive demo: a dialer, its operator and a telephone; events are shown as they happen.

mod prompt;
mod sights;
mod timeline;

use crate::bench::Bench;
use crate::booted::Booted;
use crate::equipment;
use crate::error::Result;
use crate::lan::{Lan, get};
use crate::pair::{Pair, put_behind_vpn};
use crate::stage::{Stage, boot_both};
use prompt::{Prompt, Wish};
use sights::Sights;
use std::time::{Duration, Instant};
use timeline::Timeline;

/// How long one poll of the dialer waits.
const A_MOMENT: Duration = Duration::from_millis(100);
/// The longest wait for an answer, by the boxes' clocks.
const ANSWERED_WITHIN: Duration = Duration::from_secs(120);
/// How long events are shown after an answer before the next line of a script.
const AFTERMATH: Duration = Duration::from_secs(5);

/// The longest wait for the VPN's handshake, which follows the answer to `connect`, by the boxes' clocks.
const SHAKEN_WITHIN: Duration = Duration::from_secs(60);

/// The longest wait for a box to reset after `reboot`.
const OFF_WITHIN: Duration = Duration::from_secs(20);

/// Runs until the user quits, or the script ends.
pub fn run(bench: &Bench) -> Result<()> {
    let stage = Stage::new(bench)?;
    let mut pair = Pair::on(&stage)?;
    equipment::connect(&stage, &mut pair)?;
    let timeline = Timeline::new();
    timeline.note("Two boxes boot: a dialer with a 3G stick, and an operator. Half a minute or so.");
    let (mut dialer, mut far) = boot_both(&pair.dialer, &pair.far)?;
    far.until("dialctl status", &["ready, no calls"])?;
    put_behind_vpn(&mut far)?;
    equipment::route(&mut far)?;
    let mut sights = Sights::default();
    let mut demo = Demo { stage: &stage, pair: &pair, far, timeline, prompt: Prompt::new(), replies: 0 };
    for times in 0.. {
        dialer.until("logread", &["the clock is set to", "messages: in"])?;
        demo.timeline.note(if times == 0 { prompt::HELP } else { "The dialer is up again." });
        sights.attend(&mut dialer)?;
        let Err(error) = demo.go_on(&mut dialer, &mut sights) else { break };
        // It can also be rebooted by SMS.
        dialer.reboots(OFF_WITHIN).map_err(|_| error)?;
        demo.timeline.note("The dialer reboots.");
        dialer = pair.dialer.boot()?;
    }
    Ok(())
}

struct Demo<'a> {
    stage: &'a Stage,
    pair: &'a Pair<'a>,
    far: Booted<'a>,
    timeline: Timeline,
    prompt: Prompt,
    /// How many of the dialer's answers were shown.
    replies: usize,
}

impl Demo<'_> {
    fn go_on(&mut self, dialer: &mut Booted, sights: &mut Sights) -> Result<()> {
        loop {
            self.show(dialer, sights)?;
            match self.prompt.next() {
                None => {}
                Some(Wish::Leave) => return Ok(()),
                Some(Wish::Look) => self.look(dialer, sights)?,
                Some(wish) => {
                    let is_answered = matches!(wish, Wish::Help);
                    self.fulfil(wish)?;
                    if self.prompt.is_script() && !is_answered {
                        self.see_it_through(dialer, sights)?;
                    }
                }
            }
        }
    }

    /// Shows the next events, or waits briefly; true if the dialer has refused a message.
    fn show(&mut self, dialer: &mut Booted, sights: &mut Sights) -> Result<bool> {
        let (events, now) =
            self.stage.exchange().with(|network, now| (sights.events(network.journal()), now));
        for (at, who, what) in events {
            self.timeline.happened(at, &who, &what);
        }
        let Some(what) = sights.look(dialer, A_MOMENT)? else { return Ok(false) };
        self.timeline.happened(now, "dialer", &what);
        Ok(what.contains("refused"))
    }

    /// Waits for the answer to a script's line, and shows what follows from it.
    fn see_it_through(&mut self, dialer: &mut Booted, sights: &mut Sights) -> Result<()> {
        let mut waited = self.stage.exchange().clocks().stopwatch();
        let mut settled: Option<Instant> = None;
        while settled.is_none_or(|at| at.elapsed() < AFTERMATH) && waited.elapsed() < ANSWERED_WITHIN {
            let refused = self.show(dialer, sights)?;
            let replies = self.pair.owner.replies().len();
            if refused || replies > self.replies {
                self.replies = replies;
                settled = Some(Instant::now());
            }
        }
        Ok(())
    }

    /// Waits for the VPN, without which nothing behind the dialer answers.
    fn look(&mut self, dialer: &mut Booted, sights: &mut Sights) -> Result<()> {
        if !sights.is_vpn_up() {
            self.timeline.note("The VPN is not up yet; the far side looks when it is.");
        }
        let mut waited = self.stage.exchange().clocks().stopwatch();
        while !sights.is_vpn_up() && waited.elapsed() < SHAKEN_WITHIN {
            self.show(dialer, sights)?;
        }
        if sights.is_vpn_up() {
            return self.look_at_equipment();
        }
        self.timeline.note("The VPN did not come up: type `connect` first.");
        Ok(())
    }

    fn fulfil(&mut self, wish: Wish) -> Result<()> {
        match wish {
            Wish::Text(text) => self.pair.owner.text(&text),
            Wish::Order(text) => self.pair.owner.text(&self.pair.owner.order(&text)),
            Wish::TextAs(from, text) => self.pair.owner.text_as(&from, &text),
            Wish::Drop => {
                let modem = self.pair.modem;
                self.stage.exchange().with(|network, now| network.hang_up(modem, now));
            }
            Wish::Help => self.timeline.note(prompt::HELP),
            Wish::Look | Wish::Leave => {}
        }
        Ok(())
    }

    /// What the operator's box, which is also the far side of the VPN, reaches behind the dialer.
    fn look_at_equipment(&mut self) -> Result<()> {
        for (what, command) in [
            ("pings the equipment", format!("ping -c 1 -W 5 {} | grep -o 'time=.*'", Lan::HOST)),
            ("asks it for its page", format!("{} | tail -n 1", get(&Lan::HOST.to_string(), 80))),
            ("asks at its serial port", equipment::ask_serial()),
        ] {
            let answer = self.far.run(&command)?.text;
            let lines: Vec<_> = answer.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
            let answer = if lines.is_empty() { "no answer".to_owned() } else { lines.join(" ") };
            let now = self.stage.exchange().with(|_, now| now);
            self.timeline.happened(now, "operator", &format!("{what}: {answer}"));
        }
        Ok(())
    }
}
