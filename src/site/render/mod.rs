//! Renders a site into the configuration files of the programs on the box.

mod chat;
mod dial_in;
mod dialer;
mod firewall;
mod secrets;
mod system;
mod tunnel;
mod vpn;

pub(super) use dialer::{Dialogue, connect_script};

use super::{LcpEcho, Role, Site};
use crate::names::PPPD_OPTIONS;
use std::fmt::{self, Write};

/// A rendered file.
#[derive(Clone, PartialEq)]
pub struct RenderedFile {
    /// Its absolute path on the box.
    pub path: String,
    /// Its mode: 0644, 0755 or, for secrets, 0600.
    pub mode: u32,
    /// Its content, which always ends with a newline.
    pub content: String,
    /// Its purpose, in a few words.
    pub summary: &'static str,
}

/// The first line of every file whose format has comments.
const GENERATED: &str = "# Generated from site.toml: edit that file, this one is overwritten.\n";

const SECRETS_INSIDE: u32 = 0o600;

pub(super) fn render(site: &Site) -> Vec<RenderedFile> {
    let mut files = system::files(site);
    match &site.role {
        Role::Dialer(role) => files.extend(dialer::files(role)),
        Role::DialIn(role) => files.extend(dial_in::files(role)),
    }
    files.extend(firewall::files(site));
    files
}

impl RenderedFile {
    /// A file with a single value, in a format without comments.
    fn value(path: &str, value: &str, summary: &'static str) -> Self {
        Self { path: path.to_owned(), mode: 0o644, content: format!("{value}\n"), summary }
    }

    fn config(path: impl Into<String>, lines: &str, summary: &'static str) -> Self {
        Self { path: path.into(), mode: 0o644, content: format!("{GENERATED}{lines}"), summary }
    }

    fn secret(path: &str, lines: &str, summary: &'static str) -> Self {
        Self { mode: SECRETS_INSIDE, ..Self::config(path, lines, summary) }
    }

    fn script(path: &str, lines: &str, summary: &'static str) -> Self {
        Self {
            path: path.to_owned(),
            mode: 0o755,
            content: format!("#!/bin/sh\n{GENERATED}{lines}"),
            summary,
        }
    }
}

/// `Debug` output gets into logs: the content of a 0600 file is left out.
impl fmt::Debug for RenderedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let content = if self.mode == SECRETS_INSIDE { "••••" } else { &self.content };
        f.debug_struct("RenderedFile")
            .field("path", &self.path)
            .field("mode", &format_args!("{:04o}", self.mode))
            .field("content", &content)
            .finish_non_exhaustive()
    }
}

/// pppd takes the port's UUCP lock (pppd(8), `lock`).
const LOCK: &str = "lock";

/// The options that pppd reads first, however it is started. IPv6CP would bring the interface up without `ip-pre-up`
/// (pppd's ipv6cp.c).
fn pppd_options() -> RenderedFile {
    RenderedFile::config(PPPD_OPTIONS, &format!("{LOCK}\nnoipv6\n"), "pppd, for every link")
}

/// One pppd option a line. Its arguments are numbers, addresses, checked names or [`quoted`].
#[derive(Default)]
struct Options(String);

impl Options {
    fn add(&mut self, option: impl fmt::Display) -> &mut Self {
        // A String takes every write: `fmt::Write` for it has no error.
        let _ = writeln!(self.0, "{option}");
        self
    }

    fn add_echo(&mut self, echo: &LcpEcho) -> &mut Self {
        self.add(format_args!("lcp-echo-interval {}", echo.interval))
            .add(format_args!("lcp-echo-failure {}", echo.failure))
    }
}

/// A word for pppd's parser of options and secrets (options.c, `getword`): between double quotes only `\` and `"` are
/// special.
fn quoted(word: &str) -> String {
    format!("\"{}\"", word.replace('\\', r"\\").replace('"', "\\\""))
}
