//! A dependency that no source file names is compiled in vain.
//!
//! Like cargo-machete, this follows the text, not the compiler: `name::` at the start of a path, `use name` and `extern
//! crate name` are uses. In one respect it is stricter: a dependency that only tests name belongs to
//! `[dev-dependencies]`. An unused dependency with the name of a module is not found.

use super::{
    Finding, Source,
    tokens::{Token, is_name, tokens},
};

/// The tables of a manifest, and which code each of them is for.
const TABLES: [(&str, Code); 3] = [
    ("dependencies", Code::Product),
    ("dev-dependencies", Code::Tests),
    ("build-dependencies", Code::BuildScript),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Code {
    Product,
    Tests,
    BuildScript,
}

/// A crate, as seen in the files.
struct Crate<'a> {
    manifest: &'a Source<'a>,
    table: toml::Table,
    /// All of its Rust.
    sources: Vec<&'a Source<'a>>,
}

/// Dependencies that the code of their table does not name, and dependencies of the workspace that no crate inherits.
pub fn unused(files: &[Source]) -> Vec<Finding> {
    let crates = crates(files);
    let mut findings: Vec<Finding> = crates.iter().flat_map(Crate::unnamed).collect();
    for workspace in &crates {
        findings.extend(workspace.not_inherited(&crates));
    }
    findings
}

/// A file belongs to the crate whose manifest is the nearest above it.
fn crates<'a>(files: &'a [Source]) -> Vec<Crate<'a>> {
    let manifests: Vec<&Source> = files.iter().filter(|it| directory(it).is_some()).collect();
    let owner = |file: &Source| {
        let above = manifests.iter().filter_map(|it| directory(it)).filter(|it| file.path.starts_with(it));
        above.max_by_key(|it| it.len())
    };
    let with_sources = |manifest: &&'a Source| {
        let own = |file: &&Source| file.is_rust() && owner(file) == directory(manifest);
        let sources = files.iter().filter(own).collect();
        // cargo has already refused a manifest that is not TOML.
        Some(Crate { manifest, table: toml::from_str(manifest.text).ok()?, sources })
    };
    manifests.iter().filter_map(with_sources).collect()
}

/// The directory of a manifest, with a `/` at its end.
fn directory<'a>(manifest: &Source<'a>) -> Option<&'a str> {
    manifest.path.strip_suffix("Cargo.toml").filter(|it| it.is_empty() || it.ends_with('/'))
}

impl Crate<'_> {
    fn unnamed(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (table, code) in TABLES {
            let tokens = self.tokens(code);
            for dependency in self.dependencies(table).filter(|it| !names(&tokens, it)) {
                let line = line_of(self.manifest.text, table, &dependency);
                let (what, next) = match code {
                    Code::Product if names(&self.tokens(Code::Tests), &dependency) => (
                        format!("only tests name `{dependency}`"),
                        "move it to [dev-dependencies]".to_owned(),
                    ),
                    _ => (
                        format!("no {} names `{dependency}`", code.as_str()),
                        format!("remove it from [{table}]"),
                    ),
                };
                findings.push(self.manifest.finding(line, what, next));
            }
        }
        findings
    }

    /// The keys of this table, also where it is for one platform alone: the names in the code.
    fn dependencies(&self, table: &str) -> impl Iterator<Item = String> {
        let platforms = self.table.get("target").and_then(toml::Value::as_table);
        let platforms = platforms.into_iter().flat_map(toml::Table::values).filter_map(toml::Value::as_table);
        let tables = std::iter::once(&self.table).chain(platforms);
        let tables = tables.filter_map(move |it| it.get(table)?.as_table());
        tables.flat_map(toml::Table::keys).cloned()
    }

    fn tokens(&self, code: Code) -> Vec<Token<'_>> {
        let lines = self.sources.iter().flat_map(|source| {
            let is_build_script = source.path.rsplit('/').next() == Some("build.rs");
            match code {
                Code::BuildScript if is_build_script => source.product_lines(),
                Code::Product if !is_build_script => source.product_lines(),
                Code::Tests => source.test_lines(),
                _ => Vec::new(),
            }
        });
        tokens(lines)
    }

    fn not_inherited(&self, crates: &[Crate]) -> Vec<Finding> {
        let workspace = self.table.get("workspace").and_then(toml::Value::as_table);
        let offered = workspace.and_then(|it| it.get("dependencies")?.as_table());
        let inherits = |it: &Crate, name: &str| {
            TABLES.iter().any(|(table, _)| it.dependencies(table).any(|dependency| dependency == name))
        };
        let names = offered.into_iter().flat_map(toml::Table::keys);
        let unused = names.filter(|name| !crates.iter().any(|it| inherits(it, name)));
        let finding = |name: &String| {
            let line = line_of(self.manifest.text, "workspace.dependencies", name);
            let what = format!("no crate of the workspace inherits `{name}`");
            self.manifest.finding(line, what, "remove it from [workspace.dependencies]")
        };
        unused.map(finding).collect()
    }
}

impl Code {
    fn as_str(self) -> &'static str {
        match self {
            Self::Product => "source file",
            Self::Tests => "test",
            Self::BuildScript => "build script",
        }
    }
}

/// Whether a path begins with this crate. The code writes `_` where the manifest has `-`.
fn names(tokens: &[Token], dependency: &str) -> bool {
    let name = dependency.replace('-', "_");
    let token = |at: usize| tokens.get(at).map_or("", |it| it.1);
    (0..tokens.len()).filter(|at| token(*at) == name).any(|at| {
        let before = at.checked_sub(1).map_or("", token);
        let is_inside = before == "::" && at.checked_sub(2).map(token).is_some_and(is_name);
        !is_inside && (token(at + 1) == "::" || ["use", "crate"].contains(&before))
    })
}

/// The line of a key: in its table, or that of `[table.key]`; 1 if it is written in another way.
fn line_of(manifest: &str, table: &str, key: &str) -> usize {
    let mut header = "";
    for (number, line) in (1..).zip(manifest.lines()) {
        if let Some(name) = line.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            header = name;
        }
        let is_here = header.ends_with(table) && line.split([' ', '=', '.']).next() == Some(key);
        if is_here || header.ends_with(&format!("{table}.{key}")) {
            return number;
        }
    }
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<Source> = files.iter().map(|(path, text)| Source { path, text }).collect();
        unused(&files).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_dependency_is_named_by_the_code_of_its_table() {
        let in_tests = "#[cfg(test)]\nmod tests {\n    use it::A;\n}\n";
        for (table, path, text, expected) in [
            ("dependencies", "src/lib.rs", "use it::A;\n", ""),
            ("dependencies", "src/lib.rs", "fn a() -> it::A {}\n", ""),
            ("dependencies", "src/lib.rs", "fn a() -> ::it::A {}\n", ""),
            ("dependencies", "src/lib.rs", "use it as other;\n", ""),
            ("dependencies", "src/bin/a.rs", "extern crate it;\n", ""),
            ("target.'cfg(unix)'.dependencies", "src/lib.rs", "use it::A;\n", ""),
            ("dev-dependencies", "src/lib.rs", in_tests, ""),
            ("dev-dependencies", "tests/a.rs", "use it::A;\n", ""),
            ("build-dependencies", "build.rs", "it::build();\n", ""),
            ("dependencies", "src/lib.rs", "", "no source file names `it`; remove it from [dependencies]"),
            (
                "dependencies",
                "src/lib.rs",
                "// it::A\n",
                "no source file names `it`; remove it from [dependencies]",
            ),
            (
                "dependencies",
                "src/lib.rs",
                "use a::it::B;\n",
                "no source file names `it`; remove it from [dependencies]",
            ),
            ("dependencies", "src/lib.rs", in_tests, "only tests name `it`; move it to [dev-dependencies]"),
            (
                "dependencies",
                "tests/a.rs",
                "use it::A;\n",
                "only tests name `it`; move it to [dev-dependencies]",
            ),
            (
                "dependencies",
                "build.rs",
                "use it::A;\n",
                "no source file names `it`; remove it from [dependencies]",
            ),
            (
                "dev-dependencies",
                "src/lib.rs",
                "use it::A;\n",
                "no test names `it`; remove it from [dev-dependencies]",
            ),
            (
                "build-dependencies",
                "src/lib.rs",
                "use it::A;\n",
                "no build script names `it`; remove it from [build-dependencies]",
            ),
        ] {
            let manifest = format!("[package]\nname = \"a\"\n\n[{table}]\nit = \"1\"\n");
            let expected = Some(expected).filter(|it| !it.is_empty()).map(|it| format!("Cargo.toml:5: {it}"));
            assert_eq!(
                found(&[("Cargo.toml", &manifest), (path, text)]),
                expected.into_iter().collect::<Vec<_>>(),
                "[{table}] {path}: {text}"
            );
        }
    }

    #[test]
    fn a_renamed_dependency_is_checked_by_its_name_in_the_code() {
        let manifest = "[package]\n[dependencies]\nsix-ten = { package = \"base-16\", version = \"1\" }\n";
        assert_eq!(found(&[("Cargo.toml", manifest), ("src/lib.rs", "use six_ten::A;\n")]), [""; 0]);
        assert_eq!(found(&[("Cargo.toml", manifest), ("src/lib.rs", "use base_16::A;\n")]).len(), 1);
    }

    #[test]
    fn the_code_of_another_crate_does_not_count() {
        let outer = "[package]\n[dependencies.it]\nversion = \"1\"\n";
        let inner = "[package]\n[dependencies]\nit = \"1\"\n";
        let files = [
            ("Cargo.toml", outer),
            ("a/Cargo.toml", inner),
            ("src/lib.rs", ""),
            ("a/src/lib.rs", "use it::A;\n"),
        ];
        assert_eq!(found(&files), ["Cargo.toml:2: no source file names `it`; remove it from [dependencies]"]);
    }

    #[test]
    fn a_dependency_of_the_workspace_is_inherited() {
        let root = "[workspace]\nmembers = [\"a\"]\n[workspace.dependencies]\nit = \"1\"\nno = \"1\"\n";
        let member = "[package]\n[dev-dependencies]\nit.workspace = true\n";
        let files = [("Cargo.toml", root), ("a/Cargo.toml", member), ("a/tests/a.rs", "use it::A;\n")];
        assert_eq!(
            found(&files),
            [
                "Cargo.toml:5: no crate of the workspace inherits `no`; remove it from [workspace.dependencies]"
            ]
        );
    }
}
