//! `cargo xtask`: the builder of the dialbox image. See `docs/architecture.md`.

mod bench;
mod cli;
mod context;
mod cross;
mod debian;
mod elf;
mod error;
mod image;
mod invocation;
mod lab;
mod manifest;
mod parallel;
mod private;
mod progress;
mod shared_library;
mod site;
mod task;
mod tidy;
mod unpack;
mod verb;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Verb};

fn main() -> ExitCode {
    let outcome = match Cli::parse().verb {
        Verb::BuildImage(args) => verb::build_image::run(&args),
        Verb::Lock(args) => verb::lock::run(&args),
        Verb::Site(args) => verb::site::run(&args),
        Verb::Qemu(args) => verb::qemu::run(&args),
        Verb::Demo(args) => verb::demo::run(&args),
        Verb::Test(args) => verb::test::run(&args),
        Verb::Bench(args) => verb::bench::run(&args),
        Verb::Tidy(args) => verb::tidy::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
