//! The program `lab`, started by `cargo xtask test`, `qemu`, `demo` and `bench`; building an image does not need it.

use clap::Parser;
use lab::cli::{self, Cli, Verb};
use lab::error::Result;
use lab::measure::Subject;
use lab::scenario::{self, SCENARIOS};
use lab::stage::{Stage, stick};
use lab::{demo, leftovers, measure, offer, power, rot};
use std::process::ExitCode;

fn main() -> ExitCode {
    let verb = Cli::parse().verb;
    if let Err(error) = leftovers::clear_up_on_signals() {
        eprintln!("error: {error}");
        return ExitCode::FAILURE;
    }
    let done = match verb {
        Verb::Test(args) if args.list => {
            SCENARIOS.iter().for_each(|scenario| println!("{scenario}"));
            Ok(true)
        }
        Verb::Test(args) => args.open().map(|bench| scenario::run(&bench, &args.only)),
        Verb::Qemu(args) => interactive(&args).map(|()| true),
        Verb::Demo(args) => args.bench.open().and_then(|bench| demo::run(&bench)).map(|()| true),
        Verb::Modem(args) => offer::run(&args).map(|()| true),
        Verb::Measure(args) => measured(&args).map(|()| true),
        Verb::Power(args) => args.bench.open().and_then(|bench| power::run::run(&bench, &args.plan())),
        Verb::Rot(args) => args.bench.open().and_then(|bench| rot::run::run(&bench, args.plan())),
        Verb::Wear(args) => args
            .bench
            .open()
            .and_then(|bench| power::wear::run(&bench, args.card_mib, args.minutes, &args.dir))
            .map(|()| true),
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

fn measured(args: &cli::Measure) -> Result<()> {
    let bench = args.bench.open()?;
    match args.what {
        Subject::Boot => measure::boot::run(&bench, args.runs, args.pace),
        Subject::Dialer => measure::dialer::run(&bench, args.runs, args.pace),
        Subject::DialIn => measure::dial_in::run(&bench, args.runs, args.pace),
        Subject::Exchange => measure::exchange::run(&bench, args.runs, args.pace, &args.programs()?),
        Subject::Scrub => measure::scrub::run(&bench, args.runs, args.pace),
        Subject::Wire => measure::wire::run(&bench, args.runs, args.pace),
    }
}

fn interactive(args: &cli::Qemu) -> Result<()> {
    let stage = Stage::new(&args.bench.open()?)?;
    let mut machine = stage.dialer(stick())?;
    stage.silent_operator();
    args.append.iter().for_each(|option| machine.append(option));
    println!("A copy of the card boots; a simulated 3G stick is at its USB port.");
    println!("Leave with Ctrl-A x.\n");
    machine.boot_interactively()
}
