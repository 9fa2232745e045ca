//! The command line, all of it.

use crate::bench::Bench;
use crate::emulator::{Emulator, Pace};
use crate::error::{Error, Result};
use crate::measure::Subject;
use crate::measure::exchange::Programs;
use crate::power::run::Plan;
use crate::rot;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// A telephone network, and the boxes on it.
#[derive(Debug, Parser)]
#[command(name = "lab", version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// The lab's verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Boot the image and run the scenarios on it
    Test(Test),
    /// Boot the image with its console on this terminal
    Qemu(Qemu),
    /// Boot a dialer and its operator, show what happens, and let a person send text messages
    Demo(Demo),
    /// Offer a simulated modem at a pseudo-terminal to any program of this machine
    Modem(OfferedModem),
    /// Boot the image and measure times and memory
    Measure(Measure),
    /// Record what a box writes, cut the power many times by replay, and check what is kept
    Power(Power),
    /// Change up to a quarter of each copy of what a boot needs, many times, and heal it
    Rot(RottenCards),
    /// Measure how much a box writes to its card
    Wear(Wear),
}

/// The image and what runs it.
#[derive(Debug, Args)]
pub struct Where {
    /// The image; it is not written to
    #[arg(long, value_name = "FILE", default_value = "out/dialbox-rpi1.img")]
    pub image: PathBuf,
    /// The emulator (default: qemu-system-arm from PATH)
    #[arg(long, value_name = "PROGRAM", conflicts_with = "qemu_dir")]
    pub qemu: Option<PathBuf>,
    /// Unpacked Debian packages that hold the emulator and all it needs
    #[arg(long, value_name = "DIR")]
    pub qemu_dir: Option<PathBuf>,
}

impl Where {
    /// Finds both.
    pub fn open(&self) -> Result<Bench> {
        let image = self.image.canonicalize().map_err(|e| Error::io("open the image", &self.image, e))?;
        let emulator = match (&self.qemu, &self.qemu_dir) {
            (Some(program), _) => Emulator::program(program.clone()),
            (None, Some(dir)) => Emulator::unpacked(dir)?,
            (None, None) => Emulator::installed(),
        };
        Ok(Bench { image, emulator, caller_tools: None, verity_tools: None, sip_tools: None })
    }
}

/// `lab test`
#[derive(Debug, Args)]
pub struct Test {
    /// The image and what runs it
    #[command(flatten)]
    pub bench: Where,
    /// Only the scenarios whose name contains this (may be given several times)
    #[arg(long, value_name = "NAME")]
    pub only: Vec<String>,
    /// A squashfs with further programs for boxes that call; `cargo xtask test` makes it
    #[arg(long, value_name = "FILE")]
    pub caller_tools: Option<PathBuf>,
    /// Unpacked Debian packages that hold `veritysetup` and all it needs; `cargo xtask test` unpacks them
    #[arg(long, value_name = "DIR")]
    pub verity_tools: Option<PathBuf>,
    /// Unpacked Debian packages that hold `baresip` and all it needs; `cargo xtask test` unpacks them
    #[arg(long, value_name = "DIR")]
    pub sip_tools: Option<PathBuf>,
    /// List the scenarios
    #[arg(long)]
    pub list: bool,
}

impl Test {
    /// Finds the image and everything used with it.
    pub fn open(&self) -> Result<Bench> {
        Ok(Bench {
            caller_tools: self.caller_tools.clone(),
            verity_tools: self.verity_tools.clone(),
            sip_tools: self.sip_tools.clone(),
            ..self.bench.open()?
        })
    }
}

/// `lab qemu`
#[derive(Debug, Args)]
pub struct Qemu {
    /// The image and what runs it
    #[command(flatten)]
    pub bench: Where,
    /// An option for the kernel's command line; may be repeated
    #[arg(long, value_name = "OPTION")]
    pub append: Vec<String>,
}

/// `lab demo`
#[derive(Debug, Args)]
pub struct Demo {
    /// The image and what runs it
    #[command(flatten)]
    pub bench: Where,
}

/// A model of modem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Model {
    /// The reference stick, with three ports
    Option,
    /// A stick that sends many lines by itself
    Huawei,
    /// One that implements little more than the standards require
    Generic,
}

/// `lab modem`
#[derive(Debug, Args)]
pub struct OfferedModem {
    /// The model
    #[arg(long, value_enum, default_value_t = Model::Generic)]
    pub model: Model,
    /// The PIN that its SIM asks for
    #[arg(long, value_name = "DIGITS")]
    pub pin: Option<String>,
}

/// `lab measure`
#[derive(Debug, Args)]
pub struct Measure {
    /// What to measure
    #[arg(value_enum, default_value_t = Subject::Boot)]
    pub what: Subject,
    /// The image and what runs it
    #[command(flatten)]
    pub bench: Where,
    /// How many boots, or sessions
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub runs: u32,
    /// What drives the guest's clock
    #[arg(long, value_enum, default_value_t = Pace::Instructions)]
    pub pace: Pace,
    /// `exchange`: the program, built for this machine
    #[arg(long, value_name = "FILE")]
    pub exchange: Option<PathBuf>,
    /// `exchange`: unpacked Debian packages that hold kamailio
    #[arg(long, value_name = "DIR")]
    pub kamailio: Option<PathBuf>,
    /// `exchange`: unpacked Debian packages that hold `sipp`
    #[arg(long, value_name = "DIR")]
    pub sip_tools: Option<PathBuf>,
}

impl Measure {
    /// The programs that `exchange` needs.
    ///
    /// # Errors
    /// One was not given.
    pub fn programs(&self) -> Result<Programs> {
        let given = |path: &Option<PathBuf>, option: &str| {
            path.clone().ok_or_else(|| Error::NoSipTool(format!("{option} was not given")))
        };
        Ok(Programs {
            exchange: given(&self.exchange, "--exchange")?,
            kamailio: given(&self.kamailio, "--kamailio")?,
            sip_tools: given(&self.sip_tools, "--sip-tools")?,
        })
    }
}

/// `lab power`
#[derive(Debug, Args)]
pub struct Power {
    /// The image and what runs it
    #[command(flatten)]
    pub bench: Where,
    /// The directory of the recordings, and of the cards that a cut has broken
    #[arg(long, value_name = "DIR", default_value = "target/power")]
    pub dir: PathBuf,
    /// Cuts, in all stories together
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub cuts: u64,
    /// How many of them are booted
    #[arg(long, value_name = "M", default_value_t = 12)]
    pub boots: u64,
    /// What the cuts are made from
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// Only this story
    #[arg(long, value_name = "NAME")]
    pub story: Option<String>,
    /// Only this cut, which is booted
    #[arg(long, value_name = "STORY:INDEX", conflicts_with_all = ["story", "cuts", "boots"], value_parser = one_cut)]
    pub only: Option<(String, u64)>,
    /// Record the stories again
    #[arg(long)]
    pub record: bool,
    /// Print a line of JSON for each story
    #[arg(long)]
    pub json: bool,
}

impl Power {
    /// What to do.
    pub fn plan(&self) -> Plan<'_> {
        let only = self.only.as_ref();
        Plan {
            dir: &self.dir,
            cuts: self.cuts,
            boots: self.boots,
            seed: self.seed,
            story: only.map(|(story, _)| story.as_str()).or(self.story.as_deref()),
            only: only.map(|(_, index)| *index),
            again: self.record,
            json: self.json,
        }
    }
}

fn one_cut(text: &str) -> Result<(String, u64), String> {
    let cut = text.split_once(':').and_then(|(story, index)| Some((story.to_owned(), index.parse().ok()?)));
    cut.ok_or_else(|| "not STORY:INDEX, as in message:17".to_owned())
}

/// `lab rot`
#[derive(Debug, Args)]
pub struct RottenCards {
    /// The image and what runs it
    #[command(flatten)]
    pub bench: Where,
    /// How many patterns of rot
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub patterns: u64,
    /// How many of them are booted, too
    #[arg(long, value_name = "M", default_value_t = 3)]
    pub boots: u64,
    /// What they are made from
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// Only the pattern with this number, which is booted
    #[arg(long, value_name = "INDEX", conflicts_with_all = ["patterns", "boots"])]
    pub only: Option<u64>,
}

impl RottenCards {
    /// What to do.
    pub fn plan(&self) -> rot::run::Plan {
        rot::run::Plan { patterns: self.patterns, boots: self.boots, seed: self.seed, only: self.only }
    }
}

/// `lab wear`
#[derive(Debug, Args)]
pub struct Wear {
    /// The image and what runs it
    #[command(flatten)]
    pub bench: Where,
    /// The card's size in MiB, a power of two; mke2fs makes blocks of 4 KiB from 512 on, of 1 KiB below
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    pub card_mib: u64,
    /// How many minutes the box idles
    #[arg(long, value_name = "N", default_value_t = 60)]
    pub minutes: u32,
    /// The directory of the recordings of `lab power`, whose writes are added to the table
    #[arg(long, value_name = "DIR", default_value = "target/power")]
    pub dir: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
