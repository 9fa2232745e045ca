//! `cargo xtask flash`: the image onto a card, read back.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, IsTerminal},
    path::{Path, PathBuf},
};

use rustix::rand::{GetRandomFlags, getrandom};

use super::build_image;
use crate::{
    cli,
    context::BuildContext,
    error::{Context, Error, Result},
    flash::{
        check, confirm,
        disk::{Disk, Found, Machine},
        medium::{Card, ImageFile, Medium},
        probe, release,
        source::{self, Source},
        suitability::{self, Refusal, size_of_card},
        write,
    },
};

/// Without a device lists what can be written; with one, writes it.
pub fn run(args: &cli::Flash) -> Result<()> {
    let machine = Machine::default();
    let Some(target) = &args.device else {
        return list(&machine, &args.image);
    };
    let ctx = BuildContext::new(&args.sources);
    // A wrong device is an error before anything is built.
    let card = find_card(&machine, target, 0)?;
    let image = match &args.site {
        None => args.image.clone(),
        Some(site) => build(args, site)?,
    };
    let source = Source::load(&image)?;
    match card {
        Some(_) => {
            // Again: now the size of the image is known, and a card may have been changed meanwhile.
            let Some(disk) = find_card(&machine, target, source.size)? else { return Err(swapped(target)) };
            flash_card(&ctx, args, &machine, &disk, &image, &source)
        }
        None => flash_file(&ctx, args, target, &image, &source),
    }
}

fn build(args: &cli::Flash, site: &Path) -> Result<PathBuf> {
    let (site, sources) = (Some(site.to_owned()), args.sources.clone());
    build_image::run(&cli::BuildImage { site, out: "out".into(), explain: false, sources })?;
    Ok(args.image.clone())
}

/// The disk that may be written; `None` if the target is a regular file or does not exist.
fn find_card(machine: &Machine, target: &Path, image: u64) -> Result<Option<Disk>> {
    if !target.exists() && !target.starts_with("/dev") || target.is_file() {
        return Ok(None);
    }
    let refused = |why: String| {
        let refused = Error::new(format!("{} is not written", target.display())).fact(why);
        refused.hint("cargo xtask flash    lists the cards that can be written")
    };
    match machine.find(target).map_err(|error| refused(error.to_string()))? {
        Found::Partition { disk } => {
            Err(refused(format!("it is one partition; the card is {}", disk.display())))
        }
        Found::Other => Err(refused("it is neither a disk nor a file".to_owned())),
        Found::Disk(disk) => match suitability::judge(&disk, image) {
            Ok(()) => Ok(Some(disk)),
            Err(why) => Err(refused(why.to_string())),
        },
    }
}

fn list(machine: &Machine, image: &Path) -> Result<()> {
    let disks = machine.disks().context(|| "cannot read which disks there are".into())?;
    let size = image.metadata().map_or(0, |it| it.len());
    let judged = disks.iter().map(|disk| (disk, suitability::judge(disk, size)));
    let (good, refused): (Vec<_>, Vec<_>) = judged.partition(|(_, verdict)| verdict.is_ok());
    for (disk, _) in &good {
        println!("{}", describe(disk));
        for (node, at) in &disk.mounted {
            println!("  {} is mounted at {at}; it will be unmounted", node.display());
        }
    }
    for (disk, why) in refused.iter().filter_map(|(disk, verdict)| Some((disk, verdict.as_ref().err()?))) {
        if !matches!(why, Refusal::System(_) | Refusal::BuiltIn) {
            println!("{}  not written: {why}", describe(disk));
        }
    }
    match good.first() {
        Some((disk, _)) => println!("next: cargo xtask flash {}", disk.node.display()),
        None => {
            println!("no card that can be written: put one into a reader, then run the same command again")
        }
    }
    Ok(())
}

fn describe(disk: &Disk) -> String {
    format!("{:16} {:>9}  {:?}  {}", disk.node.display(), size_of_card(disk.size), disk.bus, disk.model)
}

fn flash_card(
    ctx: &BuildContext,
    args: &cli::Flash,
    machine: &Machine,
    disk: &Disk,
    image: &Path,
    source: &Source,
) -> Result<()> {
    if args.check {
        return check(ctx, &mut open(ctx, args, disk)?, image);
    }
    ctx.progress.line(describe(disk));
    for (node, at) in &disk.mounted {
        ctx.progress.line(format!("  {} is mounted at {at}; it will be unmounted", node.display()));
    }
    if args.dry_run {
        ctx.progress.line(format!("would write {} bytes of {}", source.mapped(), image.display()));
        return Ok(());
    }
    confirm(args, &confirm::expected(disk), |answer| confirm::is_right(disk, answer))?;
    release::unmount_all(disk)?;
    // The question took its time: it must still be the same card.
    let unmounted = Disk { mounted: Vec::new(), ..disk.clone() };
    match machine.find(&disk.node) {
        Ok(Found::Disk(now)) if now == unmounted => {}
        _ => return Err(swapped(&disk.node)),
    }
    let mut card = open(ctx, args, disk)?;
    let claimed = card.size();
    let nonce = nonce().context(|| "no random numbers".into())?;
    let probed = probe::first_false_byte(&mut card, source.size, nonce);
    if let Some(at) = probed.context(|| format!("cannot write to {}", disk.node.display()))? {
        return Err(Error::new(format!(
            "{} does not have the {claimed} bytes that it claims",
            disk.node.display()
        ))
        .fact(format!("it loses what is written at byte {at}"))
        .fact("nothing of the image was written; what the card held is damaged")
        .hint("use another card: this one is a fake or broken"));
    }
    write_and_tell(ctx, &mut card, source, image)?;
    drop(card);
    ctx.progress.line(format!("  {}", release::eject(disk)));
    Ok(())
}

fn flash_file(
    ctx: &BuildContext,
    args: &cli::Flash,
    target: &Path,
    image: &Path,
    source: &Source,
) -> Result<()> {
    let cannot = || format!("cannot open {}", target.display());
    let is_same =
        |a: &Path, b: &Path| a.canonicalize().ok().is_some_and(|a| b.canonicalize().ok() == Some(a));
    if is_same(target, image) {
        return Err(Error::new(format!("{} is the image itself", target.display()))
            .hint("name another file, or a card: cargo xtask flash    lists them"));
    }
    if args.check {
        let file = File::open(target).context(cannot)?;
        let length = file.metadata().context(cannot)?.len();
        if length < source.size {
            let short = format!("{} has {length} bytes, the image has {}", target.display(), source.size);
            return Err(Error::new(short).hint("name the card or file that this image was written to"));
        }
        let mut file = ImageFile::of(file, length);
        return check(ctx, &mut file, image);
    }
    if args.dry_run {
        ctx.progress.line(format!("would write {} bytes of {}", source.mapped(), image.display()));
        return Ok(());
    }
    if target.exists() {
        let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
        ctx.progress.line(format!("{} exists and will be overwritten", target.display()));
        confirm(args, &name, |answer| answer.trim() == name)?;
    }
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(target);
    let file = opened.and_then(|file| ImageFile::new(file, source.size)).context(cannot);
    let mut file = file.map_err(|it| it.hint("name a file in a directory that you can write to"))?;
    write_and_tell(ctx, &mut file, source, image)
}

fn write_and_tell(ctx: &BuildContext, medium: &mut dyn Medium, source: &Source, image: &Path) -> Result<()> {
    let written = write::write(medium, source, &ctx.progress)?;
    if written.rewritten > 0 {
        let what = format!(
            "  {} blocks were right only at another attempt: this card is wearing out",
            written.rewritten
        );
        ctx.progress.line(what);
    }
    ctx.progress.line(format!("  {} is on the card, read back and equal", image.display()));
    Ok(())
}

fn check(ctx: &BuildContext, card: &mut dyn Medium, image: &Path) -> Result<()> {
    let findings = check::check(card, &source::whole_image(image)?)?;
    for remark in findings.remarks {
        ctx.progress.line(format!("  {remark}"));
    }
    if findings.faults.is_empty() {
        ctx.progress.line(format!("  the card holds {}", image.display()));
        return Ok(());
    }
    let bad = Error::new(format!("the card is not as {} made it", image.display()));
    let bad = findings.faults.iter().fold(bad, Error::fact);
    Err(bad.hint("write it again; if that fails, use another card"))
}

fn open(ctx: &BuildContext, args: &cli::Flash, disk: &Disk) -> Result<Card> {
    Card::open(&disk.node, &disk.numbers).map_err(|error| {
        let kind = error.kind();
        let failed = Error::caused_by(format!("cannot open {}", disk.node.display()), error);
        match kind {
            io::ErrorKind::PermissionDenied => {
                failed.fact("disks belong to root and, on most systems, to the group `disk`").hint(format!(
                    "sudo {} flash --image {} {}",
                    ctx.program.display(),
                    args.image.display(),
                    disk.node.display()
                ))
            }
            io::ErrorKind::ResourceBusy => {
                failed.hint("another program uses it; close it, then run the same command again")
            }
            _ => failed,
        }
    })
}

/// Asks on the terminal; `--yes` answers.
fn confirm(args: &cli::Flash, expected: &str, is_right: impl Fn(&str) -> bool) -> Result<()> {
    if args.yes {
        return Ok(());
    }
    let not_confirmed =
        |why: &str| Error::new(why).fact("nothing was written").hint("--yes answers for scripts");
    if !io::stdin().is_terminal() {
        return Err(not_confirmed("there is no terminal to ask on"));
    }
    eprintln!("Everything on it will be lost. To write it, type: {expected}");
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).context(|| "cannot read the answer".into())?;
    match is_right(&answer) {
        true => Ok(()),
        false => Err(not_confirmed("that is not what was asked for")),
    }
}

fn swapped(node: &Path) -> Error {
    Error::new(format!("{} is not the card that it was a moment ago", node.display()))
        .fact("nothing was written")
        .hint("leave the card in the reader, then run the same command again")
}

fn nonce() -> io::Result<u64> {
    let mut bytes = [0; 8];
    getrandom(&mut bytes, GetRandomFlags::empty())?;
    Ok(u64::from_le_bytes(bytes))
}
