//! What a package depends on or provides (Debian Policy 7.1).

/// The names in `Depends`, `Pre-Depends` or `Provides`: for each relation its alternatives, in
/// order. Versions are left out: within one suite the archive keeps them satisfied.
pub fn parse(field: &str) -> Vec<Vec<&str>> {
    let relations = field.split(',').map(|relation| relation.split('|').filter_map(name).collect());
    relations.filter(|it: &Vec<&str>| !it.is_empty()).collect()
}

/// `libfoo1:any (>= 2)` → `libfoo1`
fn name(alternative: &str) -> Option<&str> {
    let end = |it: char| it.is_whitespace() || matches!(it, '(' | '[' | ':' | '<');
    alternative.trim().split(end).next().filter(|it| !it.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_without_versions_and_qualifiers() {
        let field = "libc6 (>= 2.34), libgcc-s1(>= 3.5), perl:any, default-mta | mail-transport-agent,\n init (<< 3) ,";
        let names: [&[&str]; 5] =
            [&["libc6"], &["libgcc-s1"], &["perl"], &["default-mta", "mail-transport-agent"], &["init"]];
        assert_eq!(parse(field), names);
        assert!(parse("").is_empty());
    }
}
