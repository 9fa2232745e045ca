//! `cargo xtask flash`: the image onto a card, read back.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, IsTerminal},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rustix::rand::{GetRandomFlags, getrandom};

use super::build_image;
use crate::{
    cli,
    context::BuildContext,
    error::{Context, Error, Result},
    flash::{
        check::{self, Fault},
        confirm,
        disk::{Disk, Found, Machine},
        interrupt::{self, Unfinished},
        medium::{Card, ImageFile, Medium},
        own_hashes, probe,
        provisioned::Wrong,
        release,
        source::{self, Source},
        suitability::{self, Refusal, size_of_card},
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
    let card = find_card(&machine, target, 0)?;
    if args.own_hashes {
        return check_own_hashes(&ctx, args, target, card.as_ref());
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
    let job = Job { ctx: &ctx, args, name, source: &source, ejects: true };
    if args.check {
        let mut whole = source::whole_image(&image)?;
        for (at, block) in &changes.blocks {
            whole[*at as usize..][..block.len()].copy_from_slice(block);
        }
        return job.check(&machine, target, card.as_ref(), &whole);
    }
    job.write(&machine, target, card.as_ref())
}

fn check_own_hashes(ctx: &BuildContext, args: &cli::Flash, target: &Path, card: Option<&Disk>) -> Result<()> {
    let findings = match card {
        Some(disk) => own_hashes::check(&mut open(ctx, args, disk)?)?,
        None => {
            let cannot = || format!("cannot open {}", target.display());
            let file = File::open(target).context(cannot)?;
            let length = file.metadata().context(cannot)?.len();
            own_hashes::check(&mut ImageFile::of(file, length))?
        }
    };
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

/// The disk that may be written; `None` if the target is a regular file or does not exist.
pub fn find_card(machine: &Machine, target: &Path, image: u64) -> Result<Option<Disk>> {
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
    let mut text = String::new();
    for (disk, _) in &good {
        text += &format!("{}\n", describe(disk));
        for (node, at) in &disk.mounted {
            text += &format!("  {} is mounted at {at}; it will be unmounted\n", node.display());
        }
    }
    for (disk, why) in refused.iter().filter_map(|(disk, verdict)| Some((disk, verdict.as_ref().err()?))) {
        if !matches!(why, Refusal::System(_) | Refusal::BuiltIn) {
            text += &format!("{}  not written: {why}\n", describe(disk));
        }
    }
    text += &match good.first() {
        Some((disk, _)) => format!("next: cargo xtask flash {}\n", disk.node.display()),
        None => {
            "no card that can be written: put one into a reader, then run the same command again\n".into()
        }
    };
    print(&text)
}

fn describe(disk: &Disk) -> String {
    format!("{:16} {:>9}  {:?}  {}", disk.node.display(), size_of_card(disk.size), disk.bus, disk.model)
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
}

impl Job<'_> {
    /// Writes the image onto the card that was found there, or into a file.
    pub fn write(&self, machine: &Machine, target: &Path, card: Option<&Disk>) -> Result<()> {
        if card.is_none() {
            return self.write_file(target);
        }
        // Again: now the size of the image is known, and a card may have been changed meanwhile.
        let Some(disk) = find_card(machine, target, self.source.size)? else { return Err(swapped(target)) };
        self.write_card(machine, &disk)
    }

    fn write_card(&self, machine: &Machine, disk: &Disk) -> Result<()> {
        let Self { ctx, args, source, .. } = self;
        ctx.progress.line(describe(disk));
        for (node, at) in &disk.mounted {
            ctx.progress.line(format!("  {} is mounted at {at}; it will be unmounted", node.display()));
        }
        if args.dry_run {
            self.say_what_would_be_written();
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
        if target.exists() {
            let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
            ctx.progress.line(format!("{} exists and will be overwritten", target.display()));
            confirm(args, &name, |answer| answer.trim() == name)?;
        }
        // Of a new file, as of all with a site: only its owner can read it.
        let mut options = OpenOptions::new();
        let opened = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(target);
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

    fn check(&self, machine: &Machine, target: &Path, card: Option<&Disk>, image: &[u8]) -> Result<()> {
        if card.is_some() {
            let Some(disk) = find_card(machine, target, self.source.size)? else {
                return Err(swapped(target));
            };
            return self.compare(&mut open(self.ctx, self.args, &disk)?, image);
        }
        let cannot = || format!("cannot open {}", target.display());
        let file = File::open(target).context(cannot)?;
        let length = file.metadata().context(cannot)?.len();
        if length < self.source.size {
            let short =
                format!("{} has {length} bytes, the image has {}", target.display(), self.source.size);
            return Err(Error::new(short).hint("name the card or file that this image was written to"));
        }
        self.compare(&mut ImageFile::of(file, length), image)
    }

    fn compare(&self, card: &mut dyn Medium, image: &[u8]) -> Result<()> {
        let name = self.name.display();
        let findings = check::check(card, image)?;
        tell(
            self.ctx,
            findings,
            &format!("the card holds {name}"),
            &format!("the card is not as {name} made it"),
        )
    }
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
