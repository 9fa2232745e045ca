//! A dialer, its operator and a telephone, for a person to play with: what happens is shown as it happens.

mod prompt;
mod sights;
mod timeline;

use crate::bench::Bench;
use crate::booted::Booted;
use crate::error::Result;
use crate::pair::{Pair, put_behind_vpn};
use crate::stage::{Stage, boot_both};
use prompt::{Prompt, Wish};
use sights::Sights;
use std::time::{Duration, Instant};
use timeline::Timeline;

/// How long one look at the dialer waits.
const A_MOMENT: Duration = Duration::from_millis(100);
/// An answer that takes longer, by the boxes' clocks, does not come.
const ANSWERED_WITHIN: Duration = Duration::from_secs(120);
/// What happens after an answer is shown for so long before the next line of a script.
const AFTERMATH: Duration = Duration::from_secs(5);

/// A box that was told to reboot has gone off by then.
const OFF_WITHIN: Duration = Duration::from_secs(20);

/// Shows it until the person leaves, or the script ends.
pub fn run(bench: &Bench) -> Result<()> {
    let stage = Stage::new(bench)?;
    let pair = Pair::on(&stage)?;
    let timeline = Timeline::new();
    timeline.note("Two boxes boot: a dialer with a 3G stick, and an operator. Half a minute or so.");
    let (mut dialer, mut far) = boot_both(&pair.dialer, &pair.far)?;
    far.until("dialctl status", &["ready, no calls"])?;
    put_behind_vpn(&mut far)?;
    let mut sights = Sights::default();
    let mut demo = Demo { stage: &stage, pair: &pair, timeline, prompt: Prompt::new(), replies: 0 };
    for times in 0.. {
        dialer.until("logread", &["the clock is set to", "messages: in"])?;
        demo.timeline.note(if times == 0 { prompt::HELP } else { "The dialer is up again." });
        sights.attend(&mut dialer)?;
        let Err(error) = demo.go_on(&mut dialer, &mut sights) else { break };
        // By SMS it can be told to reboot, too.
        dialer.reboots(OFF_WITHIN).map_err(|_| error)?;
        demo.timeline.note("The dialer reboots.");
        dialer = pair.dialer.boot()?;
    }
    Ok(())
}

struct Demo<'a> {
    stage: &'a Stage,
    pair: &'a Pair<'a>,
    timeline: Timeline,
    prompt: Prompt,
    /// How many of the dialer's answers were seen.
    replies: usize,
}

impl Demo<'_> {
    fn go_on(&mut self, dialer: &mut Booted, sights: &mut Sights) -> Result<()> {
        loop {
            self.show(dialer, sights)?;
            match self.prompt.next() {
                None => {}
                Some(Wish::Leave) => return Ok(()),
                Some(wish) => {
                    self.fulfil(wish);
                    if self.prompt.is_script() {
                        self.see_it_through(dialer, sights)?;
                    }
                }
            }
        }
    }

    /// What happens next, or nothing within a moment; true if it settles what was asked for.
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

    /// A script's next line waits for the answer to this one, and for what follows from it.
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

    fn fulfil(&mut self, wish: Wish) {
        match wish {
            Wish::Text(text) => self.pair.owner.text(&text),
            Wish::Order(text) => self.pair.owner.text(&self.pair.owner.order(&text)),
            Wish::TextAs(from, text) => self.pair.owner.text_as(&from, &text),
            Wish::Drop => {
                let modem = self.pair.modem;
                self.stage.exchange().with(|network, now| network.hang_up(modem, now));
            }
            Wish::Help => self.timeline.note(prompt::HELP),
            Wish::Leave => {}
        }
    }
}
