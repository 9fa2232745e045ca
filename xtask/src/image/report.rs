//! The size of the root by recipe, as a tab-separated table.

use std::{collections::BTreeMap, fmt::Write as _};

use super::tree::Tree;
use crate::manifest::Recipe;

/// One line per recipe: number of files, bytes before compression, purpose.
pub fn recipes(tree: &Tree, recipes: &[Recipe]) -> String {
    let mut sums: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (_, node, content) in tree.files() {
        let sum = sums.entry(node.origin.recipe()).or_default();
        *sum = (sum.0 + 1, sum.1 + content.len());
    }
    let summary = |name: &str| {
        recipes.iter().find(|it| it.name == name).map_or("site.toml, rendered", |it| &it.summary)
    };
    let mut table = String::from("recipe\tfiles\tbytes\tsummary\n");
    for (recipe, (files, bytes)) in sums {
        let _ = writeln!(table, "{recipe}\t{files}\t{bytes}\t{}", summary(recipe));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::tree::{Node, Origin, Source};

    #[test]
    fn every_byte_is_counted_for_its_recipe() {
        let mut tree = Tree::default();
        for (path, recipe, size) in [("/bin/a", "base", 3), ("/bin/b", "base", 4), ("/etc/TZ", "site", 5)] {
            let origin = Origin::new(recipe, Source::Builder);
            tree.add(path, Node::file(vec![0; size], 0o644, &origin)).unwrap();
        }
        let base = Recipe { name: "base".into(), summary: "the base".into(), ..Recipe::default() };
        insta::assert_snapshot!(recipes(&tree, &[base]), @r"
        recipe	files	bytes	summary
        base	2	7	the base
        site	1	5	site.toml, rendered
        ");
    }
}
