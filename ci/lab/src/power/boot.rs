//! Boots a card after a cut, and judges what it knows then.

use super::facts::Fact;
use super::memory::{self, Reading};
use super::recording::Recording;
use super::replay::CutCard;
use crate::bench::Bench;
use crate::card::Card;
use crate::error::{Error, Result};
use crate::stage::{Stage, stick};
use dialbox::site::Role;
use std::fs::File;

/// What a boot has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booted {
    /// How the state partition was mounted, as `dialctl status` says.
    pub state: String,
    /// The facts that it does not know.
    pub forgotten: Vec<String>,
}

/// Boots the card, waits until its services are up, cuts the power, and reads the card again.
///
/// # Errors
/// It does not boot, or its services do not start.
pub fn boot(bench: &Bench, recording: &Recording, card: &CutCard, durable: usize) -> Result<Booted> {
    let stage = Stage::new(bench)?;
    let (machine, up) = match recording.role {
        Role::Dialer(_) => (stage.dialer(stick())?, "sms-dialer up"),
        Role::DialIn(_) => (stage.answerer("dial-in")?, "dial-in up"),
    };
    let path = machine.card().path();
    Card::at(recording.card.clone()).copy_to(path)?;
    card.write_onto(path)?;
    let mut booted = machine.boot()?;
    let status = booted.until("dialctl status", &["watchdogd up", up])?;
    booted.cut_power();
    let state = status.lines().find_map(|line| line.strip_prefix("state")).unwrap_or("?");
    let file = File::open(path).map_err(|e| Error::io("open", path, e))?;
    let facts = || recording.known_after(durable);
    let forgotten = match memory::read(&CutCard::of(file)) {
        Reading::Read(memory) => {
            memory.missing(facts(), recording.proof()).into_iter().map(Fact::to_string).collect()
        }
        Reading::Unreadable(why) => vec![format!("the state partition cannot be read after the boot: {why}")],
    };
    Ok(Booted { state: state.trim().to_owned(), forgotten })
}
