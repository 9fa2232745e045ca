//! `cargo xtask diff A B`: what differs between two images, and why.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::ExitCode,
};

use serde_json::json;

use crate::{
    cli,
    error::{Context, Result},
    image::{imager, summed::SUMS},
    inspect::{
        change::How,
        difference::{Cause, ComponentChange, Difference, FileChange, Unexplained},
        html::size,
        subject::Subject,
    },
    parallel,
    print::{print, tell},
    task::{digest, files_below},
    text_file,
};

/// See the command line's help. 0: equal, 1: different, 2: an error.
pub fn run(args: &cli::Diff) -> ExitCode {
    match compare(args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            tell(&error.to_string());
            ExitCode::from(2)
        }
    }
}

fn compare(args: &cli::Diff) -> Result<bool> {
    let (one, other) = parallel::join(|| Subject::read(&args.one), || Subject::read(&args.other));
    let (one, other) = (one?, other?);
    let mut difference = Difference::new(&one, &other);
    let mut beside = Vec::new();
    if args.one.is_dir() && args.other.is_dir() {
        for (name, why) in files_beside(&args.one, &args.other)? {
            match why {
                Ok(()) => beside.push(name),
                Err(why) => difference.unexplained.push(Unexplained {
                    at: 0,
                    bytes: 0,
                    why: format!("{name}: {why}"),
                }),
            }
        }
    }
    let is_equal = difference.is_equal() && beside.is_empty() && difference.unexplained.is_empty();
    if args.json {
        let value = json!({ "equal": is_equal, "image": difference, "beside": beside });
        print(&format!("{value:#}\n"))?;
    } else {
        let names = (args.one.display().to_string(), args.other.display().to_string());
        print(&text(&names, is_equal, &difference, &beside))?;
    }
    Ok(is_equal)
}

/// The files of two directories that differ, other than the images; the error says why nothing explains it: each must be
/// what `SHA256SUMS` beside it says, as the builder describes each image by files that follow from it.
fn files_beside(one: &Path, other: &Path) -> Result<Vec<(String, Result<(), String>)>> {
    let (one, other) = (hashes(one)?, hashes(other)?);
    let names: BTreeSet<&String> = one.0.keys().chain(other.0.keys()).collect();
    let differs = |name: &&&String| one.0.get(**name) != other.0.get(**name) && !name.ends_with(".img");
    let judge = |name: &String| {
        if name == SUMS {
            return Ok(());
        }
        for (hashes, sums) in [&one, &other] {
            match (hashes.get(name), sums.get(name)) {
                (Some(hash), Some(sum)) if hash != sum => {
                    return Err("it is not what SHA256SUMS says".to_owned());
                }
                (Some(_), None) => return Err("SHA256SUMS does not name it".to_owned()),
                _ => {}
            }
        }
        Ok(())
    };
    Ok(names.iter().filter(differs).map(|name| ((*name).clone(), judge(name))).collect())
}

/// The hashes of all files of a directory by name, and those of its `SHA256SUMS`.
type Hashes = (BTreeMap<String, String>, BTreeMap<String, String>);

fn hashes(directory: &Path) -> Result<Hashes> {
    let mut hashes = BTreeMap::new();
    for file in files_below(directory)? {
        let name = file.strip_prefix(directory).unwrap_or(&file).display().to_string();
        // The images were compared, and large ones take long; Imager's manifest names its own place.
        if !name.ends_with(".img") && !name.ends_with(imager::SUFFIX) {
            let bytes = fs::read(&file).context(|| format!("cannot read {}", file.display()))?;
            hashes.insert(name, digest(&bytes));
        }
    }
    let sums = text_file::read(&directory.join(SUMS), SUMS).unwrap_or_default();
    let line = |line: &str| line.split_once("  ").map(|(hash, name)| (name.to_owned(), hash.to_owned()));
    Ok((hashes, sums.lines().filter_map(line).collect()))
}

fn text(names: &(String, String), is_equal: bool, difference: &Difference, beside: &[String]) -> String {
    if is_equal {
        return format!("{} and {} are equal\n", names.0, names.1);
    }
    let Difference { sizes, bytes, layout, components, site, files, causes, unexplained } = difference;
    let mut text =
        format!("{} and {} differ in {bytes} of {} bytes\n", names.0, names.1, sizes.0.max(sizes.1));
    let mut section = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            text += &format!("\n{title}\n");
            lines.iter().for_each(|line| text += &format!("  {line}\n"));
        }
    };
    section("partition table", layout.clone());
    let version = |it: &Option<String>| it.clone().unwrap_or_else(|| "not there".into());
    let changed = |it: &ComponentChange| format!("{}: {} -> {}", it.name, version(&it.from), version(&it.to));
    section("packages", components.iter().map(changed).collect());
    section("site", site.iter().map(|it| format!("{} {}", it.key, word(it.how))).collect());
    section("files", files.iter().map(file).collect());
    section("files beside the images, which follow from them", beside.to_vec());
    let cause = |it: &Cause| format!("{:>10} {}: {}", it.bytes, it.part, it.why);
    section("bytes that differ, and why", causes.iter().map(cause).collect());
    let strange: u64 = unexplained.iter().map(|it| it.bytes).sum();
    let mut lines: Vec<String> =
        unexplained.iter().map(|it| format!("{:>10} at byte {}: {}", it.bytes, it.at, it.why)).collect();
    lines.insert(0, format!("{strange} bytes"));
    section("not explained", lines);
    text
}

fn word(how: How) -> &'static str {
    match how {
        How::Added => "added",
        How::Removed => "removed",
        How::Changed => "changed",
    }
}

fn file(change: &FileChange) -> String {
    let bytes = match change.bytes {
        (Some(one), Some(other)) if one != other => format!(", {} -> {}", size(one), size(other)),
        (Some(only), None) | (None, Some(only)) => format!(", {}", size(only)),
        _ => String::new(),
    };
    let origin = change.origin.as_ref().map_or_else(String::new, |it| format!(" ({it})"));
    let becomes = |what: &str, it: &Option<(String, String)>| {
        it.as_ref().map_or_else(String::new, |(one, other)| format!(", {what} {one} -> {other}"))
    };
    let (mode, owner) = (becomes("mode", &change.mode), becomes("owner", &change.owner));
    format!("{:8}{}{origin}{bytes}{mode}{owner}", word(change.how), change.name)
}
