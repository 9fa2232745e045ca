//! Every compiled package has a licence that this project accepts.
//!
//! The licence of a package is an SPDX expression. Its syntax has four rules (`OR`, `AND`, `WITH`, parentheses), so it
//! is parsed here: the crate `spdx` would add a list of 700 licences, of which a dozen occur.

use super::{Finding, Source};

/// Licences of what is linked into the image: the image's owner passes them on with every copy.
const ON_THE_DEVICE: &[&str] = &["Apache-2.0", "MIT"];

/// Further licences for what is compiled for the builder and the tests. None requires more than a notice.
const ON_THE_HOST: &[&str] =
    &["0BSD", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CDLA-Permissive-2.0", "ISC", "Unicode-3.0", "Zlib"];

/// What `cargo tree` prints with [`Listing::FORMAT`], for the device and for all of the workspace.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// The packages that are linked into the programs of the image.
    pub device: String,
    /// The packages that are compiled on this machine, for tests too. Packages for other systems are not included: they
    /// are not compiled here, and cargo does not download them.
    pub host: String,
}

impl Listing {
    /// A package in a line: `name v1.2.3 (more)`, a tab, its licence.
    pub const FORMAT: &str = "{p}\t{l}";
}

/// Packages whose licence is not accepted where they are used.
pub fn refused(listing: &Listing, files: &[Source]) -> Vec<Finding> {
    let everywhere = [ON_THE_DEVICE, ON_THE_HOST].concat();
    let uses = [("on the device", &listing.device, ON_THE_DEVICE), ("", &listing.host, &everywhere)];
    let mut findings = Vec::new();
    for (place, text, accepted) in uses {
        for (name, version, licence) in text.lines().filter_map(package) {
            let what = match accepts(licence, accepted) {
                Ok(true) => continue,
                Ok(false) => format!("the licence of `{name}` {version}, {licence}, is not accepted {place}"),
                Err(Malformed) if licence.is_empty() => format!("`{name}` {version} names no licence"),
                Err(Malformed) => {
                    format!("the licence of `{name}` {version}, {licence}, is no SPDX expression")
                }
            };
            findings.push(finding(name, version, what.trim_end(), files));
        }
    }
    // What is on the device is compiled for the host, too.
    findings.sort();
    findings.dedup();
    findings
}

fn package(line: &str) -> Option<(&str, &str, &str)> {
    let (package, licence) = line.split_once('\t')?;
    let mut words = package.split(' ');
    // cargo marks a package that it has listed before.
    Some((words.next()?, words.next()?.strip_prefix('v')?, licence.trim_end_matches(" (*)")))
}

/// At the package's place in `Cargo.lock`.
fn finding(name: &str, version: &str, what: &str, files: &[Source]) -> Finding {
    let lock = files.iter().find(|it| it.path == "Cargo.lock").copied();
    let lock = lock.unwrap_or(Source { path: "Cargo.lock", text: "" });
    let (name, version) = (format!("name = \"{name}\""), format!("version = \"{version}\""));
    let lines: Vec<(usize, &str)> = lock.lines().collect();
    let here = lines.windows(2).find(|it| it[0].1 == name && it[1].1 == version);
    let next = "replace the package, or accept the licence in xtask/src/tidy/licences.rs after reading it";
    lock.finding(here.map_or(1, |it| it[0].0), what, next)
}

/// The expression is not SPDX.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Malformed;

/// Whether a package may be used under this expression if these licences are accepted. `AND` binds more strongly than
/// `OR` (SPDX 2.3, annex D.4). `/` is cargo's former `OR`.
fn accepts(expression: &str, accepted: &[&str]) -> Result<bool, Malformed> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = spaced.split_whitespace().peekable();
    let result = any(&mut words, accepted)?;
    if words.next().is_some() { Err(Malformed) } else { Ok(result) }
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any(words: &mut Words, accepted: &[&str]) -> Result<bool, Malformed> {
    let mut result = all(words, accepted)?;
    while words.next_if_eq(&"OR").is_some() {
        result |= all(words, accepted)?;
    }
    Ok(result)
}

fn all(words: &mut Words, accepted: &[&str]) -> Result<bool, Malformed> {
    let mut result = one(words, accepted)?;
    while words.next_if_eq(&"AND").is_some() {
        result &= one(words, accepted)?;
    }
    Ok(result)
}

fn one(words: &mut Words, accepted: &[&str]) -> Result<bool, Malformed> {
    let is_name = |it: &&str| !["(", ")", "OR", "AND", "WITH"].contains(it);
    if words.next_if_eq(&"(").is_some() {
        let result = any(words, accepted)?;
        return words.next_if_eq(&")").map(|_| result).ok_or(Malformed);
    }
    let licence = words.next_if(is_name).ok_or(Malformed)?;
    // An exception permits more than its licence, so it may be left aside.
    if words.next_if_eq(&"WITH").is_some() {
        words.next_if(is_name).ok_or(Malformed)?;
    }
    Ok(accepted.contains(&licence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_judged_as_spdx_defines_it() {
        for (expression, expected) in [
            ("MIT", Ok(true)),
            ("GPL-3.0-only", Ok(false)),
            ("MIT OR GPL-3.0-only", Ok(true)),
            ("GPL-3.0-only OR MIT", Ok(true)),
            ("MIT AND GPL-3.0-only", Ok(false)),
            ("MIT AND ISC", Ok(true)),
            ("MIT OR ISC AND GPL-3.0-only", Ok(true)),
            ("(MIT OR ISC) AND GPL-3.0-only", Ok(false)),
            ("(MIT OR GPL-3.0-only) AND ISC", Ok(true)),
            ("GPL-3.0-only WITH Classpath-exception-2.0", Ok(false)),
            ("MIT WITH LLVM-exception OR GPL-3.0-only", Ok(true)),
            ("MIT/GPL-3.0-only", Ok(true)),
            ("", Err(Malformed)),
            ("MIT OR", Err(Malformed)),
            ("MIT ISC", Err(Malformed)),
            ("(MIT", Err(Malformed)),
            ("MIT WITH", Err(Malformed)),
            ("AND MIT", Err(Malformed)),
        ] {
            assert_eq!(accepts(expression, &["MIT", "ISC"]), expected, "{expression:?}");
        }
    }

    #[test]
    fn a_package_whose_licence_is_not_accepted_is_found_in_the_lock() {
        let lock = "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"a\"\nversion = \"2.0.0\"\n";
        let files = [Source { path: "Cargo.lock", text: lock }];
        let found = |device: &str, host: &str| {
            let listing = Listing { device: device.to_owned(), host: host.to_owned() };
            let findings = refused(&listing, &files).into_iter();
            findings.map(|it| format!("{}: {}", it.line, it.what)).collect::<Vec<_>>()
        };
        let again = "a v2.0.0\tISC\n\na v2.0.0\tISC (*)\nb v1.0.0 (proc-macro)\tMIT\n";
        assert_eq!(found("", again), [""; 0]);
        assert_eq!(found(again, again), ["6: the licence of `a` 2.0.0, ISC, is not accepted on the device"]);
        assert_eq!(
            found("", "a v1.0.0\tSSPL-1.0\n"),
            ["2: the licence of `a` 1.0.0, SSPL-1.0, is not accepted"]
        );
        assert_eq!(found("", "a v2.0.0\t\n"), ["6: `a` 2.0.0 names no licence"]);
        assert_eq!(
            found("", "a v2.0.0\tMIT or so\n"),
            ["6: the licence of `a` 2.0.0, MIT or so, is no SPDX expression"]
        );
    }
}
