//! How long builds take: cold, with nothing changed, with a file of the device's library changed, for a second site.

use std::fs;

use super::{Figure, checkout::Checkout};
use crate::{
    context::BuildContext,
    error::{Context, Error, Result},
};

/// Files of the device's library, from its lowest layer to its highest; almost all of it depends on the first.
const LIBRARY_FILES: [&str; 3] = ["src/record.rs", "src/site/raw.rs", "src/dialer/replies.rs"];

/// Measures all four.
pub fn measure(ctx: &BuildContext, runs: u32) -> Result<Vec<Figure>> {
    let bench = Checkout::prepare(ctx)?;
    bench.build(&[])?; // the downloads
    let changed = (0..runs).map(|run| with_changed_library(&bench, run)).collect::<Result<_>>()?;
    let incremental = bench.sums()?;
    let mut cold = (Vec::new(), Vec::new());
    for _ in 0..runs {
        bench.forget_tasks()?;
        let run = bench.build(&[])?;
        cold.0.push(run.seconds);
        cold.1.push(run.seconds - run.cross);
        if bench.sums()? != incremental {
            return Err(Error::new(
                "a clean build gave another image than the incremental one of the same sources",
            )
            .fact("both are compiled by the profile `device` in Cargo.toml"));
        }
    }
    let again = (0..runs).map(|_| Ok(bench.build(&[])?.seconds)).collect::<Result<_>>()?;
    let site = (0..runs).map(|run| with_other_site(&bench, run)).collect::<Result<_>>()?;
    Ok(vec![
        Figure::new("downloads cached, no task cache: everything", "s", cold.0).at_most(60.0),
        Figure::new("  of which not waiting for the compiler", "s", cold.1).at_most(4.0),
        Figure::new("nothing changed", "s", again).at_most(0.3),
        Figure::new("a file of the device's library changed", "s", changed).at_most(8.0),
        Figure::new("a second site", "s", site).at_most(1.0),
    ])
}

/// Another number in a file of the library: rustc must compile and link both programs again, and the root differs.
fn with_changed_library(bench: &Checkout, run: u32) -> Result<f64> {
    let file = bench.dir.join(LIBRARY_FILES[run as usize % LIBRARY_FILES.len()]);
    let broken = || "cannot change a file of the library".to_owned();
    let source = fs::read_to_string(&file).context(broken)?;
    let source = source.split("#[used]").next().unwrap_or_default();
    let changed = format!("{source}#[used]\nstatic RUN: u32 = {run};\n");
    fs::write(&file, changed).context(broken)?;
    Ok(bench.build(&[])?.seconds)
}

fn with_other_site(bench: &Checkout, run: u32) -> Result<f64> {
    let broken = || "cannot write a site".to_owned();
    let example = fs::read_to_string(bench.dir.join("image/sites/dialer.toml")).context(broken)?;
    let hostname = example.lines().find(|line| line.starts_with("hostname")).unwrap_or_default();
    let site = bench.dir.join("bench-site.toml");
    fs::write(&site, example.replace(hostname, &format!("hostname = \"bench{run}\""))).context(broken)?;
    Ok(bench.build(&["--site", &site.display().to_string(), "--out", "out-bench"])?.seconds)
}
