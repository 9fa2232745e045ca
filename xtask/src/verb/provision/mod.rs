//! `cargo xtask provision`: the cards of many boxes from one image.

mod by_card;

use std::{
    fs::File,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use by_card::{ByCard, Next};
use dialbox::site::closest;
use rustix::{
    fs::syncfs,
    rand::{GetRandomFlags, getrandom},
};
use serde_json::{Map, Value};

use crate::{
    cli,
    context::BuildContext,
    directory_lock,
    error::{Context, Error, Result},
    print::print,
    private,
    provision::{
        base::Base,
        changes::Changes,
        fleet::{Fleet, Member},
        output::{self, NewFile},
        secrets::Secrets,
        sheet::{self, Card},
        site::{self, Made, Unique},
    },
};

/// Errors that are shown in full; the others are counted.
const SHOWN: usize = 20;

/// Makes all cards that can be made.
pub fn run(args: &cli::Provision) -> Result<()> {
    let ctx = BuildContext::new(&cli::Sources::default());
    if let Some(reader) = &args.flash {
        by_card::check_reader(&ctx, args, reader)?;
    }
    let fleet = Fleet::load(&args.sites)?;
    fleet.refuse_unused()?;
    let chosen = choose(&fleet, &args.only)?;
    let base = Base::load(&args.image)?;
    // Holds the directory of the secrets, which may be that of the cards, and has let it go then.
    let secrets = prepare_secrets(&ctx, args, &fleet, &chosen)?;
    let claimed = if args.dry_run { None } else { Some(claim(&args.out)?) };
    let mut run = Run {
        ctx: &ctx,
        args,
        fleet: &fleet,
        base: &base,
        secrets: &secrets,
        unique: Unique::default(),
        failed: 0,
    };
    let mut writer = Writer::new(&ctx, args)?;
    let all = chosen.len();
    // A spinner would overwrite the questions.
    let phase = args.flash.is_none().then(|| ctx.progress.phase("provision"));
    for (done, (number, member)) in chosen.into_iter().enumerate() {
        if let Some(phase) = &phase {
            phase.now(format!("{done} of {all}: {}", member.name));
        }
        let Some((made, changes)) = run.site(number, member)? else { continue };
        if writer.card(&run, number, member, &made, &changes)? == Next::End {
            let ended = Error::new(format!("ended before the card of {}", member.name))
                .hint("run the same command again: it goes on with that card");
            if done == 0 {
                return Err(ended);
            }
            let part = writer.finish_part(&args.out)?;
            return Err(ended.fact(format!("{} has those before it", part.display())));
        }
    }
    writer.finish()?;
    if let Some(out) = &claimed {
        // A new name may be on the disk before the content, if the power is cut: what is told to be made is there.
        syncfs(out).context(|| format!("cannot write to {}", args.out.display()))?;
    }
    match phase {
        Some(phase) => phase.done(outcome(args, all - run.failed, secrets.made())),
        None => {
            ctx.progress.line(format!("  {} has the sheet and the list of the cards", args.out.display()))
        }
    }
    run.end(all)
}

fn outcome(args: &cli::Provision, cards: usize, secrets: usize) -> String {
    let made = match (args.dry_run, args.fat_only) {
        (true, _) => return format!("sites that are right: {cards}; nothing was written"),
        (false, true) => format!("cards in {}, their blocks: {cards}", args.out.display()),
        (false, false) => format!("cards in {}, whole images: {cards}", args.out.display()),
    };
    if secrets == 0 { made } else { format!("{made}, {secrets} new secrets") }
}

/// Creates the output directory, keeps other runs out of it until the guard is dropped, and removes what a run that was
/// killed has left there.
fn claim(out: &Path) -> Result<File> {
    private::create_dir(out).context(|| format!("cannot create {}", out.display()))?;
    let held = directory_lock::try_hold(out).map_err(|error| match error.kind() {
        ErrorKind::WouldBlock => Error::new(format!("{} is in use", out.display()))
            .fact("another run writes there")
            .hint("wait until it has finished, or give another directory with --out"),
        _ => Error::caused_by(format!("cannot write to {}", out.display()), error),
    })?;
    output::remove_unfinished(out).context(|| format!("cannot write to {}", out.display()))?;
    Ok(held)
}

/// Of a fleet's names, so many fit into an error.
const NAMES_SHOWN: usize = 10;

/// The boxes to make, each with its number.
fn choose<'a>(fleet: &'a Fleet, only: &[String]) -> Result<Vec<(usize, &'a Member)>> {
    let all = || (1..).zip(&fleet.boxes);
    for name in only {
        if !fleet.boxes.iter().any(|member| member.name == *name) {
            let meant = closest(name, fleet.boxes.iter().map(|member| member.name.as_str()));
            let meant = meant.map_or(String::new(), |meant| format!("; did you mean {meant}?"));
            let names = fleet.boxes.iter().map(|member| member.name.as_str());
            let known = names.clone().take(NAMES_SHOWN).collect::<Vec<_>>().join(", ");
            let more = if names.len() > NAMES_SHOWN { " and others" } else { "" };
            return Err(Error::new(format!("{} has no box {name}{meant}", fleet.file.display()))
                .hint(format!("name one of its {} boxes: {known}{more}", names.len())));
        }
    }
    Ok(all().filter(|(_, member)| only.is_empty() || only.contains(&member.name)).collect())
}

/// All secrets that are missing are made, and on the disk, before the first card has one of them.
fn prepare_secrets(
    ctx: &BuildContext,
    args: &cli::Provision,
    fleet: &Fleet,
    chosen: &[(usize, &Member)],
) -> Result<Secrets> {
    let file = args.secrets.clone().unwrap_or_else(|| secrets_of(&args.sites));
    // Another run that reads the file now would not keep the secrets that this one makes.
    let _alone = if args.dry_run { None } else { Some(hold_secrets(ctx, &file)?) };
    let mut secrets = Secrets::load(&file)?;
    for (_, member) in chosen {
        // What is wrong with a template is told with its site.
        let Ok(template) = fleet.template(member) else { continue };
        for hole in site::wanted_secrets(fleet, member, &template) {
            secrets.ensure(&member.name, &hole, &mut random)?;
        }
    }
    if !args.dry_run {
        secrets.save()?;
    }
    Ok(secrets)
}

fn hold_secrets(ctx: &BuildContext, file: &Path) -> Result<File> {
    // Where the file does not exist yet, or a link leads nowhere, what follows says so.
    let place = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let waiting = || ctx.progress.line(format!("  waiting for another run that uses {} …", file.display()));
    directory_lock::hold(private::directory_of(&place), waiting)
        .context(|| format!("cannot write {}", file.display()))
        .map_err(|error| error.fact("no card was made"))
}

/// `sites.secrets.toml`, or `secrets.toml` in a directory of sites.
fn secrets_of(sites: &Path) -> PathBuf {
    if sites.is_dir() { sites.join("secrets.toml") } else { sites.with_extension("secrets.toml") }
}

fn random(bytes: &mut [u8]) -> Result<()> {
    // A request of up to 256 bytes is never answered in part (getrandom(2)).
    getrandom(bytes, GetRandomFlags::empty()).context(|| "the kernel gives no random numbers".into())?;
    Ok(())
}

struct Run<'a> {
    ctx: &'a BuildContext,
    args: &'a cli::Provision,
    fleet: &'a Fleet,
    base: &'a Base,
    secrets: &'a Secrets,
    unique: Unique,
    failed: usize,
}

impl Run<'_> {
    /// A box's site and blocks; `None` if it is wrong, which is told.
    fn site(&mut self, number: usize, member: &Member) -> Result<Option<(Made, Changes)>> {
        let made = site::make(self.fleet, member, self.secrets).and_then(|made| {
            self.unique.enter(&member.name, &made.site, |name| self.fleet.place_of_box(name))?;
            let changes = self.base.with_site(&made.text).map_err(|error| {
                error.fact(format!("in the site of {} ({})", member.name, self.fleet.place(member)))
            })?;
            Ok((made, changes))
        });
        match made {
            Ok(made) => Ok(Some(made)),
            Err(error) => {
                self.failed += 1;
                if self.failed <= SHOWN {
                    self.ctx.progress.line(error.to_string());
                }
                let error = error.to_string();
                let what = error.lines().next().unwrap_or_default().trim_start_matches("error: ");
                self.tell(number, &member.name, [("error", what.into())])?;
                Ok(None)
            }
        }
    }

    /// A line of JSON for one box. It has no secret.
    fn tell<const N: usize>(&self, number: usize, name: &str, more: [(&str, Value); N]) -> Result<()> {
        if !self.args.json {
            return Ok(());
        }
        let members = [("number", number.into()), ("name", name.into())].into_iter().chain(more);
        let line: Map<String, Value> = members.map(|(key, value)| (key.to_owned(), value)).collect();
        let line = Value::Object(line);
        print(&format!("{line}\n"))
    }

    fn end(&self, all: usize) -> Result<()> {
        match self.failed {
            0 => Ok(()),
            failed => {
                let more = failed.saturating_sub(SHOWN);
                let error = Error::new(format!(
                    "{failed} of {all} sites are wrong; the other {} are right",
                    all - failed
                ));
                let error =
                    if more > 0 { error.fact(format!("{more} errors are not shown above")) } else { error };
                Err(error.hint("correct them, then run the same command again: secrets stay as they are"))
            }
        }
    }
}

/// The sheet of some of the boxes.
const PART_OF_THE_SHEET: &str = "sheet-part.html";

/// Where the cards go.
struct Writer<'a> {
    sheet: Option<(PathBuf, NewFile)>,
    reader: Option<ByCard<'a>>,
}

impl<'a> Writer<'a> {
    fn new(ctx: &'a BuildContext, args: &'a cli::Provision) -> Result<Self> {
        let reader = args.flash.as_ref().map(|reader| ByCard::new(ctx, args, reader)).transpose()?;
        if args.dry_run {
            return Ok(Self { sheet: None, reader });
        }
        // A part of the fleet must not replace the sheet of all.
        let file = args.out.join(if args.only.is_empty() { "sheet.html" } else { PART_OF_THE_SHEET });
        let sheet = NewFile::create(file.clone()).and_then(|mut sheet| {
            sheet.write_all(sheet::HEAD.as_bytes())?;
            Ok(sheet)
        });
        let sheet = sheet.map_err(|error| output::failed(&file, error))?;
        Ok(Self { sheet: Some((file, sheet)), reader })
    }

    fn card(
        &mut self,
        run: &Run<'_>,
        number: usize,
        member: &Member,
        made: &Made,
        changes: &Changes,
    ) -> Result<Next> {
        let (args, name) = (run.args, member.name.as_str());
        let file = match &mut self.sheet {
            None => String::new(),
            Some((path, sheet)) => {
                let write = if args.fat_only { output::write_blocks } else { output::write_image };
                let file = match &mut self.reader {
                    Some(reader) => match reader.card(name, &made.text, run.base, changes)? {
                        Next::Card => String::new(),
                        Next::End => return Ok(Next::End),
                    },
                    None => write(&args.out, name, run.base, changes)?,
                };
                let section = sheet::section(Card { number, name, file: &file, made }, run.secrets)?;
                sheet.write_all(section.as_bytes()).map_err(|error| output::failed(path, error))?;
                file
            }
        };
        run.tell(
            number,
            name,
            [
                ("file", Some(file).filter(|file| !file.is_empty()).into()),
                ("role", made.site.role.as_str().into()),
                ("blocks", changes.blocks.len().into()),
                ("public-key", sheet::public_key(&made.site).into()),
            ],
        )?;
        Ok(Next::Card)
    }

    /// The user has ended the run, and may install what there is; returns the sheet's name.
    fn finish_part(mut self, out: &Path) -> Result<PathBuf> {
        let part = out.join(PART_OF_THE_SHEET);
        if let Some((path, sheet)) = &mut self.sheet {
            path.clone_from(&part);
            sheet.finish_as(part.clone());
        }
        self.finish().map(|()| part)
    }

    fn finish(self) -> Result<()> {
        let Some((path, mut sheet)) = self.sheet else { return Ok(()) };
        let finished = sheet.write_all(sheet::TAIL.as_bytes()).and_then(|()| sheet.finish());
        finished.map_err(|error| output::failed(&path, error))?;
        Ok(())
    }
}
