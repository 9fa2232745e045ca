//! What a site costs when many cards are made from one image.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{Figure, KIB_PER_MB};
use crate::{
    context::BuildContext,
    error::{Context, Error, Result},
};

/// How many boxes are made.
const FLEETS: [u32; 3] = [10, 1_000, 10_000];

/// Makes fleets with `--fat-only`, as a user does: new ones, and the same once more.
pub fn measure(ctx: &BuildContext, image: &Path) -> Result<Vec<Figure>> {
    let dir = ctx.cache.join("bench/provision");
    let mut figures = Vec::new();
    for boxes in FLEETS {
        // What an earlier run has left.
        let _ = fs::remove_dir_all(&dir);
        let sites = fleet(&dir, boxes).context(|| format!("cannot write into {}", dir.display()))?;
        let cards = dir.join("cards");
        let first = provision(ctx, &sites, image, &cards)?;
        let again = provision(ctx, &sites, image, &cards)?;
        let each = |run: &Run| vec![run.seconds * 1000.0 / f64::from(boxes)];
        let bytes = fs::metadata(cards.join("cabin-0.blocks")).context(|| "cannot find a card".into())?.len();
        figures.extend([
            Figure::new(format!("{boxes} boxes, with new secrets: each"), "ms", each(&first)),
            Figure::new(format!("{boxes} boxes, once more: each"), "ms", each(&again)),
            Figure::new(format!("{boxes} boxes: bytes of each"), "kB", vec![bytes as f64 / 1000.0])
                .at_most(64.0),
            Figure::new(format!("{boxes} boxes: memory of the program"), "MB", vec![again.kib / KIB_PER_MB]),
        ]);
    }
    let _ = fs::remove_dir_all(&dir);
    Ok(figures)
}

struct Run {
    seconds: f64,
    /// The most memory that was seen, in KiB.
    kib: f64,
}

fn provision(ctx: &BuildContext, sites: &Path, image: &Path, cards: &Path) -> Result<Run> {
    let cannot = || "cannot start the builder".into();
    let began = Instant::now();
    let mut child = Command::new(&ctx.program)
        .args(["provision", "--fat-only", "--sites"])
        .arg(sites)
        .arg("--image")
        .arg(image)
        .arg("--out")
        .arg(cards)
        .stderr(Stdio::null())
        .spawn()
        .context(cannot)?;
    let mut kib = 0.0;
    loop {
        if let Some(status) = child.try_wait().context(cannot)? {
            let seconds = began.elapsed().as_secs_f64();
            let run = Run { seconds, kib };
            return if status.success() { Ok(run) } else { Err(Error::new("`provision` failed")) };
        }
        kib = peak_kib(child.id()).unwrap_or(kib);
        thread::sleep(Duration::from_millis(5));
    }
}

/// The most memory that a process has had so far (proc(5), `VmHWM`).
fn peak_kib(process: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

const TEMPLATE: &str = "role = \"dialer\"\nhostname = \"{name}\"\n\n[operator]\nname = \"sfr\"\napn = \"websfr\"\n\n\
    [sms]\nnumbers = [\"+33612345678\"]\nsecret = \"{one-time-secret}\"\n\n\
    [vpn]\nprivate-key = \"{vpn-private-key}\"\naddress = \"{address}\"\n\
    public-key = \"b/+8yjlfqle5awL8Vne6lpRdvSDyQz5sbyoEugWxDcc=\"\nendpoint = \"203.0.113.5:51820\"\n\
    networks = [\"10.9.0.0/16\"]\n";

fn fleet(dir: &Path, boxes: u32) -> std::io::Result<PathBuf> {
    fs::create_dir_all(dir)?;
    fs::write(dir.join("cabin.toml"), TEMPLATE)?;
    let mut text = "template = \"cabin.toml\"\n".to_owned();
    for number in 0..boxes {
        let (high, low) = (number / 250, number % 250 + 1);
        // Writing into a String cannot fail.
        let _ = write!(text, "\n[box.cabin-{number}]\naddress = \"10.9.{high}.{low}/16\"\n");
    }
    let sites = dir.join("sites.toml");
    fs::write(&sites, text)?;
    Ok(sites)
}
