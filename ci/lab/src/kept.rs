//! The booted box that scenarios start from. It is made when the first scenario needs it.

use crate::bench::Bench;
use crate::error::{Error, Result};
use crate::snapshot::{BEFORE, Snapshot};
use crate::stage::Stage;
use std::sync::{Arc, OnceLock};

/// The snapshot of a box without modems that has booted the image with its own site.
#[derive(Default)]
pub struct KeptBox(OnceLock<Result<Arc<Snapshot>, String>>);

impl KeptBox {
    /// The snapshot; the first call makes it.
    pub fn get(&self, bench: &Bench) -> Result<Arc<Snapshot>> {
        let made = self.0.get_or_init(|| keep(bench).map(Arc::new).map_err(|e| e.to_string()));
        made.clone().map_err(|why| Error::Unexpected(format!("no box to start from: {why}")))
    }
}

fn keep(bench: &Bench) -> Result<Snapshot> {
    let snapshot = Snapshot::new()?;
    let stage = Stage::new(bench)?;
    let machine = stage.keepable()?;
    let mut booted = machine.boot().map_err(|e| Error::Unexpected(format!("{e}\n{}", stage.account(30))))?;
    for command in BEFORE {
        booted.must(command)?;
    }
    let mut monitor = machine.monitor()?;
    monitor.command("stop")?;
    snapshot.take_memory(&mut monitor)?;
    machine.card().copy_to(&snapshot.card())?;
    Ok(snapshot)
}
