//! `lab wear`: what a box writes to its card, by partition, when nothing happens and when something does.

use super::recording::{Recorder, Recording};
use super::story::STORIES;
use crate::bench::Bench;
use crate::booted::Booted;
use crate::card::Partition;
use crate::error::{Error, Result};
use crate::leftovers;
use crate::stage::{Stage, stick};
use crate::writes::log::SECTOR;
use crate::writes::{Files, trace};
use std::fmt;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Until a box that has booted for the first time has zeroed the inode tables of its new file system, which the kernel
/// does in the background (fs/ext4/super.c, `ext4_lazyinit_thread`).
const SETTLED: Duration = Duration::from_secs(120);
/// Until services have stopped, on a slow host.
const REBOOT: Duration = Duration::from_secs(70);
const MINUTES_A_DAY: f64 = 1440.0;

/// Bytes and requests that were written to the parts of a card.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Written {
    /// The partition table and the second copy, then the four partitions.
    bytes: [u64; 5],
    requests: usize,
}

impl Written {
    /// What these sectors belong to.
    fn to(sectors: impl Iterator<Item = u64>, requests: usize, partitions: &[Partition; 4]) -> Self {
        let mut bytes = [0; 5];
        for sector in sectors {
            let at = sector * SECTOR as u64;
            let holds = |it: &Partition| (it.start..it.start + it.bytes).contains(&at);
            bytes[partitions.iter().position(holds).map_or(0, |it| it + 1)] += SECTOR as u64;
        }
        Self { bytes, requests }
    }

    fn since(self, before: Self) -> Self {
        let mut bytes = self.bytes;
        bytes.iter_mut().zip(before.bytes).for_each(|(it, before)| *it -= before);
        Self { bytes, requests: self.requests - before.requests }
    }

    fn total(self) -> u64 {
        self.bytes.iter().sum()
    }
}

const HEAD: &str =
    "bytes to                       table, copy       FAT    root A    root B     state  requests";

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [outside, parts @ ..] = self.bytes;
        write!(f, "{outside:>11}")?;
        parts.iter().try_for_each(|bytes| write!(f, "{bytes:>10}"))?;
        write!(f, "{:>10}", self.requests)
    }
}

/// Boots a fresh card of so many MiB, lets the box reboot as it does daily, and then lets it idle for so many minutes of its own time.
/// Adds the recorded stories in `stories`.
pub fn run(bench: &Bench, card_mib: u64, minutes: u32, stories: &Path) -> Result<()> {
    let stage = Stage::new(bench)?;
    let dir = leftovers::private_dir()?;
    let dir = dir.path().join("idle");
    let mut machine = stage.dialer(stick())?;
    machine.card().enlarge(card_mib << 20)?;
    let _recorder = Recorder::start(&mut machine, &dir)?;
    // It would set the clock back to a day whose reboot is done. On a busy host the guest's clock also falls behind, and
    // would be set and saved every few minutes; a crystal does not do that.
    let modem = machine.modem()?;
    stage.exchange().with(|network, now| network.set_cell(modem, |cell| cell.time = None, now));
    let clocks = stage.exchange().clocks().clone();
    let wait = |duration: Duration| {
        let mut watch = clocks.stopwatch();
        while watch.elapsed() < duration {
            std::thread::sleep(Duration::from_secs(1));
        }
    };
    println!("{HEAD}");
    let mut booted = machine.boot()?;
    booted.until("dialctl status", &["watchdogd up", "Option N.V."])?;
    wait(SETTLED);
    let partitions = machine.card().partitions()?;
    let mut before = written(&dir, &partitions)?;
    println!("first boot and two minutes     {before}");
    // Once in a card's life; from then on a scrub only reads.
    booted.must("dialctl scrub")?;
    let copied = written(&dir, &partitions)?;
    println!("the second copy of the root    {}", copied.since(before));
    before = copied;
    let mut daily = before;
    // The first one makes the files that all later ones overwrite.
    for reboot in ["the first daily reboot", "a later daily reboot"] {
        reboot_as_daily(booted)?;
        booted = machine.boot()?;
        booted.until("dialctl status", &["watchdogd up", "Option N.V."])?;
        wait(SETTLED);
        let rebooted = written(&dir, &partitions)?;
        daily = rebooted.since(before);
        println!("{reboot:<31}{daily}");
        before = rebooted;
    }
    wait(Duration::from_secs(60 * u64::from(minutes)));
    let idle = written(&dir, &partitions)?.since(before);
    println!("{:<31}{idle}", format!("{minutes} idle minutes"));
    booted.must("dialctl status")?;
    let by = MINUTES_A_DAY / f64::from(minutes.max(1));
    let bytes = daily.total() as f64 + idle.total() as f64 * by;
    let requests = daily.requests as f64 + idle.requests as f64 * by;
    println!(
        "an idle day: {bytes:.0} bytes in {requests:.0} requests, a reboot and {by:.1} times those minutes"
    );
    let years = bytes * 3652.5 / 1e6;
    println!("ten idle years: {years:.0} MB in {:.0} requests", requests * 3652.5);
    for story in &STORIES {
        let dir = story.dir(stories);
        if Recording::is_in(&dir) {
            let all = Recording::load(&dir)?;
            let sectors = all.writes.iter().map(|write| write.sector);
            let sum = Written::to(sectors, all.requests.len(), &partitions);
            println!("{:<31}{sum}", format!("story {}", story.name));
        }
    }
    Ok(())
}

fn reboot_as_daily(mut booted: Booted) -> Result<()> {
    let tomorrow = booted.must("date -d @$(($(date +%s) + 86400)) +%Y-%m-%d")?;
    booted.must(&format!("date -s '{tomorrow} 03:59:50'"))?;
    booted.reboots(REBOOT)
}

fn written(dir: &Path, partitions: &[Partition; 4]) -> Result<Written> {
    let sectors = Recording::sectors(dir)?;
    let mut requests = 0;
    for boot in 0.. {
        let Files { trace, .. } = Files::of_boot(dir, boot);
        if !trace.exists() {
            break;
        }
        let text = fs::read_to_string(&trace).map_err(|e| Error::io("read", &trace, e))?;
        requests += trace::sectors_by_command(&text).len();
    }
    Ok(Written::to(sectors.into_iter(), requests, partitions))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sector_counts_for_the_partition_that_holds_it() {
        let part = |start, bytes| Partition { kind: 0x83, start, bytes };
        let partitions = [part(1024, 512), part(1536, 512), Partition::NONE, part(2048, 1024)];
        let before = Written::to([0].into_iter(), 1, &partitions);
        let all = Written::to([0, 1, 2, 3, 4, 5, 5, 6].into_iter(), 4, &partitions);
        assert_eq!(all.since(before), Written { bytes: [1024, 512, 512, 0, 1536], requests: 3 });
        assert_eq!(all.total(), 8 * 512);
    }
}
