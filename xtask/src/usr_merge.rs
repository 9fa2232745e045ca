//! The two layouts of Debian's packages: up to Debian 12 some files are in `/bin`, `/sbin` and `/lib`, since Debian 13 all
//! of these are below `/usr` (Debian Policy 10.1, "merged /usr"). A recipe may name a file in either layout, whatever its
//! package has, and finds it on the box under the name in the recipe.

const MERGED: [&str; 4] = ["bin", "lib", "lib64", "sbin"];

/// The path in the other layout, if it has one: `/lib/x` and `/usr/lib/x`.
pub fn other(path: &str) -> Option<String> {
    let (below, is_merged) = match path.strip_prefix("/usr/") {
        Some(below) => (below, true),
        None => (path.strip_prefix('/')?, false),
    };
    MERGED.contains(&below.split('/').next()?).then(|| match is_merged {
        true => format!("/{below}"),
        false => format!("/usr/{below}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_other_name_where_the_layouts_differ() {
        for (old, merged) in [
            ("/lib/ld-linux.so.3", "/usr/lib/ld-linux.so.3"),
            ("/bin/busybox", "/usr/bin/busybox"),
            ("/sbin", "/usr/sbin"),
            ("/lib64/", "/usr/lib64/"),
        ] {
            assert_eq!(other(old).as_deref(), Some(merged));
            assert_eq!(other(merged).as_deref(), Some(old));
        }
        for path in ["/usr/share/x", "/etc/bin", "/library/x", "/usr/", "/", "lib/x"] {
            assert_eq!(other(path), None, "{path}");
        }
    }
}
