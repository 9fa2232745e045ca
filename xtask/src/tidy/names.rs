//! What no file may name: sources of packages and directories of one machine. Every clone must build without them.

use super::{Finding, Source};

/// Package registries: their domains, and the pages below them for people to read.
const REGISTRIES: [(&str, &[&str]); 5] = [
    (
        "debian.org",
        &["", "www", "bugs", "lists", "manpages", "packages", "salsa", "sources", "tracker", "wiki"],
    ),
    ("ubuntu.com", &["", "www"]),
    ("crates.io", &["", "www"]),
    ("npmjs.org", &["", "www"]),
    ("pythonhosted.org", &[""]),
];

/// No registry or mirror is named: it comes from `--mirror`, the environment or apt.
pub fn registries(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in source.lines() {
        let words = line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '-'));
        for host in words.filter(|word| is_registry(word)) {
            let what = format!("{host} is a registry's or a mirror's host");
            findings.push(source.finding(number, what, "leave it to --mirror, DIALBOX_MIRROR or apt"));
        }
    }
    findings
}

fn is_registry(word: &str) -> bool {
    let host = word.trim_matches(['.', '-']).to_ascii_lowercase();
    REGISTRIES.iter().any(|(domain, pages)| {
        let label = host.strip_suffix(domain).map(|it| it.strip_suffix('.').unwrap_or(it));
        // `mydebian.org` is not below `debian.org`.
        let below = host.len() == domain.len() || host.ends_with(&format!(".{domain}"));
        below && label.is_some_and(|label| !pages.contains(&label))
    })
}

/// No home directory is named.
pub fn homes(source: &Source) -> Vec<Finding> {
    let homes = ["/home/", "/Users/"];
    let lines = source.lines().filter(|(_, line)| homes.iter().any(|home| begins_a_path(line, home)));
    lines
        .map(|(number, _)| source.finding(number, "a home directory", "write ~ or a relative path"))
        .collect()
}

/// Whether this line has an absolute path that begins so and continues with a name.
fn begins_a_path(line: &str, start: &str) -> bool {
    line.match_indices(start).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + start.len()..].chars().next();
        let inside = before.is_some_and(|c| c.is_ascii_alphanumeric() || "._-~)}$/".contains(c));
        !inside && after.is_some_and(|c| c.is_ascii_alphanumeric())
    })
}

/// None of these directories of this machine is named.
pub fn this_machine(source: &Source, directories: &[String]) -> Vec<Finding> {
    let named = |line: &str| directories.iter().find(|it| line.contains(it.as_str()));
    let lines = source.lines().filter_map(|(number, line)| Some((number, named(line)?)));
    let finding = |(number, it): (usize, &String)| {
        source.finding(number, format!("{it} is a directory of this machine"), "write a relative path")
    };
    lines.map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors_are_found_and_documentation_pages_are_not() {
        // Host and domain apart, since this rule also checks this file.
        for (host, domain, found) in [
            ("http://deb.", "debian.org/debian", true),
            ("https://cdn-aws.deb.", "debian.org", true),
            ("http://FTP.de.", "Debian.org/", true),
            ("security.", "debian.org.", true),
            ("static.", "crates.io", true),
            ("https://www.", "debian.org/releases", false),
            ("https://lists.", "debian.org", false),
            ("", "crates.io", false),
            ("registry+https://example.com/rust-lang/", "crates.io-index", false),
            ("deb.my", "debian.org", false),
        ] {
            let text = format!("see {host}{domain} for more\n");
            let findings = registries(&Source { path: "a.md", text: &text });
            assert_eq!(findings.len(), usize::from(found), "{text}");
        }
    }

    #[test]
    fn home_directories_are_found_and_paths_of_the_box_are_not() {
        for (start, rest, found) in [
            ("cd /ho", "me/ann/dialbox", true),
            ("\"/Us", "ers/ann\"", true),
            ("cd /ho", "me/", false),
            ("http://example.com/ho", "me/index.html", false),
            ("$HOME/ho", "me/x", false),
            ("\"/ro", "ot\"", false),
        ] {
            let text = format!("{start}{rest}\n");
            let findings = homes(&Source { path: "a.md", text: &text });
            assert_eq!(findings.len(), usize::from(found), "{text}");
        }
    }

    #[test]
    fn the_directories_of_this_machine_are_found() {
        let machine = ["/srv/ann/dialbox".to_owned()];
        let text = "cd /srv/dialbox\ncd /srv/ann/dialbox/out\n";
        let findings = this_machine(&Source { path: "a.md", text }, &machine);
        assert_eq!(findings.iter().map(|it| it.line).collect::<Vec<_>>(), [2]);
    }
}
