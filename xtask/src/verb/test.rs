//! `cargo xtask test`: the host's tests, then the finished image under QEMU.

use std::process::Command;

use crate::{cli, context::BuildContext, error::Result, lab};

/// Scenarios chosen by name are played alone: the host's tests have `cargo test` for that.
pub fn run(args: &cli::Test) -> Result<()> {
    let ctx = BuildContext::new(&args.sources);
    if args.list {
        let mut list = lab::command(&ctx, "test");
        list.arg("--list");
        return lab::run(list, "the scenarios cannot be listed");
    }
    let mut scenarios = lab::test(&ctx, &args.image)?;
    match &args.only {
        Some(only) => drop(scenarios.arg("--only").arg(only)),
        None => lab::run(host_tests(&ctx), "a test on the host failed")?,
    }
    lab::run(scenarios, "the image does not do what it should")
}

fn host_tests(ctx: &BuildContext) -> Command {
    let mut command = Command::new(&ctx.cargo);
    command.current_dir(&ctx.workspace).args(["test", "--quiet", "--workspace"]);
    command
}
