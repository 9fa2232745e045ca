//! The telephone exchange beside Debian's kamailio, and its times on the box; measured by the lab.

use std::path::{Path, PathBuf};

use super::{Figure, KIB_PER_MB, columns};
use crate::{
    bail,
    context::BuildContext,
    error::{Context, Result},
    lab,
};

/// Runs both servers in turn `runs` times on this machine, and boots the image once.
pub fn measure(ctx: &BuildContext, image: &Path, runs: u32) -> Result<Vec<Figure>> {
    let mut command = lab::with_image(ctx, lab::command(ctx, "measure"), image)?;
    command.arg("exchange").arg("--exchange").arg(compile(ctx)?);
    command.arg("--kamailio").arg(lab::tool(ctx, "kamailio")?);
    command.arg("--sip-tools").arg(lab::tool(ctx, "sip")?);
    let said = lab::measured_by(ctx, command, "exchange", runs)?;
    let ours: [Vec<f64>; 5] = columns(&said, "ours");
    let theirs: [Vec<f64>; 5] = columns(&said, "kamailio");
    let [invite, ringing] = columns(&said, "call");
    let [resident, own] = columns(&said, "memory");
    let [sent, received, median, late, cpu, relaying] = columns(&said, "relay");
    let [[alone], [limited], [unlimited]] = ["alone", "limited", "unlimited"].map(|row| columns(&said, row));
    if [&ours[0], &theirs[0], &sent, &unlimited].iter().any(|column| column.is_empty()) {
        bail!("something was not measured\n{said}");
    }
    let lost = sent.iter().zip(&received).map(|(sent, received)| 100.0 * (sent - received) / sent).collect();
    let mut figures = beside(&ours, &theirs);
    figures.extend([
        Figure::new("sound of 16 calls through it: lost", "%", lost),
        Figure::new("  later by, median", "ms", median),
        Figure::new("  later by, 99 of 100 packets", "ms", late),
        Figure::new("  processor time of a packet", "us", cpu),
        Figure::new("  resident memory", "MB", in_mb(&relaying)),
        Figure::new("on the box: INVITE to 180, both passed on", "ms", sums(&invite, &ringing)).at_most(5.0),
        Figure::new("resident memory", "MB", in_mb(&resident)).at_most(2.0),
        Figure::new("  its own", "MB", in_mb(&own)),
        Figure::new("a registration", "ms", alone.clone()),
        Figure::new("in a flood of wrong ones", "ms", limited.clone()),
        Figure::new("  how much later that is", "ms", differences(&limited, &alone)).at_most(100.0),
        Figure::new("in one without the firewall's limit", "ms", unlimited.clone()),
        Figure::new("  how much later that is", "ms", differences(&unlimited, &alone)).at_most(100.0),
    ]);
    Ok(figures)
}

/// The columns of the lab's table, and what they are of kamailio's in the same run.
fn beside(ours: &[Vec<f64>; 5], theirs: &[Vec<f64>; 5]) -> Vec<Figure> {
    let ratio = |at: usize| {
        let pairs = ours[at].iter().zip(&theirs[at]);
        Figure::new("  of kamailio's", "%", pairs.map(|(ours, theirs)| 100.0 * ours / theirs).collect())
    };
    let times = [
        "processor time of a call",
        "INVITE to 180, with the telephones",
        "a registration",
        "a registration beside 2,000 wrong ones a second",
    ];
    let mut figures =
        vec![Figure::new("on this machine: resident memory", "MB", in_mb(&ours[0])), ratio(0).at_most(20.0)];
    for (at, what) in times.iter().enumerate() {
        figures.push(Figure::new(*what, "ms", ours[at + 1].clone()));
        figures.push(ratio(at + 1));
    }
    figures
}

fn in_mb(kib: &[f64]) -> Vec<f64> {
    kib.iter().map(|kib| kib / KIB_PER_MB).collect()
}

fn sums(these: &[f64], those: &[f64]) -> Vec<f64> {
    these.iter().zip(those).map(|(this, that)| this + that).collect()
}

fn differences(these: &[f64], those: &[f64]) -> Vec<f64> {
    these.iter().zip(those).map(|(this, that)| this - that).collect()
}

/// The box's program for this machine, compiled as it is for the box.
fn compile(ctx: &BuildContext) -> Result<PathBuf> {
    let args = ["build", "--quiet", "--profile", "device", "--package", "dialbox", "--bin", "dialbox"];
    let mut command = std::process::Command::new(&ctx.cargo);
    command.current_dir(&ctx.workspace).args(args);
    if !command.status().context(|| "cannot start cargo".into())?.success() {
        bail!("the exchange cannot be compiled for this machine");
    }
    Ok(ctx.target.join("device/dialbox"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_run_is_compared_with_its_neighbour() {
        let column = |value: f64| vec![value, 2.0 * value];
        let ours = [1024.0, 0.5, 1.0, 1.0, 2.0].map(column);
        let theirs = [10_240.0, 1.0, 1.0, 2.0, 2.0].map(column);
        let shown: Vec<String> = beside(&ours, &theirs).iter().map(ToString::to_string).collect();
        assert!(shown[1].contains("10.00 %    (10.00 … 10.00, 2 runs)  at most 20: kept"), "{shown:#?}");
        assert_eq!(differences(&sums(&[1.0], &[2.0]), &[0.5]), [2.5]);
    }
}
