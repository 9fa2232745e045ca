//! `cargo xtask flash`: the image onto a card, read back.

pub mod as_root;

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, IsTerminal},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{Access, access},
    rand::{GetRandomFlags, getrandom},
};

use super::build_image;
use crate::{
    cli,
    context::BuildContext,
    error::{Context, Error, Result},
    flash::{
        check::{self, Fault},
        confirm,
        disk::{Disk, Machine},
        interrupt::{self, Unfinished},
        listing::{describe, listing, mounted},
        medium::{Card, ImageFile, Medium},
        own_hashes, probe,
        provisioned::Wrong,
        release,
        source::{self, Source},
        target::{Purpose, Steps, claim, find_card, swapped},
        write,
    },
    input_file,
    print::print,
    provision::changes::Changes,
    task::digest,
};

/// Without a device lists what can be written; with one, writes it.
pub fn run(args: &cli::Flash) -> Result<()> {
    let machine = Machine::default();
    let Some(target) = &args.device else {
        return list(&machine, &args.image);
    };
    let ctx = BuildContext::new(&args.sources);
    // A wrong device is an error before anything is built.
    let card = find_card(&machine, target, if args.check { Purpose::Check } else { Purpose::Write(0) })?;
    let as_root = as_root::command(&ctx.program, args, target);
    if args.own_hashes {
        return check_own_hashes(&ctx, target, card.as_ref(), &as_root);
    }
    interrupt::tell().context(|| "cannot watch for Ctrl-C".into())?;
    let image = match &args.site {
        None => args.image.clone(),
        Some(site) => build(args, site)?,
    };
    let source = Source::load(&image)?;
    if !source.is_disk() {
        return Err(Error::new(format!("{} is no image of a card", image.display()))
            .fact("it has no partition table")
            .hint("name the .img or .img.gz that `cargo xtask build-image` has made"));
    }
    if source.partitions_end() > source.size {
        return Err(Error::new(format!("{} was cut short", image.display()))
            .fact(format!("its partitions end at {} bytes, it has {}", source.partitions_end(), source.size))
            .hint("copy it again, or build it again: cargo xtask build-image"));
    }
    let (source, changes) = match &args.blocks {
        None => (source, Changes::default()),
        Some(blocks) => {
            let changes = changes(blocks, &image)?;
            (source.with_blocks(&changes.blocks).ok_or_else(|| of_another(blocks, &image))?, changes)
        }
    };
    let name = args.blocks.as_ref().unwrap_or(&image);
    let job = Job { ctx: &ctx, args, name, source: &source, ejects: true, as_root };
    if args.check {
        let mut whole = source::whole_image(&image)?;
        for (at, block) in &changes.blocks {
            whole[*at as usize..][..block.len()].copy_from_slice(block);
        }
        return job.check(target, card.as_ref(), &whole);
    }
    job.write(&machine, target, card.as_ref())
}

fn check_own_hashes(ctx: &BuildContext, target: &Path, card: Option<&Disk>, as_root: &str) -> Result<()> {
    let findings = own_hashes::check(&mut *open_to_read(target, card, as_root)?)?;
    tell(ctx, findings, "the card is whole, by its own hashes", "the card is not as it was made")
}

fn tell(ctx: &BuildContext, findings: check::Findings, good: &str, bad: &str) -> Result<()> {
    for remark in findings.remarks {
        ctx.progress.line(format!("  {remark}"));
    }
    if findings.faults.is_empty() {
        ctx.progress.line(format!("  {good}"));
        return Ok(());
    }
    let is_other = |fault: &Fault| matches!(fault, Fault::Provisioned(Wrong::Other(..) | Wrong::Missing(_)));
    let bad = findings.faults.iter().fold(Error::new(bad), Error::fact);
    Err(bad.hint(match findings.faults.iter().all(is_other) {
        true => "it is a good card with another site: compare it with that box's image or blocks, or write it again",
        false => "write it again; if that fails, use another card",
    }))
}

/// The blocks of one card, if they were made from this image.
fn changes(blocks: &Path, image: &Path) -> Result<Changes> {
    let name = blocks.display();
    let file = input_file::read(blocks, &name.to_string())?;
    let (changes, base) = Changes::decode(&file).map_err(|why| {
        Error::new(format!("{name} does not hold the blocks of a card"))
            .fact(why)
            .hint("cargo xtask provision --fat-only    makes it again")
    })?;
    let map = source::bmap_of(image);
    let map = input_file::read(&map, &map.display().to_string())?;
    if digest(&map) == base { Ok(changes) } else { Err(of_another(blocks, image)) }
}

fn of_another(blocks: &Path, image: &Path) -> Error {
    Error::new(format!("{} was made from another image than {}", blocks.display(), image.display()))
        .hint("cargo xtask provision --fat-only    makes it again from this one")
}

fn build(args: &cli::Flash, site: &Path) -> Result<PathBuf> {
    let (site, sources) = (Some(site.to_owned()), args.sources.clone());
    build_image::run(&cli::BuildImage {
        site,
        out: "out".into(),
        imager_url: None,
        locked: false,
        explain: false,
        layers: cli::Layers { layer: args.layer.clone() },
        shared: cli::Shared::default(),
        supplies: cli::Supplies { bundle: None, sources },
    })?;
    Ok(args.image.clone())
}

fn list(machine: &Machine, image: &Path) -> Result<()> {
    let disks = machine.disks().context(|| "cannot read which disks there are".into())?;
    print(&listing(&disks, image.metadata().map_or(0, |it| it.len())))
}

/// An image and where it goes.
pub struct Job<'a> {
    /// Where messages go.
    pub ctx: &'a BuildContext,
    /// Whether to ask.
    pub args: &'a cli::Flash,
    /// What the messages call the image.
    pub name: &'a Path,
    /// What is written.
    pub source: &'a Source,
    /// Whether a USB reader is switched off at the end.
    pub ejects: bool,
    /// What a user does who may not write the card.
    pub as_root: String,
}

/// Fails, with what to do, if this user may not write the card.
pub fn may_write(disk: &Disk, as_root: &str) -> Result<()> {
    access(&disk.node, Access::READ_OK | Access::WRITE_OK)
        .map_err(|error| cannot_open(disk, error.into(), as_root))
}

impl Steps for Job<'_> {
    type Medium = Card;

    fn may_write(&self, disk: &Disk) -> Result<()> {
        may_write(disk, &self.as_root)
    }

    fn confirm(&self, disk: &Disk) -> Result<()> {
        confirm(self.args, &confirm::expected(disk), |answer| confirm::is_right(disk, answer))
    }

    fn unmount(&self, disk: &Disk) -> Result<()> {
        release::unmount_all(disk)
    }

    fn open(&self, disk: &Disk) -> Result<Card> {
        Card::open(&disk.node, &disk.numbers).map_err(|error| cannot_open(disk, error, &self.as_root))
    }
}

impl Job<'_> {
    /// Writes the image onto the card that was found there, or into a file.
    pub fn write(&self, machine: &Machine, target: &Path, card: Option<&Disk>) -> Result<()> {
        if card.is_none() {
            return self.write_file(target);
        }
        // Again: now the size of the image is known, and a card may have been changed meanwhile.
        let Some(disk) = find_card(machine, target, Purpose::Write(self.source.size))? else {
            return Err(swapped(target));
        };
        self.write_card(machine, &disk)
    }

    fn write_card(&self, machine: &Machine, disk: &Disk) -> Result<()> {
        let Self { ctx, args, source, .. } = self;
        ctx.progress.line(describe(disk));
        mounted(disk).for_each(|line| ctx.progress.line(line));
        if args.dry_run {
            self.say_what_would_be_written();
            return Ok(());
        }
        let mut card = claim(machine, self, disk)?;
        let unfinished = Unfinished::begin();
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
        self.write_and_tell(&mut card)?;
        drop((card, unfinished));
        if self.ejects {
            ctx.progress.line(format!("  {}", release::eject(disk)));
        }
        Ok(())
    }

    fn write_file(&self, target: &Path) -> Result<()> {
        let Self { ctx, args, source, .. } = self;
        let cannot = || format!("cannot open {}", target.display());
        let is_same =
            |a: &Path, b: &Path| a.canonicalize().ok().is_some_and(|a| b.canonicalize().ok() == Some(a));
        if is_same(target, &args.image) {
            return Err(Error::new(format!("{} is the image itself", target.display()))
                .hint("name another file, or a card: cargo xtask flash    lists them"));
        }
        if args.dry_run {
            self.say_what_would_be_written();
            return Ok(());
        }
        let is_new = !target.exists();
        if !is_new {
            let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
            ctx.progress.line(format!("{} exists and will be overwritten", target.display()));
            confirm(args, &name, |answer| answer.trim() == name)?;
        }
        // A file that somebody has made in between was not asked about. Of a new one, as of all with a site: only its owner
        // can read it.
        let mut options = OpenOptions::new();
        let opened = options.read(true).write(true).create_new(is_new).mode(0o600).open(target);
        let file = opened.and_then(|file| ImageFile::new(file, source.size)).context(cannot);
        let mut file = file.map_err(|it| it.hint("name a file in a directory that you can write to"))?;
        let _unfinished = Unfinished::begin();
        self.write_and_tell(&mut file)
    }

    fn say_what_would_be_written(&self) {
        let what = format!("would write {} bytes of {}", self.source.mapped(), self.name.display());
        self.ctx.progress.line(what);
    }

    fn write_and_tell(&self, medium: &mut dyn Medium) -> Result<()> {
        let written = write::write(medium, self.source, &self.ctx.progress)?;
        if written.rewritten > 0 {
            let what = format!(
                "  {} blocks were right only at another attempt: this card is wearing out",
                written.rewritten
            );
            self.ctx.progress.line(what);
        }
        self.ctx.progress.line(format!("  {} is on the card, read back and equal", self.name.display()));
        Ok(())
    }

    fn check(&self, target: &Path, card: Option<&Disk>, image: &[u8]) -> Result<()> {
        let mut medium = open_to_read(target, card, &self.as_root)?;
        if medium.size() < self.source.size {
            let (has, needs) = (medium.size(), self.source.size);
            return Err(Error::new(format!("{} has {has} bytes, the image has {needs}", target.display()))
                .hint("name the card or file that this image was written to"));
        }
        let name = self.name.display();
        let findings = check::check(&mut *medium, image)?;
        let bad = format!("the card is not as {name} made it");
        tell(self.ctx, findings, &format!("the card holds {name}"), &bad)
    }
}

fn open_to_read(target: &Path, card: Option<&Disk>, as_root: &str) -> Result<Box<dyn Medium>> {
    if let Some(disk) = card {
        let opened = Card::open_to_read(&disk.node, &disk.numbers);
        return Ok(Box::new(opened.map_err(|error| cannot_open(disk, error, as_root))?));
    }
    let cannot = || format!("cannot open {}", target.display());
    let file = File::open(target).context(cannot)?;
    let length = file.metadata().context(cannot)?.len();
    Ok(Box::new(ImageFile::of(file, length)))
}

fn cannot_open(disk: &Disk, error: io::Error, as_root: &str) -> Error {
    let kind = error.kind();
    let failed = Error::caused_by(format!("cannot open {}", disk.node.display()), error);
    match kind {
        io::ErrorKind::PermissionDenied => {
            failed.fact("disks belong to root and, on most systems, to the group `disk`").hint(as_root)
        }
        io::ErrorKind::ResourceBusy => {
            failed.hint("another program uses it; close it, then run the same command again")
        }
        _ => failed,
    }
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

fn nonce() -> io::Result<u64> {
    let mut bytes = [0; 8];
    getrandom(&mut bytes, GetRandomFlags::empty())?;
    Ok(u64::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests;
