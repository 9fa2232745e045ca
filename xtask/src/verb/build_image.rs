//! `cargo xtask build-image`: from the locked packages and `src/` to a flashable image in `out/`.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use dialbox::site::Site;

use crate::{
    cli,
    context::BuildContext,
    cross,
    error::{Attempt, Error, Result},
    image::pipeline::{self, SiteSource},
    manifest::{Lock, Manifest},
    task::digest_file,
};

/// Builds the image and puts it into the output directory.
pub fn run(args: &cli::BuildImage) -> Result<()> {
    let began = Instant::now();
    let mut ctx = BuildContext::new(&args.sources);
    if args.explain {
        ctx.say.explaining();
    }
    let file = args.site.clone().unwrap_or_else(|| ctx.image_dir().join("sites/dialer.toml"));
    let (text, site) = read_site(&ctx, &file)?;
    let locked = Manifest::load(&ctx)?.lock(Lock::load(&ctx)?)?;
    cross::refuse_other_rustc(&ctx)?;
    let _alone = ctx.lock_cache()?;
    let output = pipeline::build(&ctx, &locked, SiteSource { text: &text, site: &site })?;
    let image = args.out.join(format!("{}.img", locked.manifest.name));
    if publish(&output.dir, &args.out)? {
        let seconds = began.elapsed().as_secs_f64();
        ctx.say.line(format!(
            "  {} is ready, for site {} ({seconds:.1} s)",
            image.display(),
            ctx.short(&file)
        ));
    } else {
        ctx.say.line(format!("  {} is up to date: nothing in it changed", image.display()));
    }
    ctx.say.line(next_commands(&image));
    Ok(())
}

fn next_commands(image: &Path) -> String {
    let compressed = image.with_extension("img.gz");
    let default = image == Path::new("out/dialbox-rpi1.img");
    let option = if default { String::new() } else { format!(" --image {}", image.display()) };
    format!(
        "next: cargo xtask test{option}    try it under QEMU\n      cargo xtask qemu{option}    boot it here\n      \
         or write {} onto a card (README.md)",
        compressed.display()
    )
}

/// Reads and validates a site, with errors that name its line.
pub fn read_site(ctx: &BuildContext, file: &Path) -> Result<(String, Site)> {
    let shown = ctx.short(file).to_string();
    let text = fs::read_to_string(file).attempt(|| format!("cannot read {shown}"))?;
    let site = Site::parse(&text).map_err(|error| Error::new(error.in_file(shown).to_string()))?;
    Ok((text, site))
}

/// Copies the files of a finished build to `out`, each under a temporary name first; the old
/// ones stay until the new ones are whole. `false`: they were there already.
fn publish(from: &Path, out: &Path) -> Result<bool> {
    let sums =
        fs::read_to_string(from.join("SHA256SUMS")).attempt(|| "the build left no SHA256SUMS".into())?;
    let names = || sums.lines().filter_map(|line| line.split_once("  "));
    let there = |(hash, name): (&str, &str)| digest_file(&out.join(name)).is_ok_and(|it| it == hash);
    let sums_there = fs::read_to_string(out.join("SHA256SUMS")).is_ok_and(|it| it == sums);
    if sums_there && names().all(there) {
        return Ok(false);
    }
    fs::create_dir_all(out).attempt(|| format!("cannot create {}", out.display()))?;
    let names: Vec<&str> = names().map(|(_, name)| name).chain(["SHA256SUMS"]).collect();
    let parts: Vec<Part> = names.iter().map(|name| Part::copy(from, out, name)).collect::<Result<_>>()?;
    parts.into_iter().try_for_each(Part::finish)?;
    Ok(true)
}

/// A file on its way into `out/`: removed again unless it is finished.
struct Part {
    part: PathBuf,
    whole: PathBuf,
}

impl Part {
    fn copy(from: &Path, out: &Path, name: &str) -> Result<Self> {
        let file = Self { part: out.join(format!(".{name}.part")), whole: out.join(name) };
        let copied =
            fs::copy(from.join(name), &file.part).and_then(|_| fs::File::open(&file.part)?.sync_all());
        copied.map_err(|error| {
            Error::new(format!("cannot write {}", file.whole.display()))
                .fact(error)
                .fact("what was there before is still there, whole")
                .next("make room or choose another directory with --out, then run the same command again")
        })?;
        Ok(file)
    }

    fn finish(self) -> Result<()> {
        fs::rename(&self.part, &self.whole).attempt(|| format!("cannot replace {}", self.whole.display()))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // After `finish` there is nothing left to remove.
        let _ = fs::remove_file(&self.part);
    }
}
