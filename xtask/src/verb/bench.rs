//! `cargo xtask bench`: times and sizes, compared with their bounds.

use std::path::Path;

use crate::{
    bail,
    bench::{Figure, boot, build, cache, card, dial_in, dialer, exchange, provision, size},
    cli,
    context::BuildContext,
    error::Result,
};

/// Measures the chosen subject and prints one line per figure. A missed bound is printed, but is a failure only where it
/// compares two programs of this machine or the guest's own times: machines differ, and other figures of a loaded one
/// prove nothing.
pub fn run(args: &cli::Bench) -> Result<()> {
    let ctx = BuildContext::new(&args.sources);
    let out = Path::new("out");
    let print = |figures: Vec<Figure>| figures.iter().for_each(|figure| println!("{figure}"));
    let wants = |what: &str| args.what == "all" || args.what == what;
    if wants("size") {
        print(size::measure(&ctx, out)?);
    }
    if wants("boot") {
        print(boot::measure(&ctx, &out.join("dialbox-rpi1.img"), args.runs)?);
    }
    if wants("dialer") {
        print(dialer::measure(&ctx, &out.join("dialbox-rpi1.img"), args.runs)?);
    }
    if wants("dial-in") {
        print(dial_in::measure(&ctx, &out.join("dialbox-rpi1.img"), args.runs)?);
    }
    match args.what.as_str() {
        "exchange" => {
            let figures = exchange::measure(&ctx, &out.join("dialbox-rpi1.img"), args.runs)?;
            let missed = figures.iter().filter(|figure| !figure.is_kept()).count();
            print(figures);
            if missed > 0 {
                bail!("the exchange misses {missed} of its bounds: see MISSED above");
            }
        }
        "cache" => print(cache::measure(&ctx, args.runs)?),
        "provision" => print(provision::measure(&ctx, &out.join("dialbox-rpi1.img"))?),
        "power" => return card::cut_power(&ctx, &out.join("dialbox-rpi1.img"), &args.damages),
        "rot" => return card::rot(&ctx, &out.join("dialbox-rpi1.img"), &args.damages),
        "wear" => return card::wear(&ctx, &out.join("dialbox-rpi1.img"), args),
        _ => {}
    }
    if wants("build") {
        print(build::measure(&ctx, args.runs)?);
    }
    Ok(())
}
