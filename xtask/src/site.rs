//! A `site.toml` on this machine.

use std::path::Path;

use dialbox::site::{Site, SiteError};

use crate::error::{Error, Result};
use crate::text_file;

/// A site, as text and parsed.
#[derive(Debug)]
pub struct SiteSource {
    /// The file's content.
    pub text: String,
    /// The parsed site.
    pub site: Site,
}

impl SiteSource {
    /// Reads and validates a file, which errors call `name`.
    pub fn load(file: &Path, name: &str) -> Result<Self> {
        Self::parse(read(file, name)?, name)
    }

    /// The same, and refuses secrets that are published in this repository.
    pub fn load_for_use(file: &Path, name: &str) -> Result<Self> {
        Self::parse_by(Site::parse_for_use, read(file, name)?, name)
    }

    /// Validates a text; what is wrong is reported with line and column of the file `name`.
    pub fn parse(text: String, name: &str) -> Result<Self> {
        Self::parse_by(Site::parse, text, name)
    }

    fn parse_by(parse: fn(&str) -> Result<Site, SiteError>, text: String, name: &str) -> Result<Self> {
        match parse(&text) {
            Ok(site) => Ok(Self { text, site }),
            Err(error) => {
                let error = error.in_file(name);
                Err(Error::new(error.headline()).fact(error.excerpt()).hint(error.next()))
            }
        }
    }
}

fn read(file: &Path, name: &str) -> Result<String> {
    text_file::read(file, name)
        .map_err(|error| error.hint("name another file, or write one with `cargo xtask site new`"))
}
