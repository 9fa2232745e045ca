//! The house rules that neither rustfmt nor clippy checks. A rule is a pure function from a file's name and text to its
//! faults.

mod callers;
mod claims;
mod crates;
mod dependencies;
mod docs;
mod edges;
mod figures;
mod imports;
mod licences;
mod names;
mod panics;
mod shape;
mod source;
mod tokens;
mod unfinished;

use std::fmt;

pub use imports::picture;
pub use licences::Listing;
pub use source::Source;

use crate::image::built::Built;

/// A violation of a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    path: String,
    line: usize,
    what: String,
    next: String,
}

/// `file:line: what is wrong; what to do about it`
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}; {}", self.path, self.line, self.what, self.next)
    }
}

/// The rules that judge a file without the others.
const RULES: [fn(&Source) -> Vec<Finding>; 11] = [
    crates::lints,
    docs::public_items,
    edges::clock_and_environment,
    names::homes,
    names::registries,
    panics::proofs,
    shape::final_newline,
    shape::length,
    shape::prose_width,
    shape::trailing_whitespace,
    unfinished::marks,
];

/// The inputs of the rules besides the tracked files.
#[derive(Debug, Default)]
pub struct Surroundings {
    /// Directories of this machine, which no file may name.
    pub machine: Vec<String>,
    /// The packages that are compiled, with their licences.
    pub packages: Listing,
    /// What the last build made, if there was one.
    pub built: Option<Built>,
}

/// All violations in these files, by file and line.
pub fn check(files: &[Source], around: &Surroundings) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        files.iter().flat_map(|file| RULES.iter().flat_map(|rule| rule(file))).collect();
    findings.extend(files.iter().flat_map(|file| names::this_machine(file, &around.machine)));
    findings.extend(callers::only_tests(files));
    findings.extend(claims::unclaimed(files));
    findings.extend(dependencies::unused(files));
    findings.extend(figures::wrong(files, around.built.as_ref()));
    findings.extend(imports::circles(files));
    findings.extend(licences::refused(&around.packages, files));
    findings.sort();
    findings
}
