//! `provision --flash`: one card after the other in one reader.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, BufRead, ErrorKind, Write},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use dialbox::card::provisioned::{self, Found};

use super::super::flash::{self, Job, as_root};
use crate::{
    cli,
    context::BuildContext,
    error::{Context, Error, Result},
    flash::{
        disk::Machine,
        interrupt,
        target::{Purpose, find_card},
    },
    provision::{base::Base, changes::Changes},
    task::digest,
    text_file,
};

/// Whether the run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// To the next card.
    Card,
    /// The user has ended it.
    End,
}

/// Fails if cards are never written there: before anything is made or asked.
pub fn check_reader(ctx: &BuildContext, args: &cli::Provision, reader: &Path) -> Result<()> {
    match find_card(&Machine::default(), reader, Purpose::Reader)? {
        Some(disk) => flash::may_write(&disk, &as_root(ctx, args, reader, "NAME")),
        None => Ok(()),
    }
}

/// What a user does who may not write cards. Run by root, all of `provision` would leave files that are root's.
fn as_root(ctx: &BuildContext, args: &cli::Provision, reader: &Path, name: &str) -> String {
    let blocks = Some(args.out.join(format!("{name}.blocks")));
    let one = as_root::command(&ctx.program, &cli::Flash { blocks, ..flash_args(args, reader) }, reader);
    format!("with --fat-only in the place of --flash, then for each card\n        {one}")
}

fn flash_args(args: &cli::Provision, reader: &Path) -> cli::Flash {
    cli::Flash {
        image: args.image.clone(),
        site: None,
        layer: Vec::new(),
        blocks: None,
        yes: args.yes,
        dry_run: false,
        check: false,
        own_hashes: false,
        device: Some(reader.to_owned()),
        sources: cli::Sources::default(),
    }
}

/// What is asked before each card, and what was written.
pub struct ByCard<'a> {
    ctx: &'a BuildContext,
    machine: Machine,
    args: &'a cli::Provision,
    reader: &'a Path,
    flash: cli::Flash,
    /// Cards that this run and earlier ones have written: name, and the hash of their blocks.
    written: BTreeMap<String, String>,
    log: PathBuf,
    /// The sites of the cards of this run, by their hashes: one of them may still be in the reader.
    of_this_run: BTreeMap<String, String>,
    again: bool,
}

impl<'a> ByCard<'a> {
    /// Reads what earlier runs have written.
    pub fn new(ctx: &'a BuildContext, args: &'a cli::Provision, reader: &'a Path) -> Result<Self> {
        let log = args.out.join("written.tsv");
        let text = match log.symlink_metadata() {
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            _ => text_file::read(&log, &log.display().to_string())?,
        };
        let line = |line: &str| line.split_once('\t').map(|(name, hash)| (name.to_owned(), hash.to_owned()));
        interrupt::tell().context(|| "cannot watch for Ctrl-C".into())?;
        let written = text.lines().filter_map(line).collect();
        let machine = Machine::default();
        Ok(Self {
            ctx,
            machine,
            args,
            reader,
            flash: flash_args(args, reader),
            written,
            log,
            of_this_run: BTreeMap::new(),
            again: args.again,
        })
    }

    /// Asks for the card of a box and writes it, until it is right or the user skips it.
    pub fn card(&mut self, name: &str, site: &str, base: &Base, changes: &Changes) -> Result<Next> {
        let hash = digest(&changes.encode(&base.id));
        if self.written.get(name) == Some(&hash) && !self.again {
            self.ctx.progress.line(format!("  {name}: written by an earlier run; --again writes it again"));
            return Ok(Next::Card);
        }
        // What `Base` makes is mapped.
        let source =
            base.source.with_blocks(&changes.blocks).ok_or_else(|| Error::new("the image has no room"))?;
        loop {
            let reader = self.reader.display();
            eprintln!("insert the card for {name} into {reader}, then press Enter (s skips it, q ends)");
            let mut answer = String::new();
            let length =
                io::stdin().lock().read_line(&mut answer).context(|| "cannot read the answer".into())?;
            match answer.trim() {
                _ if length == 0 => return Ok(Next::End),
                "q" => return Ok(Next::End),
                "s" => return Ok(Next::Card),
                "" => {}
                other => {
                    eprintln!("  {other:?} is none of these answers");
                    continue;
                }
            }
            if let Some(other) = self.card_of_this_run(base) {
                eprintln!("  this is still the card of {other}: take it out");
                continue;
            }
            let job = Job {
                ctx: self.ctx,
                args: &self.flash,
                name: Path::new(name),
                source: &source,
                ejects: false,
                as_root: as_root(self.ctx, self.args, self.reader, name),
            };
            let card = find_card(&self.machine, self.reader, Purpose::Write(source.size));
            match card.and_then(|card| job.write(&self.machine, self.reader, card.as_ref())) {
                Ok(()) => break,
                Err(error) => eprintln!("{error}"),
            }
        }
        // The reader is known now.
        self.flash.yes = true;
        self.of_this_run.insert(digest(site.as_bytes()), name.to_owned());
        self.note(name, hash)?;
        Ok(Next::Card)
    }

    /// The box whose card is in the reader, if this run has written it.
    fn card_of_this_run(&self, base: &Base) -> Option<&str> {
        let card = File::open(self.reader).ok()?;
        let copies = base.copies().map(|at| {
            let mut copy = vec![0; provisioned::COPY];
            card.read_exact_at(&mut copy, at).ok().map(|()| copy)
        });
        match provisioned::decode(copies.each_ref().map(Option::as_deref)) {
            Found::Site(site) => self.of_this_run.get(&digest(site.as_bytes())).map(String::as_str),
            Found::Nothing | Found::Damaged => None,
        }
    }

    fn note(&mut self, name: &str, hash: String) -> Result<()> {
        let cannot = || format!("cannot write {}", self.log.display());
        let mut log =
            OpenOptions::new().append(true).create(true).mode(0o600).open(&self.log).context(cannot)?;
        // A card that is not in the list after the power was cut is asked for again, as if it were not written.
        writeln!(log, "{name}\t{hash}").and_then(|()| log.sync_all()).context(cannot)?;
        self.written.insert(name.to_owned(), hash);
        Ok(())
    }
}
