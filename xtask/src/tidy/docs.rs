//! Public items have documentation. rustc's `missing_docs` covers libraries only: it takes the modules of a program for
//! private.

use super::{Finding, Source};

const ITEMS: [&str; 9] = ["async", "const", "enum", "fn", "static", "struct", "trait", "type", "unsafe"];

/// Every `pub` item has a doc comment. A module has it in its own file, and a field of a raw file's mirror in the
/// file's reference.
pub fn public_items(source: &Source) -> Vec<Finding> {
    let lines = source.product_lines();
    let mut findings = Vec::new();
    for (at, (number, line)) in lines.iter().enumerate() {
        let Some(item) = line.trim_start().strip_prefix("pub ") else { continue };
        if !ITEMS.iter().any(|it| item.split(' ').next() == Some(it)) {
            continue;
        }
        let above: Vec<&str> = lines[..at].iter().map(|(_, line)| line.trim()).collect();
        if !is_documented(&above) {
            let name = item.split(['(', '<', '{', ':', ';', '=']).next().unwrap_or(item).trim();
            let what = format!("`pub {name}` has no doc comment");
            findings.push(source.finding(*number, what, "say above it what it is, with units and errors"));
        }
    }
    findings
}

/// Whether these lines end with a doc comment, or with one and some attributes.
fn is_documented(above: &[&str]) -> bool {
    let mut lines = above.iter().rev();
    while let Some(line) = lines.next() {
        if line.starts_with("///") || line.starts_with("#[doc") || line.starts_with("$(#[") {
            return true;
        }
        if !line.ends_with(']') {
            return false;
        }
        // An attribute, perhaps of several lines.
        if !line.starts_with("#[") && !lines.any(|it| it.starts_with("#[")) {
            return false;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_items_are_documented() {
        for (text, found) in [
            ("/// A thing.\npub struct A;\n", false),
            ("pub struct A;\n", true),
            ("/// A thing.\n#[derive(Debug)]\npub struct A;\n", false),
            ("/// A thing.\n#[command(\n    name = \"a\",\n)]\npub struct A;\n", false),
            ("#[derive(Debug)]\npub struct A;\n", true),
            ("/// A thing.\nstruct A;\npub fn b() {}\n", true),
            ("    pub const fn a() {}\n", true),
            ("    pub count: usize,\n", false),
            ("pub use a::B;\npub mod c;\n", false),
            ("pub(super) fn a() {}\n", false),
            ("#[cfg(test)]\nmod tests {\n    pub fn a() {}\n}\n", false),
        ] {
            let findings = public_items(&Source { path: "src/a.rs", text });
            assert_eq!(!findings.is_empty(), found, "{text}");
        }
    }
}
