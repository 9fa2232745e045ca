//! Every crate of the workspace uses the workspace's lints.

use super::{Finding, Source};

/// A `Cargo.toml` that has a package inherits `[workspace.lints]`.
pub fn lints(source: &Source) -> Vec<Finding> {
    let is_manifest = source.path == "Cargo.toml" || source.path.ends_with("/Cargo.toml");
    let has_package = source.text.lines().any(|it| it == "[package]");
    if !is_manifest || !has_package || inherits(source.text) {
        return Vec::new();
    }
    vec![source.finding(1, "the workspace's lints do not reach this crate", "add `[lints] workspace = true`")]
}

fn inherits(manifest: &str) -> bool {
    let table: Option<toml::Table> = toml::from_str(manifest).ok();
    let lints = table.as_ref().and_then(|it| it.get("lints")?.get("workspace")?.as_bool());
    lints == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_inherits_the_lints() {
        for (path, text, found) in [
            ("xtask/Cargo.toml", "[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n", false),
            ("Cargo.toml", "[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n", false),
            ("xtask/Cargo.toml", "[package]\nname = \"a\"\n", true),
            ("xtask/Cargo.toml", "[package]\nname = \"a\"\n\n[lints.rust]\nmissing_docs = \"warn\"\n", true),
            ("Cargo.toml", "[workspace]\nmembers = []\n", false),
            ("image/image.toml", "[package]\n", false),
        ] {
            assert_eq!(!lints(&Source { path, text }).is_empty(), found, "{path}: {text}");
        }
    }
}
