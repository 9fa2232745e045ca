//! `cargo xtask`: which verb was asked for.

use std::{process::ExitCode, sync::Arc};

use clap::Parser;

use xtask::{
    cli::{Cli, Verb},
    print::tell,
    verb,
};

fn main() -> ExitCode {
    // A limit on the size of files ends a program that does not watch for the signal before the write can fail
    // (setrlimit(2)).
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
    let outcome = match Cli::parse().verb {
        Verb::BuildImage(args) => verb::build_image::run(&args),
        Verb::Bundle(args) => verb::bundle::run(&args),
        Verb::Lock(args) => verb::lock::run(&args),
        Verb::Site(args) => verb::site::run(&args),
        Verb::Flash(args) => verb::flash::run(&args),
        Verb::Provision(args) => verb::provision::run(&args),
        Verb::Qemu(args) => verb::qemu::run(&args),
        Verb::Demo(args) => verb::demo::run(&args),
        Verb::Test(args) => verb::test::run(&args),
        Verb::Bench(args) => verb::bench::run(&args),
        Verb::Report(args) => verb::report::run(&args),
        // Its exit status tells more than success and failure.
        Verb::Diff(args) => return verb::diff::run(&args),
        Verb::Sources(args) => verb::sources::run(&args),
        Verb::Tidy(args) => verb::tidy::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&error.to_string());
            ExitCode::FAILURE
        }
    }
}
