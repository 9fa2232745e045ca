//! A telephone network, and the boxes on it, for the end-to-end tests.
//!
//! `cargo xtask test`, `qemu` and `bench` start this program; making an image does not need it.

mod card;
mod cli;
mod console;
mod emulator;
mod error;
mod machine;
mod measure;
mod modem;
mod monitor;
mod scenario;
mod usb;

use clap::Parser;
use cli::{Cli, Verb};
use error::Result;
use machine::Machine;
use modem::{Modem, profile::STICK_3G, sim::Sim};
use std::process::ExitCode;

fn main() -> ExitCode {
    let done = match Cli::parse().verb {
        Verb::Test(args) if args.list => {
            scenario::SCENARIOS.iter().for_each(|scenario| println!("{}", scenario.name));
            Ok(true)
        }
        Verb::Test(args) => args.bench.open().map(|bench| scenario::run(&bench, args.only.as_deref())),
        Verb::Qemu(args) => interactive(&args).map(|()| true),
        Verb::Measure(args) => {
            args.bench.open().and_then(|bench| measure::run(&bench, args.runs, args.pace)).map(|()| true)
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn interactive(args: &cli::Qemu) -> Result<()> {
    let mut machine = Machine::new(&args.bench.open()?, Modem::new(STICK_3G, Sim::Ready))?;
    args.append.iter().for_each(|option| machine.append(option));
    println!("A copy of the card boots; a simulated 3G stick is at its USB port.");
    println!("Leave with Ctrl-A x.\n");
    machine.boot_interactively()
}
