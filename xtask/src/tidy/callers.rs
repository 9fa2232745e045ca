//! Code that only tests call proves nothing about the product.
//!
//! rustc finds private items without callers, but assumes that a library's public items have users. This rule follows
//! names over all crates: it finds an item whose name occurs in tests alone, but not one that shares its name with
//! another in use. Names in macros and format strings count; methods of traits are not public items.

use std::collections::BTreeMap;

use super::{
    Finding, Source,
    tokens::{Token, is_name, tokens},
};

/// Directories of the crates' own code. The fuzz targets are tests.
const CRATES: [&str; 4] = ["src/", "xtask/src/", "xtask/inrelease/src/", LAB];

/// The lab exists for tests. Its users are its verbs, and the tests that run the device's programs.
const LAB: &str = "ci/lab/src/";
const USERS_OF_LAB: &str = "ci/lab/tests/";

/// A public item.
struct Item<'a> {
    source: &'a Source<'a>,
    line: usize,
    name: &'a str,
    kind: &'a str,
    /// In an `impl` or an inner module: it is used by a path or with a dot.
    is_inner: bool,
}

/// How many times a name occurs in code that is not for tests, declarations excluded.
#[derive(Debug, Default, Clone, Copy)]
struct Uses {
    all: usize,
    /// As `a.name(` or `a::name`.
    inner: usize,
}

/// Public functions, types and constants that no product code names.
pub fn only_tests(files: &[Source]) -> Vec<Finding> {
    let product = files.iter().filter(|file| CRATES.iter().any(|it| file.path.starts_with(it)));
    let product: Vec<(&Source, Vec<Token>)> =
        product.map(|file| (file, tokens(file.product_lines()))).collect();
    let mut uses: BTreeMap<&str, Uses> = BTreeMap::new();
    for (_, tokens) in &product {
        count_uses(tokens, &mut uses);
    }
    let mut uses_of_lab = uses.clone();
    for file in files.iter().filter(|it| it.path.starts_with(USERS_OF_LAB)) {
        count_uses(&tokens(file.lines()), &mut uses_of_lab);
    }
    let items = product.iter().flat_map(|(source, tokens)| items(source, tokens));
    let unused = items.filter(|item| {
        let uses = if item.source.path.starts_with(LAB) { &uses_of_lab } else { &uses };
        let uses = uses.get(item.name).copied().unwrap_or_default();
        if item.is_inner { uses.inner == 0 } else { uses.all == 0 }
    });
    let finding = |item: Item| {
        let what = format!("nothing but tests names the {} `{}`", item.kind, item.name);
        item.source.finding(item.line, what, "remove it, or put it below `#[cfg(test)]` if tests need it")
    };
    unused.map(finding).collect()
}

const KINDS: [&str; 7] = ["fn", "const", "static", "struct", "enum", "trait", "type"];

fn items<'a>(source: &'a Source<'a>, tokens: &[Token<'a>]) -> Vec<Item<'a>> {
    let mut items = Vec::new();
    for (at, (line, token)) in tokens.iter().enumerate() {
        if *token != "pub" {
            continue;
        }
        let mut rest = tokens[at + 1..].iter().map(|it| it.1).peekable();
        if rest.next_if_eq(&"(").is_some() {
            rest.by_ref().find(|it| *it == ")");
        }
        let mut kind = "";
        while let Some(next) = rest.next_if(|it| KINDS.contains(it) || ["async", "unsafe"].contains(it)) {
            kind = next;
        }
        if let Some(name) = rest.next().filter(|it| KINDS.contains(&kind) && is_name(it)) {
            let text = source.text.lines().nth(line - 1).unwrap_or_default();
            items.push(Item { source, line: *line, name, kind, is_inner: text.starts_with(' ') });
        }
    }
    items
}

fn count_uses<'a>(tokens: &[Token<'a>], uses: &mut BTreeMap<&'a str, Uses>) {
    let token = |at: Option<usize>| at.and_then(|at| tokens.get(at)).map_or("", |it| it.1);
    let mut is_reexport = false;
    for (at, (_, name)) in tokens.iter().enumerate() {
        let before = token(at.checked_sub(1));
        match *name {
            "use" => is_reexport = ["pub", ")"].contains(&before),
            ";" => is_reexport = false,
            // `impl Name` and `impl Trait for Name` belong to the declaration.
            name if is_name(name)
                && !is_reexport
                && !KINDS.contains(&before)
                && !["impl", "for"].contains(&before) =>
            {
                let entry = uses.entry(name).or_default();
                entry.all += 1;
                let after = token(Some(at + 1));
                entry.inner += usize::from(before == "::" || before == "." && ["(", "::"].contains(&after));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<Source> = files.iter().map(|(path, text)| Source { path, text }).collect();
        only_tests(&files).iter().map(|it| format!("{}:{}: {}", it.path, it.line, it.what)).collect()
    }

    #[test]
    fn an_item_has_a_use_outside_tests() {
        for (item, user, expected) in [
            ("pub fn it() {}\n", "it();\n", true),
            ("pub fn it() {}\n", "use a::it;\n", true),
            ("pub fn it() {}\n", "numbers.map(it);\n", true),
            ("pub(crate) const fn it() {}\n", "a!(it());\n", true),
            ("pub const IT: u8 = 1;\n", "println!(\"{IT} of them\");\n", true),
            ("pub struct It;\n", "fn a(it: &It) {}\n", true),
            ("pub fn it() {}\n", "", false),
            ("pub fn it() {}\n", "pub use a::it;\n", false),
            ("pub fn it() {}\n", "pub(super) use a::{b, it};\n", false),
            ("pub fn it() {}\n", "// it();\n", false),
            ("pub fn it() {}\n", "\"it()\";\n", false),
            ("pub fn it() {}\n", "mod b {\n    fn it() {}\n}\n", false),
            ("pub fn it() {}\n", "#[cfg(test)]\nmod tests {\n    it();\n}\n", false),
            ("pub(crate) async fn it() {}\n", "", false),
            ("pub static IT: u8 = 1;\n", "", false),
            ("pub enum It {}\n", "impl It {}\nimpl Clone for It {}\n", false),
        ] {
            let found = found(&[("src/a.rs", item), ("src/bin/b.rs", user)]);
            assert_eq!(found.is_empty(), expected, "{item}{user}{found:?}");
        }
    }

    #[test]
    fn a_method_is_called_with_a_dot_or_by_a_path() {
        for (user, expected) in [
            ("a.it();\n", true),
            ("a\n    .it::<u8>();\n", true),
            ("A::it(a);\n", true),
            ("all.map(A::it);\n", true),
            ("let it = 1;\nb(it);\n", false),
            ("a.it = 1;\n", false),
            ("it();\n", false),
        ] {
            let found = found(&[("src/a.rs", "impl A {\n    pub fn it(&self) {}\n}\n"), ("src/b.rs", user)]);
            assert_eq!(found.is_empty(), expected, "{user}{found:?}");
        }
    }

    #[test]
    fn crate_private_items_trait_methods_and_test_code_are_ignored() {
        let quiet = "fn a() {}\ntrait B {\n    fn c();\n}\nimpl B for u8 {\n    fn c() {}\n}\n\
            #[cfg(test)]\nimpl D {\n    pub fn e() {}\n}\n";
        assert_eq!(found(&[("src/a.rs", quiet), ("tests/a.rs", "pub fn f() {}\n")]), [""; 0]);
    }

    #[test]
    fn tests_of_the_device_count_as_uses_of_the_lab_and_fuzz_targets_as_none() {
        let item = "pub fn it() {}\n";
        for (path, user, expected) in [
            ("ci/lab/src/a.rs", "ci/lab/tests/services/main.rs", true),
            ("ci/lab/src/a.rs", "xtask/src/a.rs", true),
            ("ci/lab/src/a.rs", "ci/lab/src/tests.rs", false),
            ("src/a.rs", "ci/lab/src/a.rs", true),
            ("src/a.rs", "ci/lab/tests/services/main.rs", false),
            ("src/a.rs", "fuzz/fuzz_targets/a.rs", false),
        ] {
            let found = found(&[(path, item), (user, "it();\n")]);
            let one = format!("{path}:1: nothing but tests names the fn `it`");
            assert_eq!(found, if expected { vec![] } else { vec![one] }, "{user}");
        }
    }
}
