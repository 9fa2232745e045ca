//! Figures in the docs that the code or a build determines.
//!
//! The docs stay plain text: [`table::FIGURES`] lists the words around a figure on its page, and the source of its
//! value. A figure that is not in the table is not checked. Words that are no longer on the page are reported.

mod table;

use serde::Deserialize;

use super::{Finding, Source};
use crate::image::built::Built;

/// A figure on a page, and its source.
struct Figure {
    /// The words around it. `{}` is the figure; `…` is anything within a cell of a table; line breaks are spaces.
    words: &'static str,
    /// The unit on the page, in units of the source: 60 where the page counts minutes and the code seconds.
    unit: f64,
    origin: Origin,
}

/// The source of a value.
enum Origin {
    /// A file of the project, with the text around the value, which the page must have exactly.
    Code(&'static str, &'static str),
    /// Bytes of the packages of this selection, rounded on the page.
    Downloads(Wanted),
    /// The last build, rounded on the page.
    Build(fn(&Built) -> u64),
}

/// A figure from a file of the project.
const fn code(words: &'static str, path: &'static str, around: &'static str) -> Figure {
    Figure { words, unit: 1.0, origin: Origin::Code(path, around) }
}

/// A figure from the package lock.
const fn downloads(words: &'static str, wanted: Wanted) -> Figure {
    Figure { words, unit: 1.0, origin: Origin::Downloads(wanted) }
}

/// A figure from a build.
const fn build(words: &'static str, of: fn(&Built) -> u64) -> Figure {
    Figure { words, unit: 1.0, origin: Origin::Build(of) }
}

impl Figure {
    /// Sets the unit of the page.
    const fn per(self, unit: f64) -> Self {
        Self { unit, ..self }
    }
}

/// A selection of the lock's packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// The packages for `build-image`: those of the image's recipes and the toolchain.
    Image,
    /// The packages that only the caller in the tests needs.
    CallerAlone,
}

/// Figures that differ from code, lock or last build. Without a build its figures are not checked.
pub fn wrong(files: &[Source], built: Option<&Built>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, figures) in table::FIGURES {
        match files.iter().find(|it| it.path == *path) {
            Some(page) => findings.extend(figures.iter().flat_map(|it| check(it, page, files, built))),
            None => {
                let nowhere = Source { path, text: "" };
                let next = "correct its name in xtask/src/tidy/figures/table.rs";
                findings.push(nowhere.finding(1, "there is no such page", next));
            }
        }
    }
    findings
}

fn check(figure: &Figure, page: &Source, files: &[Source], built: Option<&Built>) -> Vec<Finding> {
    let text = Flat::new(page);
    let said = text.find(figure.words);
    if said.is_empty() {
        let what = format!("the figure of \"{}\" is not on this page", figure.words);
        return vec![page.finding(1, what, "correct its words in xtask/src/tidy/figures/table.rs")];
    }
    let (value, is_rounded, from) = match figure.origin {
        Origin::Code(path, words) => match in_code(files, path, words) {
            Ok((line, value)) => (value, false, format!("{path}:{line}")),
            Err(finding) => return vec![finding],
        },
        Origin::Downloads(wanted) => (download(files, wanted), true, "image/packages.lock".to_owned()),
        Origin::Build(of) => match built {
            Some(built) => (of(built).to_string(), true, "the last build, out/".to_owned()),
            None => return Vec::new(),
        },
    };
    let wrong = said.into_iter().filter(|(_, it)| !agree(it, &value, figure.unit, is_rounded));
    let finding = |(line, said): (usize, &str)| {
        let right = right(said, &value, figure.unit, is_rounded).unwrap_or_else(|| value.clone());
        let what = format!("\"{}\" says {said}, but it is {right} ({from})", figure.words);
        let next = match figure.origin {
            Origin::Build(_) => "correct the page, or build the example's image again if out/ has another",
            _ => "correct the page",
        };
        page.finding(line, what, next)
    };
    wrong.map(finding).collect()
}

/// The value of a figure in the code, and its line.
fn in_code(files: &[Source], path: &str, words: &str) -> Result<(usize, String), Finding> {
    let nowhere = Source { path, text: "" };
    let file = files.iter().find(|it| it.path == path).unwrap_or(&nowhere);
    let flat = Flat::new(file);
    let found = flat.find(words);
    match found.as_slice() {
        [(line, value)] => Ok((*line, (*value).to_owned())),
        other => {
            let what =
                format!("\"{words}\", where the docs have a figure from, is there {} times", other.len());
            Err(file.finding(1, what, "correct it in xtask/src/tidy/figures/table.rs"))
        }
    }
}

/// Whether the page has this value. What is rounded may be rounded up or down at the edge: a build has the name of its
/// commit in it, so that its compressed size changes by some bytes with each.
fn agree(said: &str, value: &str, unit: f64, is_rounded: bool) -> bool {
    let edges = if is_rounded { [0.9995, 1.0, 1.0005].as_slice() } else { &[1.0] };
    edges.iter().any(|edge| {
        match (number(said), right(said, value, unit / edge, is_rounded).as_deref().and_then(number)) {
            (Some(said), Some(right)) => said.total_cmp(&right).is_eq(),
            _ => said == value,
        }
    })
}

/// The text for the page; if rounded, with the page's number of decimals.
fn right(said: &str, value: &str, unit: f64, is_rounded: bool) -> Option<String> {
    let value = number(value)? / unit;
    let decimals = said.split_once('.').map_or(0, |(_, it)| it.len());
    Some(if is_rounded {
        format!("{value:.decimals$}")
    } else {
        ((value * 1000.0).round() / 1000.0).to_string()
    })
}

/// The value in digits, or as a word.
fn number(text: &str) -> Option<f64> {
    const WORDS: [&str; 13] = [
        "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
        "twelve",
    ];
    let text = text.to_lowercase();
    if ["a", "an"].contains(&text.as_str()) {
        return Some(1.0);
    }
    let words = (0_u32..).zip(WORDS).find(|(_, word)| *word == text);
    words.map(|(number, _)| number.into()).or_else(|| text.replace('_', "").parse().ok())
}

/// The needed parts of `image/image.toml` and `image/packages.lock`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Lock {
    recipes: Vec<String>,
    package: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    size: u64,
    recipes: Vec<String>,
}

fn download(files: &[Source], wanted: Wanted) -> String {
    let read = |path: &str| -> Lock {
        let file = files.iter().find(|it| it.path == path);
        file.and_then(|it| toml::from_str(it.text).ok()).unwrap_or_default()
    };
    let image = read("image/image.toml").recipes;
    let is_wanted = |package: &&Package| match wanted {
        Wanted::Image => package.recipes.iter().any(|it| image.contains(it) || it == "toolchain"),
        Wanted::CallerAlone => package.recipes.iter().all(|it| it == "caller"),
    };
    let packages = read("image/packages.lock").package;
    packages.iter().filter(is_wanted).map(|it| it.size).sum::<u64>().to_string()
}

/// A text with its white space as single spaces.
struct Flat {
    text: String,
    /// The offset of each line in `text`.
    lines: Vec<usize>,
}

impl Flat {
    fn new(source: &Source) -> Self {
        let mut flat = Self { text: String::new(), lines: Vec::new() };
        for (_, line) in source.lines() {
            flat.lines.push(flat.text.len());
            for word in line.split_whitespace() {
                flat.text += word;
                flat.text.push(' ');
            }
        }
        flat
    }

    /// The text in the place of `{}` wherever these words are, with its line.
    fn find(&self, words: &str) -> Vec<(usize, &str)> {
        let (before, after) = words.split_once("{}").unwrap_or((words, ""));
        let start = before.split('…').next().unwrap_or_default();
        let places = self.text.match_indices(start);
        let figure = |(at, _): (usize, &str)| {
            let rest = strip(&self.text[at..], before)?;
            let is_part = |c: char| c.is_alphanumeric() || "._".contains(c);
            let at = self.text.len() - rest.len();
            if self.text[..at].ends_with(is_part) {
                return None;
            }
            let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            strip(&rest[end..], after).filter(|_| end > 0)?;
            Some((self.lines.partition_point(|line| *line <= at), &rest[..end]))
        };
        places.filter_map(figure).collect()
    }
}

/// What follows these words at the start of a text.
fn strip<'a>(text: &'a str, words: &str) -> Option<&'a str> {
    let mut pieces = words.split('…');
    let mut rest = text.strip_prefix(pieces.next()?)?;
    for piece in pieces {
        let at = rest.find(piece).filter(|at| !rest[..*at].contains('|'))?;
        rest = &rest[at + piece.len()..];
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUILT: Built =
        Built { image: 58_720_256, compressed: 11_583_107, program: 620_500, early_modules: 22 };

    fn found(figure: &Figure, files: &[(&str, &str)], built: Option<&Built>) -> Vec<String> {
        let files: Vec<Source> = files.iter().map(|(path, text)| Source { path, text }).collect();
        check(figure, &files[0], &files, built)
            .iter()
            .map(|it| format!("{}:{}: {}", it.path, it.line, it.what))
            .collect()
    }

    #[test]
    fn a_rounded_figure_at_the_edge_may_be_either() {
        for (said, bytes, agrees) in [
            ("11.5", "11549945", true),
            ("11.6", "11549945", true),
            ("11.6", "11550035", true),
            ("11.5", "11550035", true),
            ("11.6", "11540000", false),
            ("11.5", "11560000", false),
        ] {
            assert_eq!(agree(said, bytes, 1e6, true), agrees, "{said} {bytes}");
        }
        assert!(!agree("120", "120.05", 1.0, false));
    }

    #[test]
    fn a_figure_from_the_code_is_exact_on_the_page() {
        let code = "/// How long.\nconst LIMIT: Duration =\n    Duration::from_secs(120);\n";
        let origin = || Origin::Code("src/a.rs", "LIMIT: Duration = Duration::from_secs({})");
        for (words, unit, page, expected) in [
            ("after {} s", 1.0, "It ends\nafter 120\ns.\n", vec![]),
            ("after {} minutes", 60.0, "It ends after two minutes.\n", vec![]),
            ("after {} minutes", 60.0, "a after 2 minutes, b after two minutes\n", vec![]),
            (
                "after {} s",
                1.0,
                "It ends\nafter\n90 s.\n",
                vec!["a.md:3: \"after {} s\" says 90, but it is 120 (src/a.rs:3)"],
            ),
            (
                "after {} minutes",
                60.0,
                "after 2 minutes, after three minutes\n",
                vec!["a.md:1: \"after {} minutes\" says three, but it is 2 (src/a.rs:3)"],
            ),
            ("| rows | … | {} s |", 1.0, "| row |\n| rows | 1 to 90 s | 120 s |\n", vec![]),
            (
                "| rows | {} s |",
                1.0,
                "| rows | 1 s | 120 s |\n",
                vec!["a.md:1: \"| rows | {} s |\" says 1, but it is 120 (src/a.rs:3)"],
            ),
            ("after {} s", 1.0, "never\n", vec!["a.md:1: the figure of \"after {} s\" is not on this page"]),
        ] {
            let figure = Figure { words, unit, origin: origin() };
            assert_eq!(found(&figure, &[("a.md", page), ("src/a.rs", code)], None), expected, "{page}");
        }
        let figure = Figure { words: "after {} s", unit: 1.0, origin: origin() };
        let gone = "src/a.rs:1: \"LIMIT: Duration = Duration::from_secs({})\", where the docs have a figure from, is there 0 times";
        assert_eq!(found(&figure, &[("a.md", "after 120 s\n"), ("src/a.rs", "")], None), [gone]);
    }

    #[test]
    fn a_figure_from_a_build_has_the_pages_decimals_and_is_unchecked_without_a_build() {
        for (words, unit, page, of, is_right) in [
            ("{} MB", 1e6, "11.6 MB\n", (|it| it.compressed) as fn(&Built) -> u64, true),
            ("{} MB", 1e6, "11.58 MB\n", |it| it.compressed, true),
            ("{} MB", 1e6, "11.5 MB\n", |it| it.compressed, false),
            ("{} MB", 1e6, "12 MB\n", |it| it.compressed, true),
            ("{} modules", 1.0, "22 modules\n", |it| it.early_modules, true),
            ("{} modules", 1.0, "11 modules\n", |it| it.early_modules, false),
        ] {
            let figure = build(words, of).per(unit);
            assert_eq!(found(&figure, &[("a.md", page)], Some(&BUILT)).is_empty(), is_right, "{page}");
            assert_eq!(found(&figure, &[("a.md", page)], None), [""; 0], "{page}");
        }
    }

    #[test]
    fn download_sizes_come_from_the_lock() {
        let lock = "[[package]]\nsize = 1_400_000\nrecipes = [\"base\", \"caller\"]\n[[package]]\nsize = 500_000\n\
            recipes = [\"toolchain\"]\n[[package]]\nsize = 30_000\nrecipes = [\"caller\"]\n";
        let image = "recipes = [\"base\"]\n";
        for (page, wanted, is_right) in [
            ("1.9 MB\n", Wanted::Image, true),
            ("1.8 MB\n", Wanted::Image, false),
            ("0.03 MB\n", Wanted::CallerAlone, true),
        ] {
            let figure = downloads("{} MB", wanted).per(1e6);
            let files = [("a.md", page), ("image/image.toml", image), ("image/packages.lock", lock)];
            assert_eq!(found(&figure, &files, None).is_empty(), is_right, "{page}");
        }
    }
}
