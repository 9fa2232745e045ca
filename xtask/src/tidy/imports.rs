//! The modules of one directory must not import each other in a cycle.
//!
//! Two siblings in a cycle cannot be read, tested or moved separately. A module and its own parent may use each other:
//! that is how one module is spread over several files. Test code does not count.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use super::{
    Finding, Source,
    tokens::{Token, is_name, tokens},
};

/// The crates of the workspace, and where their modules lie.
const CRATES: [(&str, &str); 3] = [("dialbox", "src/"), ("xtask", "xtask/src/"), ("lab", "ci/lab/src/")];

/// The path of a module, crate first: `["dialbox", "site", "render"]`.
type ModulePath = Vec<String>;

/// A use of one sibling by another, with its file and line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Use {
    path: String,
    line: usize,
}

/// For each parent: child → sibling it uses → where.
type Siblings = BTreeMap<ModulePath, BTreeMap<String, BTreeMap<String, Use>>>;

/// Siblings that use each other in a cycle, one finding for each cycle.
pub fn circles(files: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (parent, uses) in siblings(files) {
        for circle in shortest_circles(&uses) {
            let steps = circle.iter().zip(circle.iter().cycle().skip(1));
            let steps: Vec<(&String, &String, &Use)> =
                steps.map(|(from, to)| (from, to, &uses[from][to])).collect();
            let (_, _, first) = steps[0];
            let reasons =
                steps.iter().map(|(from, to, at)| format!("{from} → {to} ({}:{})", at.path, at.line));
            let what = format!(
                "modules of `{}` use each other in a circle: {}",
                parent.join("::"),
                reasons.collect::<Vec<_>>().join(", ")
            );
            findings.push(Finding {
                path: first.path.clone(),
                line: first.line,
                what,
                next: "move what both need into a module below them".to_owned(),
            });
        }
    }
    findings
}

/// The imports as text: for each directory of modules, which siblings each of them uses, lowest first.
pub fn picture(files: &[Source]) -> String {
    let mut text = String::new();
    for (parent, uses) in siblings(files) {
        let _ = writeln!(text, "{}", parent.join("::"));
        for child in lowest_first(&uses) {
            let used: Vec<&str> = uses[&child].keys().map(String::as_str).collect();
            let _ = writeln!(
                text,
                "  {child:<14}{}{}",
                if used.is_empty() { "" } else { " → " },
                used.join(", ")
            );
        }
    }
    text
}

/// An order in which every module comes after those that it uses, as far as possible.
fn lowest_first(uses: &BTreeMap<String, BTreeMap<String, Use>>) -> Vec<String> {
    let mut order: Vec<String> = Vec::new();
    while order.len() < uses.len() {
        let open = uses.iter().filter(|(child, _)| !order.contains(child));
        let waits_for = |used: &BTreeMap<String, Use>| used.keys().filter(|it| !order.contains(it)).count();
        let Some((next, _)) = open.min_by_key(|(_, used)| waits_for(used)) else { break };
        order.push(next.clone());
    }
    order
}

fn siblings(files: &[Source]) -> Siblings {
    let modules: BTreeMap<ModulePath, &Source> =
        files.iter().filter(|it| !it.is_test()).filter_map(|it| Some((module_path(it.path)?, it))).collect();
    let exports = modules.iter().map(|(path, source)| (path.clone(), reexports(source))).collect();
    let known = Known { modules: &modules, exports };
    let mut siblings = Siblings::new();
    for module in modules.keys().filter(|it| it.len() > 1) {
        let (child, parent) = (module[module.len() - 1].clone(), module[..module.len() - 1].to_vec());
        siblings.entry(parent).or_default().entry(child).or_default();
    }
    for (module, source) in &modules {
        for (line, path) in uses(source) {
            let Some(used) = known.resolve(module, &path) else { continue };
            let shared = module.iter().zip(&used).take_while(|(a, b)| a == b).count();
            let (Some(from), Some(to)) = (module.get(shared), used.get(shared)) else { continue };
            let at = Use { path: source.path.to_owned(), line };
            let from =
                siblings.entry(module[..shared].to_vec()).or_default().entry(from.clone()).or_default();
            from.entry(to.clone()).or_insert(at);
        }
    }
    siblings
}

/// `src/site/mod.rs` → `dialbox::site`; programs of `src/bin` use the library and have no users.
fn module_path(path: &str) -> Option<ModulePath> {
    let (name, inside) =
        CRATES.iter().find_map(|(name, directory)| Some((*name, path.strip_prefix(directory)?)))?;
    let inside = inside.strip_suffix(".rs").filter(|it| !it.starts_with("bin/"))?;
    let inside = inside.strip_suffix("/mod").unwrap_or(inside);
    let segments = inside.split('/').filter(|it| !["lib", "main"].contains(it));
    Some(std::iter::once(name).chain(segments).map(str::to_owned).collect())
}

struct Known<'a> {
    modules: &'a BTreeMap<ModulePath, &'a Source<'a>>,
    /// For each module: the names that it re-exports, with the paths below it where they are defined.
    exports: BTreeMap<ModulePath, BTreeMap<String, ModulePath>>,
}

impl Known<'_> {
    /// The module that a path leads to, seen from `module`; a re-exported name counts where it is defined.
    fn resolve(&self, module: &ModulePath, path: &[String]) -> Option<ModulePath> {
        let mut at = module.clone();
        for segment in path {
            match segment.as_str() {
                "crate" => at.truncate(1),
                "super" => drop(at.pop()),
                "self" => {}
                name => {
                    let child = [at.as_slice(), &[name.to_owned()]].concat();
                    if self.modules.contains_key(&child) {
                        at = child;
                        continue;
                    }
                    let exported = self.exports.get(&at).and_then(|it| it.get(name));
                    return Some(match exported {
                        Some(below) => self.resolve(&at, below)?,
                        None => at,
                    });
                }
            }
        }
        Some(at)
    }
}

/// What `pub use child::Name;` re-exports.
fn reexports(source: &Source) -> BTreeMap<String, ModulePath> {
    let tokens = tokens(source.product_lines());
    let mut exports = BTreeMap::new();
    for (index, token) in tokens.iter().enumerate() {
        if token.1 != "use" || index == 0 || !["pub", ")"].contains(&tokens[index - 1].1) {
            continue;
        }
        for path in use_tree(&tokens, &mut (index + 1), &[]) {
            if let Some(name) = path.last().cloned().filter(|_| path[0] != "crate" && path.len() > 1) {
                exports.insert(name, path);
            }
        }
    }
    exports
}

/// Every path that begins with `crate` or `super`, in a `use` or elsewhere, with its line.
fn uses(source: &Source) -> Vec<(usize, ModulePath)> {
    let tokens = tokens(source.product_lines());
    let mut found = Vec::new();
    let mut index = 0;
    while index < tokens.len() {
        let (line, token) = tokens[index];
        let is_first = index == 0 || tokens[index - 1].1 != "::";
        if is_first && ["crate", "super"].contains(&token) {
            found.extend(use_tree(&tokens, &mut index, &[]).into_iter().map(|path| (line, path)));
        } else {
            index += 1;
        }
    }
    found
}

/// The paths of `a::{b, c::d}`.
fn use_tree(tokens: &[Token], index: &mut usize, before: &[String]) -> Vec<ModulePath> {
    let mut path = before.to_vec();
    while let Some((_, token)) = tokens.get(*index) {
        match *token {
            "{" => {
                *index += 1;
                let mut paths = Vec::new();
                while tokens.get(*index).is_some_and(|it| it.1 != "}") {
                    match tokens[*index].1 {
                        "," => *index += 1,
                        _ => paths.extend(use_tree(tokens, index, &path)),
                    }
                }
                *index += 1;
                return paths;
            }
            name if is_name(name) => path.push(name.to_owned()),
            // `*`, or the end of the path.
            _ => {
                *index += 1;
                break;
            }
        }
        *index += 1;
        match tokens.get(*index) {
            Some((_, "::")) => *index += 1,
            Some((_, "as")) => {
                *index += 2;
                break;
            }
            _ => break,
        }
    }
    vec![path]
}

/// Cycles without common modules, each as short as its first module allows.
fn shortest_circles(uses: &BTreeMap<String, BTreeMap<String, Use>>) -> Vec<Vec<String>> {
    let mut seen = BTreeSet::new();
    let mut circles = Vec::new();
    for start in uses.keys() {
        if seen.contains(start) {
            continue;
        }
        if let Some(circle) = circle_through(start, uses) {
            seen.extend(circle.iter().cloned());
            circles.push(circle);
        }
    }
    circles
}

/// Breadth-first search back to the start.
fn circle_through(start: &str, uses: &BTreeMap<String, BTreeMap<String, Use>>) -> Option<Vec<String>> {
    let mut ways = vec![vec![start.to_owned()]];
    let mut visited = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            for next in uses.get(way.last()?).into_iter().flat_map(BTreeMap::keys) {
                if next == start {
                    return Some(way);
                }
                if visited.insert(next.clone()) {
                    longer.push([way.as_slice(), std::slice::from_ref(next)].concat());
                }
            }
        }
        ways = longer;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<Source> = files.iter().map(|(path, text)| Source { path, text }).collect();
        circles(&files).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn cycles_of_siblings_are_found_with_their_lines() {
        let found = found(&[
            ("src/lib.rs", "mod a;\nmod b;\n"),
            ("src/a/mod.rs", "mod c;\n"),
            ("src/a/c.rs", "//! Of a.\nuse crate::{b::B, other::It};\n"),
            ("src/b.rs", "fn b() {\n    crate::a::start();\n}\n"),
        ]);
        assert_eq!(
            found,
            ["src/a/c.rs:2: modules of `dialbox` use each other in a circle: a → b (src/a/c.rs:2), \
              b → a (src/b.rs:2); move what both need into a module below them"]
        );
    }

    #[test]
    fn a_re_exported_name_counts_where_it_is_defined() {
        let through_the_parent = [
            ("src/a/mod.rs", "mod b;\nmod c;\npub use c::{C, D};\n"),
            ("src/a/b.rs", "use super::{C, Parents};\n"),
            ("src/a/c.rs", "use super::b::B;\n"),
        ];
        assert_eq!(found(&through_the_parent).len(), 1);
    }

    #[test]
    fn parents_tests_programs_and_other_crates_form_no_cycle() {
        let files = [
            ("src/a/mod.rs", "mod b;\nuse b::B;\n"),
            ("src/a/b.rs", "use super::A;\n#[cfg(test)]\nmod tests {\n    use crate::c::C;\n}\n"),
            ("src/c.rs", "use crate::a::A;\n"),
            ("src/a/tests.rs", "use crate::c::C;\n"),
            ("src/bin/p.rs", "use crate::c::C;\n"),
            ("xtask/src/a.rs", "// use crate::c::C;\nuse dialbox::c::C;\n"),
            ("xtask/src/c.rs", "use crate::a::A;\n"),
        ];
        assert_eq!(found(&files), [""; 0]);
    }

    #[test]
    fn the_listing_begins_with_modules_without_imports() {
        let files = [("src/a.rs", "use crate::z::Z;\n"), ("src/z.rs", "")];
        let files = files.map(|(path, text)| Source { path, text });
        assert_eq!(picture(&files), "dialbox\n  z             \n  a              → z\n");
    }
}
