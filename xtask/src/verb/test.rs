//! `cargo xtask test`: the host's tests, and at the same time the finished image under QEMU.

use std::{
    panic::resume_unwind,
    path::Path,
    process::{Command, Stdio},
    thread,
};

use crate::{
    bail, bundle, cli,
    context::BuildContext,
    error::{Context, Result},
    lab,
    parallel::processors,
};

/// With scenarios chosen by name the host's tests do not run: use `cargo test` for those.
pub fn run(args: &cli::Test) -> Result<()> {
    let mut ctx = BuildContext::new(&args.supplies.sources);
    bundle::take(&mut ctx, args.supplies.bundle.as_deref())?;
    if args.list {
        let mut list = lab::command(&ctx, "test");
        list.arg("--list");
        return lab::run(list, "the scenarios cannot be listed");
    }
    // Before minutes of compiling.
    lab::existing(&args.image)?;
    if !args.only.is_empty() {
        let scenarios = lab::test(&ctx, lab::command(&ctx, "test"), &args.image, &args.only)?;
        return lab::run(scenarios, "the image does not do what it should");
    }
    run_all(&ctx, &args.image)
}

/// One call compiles everything: Cargo would compile `lab` again for it alone, with other features of its dependencies.
/// The host's tests run while the first boxes boot.
fn run_all(ctx: &BuildContext, image: &Path) -> Result<()> {
    let mut compile = host_tests(ctx);
    compile.arg("--no-run");
    lab::run(compile, "the tests cannot be compiled")?;
    let scenarios = lab::test(ctx, lab::compiled(ctx, "test"), image, &[])?;

    let mut tests = host_tests(ctx);
    // The tests' output must not break the lines of the scenarios.
    tests.env("DIALBOX_SIP_TOOLS", lab::tool(ctx, "sip")?);
    tests.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let tests = tests.spawn().context(|| "cannot start cargo".into())?;
    let tests = thread::spawn(|| tests.wait_with_output());
    let played = lab::run(scenarios, "the image does not do what it should");
    let tested = tests.join().unwrap_or_else(|panic| resume_unwind(panic));
    let tested = tested.context(|| "cannot wait for cargo".into())?;
    if !tested.status.success() {
        eprint!("{}{}", String::from_utf8_lossy(&tested.stdout), String::from_utf8_lossy(&tested.stderr));
        bail!("a test on the host failed");
    }
    played?;
    println!("the host's tests passed");
    Ok(())
}

fn host_tests(ctx: &BuildContext) -> Command {
    let mut command = lab::cargo(ctx);
    command.args(["test", "--quiet", "--workspace"]);
    // Most tests of the services wait for a modem's deadlines: so many at a time need half the time.
    command.env("RUST_TEST_THREADS", (4 * processors()).to_string());
    command
}
