//! `cargo xtask bench`: times and sizes, compared with their bounds.

use std::path::Path;

use crate::{
    bench::{Figure, boot, build, card, dial_in, dialer, exchange, provision, size},
    cli,
    context::BuildContext,
    error::Result,
};

/// Measures the chosen subject and prints one line per figure. A missed bound is printed, but is not a failure:
/// machines differ, and figures of a loaded one prove nothing.
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
        "exchange" => print(exchange::measure(&ctx, &out.join("dialbox-rpi1.img"), args.runs)?),
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
