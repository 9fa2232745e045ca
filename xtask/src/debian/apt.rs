//! The machine's own apt sources (sources.list(5)), in both formats, as far as they name archives with plain HTTP.

use crate::debian::control;

/// The mirrors of apt's configuration.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// Base addresses in the order in which apt reads them, each once.
    pub mirrors: Vec<String>,
    /// Addresses that cannot be used, each with the reason.
    pub skipped: Vec<(String, &'static str)>,
}

impl Sources {
    /// Reads a `.list` file: one source a line.
    pub fn add_list(&mut self, text: &str) {
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default().trim();
            let Some(rest) = line.strip_prefix("deb").filter(|it| it.starts_with([' ', '\t', '['])) else {
                continue;
            };
            let rest = rest.trim_start();
            let after_options = match rest.strip_prefix('[') {
                Some(options) => options.split_once(']').map_or("", |(_, rest)| rest),
                None => rest,
            };
            if let Some(uri) = after_options.split_whitespace().next() {
                self.offer(uri);
            }
        }
    }

    /// Reads a `.sources` file: paragraphs in the format deb822.
    pub fn add_deb822(&mut self, text: &str) {
        // Unlike in control files, comments may stand between the lines of a field.
        let lines = text.lines().filter(|it| !it.starts_with('#')).map(str::trim_end);
        let text = lines.collect::<Vec<_>>().join("\n");
        for paragraph in control::paragraphs(&text) {
            let disabled = paragraph.get("Enabled").is_some_and(|it| {
                matches!(it.to_ascii_lowercase().as_str(), "no" | "false" | "without" | "off" | "disable")
            });
            if disabled || !paragraph.words("Types").contains(&"deb") {
                continue;
            }
            for uri in paragraph.words("URIs") {
                self.offer(uri);
            }
        }
    }

    fn offer(&mut self, uri: &str) {
        let uri = uri.trim_end_matches('/');
        let scheme = uri.split(':').next().unwrap_or_default();
        match unusable(scheme) {
            Some(reason) => self.skipped.push((uri.to_owned(), reason)),
            None if self.mirrors.iter().any(|it| it == uri) => {}
            None => self.mirrors.push(uri.to_owned()),
        }
    }
}

fn unusable(scheme: &str) -> Option<&'static str> {
    match scheme {
        "http" | "https" => None,
        "cdrom" => Some("a disc, not a mirror"),
        "file" | "copy" => Some("a directory; give its packages with --downloads"),
        it if it.starts_with("mirror") => Some("a list of mirrors; give one of them with --mirror"),
        _ => Some("neither http nor https"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_line_form() {
        let mut sources = Sources::default();
        sources.add_list(
            "# deb http://commented.example/debian bookworm main
deb http://one.example/debian/ bookworm main # the nearest
deb\t[arch=armel,amd64 signed-by=/usr/share/keyrings/a.gpg] https://two.example/debian bookworm main contrib
deb [ trusted=yes ] http://three.example/debian ./
deb-src http://source.example/debian bookworm main
deb http://one.example/debian bookworm-updates main
deb cdrom:[Debian GNU/Linux 12]/ bookworm main
deb mirror+file:/etc/apt/mirrors/debian.list bookworm main
deb file:/srv/debian bookworm main
deb tor+http://onion.example/debian bookworm main
deb
debian nonsense
",
        );
        insta::assert_debug_snapshot!(sources, @r#"
        Sources {
            mirrors: [
                "http://one.example/debian",
                "https://two.example/debian",
                "http://three.example/debian",
            ],
            skipped: [
                (
                    "cdrom:[Debian",
                    "a disc, not a mirror",
                ),
                (
                    "mirror+file:/etc/apt/mirrors/debian.list",
                    "a list of mirrors; give one of them with --mirror",
                ),
                (
                    "file:/srv/debian",
                    "a directory; give its packages with --downloads",
                ),
                (
                    "tor+http://onion.example/debian",
                    "neither http nor https",
                ),
            ],
        }
        "#);
    }

    #[test]
    fn the_deb822_form() {
        let mut sources = Sources::default();
        sources.add_deb822(
            "Types: deb deb-src
URIs: http://one.example/debian
# a comment between the fields
 https://two.example/debian/
Suites: bookworm bookworm-updates
Components: main

Enabled: No
Types: deb
URIs: http://disabled.example/debian
Suites: bookworm
   \t
Types: deb-src
URIs: http://source.example/debian
Suites: bookworm

#Types: deb
#URIs: http://commented.example/debian

types: deb
uris: http://one.example/debian mirror://mirrors.example/list
suites: bookworm-backports
",
        );
        insta::assert_debug_snapshot!(sources, @r#"
        Sources {
            mirrors: [
                "http://one.example/debian",
                "https://two.example/debian",
            ],
            skipped: [
                (
                    "mirror://mirrors.example/list",
                    "a list of mirrors; give one of them with --mirror",
                ),
            ],
        }
        "#);
    }
}
